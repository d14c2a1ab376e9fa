"""The section on history with other levers: its words, tables, figure and page, with invented numbers."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.report.figures import replay as picture
from outbid.report.page import environment
from outbid.report.replay import words
from outbid.report.replay.content import (
    ReplayContent,
    ReplayCourse,
    ReplayEffect,
    ReplayFigure,
    ReplayOutcome,
    ReplayPath,
    ReplaySetting,
)
from outbid.report.replay.rows import main_outcomes, ordered_outcomes, prior_sets, reading
from outbid.report.replay.tables import files, section
from outbid.report.saved import rebuilt, to_text
from report_fixture import PLANTED, month

MONTHS = tuple(month(i) for i in range(14))
PRIORS = ("neutral", "sources")
COURSES = (
    ReplayCourse(
        *("open", "Schools open", "They reopen.", "Had schools reopened", "One part of many."), MONTHS[6]
    ),
    ReplayCourse("pressed", "Pressed", f"It is pressed {PLANTED}.", "", "", MONTHS[1]),
)
OUTCOMES = (
    ReplayOutcome("violence", "Violence", "attacks", "lower", "sum", "All of it."),
    ReplayOutcome("cohesion", "Cohesion", "percent", "higher", "mean_last_year", "Who stays.", "cohesion"),
    ReplayOutcome(
        "resources", "Resources", "billion US dollars a year", "higher", "end", "Means.", "resources"
    ),
    ReplayOutcome("defections", "Defections", "persons", "lower", "sum", "They leave.", "members_lost"),
)


def effect(
    replay: str, outcome: str, prior: str, *, median: float = 10.0, better: float = 0.5, before: float = 0.5
) -> ReplayEffect:
    spread = 40.0
    return ReplayEffect(
        *(replay, outcome, prior, 1800.0, 530.0, 4800.0, 1800 + median, 540.0, 4900.0),
        *(median, median - spread, median - 15, median + 15, median + spread, better, before),
    )


def path(replay: str, outcome: str, prior: str, level: float, spread: float) -> ReplayPath:
    def line(shift: float) -> tuple[float, ...]:
        return tuple(level + 0.1 * i + shift * spread for i in range(len(MONTHS)))

    return ReplayPath(replay, outcome, prior, line(0), line(-1), line(-0.4), line(0.4), line(1))


def content(better: dict[str, float] | None = None, before: float = 0.5) -> ReplayContent:
    """Return a made-up content; `better` holds the probability that fewer leave, by prior set."""
    chances = better or {"neutral": 0.5, "sources": 0.02}
    pairs = [(c.id, o.id, prior) for prior in chances for c in COURSES for o in OUTCOMES]
    return ReplayContent(
        MONTHS,
        COURSES,
        OUTCOMES,
        tuple(path("", o.id, prior, 50.0, 20.0) for prior in chances for o in OUTCOMES),
        tuple(path(*each, 52.0, 20.0) for each in pairs),
        tuple(path(*each, 2.0, 3.0) for each in pairs),
        tuple(
            effect(
                *each,
                median=10.0 if chances[each[2]] <= 0.5 else -10.0,
                better=chances[each[2]],
                before=before if each[2] == "neutral" else chances[each[2]],
            )
            for each in pairs
        ),
        tuple(
            ReplaySetting(
                *("open", "hardness", "How hard", "share", prior, MONTHS[6], MONTHS[-1], 0.74, 0.64, 0.125)
            )
            for prior in chances
        ),
        (ReplayFigure("defections", "Counts", f"{MONTHS[0]}-01", f"{MONTHS[1]}-30", 45.0, 60.0, "a source"),),
    )


@pytest.mark.parametrize(
    ("neutral", "sources", "says"),
    [
        (
            *(0.5, 0.02),
            "Had schools reopened, more members would have gone over to the rival, if the sources are right; the "
            "data alone don't tell",
        ),
        (
            *(0.5, 0.45),
            "Had schools reopened: whether more or fewer members would have gone over to the rival can't be told, "
            "even if the sources are right",
        ),
        (
            *(0.97, 0.9),
            "Had schools reopened, fewer members would have gone over to the rival: the data alone say so, and so do "
            "the sources",
        ),
        (
            *(0.97, 0.5),
            "Had schools reopened, fewer members would have gone over to the rival, say the data alone; the sources' "
            "own view leaves it open",
        ),
        (
            *(0.97, 0.1),
            "Had schools reopened, more members would have gone over to the rival, if the sources are right; the data "
            "point the other way",
        ),
    ],
)
def test_the_heading_says_the_answer(neutral: float, sources: float, says: str) -> None:
    assert words.heading(content({"neutral": neutral, "sources": sources})) == says


def test_one_prior_set_and_a_course_without_an_opening_have_headings_too() -> None:
    alone = replace(content({"sources": 0.01}), replays=COURSES[1:])
    assert words.heading(alone) == (
        "With “Pressed”, more members would have gone over to the rival, if the sources are right"
    )
    assert words.heading(content({"neutral": 0.5})).endswith("can't be told, on the data alone")
    assert section(alone) is not None and prior_sets(alone) == ("sources",)


def test_what_was_as_sure_before_the_data_is_called_an_assumption() -> None:
    told = section(content({"neutral": 0.02, "sources": 0.02}, before=0.02))
    assert told is not None
    assert "by assumption" in told.main[0].rows[0][1][0].better  # type: ignore[union-attr]
    assert "nearly certain, by assumption" in dict(told.courses[0].findings)["the data alone"]
    assert any("as sure before the data" in each for each in told.cannot_tell)
    assert told.lead[1].endswith("the sign of 6 can be told, all of them by assumption.")


def test_outcomes_with_a_part_in_the_answer_come_first() -> None:
    assert [o.id for o in ordered_outcomes(content())] == ["defections", "resources", "cohesion", "violence"]
    assert [o.id for o in main_outcomes(content())] == ["defections", "resources", "cohesion"]
    plain = replace(content(), outcomes=tuple(replace(o, role="") for o in OUTCOMES))
    assert main_outcomes(plain) == plain.outcomes
    assert "more or less of this: violence" in words.heading(
        replace(plain, effects=tuple(replace(e, probability_better=0.5) for e in plain.effects))
    )


def test_the_section_holds_every_replay_and_what_it_changes() -> None:
    told = section(content())
    assert told is not None
    assert [line.label for line in told.courses] == ["Schools open", "Pressed"]
    assert told.courses[0].settings == (
        "Hardness 0.64 instead of 0.74 on average, from March 2022 on; it stops at the edge of its range in 12% of "
        "draws."
    )
    assert dict(told.courses[0].findings) == {
        "the data alone": "which way anything would have gone can't be told.",
        "if the sources are right": "more members lost to the rival (nearly certain), less to live on (nearly "
        "certain), less cohesion (nearly certain).",
    }
    assert [block.label for block in (*told.main, *told.others)] == [
        *("Defections", "Resources", "Cohesion", "Violence")
    ]
    block = told.main[0]
    assert block.summary == "sum over 14 months" and block.happened.startswith("1,800 persons")
    data, sources = block.rows[0][1]
    assert data is not None and (data.better, data.surely) == ("can't tell (50%)", "open")
    assert sources is not None and (sources.better, sources.surely) == ("remote, 2%", "bad")
    assert (sources.difference, sources.span) == ("+10", "−30 to +50")
    assert any("hardness does in 12% of draws" in each for each in told.cannot_tell)


def test_a_median_that_pretends_is_written_as_none() -> None:
    tiny = replace(content(), effects=tuple(replace(e, median=0.001) for e in content().effects))
    told = section(tiny)
    assert told is not None and told.main[0].rows[0][1][0].difference == "0"  # type: ignore[union-attr]


def test_the_terminal_gets_ten_short_lines() -> None:
    many = replace(content(), replays=COURSES * 6)
    for each in (content(), many, content({"neutral": 0.5})):
        told = words.lines(each)
        assert 3 <= len(told) <= 10 and all(len(line) <= 100 for line in told)
    assert (
        words.lines(content())[-2]
        == "Schools open: data +10, can't tell (50%); sources +10, nearly certain, 98%"
    )
    assert words.lines(ReplayContent()) == ("The study declares no replays.",)


def test_the_picture_has_paths_differences_and_figures() -> None:
    figure = picture.figure(content())
    assert figure is not None
    table = figure.data[picture.ID]
    what = table.columns.index("what")
    kinds = [row[what] for row in table.rows]
    months = len(MONTHS)
    assert kinds.count("happened") == 3 * 2 * months
    assert kinds.count("replayed") == kinds.count("difference") == 3 * 2 * 2 * months
    assert kinds.count("figure") == 1
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert figure.options["scenario"] == "Schools open" and figure.options["view"] == "neutral"
    names = {each["name"] for each in figure.spec["params"]}
    assert names == {"replay_view", "scenario", "replay_shown"}
    assert "Defections: 33 to 73 persons instead of 31 to 71 persons." in figure.alternative
    json.dumps(figure.spec)


def test_content_survives_being_saved() -> None:
    assert rebuilt(ReplayContent, to_text(content()), "here") == content()
    assert rebuilt(ReplayContent, to_text(ReplayContent()), "here") == ReplayContent()


def test_tables_hold_every_effect_and_month() -> None:
    made = files(content())
    assert set(made) == {"replays.csv", "replay_paths.csv", "replay_levers.csv"}
    rows = list(csv.DictReader(io.StringIO(made["replays.csv"])))
    assert len(rows) == len(content().effects)
    assert rows[0]["difference_median"] == "10" and rows[0]["happened_median"] == "1800"
    paths = list(csv.DictReader(io.StringIO(made["replay_paths.csv"])))
    assert {row["kind"] for row in paths} == {"level", "difference"}
    assert len(paths) == len(MONTHS) * (8 + 16 + 16)
    assert [row["replay"] for row in paths if row["replay"] == "happened"]
    assert "0.74,0.64,0.125" in made["replay_levers.csv"]
    assert files(ReplayContent()) == {}


def test_the_section_renders_and_a_planted_script_stays_text() -> None:
    page = environment().from_string(
        '{% import "parts.html.j2" as parts with context %}{% include "replay.html.j2" %}'
    )
    html = page.render(replay=section(content()), claim_ids=set())
    assert '<section id="otherwise">' in html and 'data-controls="replay"' in html
    assert PLANTED not in html and "&lt;script&gt;" in html
    for name in ("replay_view", "replay_shown"):
        assert f'<input type="radio" name="{name}"' in html
    # radio buttons of one name are one group all over a page, so no other section may have these
    assert 'name="prior"' not in html
    assert page.render(replay=section(ReplayContent()), claim_ids=set()).strip() == ""
    one = page.render(replay=section(content({"neutral": 0.4})), claim_ids=set())
    assert "If the sources are right" not in one


@settings(max_examples=60, deadline=None)
@given(
    neutral=st.floats(0, 1),
    sources=st.floats(0, 1),
    before=st.floats(0, 1),
)
def test_words_never_say_more_than_the_rule_allows(neutral: float, sources: float, before: float) -> None:
    made = content({"neutral": neutral, "sources": sources}, before)
    outcome = ordered_outcomes(made)[0]
    told = words.heading(made)
    assert "  " not in told and told[0].isupper() and not told.endswith(".")
    if reading(made, "open", outcome, "neutral") == "unknown":
        assert "the data alone say" not in told and "say the data alone" not in told
    for prior, found in words.findings(made, COURSES[0]):
        assert found.endswith(".") and prior in ("the data alone", "if the sources are right")
