"""Full information: the likelihood with its scores on 440 states and 300 months, and estimating a small game."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from _table import show

MONTHS, REPEATS = 300, 5


def seconds_of(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def main() -> None:
    import jax.numpy as jnp

    import outbid.game  # noqa: F401
    from outbid.game.equilibrium import solve
    from outbid.game.game import Player, even_axis
    from outbid.game.hidden_estimates import Likelihood, Record, full_information
    from outbid.game.hidden_game import Anchor, Free, HiddenGame, Measure, one_index_hidden
    from outbid.game.markov import draw, joint_log
    from outbid.game.newton import log_probabilities

    def hidden(states: int, sd: float, effect: float, interaction: float) -> HiddenGame:
        return one_index_hidden(
            even_axis("support", -8.0, 8.0, states),
            (Player("mild", (0, 1)), Player("hard", (0, 1))),
            (Measure("poll", Free(1.0, sign=1), intercept=0.0), Measure("trust", Free(-0.5))),
            Anchor("poll.intercept", "sd", "poll.loading"),
            value=(Free(-0.5), Free(0.5)),
            cost=(Free(-1.5), Free(-1.5)),
            intercept=Free(0.0),
            persistence=Free(0.98 if sd < 1 else 0.85),
            effects=(Free(-effect), Free(effect)),
            interactions=(-0.75 * interaction, -interaction),
            sd=sd,
            discount=0.9,
        )

    def simulated(game: HiddenGame, seed: int) -> Record:
        found = solve(game.game(jnp.asarray(game.start)))
        logs = joint_log((2, 2), log_probabilities(found.game.arrays, jnp.asarray(found.values)))
        states, profiles = draw(found.long_run, found.game.kernel, logs, MONTHS, seed)
        at = found.game.grid.values[states, 0]
        noise = np.random.default_rng(seed).standard_normal((MONTHS, 2))
        figures = np.column_stack([at, -0.5 * at]) + noise
        figures[np.random.default_rng(seed + 1).random(figures.shape) < 1 / 3] = np.nan
        return Record(np.column_stack(np.divmod(profiles, 2)), figures)

    rows = []
    for states, sd, effect, interaction in ((440, 0.2, 0.2, 0.02), (440, 1.0, 0.8, 0.2), (41, 1.0, 0.8, 0.2)):
        game = hidden(states, sd, effect, interaction)
        record = simulated(game, 1)
        likelihood = Likelihood(game, record)
        width = game.game(jnp.asarray(game.start)).kernel.weights.shape[-1]
        what = f"{states} states, band {width}, {len(game.names)} unknowns"
        for by_month in (False, True):

            def call(
                at: np.ndarray, values: np.ndarray | None, likelihood=likelihood, by_month=by_month
            ) -> None:
                likelihood.at(at, values, by_month=by_month)

            first = seconds_of(lambda call=call, game=game: call(game.start, None))
            values = likelihood.at(game.start, by_month=by_month).values
            each = statistics.median(
                seconds_of(lambda call=call, game=game, values=values: call(1.002 * game.start, values))
                for _ in range(REPEATS)
            )
            scores = "score by month" if by_month else "score"
            rows.append((f"likelihood and {scores}, {what}", f"{each:.3f} s", "-"))
            rows.append(("  first call with compilation", f"{first:.1f} s", "-"))
    full_information(game, record)
    others = [simulated(game, seed) for seed in range(2, 2 + REPEATS)]
    taken = [seconds_of(lambda other=other: full_information(game, other)) for other in others]
    rows.append((f"estimation with errors, {what}", f"{statistics.median(taken):.1f} s", "-"))
    show(f"Full information, {MONTHS} months, two measures, a third of their figures missing", rows)


if __name__ == "__main__":
    main()
