"""How the solver grows: 100 to 10,000 states, 2 to 4 players, 2 to 5 actions each, on a band of fixed width.

Games are random: payoffs standard normal, each month the state moves by at most five places, by a random law
that depends on everybody's action. Every case runs in a process of its own, for its peak of memory.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import time

from _table import machine

STATES, PLAYERS, ACTIONS = (100, 1_000, 10_000), (2, 3, 4), (2, 3, 5)
REACH, DISCOUNT, PRECISION = 5, 0.95, 0.5
LARGEST, PATIENCE = 8.0, 240  # GiB, seconds
REPEATS = 3


def expected(states: int, players: int, actions: int) -> float:
    """Return a rough upper estimate of the memory in GiB: what a step holds of the kernel's and the blocks' size."""
    profiles, width = actions**players, 2 * REACH + 1
    kernel = states * profiles * width
    within = states * (players * profiles * (players + 4) + 3 * (players * actions) ** 2)
    # the derivative within a state: every action by every action, profile by profile
    within += states * players * actions * players * profiles
    blocks = 6 * states * players**2 * REACH
    return 8.0 * (3 * kernel + within + blocks) / 2**30 + 0.4


def measure(states: int, players: int, actions: int) -> dict[str, object]:
    """Return seconds and memory of one case, in this process."""
    import jax.numpy as jnp
    import numpy as np

    from outbid.game.equilibrium import solve
    from outbid.game.game import Game, Grid, Player, even_axis
    from outbid.game.kernel import Banded

    generator = np.random.default_rng(1)
    profiles, width = actions**players, 2 * REACH + 1
    weights = generator.random((states, profiles, width))
    target = np.arange(states)[:, None] + np.arange(width)[None, :] - REACH
    weights *= ((target >= 0) & (target < states))[:, None, :]
    weights /= weights.sum(axis=2, keepdims=True)
    game = Game(
        tuple(Player(f"player {i}", tuple(range(actions))) for i in range(players)),
        Grid((even_axis("state", 0.0, 1.0, states),)),
        jnp.asarray(generator.standard_normal((players, states, profiles))),
        Banded(jnp.asarray(weights), REACH),
        jnp.full(players, DISCOUNT),
        jnp.full(players, PRECISION),
    )
    seconds = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        found = solve(game)
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "compile": seconds[0] - min(seconds[1:]),
        "solve": min(seconds[1:]),
        "steps": found.certificate.steps,
        "gain": found.certificate.gain,
        # macOS counts in bytes, others in KiB
        "gib": peak / 2**30 if sys.platform == "darwin" else peak / 2**20,
    }


def row(states: int, players: int, actions: int) -> str:
    case = f"{states:>7,}  {players:>7}  {actions:>7}  {states * players * actions:>8,}"
    if expected(states, players, actions) > LARGEST:
        return f"{case}  left out: would need more than {LARGEST:.0f} GiB"
    command = [sys.executable, __file__, str(states), str(players), str(actions)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"{case}  left out: took over {PATIENCE} s"
    if done.returncode:
        return f"{case}  failed: {(done.stderr.strip().splitlines() or ['killed'])[-1][:100]}"
    told = json.loads(done.stdout)
    return (
        f"{case}  {told['solve']:>9.4f}  {told['compile']:>9.1f}  {told['steps']:>5}"
        f"  {told['gain']:>8.0e}  {told['gib']:>8.2f}"
    )


def main() -> None:
    if len(sys.argv) == 4:
        print(json.dumps(measure(*map(int, sys.argv[1:]))))
        return
    print(f"Random games on a band of {2 * REACH + 1} states, best of {REPEATS}, certificate included")
    print(machine())
    print(" states  players  actions  unknowns    seconds  compiling  steps      gain  peak GiB")
    for states, players, actions in itertools.product(STATES, PLAYERS, ACTIONS):
        print(row(states, players, actions), flush=True)


if __name__ == "__main__":
    main()
