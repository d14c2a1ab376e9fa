"""The claims put to the draws: what every declared test says under each prior set, before and after the data.

An intervention is a world with something different against the same world without it (Pearl 2009): the lever or
state is set, whatever usually moves it, and all that follows from it follows. Both sides share parameters, states of
today and innovations, so that a draw's difference is the intervention's and nothing else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from typing import Any

import jax
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from outbid.conventions import AFTER, BEFORE, DATA, NEUTRAL, NOT_IDENTIFIED, STRENGTH, SUPPORTED
from outbid.model.compile import from_scale, to_scale
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.question import Context
from outbid.questions.claims.schema import ClaimTests, Forecast, Intervention, MeasureTest, Move, Shift
from outbid.questions.claims.series import SeriesAnswer, check_series, combined
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Change, Scenario, lever_paths
from outbid.stats.boxes import find_box
from outbid.stats.verdict import chances, judge
from outbid.study import Study

Floats = NDArray[np.float64]
Row = dict[str, Any]
# By name: effects by test, paths by output.
ByName = Mapping[str, Floats]
Measured = Intervention | Forecast

# How many inputs a box is looked for in: those that go most with the effect.
CANDIDATES = 12
# Of the draw that contradicts a claim most, so many inputs are named. A claim that fewer than this share of draws
# (or all but this share) bear out has no boundary worth drawing.
APART, FEW = 3, 0.02
# Beyond these, the odds of a few thousand draws are noise.
MOST_ODDS = 1000.0
NO_VERDICT = "no verdict from a quick run"
COARSE = "The draws of a quick run are too coarse for a verdict."
WEAKEST = (NO_VERDICT, *STRENGTH)
NO_GAME = "Only the players' game can answer it, and this run leaves the game out."
# What is known of a test whatever the prior set, and what it says under one, of chances also before the data.
ABOUT = ("how", "claims", "question", "answer_if", "done", "measure", "unit", "sign", "smallest")
SIZES = ("sign", "smallest")
CHANCES = ("p_direction", "p_relevant")
NUMBERS = ("bayes_factor", "median", "q05", "q95", "worst_effect", "box_coverage", "box_density", "box_share")
TEXTS = ("verdict", "because", "worst_apart", "box")


def answer(context: Context, asked: ClaimTests, options: Any = None) -> xr.Dataset:
    """Return what every test says: chances, effects by draw and verdicts by prior set, and what becomes of each claim.

    What only the players' equilibria can answer comes from them, asked for last, since they are solved beside this.
    """
    study, known, simulator, seed = context.study, context.known, context.simulator, context.settings.seed
    with context.progress.stage("Putting the claims to the test", len(known) + 1) as stage:
        series = [check_series(check, study.panel, seed) for check in asked.checks]
        # whatever the prior set, the parameters are drawn anew; today's states stay those of a prior that takes no side
        first = known.get(NEUTRAL) or next(iter(known.values()))
        wide = built_in(asked.interventions, simulator, first.history[BEFORE].state_today, seed)
        stage.advance()
        rows: list[Row] = []
        effects: dict[str, dict[str, Floats]] = {}
        for prior, each in known.items():
            after, before = (
                effects_of(asked.measured, simulator, past.state_today, seed, past.paths)
                for past in (each.history[AFTER], each.history[BEFORE])
            )
            inputs = Inputs.of(simulator.model, each.history[AFTER].state_today)
            none = {} if each.fit.carries_verdicts else {"verdict": NO_VERDICT, "because": COARSE}
            rows += [{**row, **none} for row in judged(asked, after, before, wide, prior, inputs)]
            rows += [_series_row(answer, prior) for answer in series]
            effects[prior] = after
            stage.advance()
    solved = context.of("equilibrium") if asked.equilibria else None
    if solved is not None:
        rows += _equilibrium_rows(asked, solved)
    return _dataset(rows, _about(asked, series, solved), effects, asked, study)


def effects_of(
    tests: Sequence[Measured], simulator: Simulator, today: StateToday, seed: int, past: ByName
) -> dict[str, Floats]:
    """Return what tests come to by draw, by test: shape (draws,), in the measure's unit.

    Of an intervention it is the difference that it makes, of a forecast the measure less the figure or the past that
    it is held against. `today`: where the draws stand; `seed`: of the innovations, the same in every world; `past`:
    paths in the window of the data by output name, each of shape (draws, months), for forecasts.
    """
    model, innovations = simulator.model, simulator.innovations(len(today), seed)

    def world(changes: tuple[Change, ...], here: StateToday) -> Floats:
        scenario = Scenario(id="world", label="World", description="Of a test.", changes=changes)
        levers = lever_paths(model, scenario, here.levers, simulator.months)
        return simulator.run(here, levers, innovations)

    effects: dict[str, Floats] = {}
    untouched: dict[tuple[Change, ...], Floats] = {}
    for test in tests:
        setting = test.setting if isinstance(test, Intervention) else ()
        if setting not in untouched:
            # one setting at a time is kept: a whole world of every draw is tens of megabytes
            untouched = {setting: world(setting, today)}
        plain = summary(test.summary, monthly(simulator, test, untouched[setting]))
        if isinstance(test, Intervention):
            there = shifted(model, today, test.shifts, test.moves)
            with_it = monthly(simulator, test, world((*setting, *test.changes), there))
            effects[test.id] = summary(test.summary, with_it) - plain
        elif not isinstance(test.than, str):
            effects[test.id] = plain - test.than
        else:
            behind = np.sum([past[name] for name in test.measure], axis=0)[:, -test.months :]
            behind = behind / past[test.per][:, -test.months :] if test.per else behind
            effects[test.id] = plain - summary(test.summary, behind)
    return effects


def shifted(model: Model, today: StateToday, shifts: Sequence[Shift], moves: Sequence[Move]) -> StateToday:
    """Return where the draws would stand with other states today; indices stay within their range."""
    state = dict(today.state)
    ranges = {index.name: (index.scale, index.range) for index in model.indices}
    for shift in shifts:
        scale, ends = ranges.get(shift.state, ("identity", (0.0, np.inf)))
        times, by = (1.0 if shift.times is None else shift.times), shift.by or 0.0
        bounded = np.clip(np.asarray(from_scale(scale, state[shift.state])) * times + by, *ends)
        state[shift.state] = np.asarray(to_scale(scale, bounded), dtype=float)
    for move in moves:
        going = state[move.source] * move.share
        state[move.source], state[move.target] = state[move.source] - going, state[move.target] + going
    return StateToday(today.parameters, state, today.levers)


def monthly(simulator: Simulator, test: MeasureTest, world: Floats) -> Floats:
    """Return a measure's path, shape (draws, months of the test), from a world's outputs."""
    seen = world[:, : test.months]
    path = seen[:, :, simulator.columns(test.measure)].sum(axis=2)
    return np.asarray(path / seen[:, :, simulator.columns([test.per])[0]] if test.per else path)


def built_in(
    tests: Sequence[Intervention], simulator: Simulator, before: StateToday, seed: int
) -> dict[str, Floats]:
    """Return what the model's form alone makes of every intervention: effects under parameters spread twice as wide.

    What holds in all of these draws, holds whatever the data say. `before`: draws of today from the neutral prior
    alone; their parameters are drawn anew.
    """
    model = simulator.model
    z = 2.0 * np.asarray(jax.random.normal(jax.random.key(seed), before.parameters.shape))
    parameters = np.asarray(from_standard_normal(z, prior_table(model.parameters, NEUTRAL)))
    return effects_of(tests, simulator, StateToday(parameters, before.state, before.levers), seed, {})


def judged(
    asked: ClaimTests, after: ByName, before: ByName, wide: ByName, prior: str, inputs: Inputs
) -> list[Row]:
    """Return a row for each intervention and forecast under one prior set: chances, verdict, worst draw, box.

    `after`, `before`, `wide`: effects by test with the data, from the prior alone, and (interventions only) from a
    prior twice as wide; `inputs`: what the draws of `after` consist of.
    """
    rows = []
    for test in asked.measured:
        effect = after[test.id]
        now, then = (chances(each[test.id], test.sign, test.smallest) for each in (after, before))
        form = chances(wide[test.id], test.sign, test.smallest) if test.id in wide else None
        row = {"prior": prior, "test": test.id, **asdict(judge(now, then, form, prior)), **_quantiles(effect)}
        for name in CHANCES:
            row |= {name: getattr(now, name), f"{name}_before": getattr(then, name)}
        if lost := int((~np.isfinite(effect)).sum()):
            because = f"It is no number in {lost} of {len(effect)} draws."
            none = dict.fromkeys(("bayes_factor", "median", "q05", "q95", *CHANCES), np.nan)
            rows.append({**row, **none, "verdict": NOT_IDENTIFIED, "because": because})
            continue
        holds = test.sign * effect >= test.smallest
        rows.append({**row, **inputs.worst(test.sign, effect), **inputs.box(holds)})
    return rows


@dataclass(frozen=True)
class Inputs:
    """What a draw consists of: parameters, and today's states in their own unit; `ranks` are in 0 to 1."""

    names: tuple[str, ...]
    values: Floats
    ranks: Floats

    @classmethod
    def of(cls, model: Model, today: StateToday) -> Inputs:
        """Return what the draws consist of, without what is the same in all of them."""
        stocks, indices = [item.name for item in model.stocks], [item.name for item in model.indices]
        levels = [np.asarray(from_scale(item.scale, today.state[item.name])) for item in model.indices]
        values = np.stack([*today.parameters.T, *(today.state[name] for name in stocks), *levels], axis=1)
        varied = np.ptp(values, axis=0) > 0
        names = compress([*model.parameter_names, *stocks, *indices], varied)
        values = values[:, varied]
        return cls(tuple(names), values, (rankdata(values, axis=0) - 0.5) / len(values))

    def association(self, effect: Floats) -> Floats:
        """Return each input's rank correlation with an effect (Spearman 1904), shape (inputs,)."""
        centred = rankdata(np.nan_to_num(effect)) / len(effect)
        centred = centred - centred.mean()
        ranks = self.ranks - 0.5
        size = np.sqrt((ranks**2).sum(axis=0) * (centred**2).sum())
        return np.asarray(np.divide(centred @ ranks, size, out=np.zeros(len(size)), where=size > 0))

    def worst(self, sign: int, effect: Floats) -> Row:
        """Return the draw that contradicts a claim most: its effect, and the inputs that set it apart.

        Those are inputs far out in that draw, and such as move the effect.
        """
        expected = np.where(np.isfinite(effect), sign * effect, np.inf)
        draw = int(np.argmin(expected))
        if expected[draw] >= 0:
            return {"worst_effect": np.nan, "worst_apart": ""}
        score = np.abs(self.association(effect)) * np.abs(norm.ppf(self.ranks[draw]))
        apart = [f"{self.names[i]} = {self.values[draw, i]:.4g}" for i in np.argsort(-score, kind="stable")]
        return {"worst_effect": float(effect[draw]), "worst_apart": "; ".join(apart[:APART])}

    def box(self, holds: NDArray[np.bool_]) -> Row:
        """Return the box of parameters and states in which a claim holds; empty where almost always or never."""
        if not FEW <= holds.mean() <= 1.0 - FEW:
            return {"box": ""}
        order = np.argsort(-np.abs(self.association(holds.astype(float))), kind="stable")
        close = order[:CANDIDATES].tolist()
        box = find_box(self.values[:, close], holds, [self.names[i] for i in close])
        if box is None:
            return {"box": ""}
        ends = [(limit.name, *end) for limit in box.limits for end in ((">=", limit.low), ("<=", limit.high))]
        words = "; ".join(f"{name} {side} {end:.4g}" for name, side, end in ends if np.isfinite(end))
        return {"box": words, "box_coverage": box.coverage, "box_density": box.density, "box_share": box.mass}


def _quantiles(effect: Floats) -> Row:
    effect = effect[np.isfinite(effect)]
    middle, low, high = np.quantile(effect, (0.5, 0.05, 0.95)) if len(effect) else (np.nan,) * 3
    return {name: float(f"{value:.5g}") for name, value in (("median", middle), ("q05", low), ("q95", high))}


def _series_row(answer: SeriesAnswer, prior: str) -> Row:
    """Return what a series says: the same under every prior set, and nothing before it was read."""
    row = {"prior": prior, "test": answer.check.id, "p_direction": answer.probability}
    row |= {"verdict": answer.verdict, "because": answer.because}
    return {**row, **dict(zip(("median", "q05", "q95"), answer.yearly or (), strict=False))}


def _equilibrium_rows(asked: ClaimTests, solved: xr.Dataset) -> list[Row]:
    rows = []
    for test in asked.equilibria:
        for prior in solved.prior.values.tolist():
            here = solved.sel(test=test.play, prior=prior)
            row = {name: here[name].item() for name in ("verdict", "because", "bayes_factor")}
            for name in CHANCES:
                row[name], row[f"{name}_before"] = (here[name].sel(data=each).item() for each in DATA)
            effect = _quantiles(here["effect"].sel(data=AFTER).values)
            rows.append({"prior": prior, "test": test.id, **row, **effect})
    return rows


def _about(asked: ClaimTests, series: Sequence[SeriesAnswer], solved: xr.Dataset | None) -> pd.DataFrame:
    """Return what each test is about, by its id: the columns ABOUT; those of the game only where it was solved."""
    rows: list[tuple[Any, ...]] = []
    for test in asked.measured:
        words = (test.question, test.answer_if, test.done, test.label, test.unit)
        rows.append((test.id, test.how, test.claims, *words, test.sign, test.smallest))
    if solved is not None:
        for each in asked.equilibria:
            put = solved.sel(test=each.play)
            rows.append((each.id, "equilibrium", each.claims, *(put[name].item() for name in ABOUT[2:])))
    for answer in series:
        check, sign = answer.check, -1 if answer.check.expects in ("fall", "at_most") else 1
        unit = ("times a year" if answer.ratio else "a year") if answer.yearly else ""
        words = (check.question, check.answer_if, answer.done, answer.label, unit)
        rows.append((check.id, "record", check.claims, *words, sign, 0.0))
    about = pd.DataFrame(rows, columns=["test", *ABOUT]).set_index("test")
    return about.assign(claims=[" ".join(each) for each in about["claims"]])


def _dataset(
    rows: Sequence[Row], about: pd.DataFrame, effects: Mapping[str, ByName], asked: ClaimTests, study: Study
) -> xr.Dataset:
    """Return the rows as variables over prior set and test, the effects by draw, and what becomes of each claim."""
    priors, tests, both = list(effects), about.index.tolist(), ("prior", "test")
    columns = [*both, *CHANCES, *(f"{name}_before" for name in CHANCES), *NUMBERS, *TEXTS]
    cells = pd.MultiIndex.from_product([priors, tests], names=both)
    frame = pd.DataFrame(rows, columns=columns).set_index(list(both)).reindex(cells)
    frame[list(TEXTS)] = frame[list(TEXTS)].fillna("")
    frame["bayes_factor"] = frame["bayes_factor"].clip(1.0 / MOST_ODDS, MOST_ODDS)

    def grid(name: str, kind: type) -> NDArray[Any]:
        return frame[name].to_numpy(dtype=kind).reshape(len(priors), len(tests))

    draws = max((len(each) for of in effects.values() for each in of.values()), default=0)
    effect = np.full((len(priors), len(tests), draws), np.nan)
    for i, of in enumerate(effects.values()):
        for name, each in of.items():
            effect[i, tests.index(name), : len(each)] = each
    pairs = {name: np.stack([grid(name, float), grid(f"{name}_before", float)], axis=1) for name in CHANCES}
    dataset = xr.Dataset(
        {
            "effect": ((*both, "draw"), effect),
            **{name: (("prior", "data", "test"), pair) for name, pair in pairs.items()},
            **{name: (both, grid(name, float)) for name in NUMBERS},
            **{name: (both, grid(name, str)) for name in TEXTS},
        },
        {
            **{"prior": priors, "data": list(DATA), "test": np.array(tests, dtype=str)},
            **{name: ("test", about[name].to_numpy(float if name in SIZES else str)) for name in ABOUT},
        },
    )
    return dataset.assign(_of_claims(frame["verdict"].to_dict(), about, priors, asked, study))


def _of_claims(
    verdicts: Mapping[Any, str], about: pd.DataFrame, priors: Sequence[str], asked: ClaimTests, study: Study
) -> xr.Dataset:
    """Return what becomes of each claim: it is as strong as the weakest of its tests, which is named.

    Series count together as one test: where one says yes and another no, they say nothing. `verdicts`: by prior set
    and test.
    """

    def weakest(own: Sequence[str], prior: str) -> tuple[str, str]:
        pairs = [(verdicts[prior, test], test) for test in own if about["how"][test] != "record"]
        series = [(verdicts[prior, test], test) for test in own if about["how"][test] == "record"]
        if series:
            unclear = (test for verdict, test in series if verdict != SUPPORTED)
            pairs.append((combined([verdict for verdict, _ in series]), next(unclear, series[0][1])))
        return min(pairs, key=lambda pair: WEAKEST.index(pair[0]), default=("", ""))

    by_game = {claim for each in asked.equilibria for claim in each.claims}
    found, untested = [], []
    for claim, stated in study.ledger.claims.items():
        own = [str(test) for test, of in about["claims"].items() if claim in of.split()]
        found.append([weakest(own, prior) for prior in priors])
        reason = asked.reasons.get(claim) or stated.left_out or (NO_GAME if claim in by_game else "")
        untested.append("" if own else reason)
    pairs = np.array(found, dtype=str).reshape(-1, len(priors), 2)
    central = [asked.central.index(each) if each in asked.central else -1 for each in study.ledger.claims]
    return xr.Dataset(
        {
            "claim_verdict": (("claim", "prior"), pairs[:, :, 0]),
            "claim_test": (("claim", "prior"), pairs[:, :, 1]),
            "untested": ("claim", np.array(untested, dtype=str)),
            "central": ("claim", central),
        },
        {"claim": list(study.ledger.claims)},
    )
