"""What the players would choose: the Dataset of a toy study, its tables, words, figure and section."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import rivalry
from drawn_section import html_of
from outbid.conventions import PRIOR_LABELS
from outbid.data.panel import Window
from outbid.players.schema import Clauses, PlayersGame, read_game
from outbid.players.strategist import Strategist
from outbid.progress import Silent
from outbid.question import Context
from outbid.questions.equilibrium import QUESTION
from outbid.questions.equilibrium import present as words
from outbid.questions.equilibrium.compute import answer
from outbid.questions.equilibrium.present import ANSWERS
from outbid.stats.verdict import Chances, judge
from outbid.words.effects import reading

MODEL, DRAWS, PLANTED = rivalry.model(), 6, "<script>alert(1)</script>"
SAYS = """
[test.says]
yes = "the challenger keeps the incumbent hard"
no = "the challenger makes the incumbent softer"
unknown = "whether the challenger keeps the incumbent hard"

[[test]]
id = "wants_standing"
claims = ["M12"]
question = "Does the incumbent want standing?"
answer_if = "its moves give standing a positive weight"
weight = "incumbent.standing"
sign = 1
smallest = 0.5
"""
PLAY = (rivalry.PLAY + SAYS).replace(
    "resting = { challenger = 0.0 }", 'resting = { challenger = 0.0 }\nabsent = ["challenger"]'
)
PLAY = PLAY.replace('description = "Both play."', f'description = "Both play {PLANTED}."')
PLAY = PLAY.replace('label = "As now"', f'label = "As now {PLANTED}"')


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Enough of a study for the question: a folder, a model, a window, the names of the two sides."""
    folder = rivalry.folder(tmp_path_factory.mktemp("rivalry"), PLAY, rivalry.PAYOFFS)
    sides = SimpleNamespace(incumbent=f"Rulers {PLANTED}", challenger="Rebels")
    panel = SimpleNamespace(window=Window("2020-01", "2020-11"))
    asked = {"equilibrium": read_game(folder, MODEL)}
    return SimpleNamespace(
        name="rivalry", folder=folder, model=MODEL, panel=panel, settings=sides, declared=asked
    )


@pytest.fixture(scope="module")
def game(study: Any) -> PlayersGame:
    found = read_game(study.folder, MODEL)
    assert found is not None
    return found


def past(start: float) -> Any:
    levers = np.tile(np.array([[0.5, 0.0], [1.0, 1.0], [0.5, 0.0]]), (2 * DRAWS, 1, 1))
    paths = {"standing": np.zeros((2 * DRAWS, 3))}
    return SimpleNamespace(state_today=rivalry.standing_of(2 * DRAWS, start), levers=levers, paths=paths)


@pytest.fixture(scope="module")
def context(study: Any) -> Context:
    known: Any = {
        prior: SimpleNamespace(history={"after": past(start), "before": past(0.0)})
        for prior, start in (("neutral", 0.0), ("sources", 0.5))
    }
    nothing: Any = None
    return Context(study, known, nothing, SimpleNamespace(seed=7), Silent(), lambda _: None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def dataset(context: Context, game: PlayersGame) -> xr.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("outbid.questions.equilibrium.compute.PLAYED", DRAWS)
        return answer(context, game)


@pytest.fixture(scope="module")
def tables(dataset: xr.Dataset, study: Any) -> dict[str, pd.DataFrame]:
    return QUESTION.tables(dataset, study)


# the context


def test_all_questions_of_a_run_share_one_strategist(context: Context) -> None:
    other = replace(context, progress=Silent())
    assert isinstance(context.players, Strategist)
    assert other.players is context.players


def test_a_study_without_a_game_has_no_players(context: Context, tmp_path: Path) -> None:
    study: Any = SimpleNamespace(folder=tmp_path, model=MODEL)
    alone = Context(study, {}, context.simulator, context.settings, Silent(), lambda _: None)
    assert alone.players is None
    assert QUESTION.declare(study) is None


# the Dataset


def test_the_dataset_holds_what_other_questions_use(dataset: xr.Dataset, game: PlayersGame) -> None:
    sizes = {"prior": 2, "data": 2, "draw": DRAWS}
    assert dict(dataset.weight.sizes) == {**sizes, "payoff": 5}
    assert dict(dataset.effect.sizes) == {**sizes, "test": 2}
    assert dict(dataset.action.sizes) == {**sizes, "variant": 2, "player": 2}
    assert dataset.data.values.tolist() == ["after", "before"]
    assert dataset.test.values.tolist() == ["rival", "wants_standing"]
    assert dataset.measure.values.tolist() == ["hardness", "incumbent.standing"]
    assert (dataset.sign.values.tolist(), dataset.smallest.values.tolist()) == ([1, 1], [0.01, 0.5])
    assert dataset.month.values.tolist()[:2] == ["2020-12", "2021-01"] and len(dataset.month) == game.months
    assert dataset.done.values[0] == (
        "equilibrium in “as now” against “no rival”; hardness, on average over the months ahead"
    )
    assert ((dataset.p_relevant >= 0) & (dataset.p_relevant <= dataset.p_direction)).all()
    assert (dataset.p_direction <= 1 + 1e-12).all() and (dataset.draws == DRAWS).all()


def test_verdicts_follow_from_the_chances_before_and_after(dataset: xr.Dataset) -> None:
    for prior in dataset.prior.values:
        for test in dataset.test.values:
            here = dataset.sel(prior=prior, test=test)
            after, before = (
                Chances(
                    *(here[name].sel(data=data).item() for name in ("p_direction", "p_relevant", "draws"))
                )
                for data in ("after", "before")
            )
            judgement = judge(after, before, None, prior)
            assert here.verdict.item() == judgement.verdict and here.because.item() == judgement.because
            assert here.bayes_factor.item() == judgement.bayes_factor


def test_the_same_seed_gives_the_same_answer(
    dataset: xr.Dataset, context: Context, game: PlayersGame
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("outbid.questions.equilibrium.compute.PLAYED", DRAWS)
        xr.testing.assert_identical(answer(context, game), dataset)


def test_whoever_rests_stays_put(dataset: xr.Dataset) -> None:
    resting = dataset.sel(variant="no_rival", player="challenger")
    assert not resting.decides and (resting.action == 0.0).all() and (resting.action_path == 0.0).all()


def test_the_dataset_survives_its_file(dataset: xr.Dataset, study: Any, tmp_path: Path) -> None:
    dataset.to_netcdf(tmp_path / "equilibrium.nc", engine="netcdf4")
    with xr.open_dataset(tmp_path / "equilibrium.nc", engine="netcdf4") as back:
        again = QUESTION.tables(back.load(), study)
    for name, table in QUESTION.tables(dataset, study).items():
        pd.testing.assert_frame_equal(again[name], table, check_dtype=False)


def test_draws_without_an_equilibrium_are_left_out(dataset: xr.Dataset, study: Any) -> None:
    holes = dataset.copy(deep=True)
    holes.effect[:, :, 0, 2:] = np.nan
    table = QUESTION.tables(holes, study)["equilibrium_tests"].set_index(["prior", "test"])
    kept = dataset.effect.sel(prior="neutral", data="after", test="rival").values[:2]
    assert table.loc[("neutral", "rival"), "median"] == pytest.approx(np.median(kept), rel=1e-4)


# tables


KEYS = {
    "equilibrium": ["prior", "variant", "player"],
    "equilibrium_paths": ["prior", "variant", "player", "month"],
    "equilibrium_tests": ["prior", "test"],
    "payoff_weights": ["player", "term", "prior"],
    "equilibrium_fit": ["prior"],
}


def test_tables_are_tidy(tables: dict[str, pd.DataFrame], game: PlayersGame) -> None:
    assert list(tables) == list(KEYS)
    for name, keys in KEYS.items():
        assert not tables[name].duplicated(keys).any(), name
        assert not tables[name].isna().any().any(), name
    means = tables["equilibrium"].set_index(KEYS["equilibrium"])
    assert means.loc[("neutral", "as_now", "incumbent"), "lever"] == "hardness"
    assert not means.loc[("sources", "no_rival", "challenger"), "decides"]
    assert len(tables["equilibrium_paths"]) == 2 * 2 * 2 * game.months
    assert len(tables["payoff_weights"]) == 2 * 5
    assert tables["equilibrium_tests"]["claims"].tolist() == ["M06", "M12"] * 2
    assert (tables["equilibrium_fit"][["draws", "states", "moves"]] == [DRAWS, 7, 4]).all(axis=None)
    for name in ("equilibrium", "equilibrium_paths", "equilibrium_tests", "payoff_weights"):
        values = tables[name][["q05", "q25", "median", "q75", "q95"]].to_numpy()
        assert (np.diff(values, axis=1) >= 0).all(), name


def test_the_summary_holds_tests_and_weights(dataset: xr.Dataset, study: Any) -> None:
    assert QUESTION.summary is not None
    summary = QUESTION.summary(dataset, study)
    json.dumps(summary)
    assert summary["equilibrium"][0]["claims"] == ["M06"]
    assert {"id", "probability", "prior_probability", "verdict"} <= set(summary["equilibrium"][0])
    assert [each["term"] for each in summary["payoffs"]][:3] == ["standing", "standing", "aid"]


def test_a_game_without_tests_and_moves_has_a_section(
    dataset: xr.Dataset, study: Any, tmp_path: Path
) -> None:
    silent = rivalry.folder(
        tmp_path, PLAY[: PLAY.index("[[test]]")].replace('incumbent = "lever:hardness"', "")
    )
    alone = SimpleNamespace(**vars(study) | {"declared": {"equilibrium": read_game(silent, MODEL)}})
    none = dataset.isel(test=slice(0, 0))
    assert QUESTION.tables(none, alone)["equilibrium_tests"].empty
    assert "What the incumbent and the challenger would choose" in html_of(QUESTION.section(none, alone))
    assert QUESTION.lines(none, alone)[0].startswith("What the incumbent")


# words


def asked(
    neutral: tuple[float, float, float] | None, sources: tuple[float, float, float] | None
) -> pd.DataFrame:
    """Return a table with one test: by prior set, the chance of yes, that it matters, and that before the data."""
    rows = []
    for prior, numbers in (("neutral", neutral), ("sources", sources)):
        if numbers is not None:
            p, matters, before = numbers
            rows.append(
                {
                    **{"test": "rival", "prior": prior, "measure": "hardness", "unit": "share"},
                    **{"answer_if": "it is harder with the rival", "question": "Does it?", "claims": "M06"},
                    **{"q05": -0.012, "median": 0.064, "q95": 0.19, "sign": 1, "smallest": 0.05},
                    **{"p_direction": p, "p_relevant": matters, "p_direction_before": before},
                    **{"reading": ANSWERS[reading(p, before, prior, "higher")], "assumed": False},
                    **{"verdict": "supported" if p > 0.95 else "not identified"},
                }
            )
    return pd.DataFrame(rows)


HARD = "The challenger keeps the incumbent hard"
ASIDE, WORD = PRIOR_LABELS["neutral"], PRIOR_LABELS["sources"]
NONE, SLIGHT, STRONG, AGAINST = (0.5, 0.3, 0.4), (0.8, 0.2, 0.5), (0.97, 0.94, 0.5), (0.02, 0.0, 0.5)
SMALL = f"{HARD}, though probably by too little to matter"


@pytest.mark.parametrize(
    ("neutral", "sources", "text"),
    [
        (NONE, SLIGHT, f"{SMALL}, {WORD}; {ASIDE}, it can't be told"),
        (NONE, NONE, f"Whether the challenger keeps the incumbent hard can't be told, even {WORD}"),
        (STRONG, STRONG, f"{HARD}, {ASIDE} as well as {WORD}"),
        (AGAINST, STRONG, f"{HARD}, {WORD}; {ASIDE}, the data point the other way"),
        (STRONG, NONE, f"{HARD}, {ASIDE}; {WORD}, it can't be told"),
        (AGAINST, None, f"The challenger makes the incumbent softer, {ASIDE}"),
        (None, NONE, f"Whether the challenger keeps the incumbent hard can't be told, {WORD}"),
    ],
)
def test_the_heading_follows_from_the_first_test_that_says(
    game: PlayersGame, neutral: Any, sources: Any, text: str
) -> None:
    assert words.heading(asked(neutral, sources), game) == text


def test_without_such_a_test_the_heading_says_what_was_solved(game: PlayersGame) -> None:
    silent = SimpleNamespace(tests=(), players=game.players, variants=game.variants)
    assert words.heading(asked(NONE, NONE), silent) == (  # type: ignore[arg-type]
        "What the incumbent and the challenger would choose, in 2 variants of their game"
    )
    assert words.facts(asked(NONE, NONE), silent) == []  # type: ignore[arg-type]


def test_what_was_assumed_is_said_to_be(game: PlayersGame) -> None:
    table = asked(STRONG, STRONG).assign(assumed=True)
    assert words.heading(table, game).startswith("By assumption, the challenger keeps the incumbent hard")
    assert all("◇ assumed" in text for _, text in words.facts(table, game))
    assert words.settled(table) == (
        "Of 1 question to the game, 1 is settled without taking sides, all of them assumed; 1 taking the texts at "
        "their word, all of them assumed"
    )


numbers = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))


@settings(max_examples=60, deadline=None)
@given(numbers, numbers)
def test_words_never_say_more_than_the_probability(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> None:
    clauses = Clauses(yes="it does", no="it does not", unknown="whether it does")
    tests = (SimpleNamespace(id="rival", says=clauses, smallest=0.05),)
    table = asked(first, second)
    heading = words.heading(table, SimpleNamespace(tests=tests))  # type: ignore[arg-type]
    for _, row in table.iterrows():
        if 0.35 <= row["p_direction"] <= 0.65:
            assert row["reading"] == "unknown"
        elif row["reading"] != "unknown":
            assert (row["reading"] == "yes") == (row["p_direction"] > 0.5)
    if (table["reading"] == "unknown").all():
        assert heading.startswith("Whether it does can't be told")
    assert heading[0].isupper() and not heading.endswith(".") and "nan" not in heading


def test_the_numbers_behind_the_heading(game: PlayersGame) -> None:
    (data, first), (sources, second) = words.facts(asked((0.59, 0.31, 0.52), (0.91, 0.62, 0.93)), game)
    assert (data, sources) == tuple(PRIOR_LABELS.values())
    assert first == (
        f"Hardness (percentage points), “As now {PLANTED}” less “No rival”: +6.4 (90% interval −1.2 to +19). That it "
        "is harder with the rival: can't be told (59%); before the data, 52%; by enough to matter, 5.0 percentage "
        "points or more: 31%."
    )
    assert "very likely, 91%; before the data, 93%" in second


def test_what_the_moves_say_of_the_weights() -> None:
    table = pd.DataFrame({"prior": "neutral", "contraction": [0.0, 0.05, 0.2, 0.9]})
    assert words.learnt(table) == (
        "Of 4 things that the players may want, their past moves say much about 1 and nothing about 2"
    )


def test_the_fit_names_a_view_where_the_views_differ() -> None:
    row = {"prior": "neutral", "draws": 100, "states": 160, "moves": 116, "trials": 8, "solved": 0.995}
    row |= {"residual": 3e-10, "fit": -118.2, "by_chance": -157.1, "effective": 3.4, "discount": 0.98}
    other = row | {"prior": "sources", "solved": 0.98, "fit": -121.0}
    told = words.fit(pd.DataFrame([row, other]))
    assert told["solved"] == "over 99% (without taking sides) and 98% (taking the texts at their word)"
    assert told["typical"] == "36% (without taking sides) and 35% (taking the texts at their word)"
    assert (told["blind"], told["moves"], told["states"], told["year"]) == (
        "26%",
        "116 moves",
        "160 states",
        "0.78",
    )
    assert told["residual"] == "0.0001"
    assert words.fit(pd.DataFrame([row | {"fit": -1e9}]))["typical"] == "under 1%"


# figure and section


def test_the_figure_has_the_colours_of_who_chooses_and_ids_that_join(dataset: xr.Dataset, study: Any) -> None:
    (figure,) = QUESTION.section(dataset, study).figures
    spec = json.dumps(figure.spec)
    assert "var(--incumbent)" in spec and "var(--challenger)" in spec and len(spec) < 20_000
    assert not re.search(r'"#[0-9a-fA-F]{3,6}"', spec)
    rows = figure.data["variants"]
    assert set(rows["variant"]) == {"as_now", "no_rival"}
    # a rival who is not there is not drawn as one who rests
    assert ("no_rival", "challenger") not in set(zip(rows["variant"], rows["player"], strict=True))
    assert (
        figure.caption
        and figure.source
        and "The incumbent's hardness, mean, without taking" in figure.alternative
    )


@pytest.fixture(scope="module")
def page(dataset: xr.Dataset, study: Any) -> str:
    return html_of(QUESTION.section(dataset, study))


def test_the_section_shows_every_test_under_both_views(page: str) -> None:
    assert page.count('<section id="equilibrium">') == 1 and 'id="figure-variants"' in page
    assert "M06" in page and "M12" in page
    for ident in ("rival", "wants_standing"):
        assert page.split(f'<tr id="test-{ident}">')[1].split("</tr>")[0].count("<td") == 2
    assert PLANTED not in page and "&lt;script&gt;" in page
    assert "100%" not in page and "nan" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_the_section_is_short(page: str) -> None:
    visible = re.sub(r"<(script|details)\b.*?</\1>|<p class=\"fallback\">.*?</p>", " ", page, flags=re.S)
    assert len(re.sub(r"<[^>]+>", " ", visible).split()) < 500


def test_at_most_ten_lines(dataset: xr.Dataset, study: Any) -> None:
    lines = QUESTION.lines(dataset, study)
    assert 0 < len(lines) <= 10 and all(len(line) <= 100 for line in lines)
    assert any("Does the rival keep the incumbent hard?" in line for line in lines)
