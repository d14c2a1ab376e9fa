"""How many equilibria a game has: entry games whose answer an exhaustive search knows, and the principal branch."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq, root
from scipy.special import expit

from outbid.errors import InputError
from outbid.game import Axis, Game, Grid, NoEquilibrium, Player, game_from_arrays, principal, search
from outbid.game.equilibrium import Equilibrium
from outbid.game.many_starts import Multiplicity

Floats = NDArray[np.float64]
FIRMS = (Player("one", (0, 1)), Player("two", (0, 1)))
# what entering adds: alone, and beside the other; by firm
ALONE, BESIDE = (1.0, 0.8), (-1.4, -1.6)


def market(precision: float, alone: tuple[float, float] = ALONE) -> Game:
    """Two firms enter or stay out, again and again; nothing is carried over."""
    payoffs = np.zeros((2, 1, 4))
    payoffs[0, 0, 2:] = alone[0], BESIDE[0]
    payoffs[1, 0, [1, 3]] = alone[1], BESIDE[1]
    return game_from_arrays(
        FIRMS, Grid((Axis("market", (0.0,)),)), payoffs, np.ones((1, 4, 1)), 0.5, precision
    )


def off(p: float, precision: float, alone: tuple[float, float] = ALONE) -> float:
    """By how much the first firm's best reply to the second's best reply to it differs from what it does."""
    rival = expit(precision * ((1 - p) * alone[1] + p * BESIDE[1]))
    return float(expit(precision * ((1 - rival) * alone[0] + rival * BESIDE[0])) - p)


def exhaustive(precision: float, alone: tuple[float, float] = ALONE) -> list[float]:
    """All of the first firm's chances to enter in equilibrium, on a fine line of chances."""
    line = np.unique(np.concatenate([np.linspace(0, 1, 2001), expit(np.linspace(-35, 35, 2001))]))
    gaps = [off(p, precision, alone) for p in line]
    found = [
        brentq(off, low, high, args=(precision, alone), xtol=1e-15)
        for low, high, one, two in zip(line, line[1:], gaps, gaps[1:], strict=False)
        if one * two < 0
    ]
    return found + [1.0] * (gaps[-2] > 0)


def entry(found: Equilibrium) -> float:
    return float(found.of("one")[0, 1])


@pytest.mark.parametrize("precision", [1.0, 3.0, 10.0, 100.0, 300.0])
def test_every_equilibrium_of_an_entry_game_is_found(precision: float) -> None:
    """From hardly any precision to nearly none of chance; undamped steps led nowhere at 100 and above."""
    found = search(market(precision))
    chances = sorted(map(entry, found.equilibria))
    known = exhaustive(precision)
    assert len(chances) >= len(known) and len(chances) == (1 if precision == 1 else 3)
    for each in known:
        assert np.min(np.abs(np.array(chances) - each)) < 1e-8
    assert min(found.counts) >= 5 and found.missed == 0.0
    assert all(each.certificate.gain < 1e-8 for each in found.equilibria)


def test_what_was_missed_is_estimated_from_what_was_found_seldom() -> None:
    one = search(market(1.0))
    found = Multiplicity(one.equilibria * 6, (10, 5, 2, 1, 1, 1), 25, 5)
    assert found.missed == pytest.approx(3 * 2 / (2 * 2))
    assert found.unseen == pytest.approx(3 / 20)
    assert "5 led nowhere; an estimated 2 more were missed" in found.sentence()
    assert "under" in one.sentence() and one.unseen == pytest.approx(np.log(20) / sum(one.counts))
    few = search(market(3.0), 3)
    assert few.starts == 3 and sum(few.counts) + few.failed == 3


@pytest.mark.parametrize("alone", [pytest.param((1.0, 0.8), marks=pytest.mark.slow), (0.8, 1.0), (1.0, 0.2)])
def test_the_principal_branch_is_the_one_that_begins_at_no_precision(alone: tuple[float, float]) -> None:
    """Small steps of precision on the same branch; mirrored firms; and a firm that hardly wants to enter."""
    p = 0.5
    for precision in np.linspace(0.0, 2.0, 2001):
        p = float(root(lambda x, at=precision: off(float(x[0]), at, alone), [p]).x[0])
    found = principal(market(2.0, alone))
    assert entry(found) == pytest.approx(p, abs=1e-8)
    assert found.certificate.gain < 1e-10
    # whoever gains more alone is the one who enters
    sharp = principal(market(100.0, alone))
    assert (entry(sharp) > 0.5) == (alone[0] > alone[1])


def test_the_principal_branch_is_followed_where_it_turns_back() -> None:
    """A game of coordination, drawn at random, whose branch goes back to lower precision before it goes on."""
    generator = np.random.default_rng(7)
    payoffs = generator.normal(size=(2, 3, 3)) + np.eye(3) * generator.uniform(0, 4, size=(2, 3, 1))
    players = [Player("one", (0, 1, 2)), Player("two", (0, 1, 2))]
    line = Grid((Axis("x", (0.0,)),))
    game = game_from_arrays(players, line, payoffs.reshape(2, 1, 9), np.ones((1, 9, 1)), 0.0, 20.0)
    found = principal(game)
    assert found.certificate.method == "principal branch, turned back 2 times"
    assert found.certificate.gain < 1e-8
    assert found.of("one")[0, 1] > 0.99 and found.of("two")[0, 1] > 0.99


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="game: is a float"):
        principal(3.0)  # type: ignore[arg-type]
    assert issubclass(NoEquilibrium, InputError)


# --- Pesendorfer and Schmidt-Dengler's form: whoever was in last month is spared the cost of entry

COST, SCRAP, DISCOUNT = -0.2, 0.1, 0.9


def incumbency(precision: float) -> Game:
    """The first firm's past counts: it pays to enter and is paid to leave. The second enters anew each month."""
    payoffs, kernel = np.zeros((2, 2, 4)), np.zeros((2, 4, 2))
    for was in (0, 1):
        for profile, (mine, theirs) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            gain = -1.2 if mine and theirs else 1.2
            payoffs[0, was, profile] = mine * (gain + (0 if was else COST)) + (1 - mine) * was * SCRAP
            payoffs[1, was, profile] = theirs * (gain + COST)
            kernel[was, profile, mine] = 1.0
    return game_from_arrays(FIRMS, Grid((Axis("was_in", (0.0, 1.0)),)), payoffs, kernel, DISCOUNT, precision)


def reply(chances: Floats, precision: float) -> Floats:
    """The first firm's best reply, (..., 2), to the second's best reply to its chances to be in, by last month."""
    rival = expit(precision * (1.2 + COST - 2.4 * chances))
    stay = np.array([0.0, SCRAP])
    enter = (1 - rival) * 1.2 - rival * 1.2 + np.array([COST, 0.0])
    worth = np.zeros(chances.shape)
    for _ in range(400):
        out, into = stay + DISCOUNT * worth[..., :1], enter + DISCOUNT * worth[..., 1:]
        worth = np.logaddexp(precision * out, precision * into) / precision
    return np.asarray(expit(precision * (into - out)))


@pytest.mark.slow
@pytest.mark.parametrize("precision", [2.0, 6.0, 15.0])
def test_every_equilibrium_with_a_past_is_found(precision: float) -> None:
    line = np.unique(np.concatenate([np.linspace(0, 1, 301), expit(np.linspace(-25, 25, 101))]))
    at = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    gaps = reply(at, precision) - at
    corners = np.stack([gaps[:-1, :-1], gaps[1:, :-1], gaps[:-1, 1:], gaps[1:, 1:]])
    crossed = ((corners.min(axis=0) <= 0) & (corners.max(axis=0) >= 0)).all(axis=-1)
    known: list[Floats] = []
    for i, j in np.argwhere(crossed):
        solved = root(lambda x: reply(x, precision) - x, at[i, j], tol=1e-12)
        if solved.success and not any(np.abs(each - solved.x).max() < 1e-6 for each in known):
            known.append(solved.x)
    found = [each.of("one")[:, 1] for each in search(incumbency(precision)).equilibria]
    assert known
    for each in known:
        assert min(np.abs(each - other).max() for other in found) < 1e-6
    assert len(found) >= len(known)
