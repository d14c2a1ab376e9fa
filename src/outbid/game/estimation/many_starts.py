"""Climb a game's likelihood from many starts, for it can have several tops.

No number of starts proves that the highest top found is the highest there is: the result says how many starts
led where, and no more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.estimation.ascent import Ascent, climb
from outbid.game.estimation.estimate import settle
from outbid.game.estimation.estimates import Estimates
from outbid.game.estimation.estimates_table import figure
from outbid.game.estimation.play import Play, check_play
from outbid.game.estimation.specification import Specification
from outbid.game.game import check_game
from outbid.game.search import search
from outbid.game.solve import NoEquilibrium
from outbid.game.threads import cores, one_thread_each

Floats = NDArray[np.float64]
# Two climbs ended at the same top when they differ by less: in log-likelihood, and in standard errors.
LEVEL, NEAR = 1e-5, 1e-2
# How many starts look for further equilibria at each top.
EQUILIBRIUM_STARTS = 12


@dataclass(frozen=True, eq=False)
class Top:
    """A local maximum of the likelihood.

    Parameters
    ----------
    estimates
        The estimates there.
    starts
        Places of the starts that led there, in the order they were given.
    equilibria
        How many equilibria a search found at these parameters; the likelihood belongs to one of them.
    """

    estimates: Estimates
    starts: tuple[int, ...]
    equilibria: int


@dataclass(frozen=True, eq=False)
class Tops:
    """Every local maximum that was found, the highest first.

    Parameters
    ----------
    tops
        The distinct ones.
    tried
        How many starts there were.
    failed
        Start by start, why it led to no top: (place, reason).
    """

    tops: tuple[Top, ...]
    tried: int
    failed: tuple[tuple[int, str], ...]

    @property
    def highest(self) -> Estimates:
        """The estimates at the highest maximum found, which need not be the highest there is."""
        return self.tops[0].estimates

    def to_rows(self) -> list[dict[str, str | float]]:
        """Return one row a maximum: log-likelihood, starts that led there, equilibria, and the parameters by name."""
        return [
            {
                "log_likelihood": top.estimates.log_likelihood,
                "starts": len(top.starts),
                "equilibria": top.equilibria,
                **dict(zip(top.estimates.names, map(float, top.estimates.estimates), strict=True)),
            }
            for top in self.tops
        ]

    def summary(self) -> str:
        """Return the maxima as a table in plain text."""
        number = len(self.tops)
        lines = [
            f"{number} local {'maximum' if number == 1 else 'maxima'} found from {self.tried} starts; "
            f"{len(self.failed)} starts led to none.",
            "A higher one may exist that no start led to.",
            "",
        ]
        head = ["log-likelihood", "starts", "equilibria", *self.highest.names]
        body = [
            [f"{float(row['log_likelihood']):.4f}", str(row["starts"]), str(row["equilibria"])]
            + [figure(float(row[name])) for name in self.highest.names]
            for row in self.to_rows()
        ]
        widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
        lines += ["  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in (head, *body)]
        return "\n".join(lines)


def draw_starts(center: ArrayLike, spread: ArrayLike, number: int = 60, seed: int = 0) -> Floats:
    """Return random starts, shape (number, parameters): the centre itself, then normal draws around it.

    Parameters
    ----------
    center, spread
        Mean and standard deviation by parameter, shape (parameters,).
    """
    middle, width = np.asarray(center, dtype=float), np.asarray(spread, dtype=float)
    if number < 1:
        raise InputError("starts, number", f"is {number}", "Give at least 1.")
    if middle.ndim != 1 or width.shape not in ((), middle.shape) or not (width >= 0).all():
        raise InputError(
            "starts, spread", "doesn't fit the centre, or is negative", "Give one for each parameter."
        )
    draws = np.random.default_rng(seed).standard_normal((number, len(middle)))
    draws[0] = 0.0
    return np.asarray(middle + draws * width)


def estimate_many(
    specification: Specification,
    play: Play,
    starts: ArrayLike,
    *,
    equilibrium_starts: int = EQUILIBRIUM_STARTS,
    seed: int = 0,
    errors: bool = True,
) -> Tops:
    """Estimate from many starts and return every distinct local maximum found, the highest first.

    Starts are climbed side by side, on as many threads as there are cores; the answer doesn't depend on that.

    Parameters
    ----------
    starts
        Shape (starts, parameters), such as from `draw_starts`.
    equilibrium_starts
        How many starts look for further equilibria at each maximum.
    seed
        For that search.
    errors
        Whether to compute every kind of standard error at each maximum.

    Raises
    ------
    InputError
        As `estimate`, for what is wrong whatever the start; and if no start leads to a maximum.
    """
    places = np.atleast_2d(np.asarray(starts, dtype=float))
    for i, each in enumerate(places):
        specification.parameters(each, f"start {i + 1}")
    game = specification.game(places[0])
    check_game(game)
    check_play(play, game)
    counts = play.counts(game)

    def attempt(start: Floats) -> Ascent | str:
        try:
            return climb(specification, counts, start)
        except (InputError, NoEquilibrium) as error:
            return str(error)

    # the first alone, so that compilation happens once
    with one_thread_each(), ThreadPoolExecutor(cores()) as pool:
        ended = [attempt(places[0]), *pool.map(attempt, places[1:])]
    failed = [(i, each) for i, each in enumerate(ended) if isinstance(each, str)]
    failed += [
        (i, each.message) for i, each in enumerate(ended) if isinstance(each, Ascent) and not each.converged
    ]
    climbed = [(i, each) for i, each in enumerate(ended) if isinstance(each, Ascent) and each.converged]
    tops = []
    for group in _told_apart(climbed):
        best = max((climb for _, climb in group), key=lambda each: float(each.at.log_likelihood))
        members = tuple(i for i, _ in group)
        try:
            found = settle(specification, play, best, errors=errors)
        except InputError as error:
            failed += [(i, str(error)) for i in members]
            continue
        if not found.converged:
            failed += [(i, found.message) for i in members]
            continue
        known = (
            search(found.equilibrium.game, equilibrium_starts, seed).equilibria if equilibrium_starts else ()
        )
        away = all(not _same_play(found, each.probabilities) for each in known)
        tops.append(Top(found, members, len(known) + int(away)))
    if not tops:
        reasons = sorted({reason for _, reason in failed})
        raise InputError(
            "starts", f"none of {len(places)} led to a maximum ({'; '.join(reasons[:3])})", "Give others."
        )
    order = sorted(tops, key=lambda top: -top.estimates.log_likelihood)
    return Tops(tuple(order), len(places), tuple(sorted(failed)))


def _told_apart(climbed: list[tuple[int, Ascent]]) -> list[list[tuple[int, Ascent]]]:
    """Group climbs that ended at the same top."""
    groups: list[list[tuple[int, Ascent]]] = []
    for place, each in climbed:
        for group in groups:
            other = group[0][1]
            gap = each.theta - other.theta
            apart = float(np.sqrt(max(gap @ other.at.information @ gap, 0.0)))
            if abs(float(each.at.log_likelihood - other.at.log_likelihood)) < LEVEL and apart < NEAR:
                group.append((place, each))
                break
        else:
            groups.append([(place, each)])
    return groups


def _same_play(found: Estimates, probabilities: tuple[Floats, ...]) -> bool:
    pairs = zip(found.equilibrium.probabilities, probabilities, strict=True)
    return all(float(np.abs(one - two).max()) < 1e-6 for one, two in pairs)
