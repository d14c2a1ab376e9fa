"""Equilibria of the published outbidding game, one and many, and its counterfactual tables: seconds after compilation.

The numbers of the game are those that Crisman-Cox and Gibilisco print or store (Tug of War, International
Organization): state equation, payoff estimates and their covariance, to as many digits as matter for time.
Where they give times for their own scripts, these stand beside the targets.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from _table import show

REPEATS = 15
# popularity from -9.816 by 0.05: 440 states
LOWEST, STEP, STATES = -9.816476340869906, 0.05, 440
# constant, attacks by Hamas and by Fatah, lagged state, and its products with the attacks; sigma
EQUATION = (-0.0182330, -0.2059531, 1.1248416, 0.9962230, 0.0079014, 0.0260729, 0.2160746)
# beta and kappa of Hamas and Fatah
THETA = np.array([-0.00707123, 0.000494786, -0.945379, -2.455433])
COVARIANCE = np.array(
    [
        [3.09180e-05, 1.93947e-06, 0.00117591, -0.00199853],
        [1.93947e-06, 1.39511e-07, 6.48501e-05, -0.000142691],
        [0.00117591, 6.48501e-05, 0.0784086, -0.0478467],
        [-0.00199853, -0.000142691, -0.0478467, 0.159747],
    ]
)
DRAWS, MONTHS = 100, 300


def timed(call: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float, float]:
    """Return seconds of the first call, with compilation, and the best and the median of later ones."""
    begun = time.perf_counter()
    call()
    first, later = time.perf_counter() - begun, []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        later.append(time.perf_counter() - begun)
    return first, min(later), statistics.median(later)


def main() -> None:
    import jax
    import jax.numpy as jnp

    from outbid.game.branches import follow_all
    from outbid.game.comparison import compare, without
    from outbid.game.equilibrium import solve, solve_many
    from outbid.game.game import Axis, Player
    from outbid.game.outcomes import activity
    from outbid.game.specification import Specification, classic_specification

    def family(states: int) -> Specification:
        step = STEP * (STATES - 1) / (states - 1)
        axis = Axis("popularity", tuple((LOWEST + step * np.arange(states)).tolist()))
        players = [Player("hamas", (0, 1)), Player("fatah", (0, 1))]
        return classic_specification(axis, players, EQUATION, 0.999)

    large, small = family(STATES), family(100)
    game, little = large.game(THETA), small.game(THETA)
    base = solve(game)
    generator = np.random.default_rng(1)
    thetas = generator.multivariate_normal(THETA, COVARIANCE, size=DRAWS)
    batch = jax.block_until_ready(jax.vmap(large.build)(jnp.asarray(thetas)))
    visited = generator.choice(STATES, size=MONTHS, p=base.long_run)
    eras = np.split(visited, [80, 144])
    rivals = [without("without Fatah", large, "fatah"), without("without Hamas", large, "hamas")]
    moves = [sign * 0.13 * np.array(who) for sign in (-1, 1) for who in ((1, 0), (0, 1), (1, 1))]

    def rival_table() -> object:
        found = compare(large, THETA, COVARIANCE, rivals, base=base)
        rows = []
        for i, player in enumerate(("hamas", "fatah")):
            by_state = found.base.of(player) - found.others[i].of(player)
            for era in eras:
                effect = found.base.along(player, era) - found.others[i].along(player, era)
                rows.append(
                    (effect.values, effect.errors, by_state.values[era].std(ddof=1) / len(era) ** 0.5)
                )
        return rows

    def cost_table() -> object:
        games = [large.game(THETA + np.array([0.0, 0.0, *move])) for move in moves]
        trails = follow_all(base, games, (9 / 29, 1.0))
        return [
            np.asarray(activity(one.game, jnp.asarray(one.values))).mean(axis=1)
            for trail in trails
            for one in trail.equilibria
        ]

    solved = solve_many(batch).solved
    rows = []
    for what, call, repeats, target in (
        (f"one equilibrium, {STATES} states", lambda: solve(game), REPEATS, "0.05 s"),
        ("one equilibrium, 100 states", lambda: solve(little), REPEATS, "0.005 s"),
        (f"{DRAWS} parameter draws, {STATES} states", lambda: solve_many(batch), 3, "3 s"),
        ("effect of a rival (Table 4), with delta-method errors", rival_table, 7, "0.5 s (theirs 14.8 s)"),
        ("effect of costs (Table 5), six paths followed", cost_table, 7, "0.5 s (theirs 239 s)"),
    ):
        first, best, middle = timed(call, repeats)
        rows += [
            (f"{what}: best of {repeats}", f"{best:.4f} s", target),
            ("    median", f"{middle:.4f} s", ""),
            ("    first call here, with what was not compiled yet", f"{first:.2f} s", ""),
        ]
    rows.append((f"draws with an equilibrium, of {DRAWS}", f"{int(solved.sum())}", ""))
    show("Equilibria of the published game", rows)


if __name__ == "__main__":
    main()
