"""Strategic play: games on a grid of states, their equilibria, and what data say about payoffs."""

import outbid.model  # noqa: F401  - sets 64-bit arithmetic before anything is computed
