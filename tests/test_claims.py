"""The room on the claims: what a toy study's claims come to, as a Dataset, tables, lines and a section of the page."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import outbid
from contest import PARAMETERS
from contest import model as contest_model
from outbid.data.panel import Panel, Record, Series, Window
from outbid.evidence import Claim, Ledger, Source
from outbid.model.compile import initial_state
from outbid.model.priors import from_standard_normal, prior_table
from outbid.progress import Silent
from outbid.question import Context
from outbid.questions.claims import QUESTION
from outbid.questions.claims.compute import NO_VERDICT
from outbid.questions.claims.present import MARKS, bayes_factor, effect, groups, moved, ranked
from outbid.questions.claims.schema import (
    ClaimTests,
    EquilibriumTest,
    Forecast,
    Intervention,
    SeriesCheck,
    Shift,
)
from outbid.report.page import environment
from outbid.run_settings import Settings
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.scenario import Change

PLANTED = "<script>alert(1)</script>"
MODEL, DRAWS, MONTHS = contest_model(), 150, 12
STATED = {
    "M10": ("O", "stock:challengers"),
    "M12": ("C", "mechanism:standing"),
    "M13": ("S", "lever:hardness"),
    "M14": ("C", "mechanism:defection"),
    "M16": ("F", "outcome:members"),
    "N15": ("C", "mechanism:killing"),
    "N18": ("O", "stock:challengers"),
    "N30": ("R", ""),
}


def measured(name: str, claims: tuple[str, ...], **what: Any) -> dict[str, Any]:
    about = {
        "id": name,
        "claims": claims,
        "question": f"{name} {PLANTED}?",
        "answer_if": "It is lower; much.",
    }
    shared = {"summary": "end", "months": MONTHS, "smallest": 0.01}
    return {**about, **shared, **what}


def check(name: str, claims: tuple[str, ...], series: str) -> SeriesCheck:
    words = {"question": f"Did {series} rise?", "answer_if": "They rise."}
    return SeriesCheck(id=name, claims=claims, series=series, expects="rise", **words)


MEMBERS = {"measure": ("outcome.members",), "label": "members", "unit": "persons"}
STANDING = {"measure": ("standing",), "label": "standing", "unit": "index"}
ASKED = ClaimTests(
    central=("M14",),
    interventions=(
        Intervention(
            **measured(
                "softer", ("M12", "M14"), **STANDING, sign=-1, changes=(Change(lever="hardness", by=-1.0),)
            )
        ),
        Intervention(
            **measured(
                "pressure", ("N15",), **MEMBERS, sign=-1, changes=(Change(lever="counterforce", to=1.0),)
            )
        ),
        Intervention(
            **measured("lower", ("M14",), **MEMBERS, sign=1, shifts=(Shift(state="standing", by=-1.0),))
        ),
    ),
    forecasts=(Forecast(**measured("ahead", ("M16",), **MEMBERS, sign=1, than=100.0)),),
    equilibria=(EquilibriumTest(id="reply", claims=("M13",), play="best_reply"),),
    checks=(check("grew", ("M10", "N18"), "fighters"), check("struck", ("M10",), "attacks")),
)


def series(name: str, values: list[float]) -> Series:
    days = [dt.date(2021 + i, 6, 30) for i in range(len(values))]
    records = tuple(
        Record(name, day, day, value, None, None, "un") for day, value in zip(days, values, strict=True)
    )
    return Series(name, name.capitalize(), "persons", name, records, "level")


@pytest.fixture(scope="module")
def study() -> Any:
    source = Source(id="s", title="A paper", outlet="Press", author=PLANTED, date="", url="", licence="")
    claims = {
        name: Claim(
            id=name,
            kind=kind,
            statement=f"Claim {name} {PLANTED}.",
            source="s",
            locator="page 1",
            homes=(home,) if home else (),
            left_out="" if home else "Rhetoric.",
        )
        for name, (kind, home) in STATED.items()
    }
    panel = Panel(
        Window("2021-01", "2026-12"),
        {
            each.id: each
            for each in (series("fighters", [1, 3, 9, 27, 81]), series("attacks", [81, 27, 9, 3, 1]))
        },
    )
    return SimpleNamespace(model=MODEL, ledger=Ledger({"s": source}, claims), panel=panel, folder=Path())


def today(seed: int, **fixed: float) -> Any:
    """A past that ends where draws from the neutral prior would stand at the start, with some parameters set."""
    z = np.random.default_rng(seed).standard_normal((DRAWS, len(PARAMETERS)))
    values = np.array(from_standard_normal(z, prior_table(PARAMETERS, "neutral")))
    for name, value in fixed.items():
        values[:, MODEL.parameter_names.index(name)] = value
    p = {name: values[:, i] for i, name in enumerate(MODEL.parameter_names)}
    state = {name: np.broadcast_to(each, (DRAWS,)) for name, each in initial_state(MODEL, p).items()}
    return SimpleNamespace(state_today=StateToday(values, state, np.tile([0.5, 0.4], (DRAWS, 1))), paths={})


def solved() -> xr.Dataset:
    """What the equilibria would say."""
    both = ("prior", "data", "test")
    about = {
        "measure": "hardness",
        "unit": "0 to 1",
        "question": "Reply?",
        "answer_if": "It is.",
        "done": "games",
    }
    return xr.Dataset(
        {
            "p_direction": (both, [[[0.98], [0.5]], [[0.99], [0.98]]]),
            "p_relevant": (both, [[[0.9], [0.4]], [[0.9], [0.9]]]),
            "effect": ((*both, "draw"), np.full((2, 2, 1, 5), [np.nan, 1.0, 2.0, 3.0, 4.0])),
            "bayes_factor": (("prior", "test"), [[5000.0], [1.5]]),
            "verdict": (("prior", "test"), [["supported"], ["not identified"]]),
            "because": (("prior", "test"), [["Raised."], ["The prior said as much."]]),
        },
        {
            "prior": ["neutral", "sources"],
            "data": ["after", "before"],
            "test": ["best_reply"],
            **{name: ("test", [text]) for name, text in about.items()},
            **{"sign": ("test", [1]), "smallest": ("test", [0.0])},
        },
    )


def answered(
    study: Any, game: xr.Dataset | None, verdicts: bool = True, asked: ClaimTests = ASKED
) -> xr.Dataset:
    simulator = Simulator(MODEL, MONTHS)
    pasts = {"neutral": today(9, standing_hardness=0.4), "sources": today(10, standing_hardness=0.5)}
    known: Any = {
        name: SimpleNamespace(
            history={"after": past, "before": today(i)}, fit=SimpleNamespace(carries_verdicts=verdicts)
        )
        for i, (name, past) in enumerate(pasts.items())
    }
    context = Context(study, known, simulator, Settings(), Silent(), {"equilibrium": game}.get)
    return QUESTION.answer(context, asked, None)


@pytest.fixture(scope="module")
def dataset(study: Any) -> xr.Dataset:
    return answered(study, solved())


def shown(study: Any, dataset: xr.Dataset) -> str:
    section = QUESTION.section(dataset, study)
    loader = jinja2.FileSystemLoader(Path(outbid.__file__).parent)
    page = environment().overlay(loader=loader, undefined=jinja2.StrictUndefined)
    given: Mapping[str, Any] = {"tables": section.tables, "figures": section.figures, "section": section}
    return page.get_template(section.template).render(**section.words, **given, claim_ids=set(STATED))


# what comes of the claims


def verdicts(study: Any, dataset: xr.Dataset, prior: str = "neutral") -> dict[str, tuple[str, str]]:
    rows = QUESTION.tables(dataset, study)["claim_verdicts"].query("prior == @prior")
    return dict(zip(rows["claim"], zip(rows["verdict"], rows["test"], strict=True), strict=True))


def test_a_claim_is_as_strong_as_its_weakest_test(study: Any, dataset: xr.Dataset) -> None:
    found = verdicts(study, dataset)
    assert found["M12"] == ("supported", "softer")
    assert found["M14"][0] == min(
        dataset.verdict.sel(prior="neutral", test=["softer", "lower"]).values,
        key=("contradicted", "not identified", "supported", "built in").index,
    )
    assert found["N15"] == ("built in", "pressure")
    assert found["N18"] == ("supported", "grew")
    assert found["M10"] == ("not identified", "struck")  # its series disagree; the first unclear one is named
    assert found["M13"] == ("supported", "reply")
    assert "N30" not in found and dataset.untested.sel(claim="N30") == "Rhetoric."


def test_effects_are_given_by_draw_for_what_was_run(dataset: xr.Dataset) -> None:
    run = dataset.effect.sel(test=["softer", "pressure", "lower", "ahead"])
    assert dataset.effect.dims == ("prior", "test", "draw") and bool(np.isfinite(run).all())
    row = dataset.sel(prior="neutral", test="softer")
    assert row["median"] == pytest.approx(np.median(row.effect), rel=1e-4)
    assert row.p_direction.sel(data="after") == np.mean(row.effect < 0)
    assert np.isnan(dataset.effect.sel(test=["grew", "reply"])).all()


def test_equilibria_answer_where_they_are_solved(study: Any, dataset: xr.Dataset) -> None:
    row = dataset.sel(prior="neutral", test="reply")
    assert (row["median"], row.bayes_factor, row.done) == (
        2.5,
        1000.0,
        "games",
    )  # odds beyond a thousand are noise
    without = answered(study, None)
    assert "reply" not in without.test.values
    assert "this run leaves the game out" in without.untested.sel(claim="M13").item()


def test_a_quick_run_gives_no_verdicts_but_what_figures_say(study: Any) -> None:
    quick = answered(study, None, verdicts=False)
    found = verdicts(study, quick)
    assert found["M12"][0] == found["N15"][0] == NO_VERDICT
    assert found["N18"][0] == "supported"
    assert "(coarse)" in shown(study, quick) and "no verdict from a quick run" in shown(study, quick)


def test_the_dataset_survives_the_disk(study: Any, dataset: xr.Dataset, tmp_path: Path) -> None:
    dataset.to_netcdf(tmp_path / "claims.nc", engine="netcdf4")
    again = xr.load_dataset(tmp_path / "claims.nc", engine="netcdf4")
    for name, table in QUESTION.tables(dataset, study).items():
        pd.testing.assert_frame_equal(QUESTION.tables(again, study)[name], table)
    assert shown(study, again) == shown(study, dataset)


def test_same_seed_same_answer(study: Any, dataset: xr.Dataset) -> None:
    xr.testing.assert_identical(answered(study, solved()), dataset)


def test_a_study_without_tests_shows_its_claims(study: Any) -> None:
    bare = answered(study, None, asked=ClaimTests())
    section = QUESTION.section(bare, study)
    assert section.words["heading"] == (
        "The sources make 8 claims; 1 has no place in the model, and none is tested yet"
    )
    assert section.figures == [] and "All 8 claims" in shown(study, bare)
    assert {each["verdict"] for each in QUESTION.summary(bare, study)["claims"]} == {None}


# tables


def test_the_tables_are_tidy(study: Any, dataset: xr.Dataset) -> None:
    made = QUESTION.tables(dataset, study)
    keys = {"claims": ["claim"], "claim_verdicts": ["claim", "prior"], "claim_tests": ["test", "prior"]}
    assert made.keys() == keys.keys()
    for name, key in keys.items():
        assert not made[name].duplicated(key).any() and made[name].notna()[key].all().all()
    assert made["claims"]["claim"].tolist() == list(STATED)
    assert made["claims"].set_index("claim")["tests"]["M14"] == "softer lower"
    assert len(made["claim_tests"]) == 2 * 7


def test_what_was_as_sure_before_the_data_is_assumed(study: Any, dataset: xr.Dataset) -> None:
    tests = QUESTION.tables(dataset, study)["claim_tests"].set_index(["test", "prior"])
    assert not tests["assumed"]["reply", "neutral"] and tests["assumed"]["reply", "sources"]
    assert not tests["assumed"]["grew", "neutral"]  # figures have no "before"


def test_the_summary_holds_every_claim(study: Any, dataset: xr.Dataset) -> None:
    claims = {each["id"]: each for each in QUESTION.summary(dataset, study)["claims"]}
    assert list(claims) == list(STATED)
    m13 = claims["M13"]["by_prior"]["neutral"]
    assert (m13["verdict"], m13["prior_probability"], m13["posterior_probability"]) == (
        "supported",
        0.5,
        0.98,
    )
    assert m13["effect"]["median"] == 2.5
    assert claims["M10"]["by_prior"]["sources"]["prior_probability"] is None
    json.dumps(claims, allow_nan=False)


# words


def test_central_claims_come_first_then_the_settled_then_the_moved(study: Any, dataset: xr.Dataset) -> None:
    order = ranked(dataset).drop_duplicates("claim")
    assert order["claim"].iloc[0] == "M14"
    settled = order["verdict"].isin(["supported", "contradicted"]).tolist()[1:]
    assert settled == sorted(settled, reverse=True)


def test_every_tested_claim_stands_in_one_group(study: Any, dataset: xr.Dataset) -> None:
    rows = ranked(dataset)
    found = groups(rows, "neutral")
    claims = [claim for each in found for claim in (*each["claims"], *each["observations"])]
    assert sorted(claims) == sorted(rows["claim"].unique())
    assert {each["verdict"] for each in found} <= set(MARKS)
    section = QUESTION.section(dataset, study)
    assert (
        "plain observation" in section.words["heading"] and "of 7 claims" in section.words["heading"].lower()
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.5, 0.97, "50% → nearly certain, 97%"),
        (0.97, 0.98, "◇ assumed (97% → 98%)"),
        (1.0, 1.0, "◇ assumed (over 99% → over 99%)"),
        (np.nan, 0.0, "remote, under 1%"),
        (np.nan, np.nan, ""),
    ],
)
def test_probabilities_are_never_all_or_nothing(before: float, after: float, words: str) -> None:
    assert moved(before, after) == words


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1.2, "1.2"), (0.04, "1/25"), (1000.0, "1,000 or more"), (0.001, "1/1,000 or less"), (np.nan, "")],
)
def test_a_bayes_factor_in_two_digits(factor: float, words: str) -> None:
    assert bayes_factor(factor) == words


def test_an_effect_within_its_own_noise_is_about_nothing() -> None:
    row = {"median": 0.5, "q05": -400.0, "q95": 1400.0, "unit": "persons"}
    assert effect(row) == "about 0 (−400 to +1,400) persons"
    assert effect({**row, "median": np.nan}) == ""


def test_a_terminal_gets_ten_lines(study: Any, dataset: xr.Dataset) -> None:
    lines = QUESTION.lines(dataset, study)
    assert 0 < len(lines) <= 10
    assert all(0 < len(line) <= 100 and line.isprintable() for line in lines)
    assert any(line.startswith("✓ Supported, ") for line in lines)


# the page


def test_the_section_shows_every_claim_once_and_runs_nothing(study: Any, dataset: xr.Dataset) -> None:
    page = shown(study, dataset)
    body = re.sub(r"<script type=\"application/json\".*?</script>", "", page, flags=re.S)
    assert PLANTED not in body and "&lt;script&gt;alert(1)" in body
    leading = ranked(dataset)["claim"].drop_duplicates().tolist()
    order = [*leading, *(claim for claim in STATED if claim not in leading)]
    assert re.findall(r'id="claim-(\w+)"', body) == order
    assert body.count('class="tested"') == 7  # a test that stands for two claims is told once
    assert "Tested with" in body and "No test: Rhetoric." in body
    assert "The series disagree." in body and "100%" not in body and re.search(r"\b0%", body) is None
    assert not re.search(r"<[^>]+ on\w+=", body)


def test_the_picture_speaks_of_ids(study: Any, dataset: xr.Dataset) -> None:
    (figure,) = QUESTION.section(dataset, study).figures
    rows = figure.data["claims"]
    assert set(rows["claim"]) <= set(STATED) and "M10" not in set(rows["claim"])  # its series disagree
    assert set(rows["prior"]) == {"neutral", "sources"}
    assert "M14" in figure.alternative and figure.caption
