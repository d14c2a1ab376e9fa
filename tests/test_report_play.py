"""The section on strategic play: its words, tables, figures and page, with invented numbers."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.report.content import ReportContent
from outbid.report.figures import equilibrium, worlds
from outbid.report.page import render
from outbid.report.play import tables as play_tables
from outbid.report.play import words as play_words
from outbid.report.play.content import PayoffRow, Play, PlayRow, PlaySummary, PlayTest, World
from outbid.report.play.files import csv_tables
from outbid.report.play.rows import find_test, means_in_words
from outbid.report.play.trust import how_sure
from outbid.report.saved import from_text, to_text
from outbid.report.tables import tables
from report_fixture import HORIZON, N_MONTHS, PLANTED, content, month

HARDNESS, EFFORT = (0.4, 0.55, 0.7, 0.85, 1.0), (-1.0, 0.0, 1.0)
WORLDS = (
    World("as_now", "As now", "Both play; outside offers stay where they are today.", True),
    World("no_rival", "No challenger", "There is nobody to defect to and nobody who outbids.", False),
    World("no_taste_for_hardness", "No taste for hardness", "The incumbent draws nothing from it.", False),
    World("conditional_aid", "Conditional aid", f"Aid is on offer for openness {PLANTED}.", False),
    World("unconditional_aid", "Unconditional aid", "Aid is on offer whatever the incumbent does.", False),
    World("soft", "A soft incumbent", "It rules at the mildest level whatever happens.", False),
    World("hard", "A hard incumbent", "It rules as before 2001 whatever happens.", False),
)
# world: mean hardness and effort under neutral priors, and under the sources' ones
MEANS = {
    "as_now": (0.87, -0.15, 0.88, 0.05),
    "no_rival": (0.83, math.nan, 0.80, math.nan),
    "no_taste_for_hardness": (0.74, -0.12, 0.73, 0.08),
    "conditional_aid": (0.81, -0.1, 0.71, 0.12),
    "unconditional_aid": (0.88, -0.16, 0.89, 0.03),
    "soft": (0.4, 0.05, 0.4, 0.33),
    "hard": (1.0, -0.2, 1.0, -0.06),
}
# id, claims, question, answer, measure, unit, sign, smallest, and by prior set: median, q05, q95, p, p matters, before
TESTS = (
    (
        *("rival_hardness", "M06", "Does the challenger keep the incumbent hard?"),
        *("the incumbent is harder with the challenger than without", "hardness", "0 to 1", 1, 0.05),
        *((0.018, -0.06, 0.13, 0.59, 0.31, 0.52), (0.064, -0.012, 0.19, 0.91, 0.62, 0.93)),
    ),
    (
        *("rival_above_taste", "M06", "Is the challenger a stronger reason than the incumbent's own taste?"),
        *(
            "taking the challenger away softens more than taking the taste away",
            "hardness",
            "0 to 1",
            1,
            0.05,
        ),
        *((-0.09, -0.31, 0.07, 0.17, 0.06, 0.48), (-0.05, -0.28, 0.1, 0.28, 0.11, 0.51)),
    ),
    (
        *("best_reply", "M13", "Does the challenger press harder on an incumbent that is soft?"),
        *("its effort is higher against a soft incumbent than against a hard one", "effort"),
        *("standard units", 1, 0.1),
        *((0.22, -0.1, 0.61, 0.86, 0.69, 0.5), (0.37, 0.02, 0.8, 0.96, 0.88, 0.95)),
    ),
    (
        *("stays_hard", "M15", "Does the incumbent stay as hard as it is?"),
        *("its hardness at the horizon is at least today's", "hardness", "0 to 1", 1, 0.0),
        *((0.02, -0.09, 0.1, 0.62, 0.62, 0.44), (0.02, -0.08, 0.09, 0.64, 0.64, 0.45)),
    ),
    (
        *("lives_by_cohesion", "M20", "Has the incumbent played for cohesion?"),
        *("its past moves give cohesion a positive weight", "incumbent.cohesion"),
        *("shocks a month per unit of cohesion", 1, 5.0),
        *((6.1, -19.0, 31.0, 0.66, 0.53, 0.5), (15.0, 1.6, 38.0, 1.0, 0.84, 1.0)),
    ),
    (
        *("hardness_shores_up", "M27", "Does refusing moderation shore up the incumbent's credit?"),
        *("its standing at the horizon is higher if it stays hard", "standing", "standard units", 1, 0.1),
        *((0.4, 0.05, 1.1, 0.97, 0.93, 0.58), (0.9, 0.3, 1.7, 0.99, 0.99, 0.97)),
    ),
    (
        *("offer_moves", "N01", "Does an offer of aid and recognition for openness soften the incumbent?"),
        *("it is softer with the offer than without", "hardness", "0 to 1", -1, 0.05),
        *((-0.05, -0.2, 0.04, 0.82, 0.5, 0.5), (-0.15, -0.33, -0.02, 0.97, 0.86, 1.0)),
    ),
)
# player, term, unit, meaning, spread of the prior, claimed, learnt under the neutral priors
WEIGHTS = (
    ("incumbent", "cohesion", "unit of cohesion", "What it is worth that nobody leaves", 20.0, True, 0.31),
    ("incumbent", "aid", "2022's grants", "What a year of grants as in 2022 is worth", 1.0, True, 0.08),
    ("incumbent", "engagement", "unit of engagement", "What engagement is worth", 0.2, True, -0.01),
    ("incumbent", "hardness", "unit of hardness", f"What hardness is worth {PLANTED}", 0.2, False, 0.12),
    ("incumbent", "turn", "squared change of hardness", "What it costs to turn", 150.0, False, 0.88),
    ("challenger", "share", "unit of share", "What its share of the camp is worth", 20.0, True, 0.22),
    ("challenger", "effort", "unit of tempo", "What effort costs", 5.0, False, 0.61),
)


def rows() -> tuple[PlayRow, ...]:
    """Return what both players do in all worlds; where there is no rival, the challenger's row rests."""
    months = tuple(month(N_MONTHS + i) for i in range(HORIZON))
    out = []
    for i, prior in enumerate(("neutral", "sources")):
        for world, means in MEANS.items():
            for player, lever, levels, mean, wide in (
                ("incumbent", "hardness", HARDNESS, means[2 * i], 0.09),
                ("challenger", "effort", EFFORT, means[2 * i + 1], 0.35),
            ):
                decides = world not in ("soft", "hard") if player == "incumbent" else not math.isnan(mean)
                level, spread = (mean, wide) if decides else (0.0 if math.isnan(mean) else mean, 0.0)
                start = 0.86 if player == "incumbent" and decides else level
                path = [level + (start - level) * math.exp(-k / 9) for k in range(HORIZON)]
                band = [spread * (0.3 + 0.7 * (1 - math.exp(-k / 12))) for k in range(HORIZON)]
                low = tuple(max(a - b, levels[0]) for a, b in zip(path, band, strict=True))
                high = tuple(min(a + b, levels[-1]) for a, b in zip(path, band, strict=True))
                ends = (max(level - spread, levels[0]), min(level + spread, levels[-1]))
                out.append(
                    PlayRow(
                        *(world, player, lever, prior, levels, months, tuple(path), low, high),
                        *(sum(path) / HORIZON, *ends, decides),
                    )
                )
    return tuple(out)


def asked() -> tuple[PlayTest, ...]:
    """Return all tests under both prior sets, with the verdicts that their probabilities give."""
    out = []
    for ident, claims, question, answer_if, measure, unit, sign, smallest, *found in TESTS:
        for prior, numbers in zip(("neutral", "sources"), found, strict=True):
            p = numbers[3]
            verdict = "supported" if p >= 0.95 else "contradicted" if p <= 0.05 else "not identified"
            out.append(
                PlayTest(
                    *(ident, (claims,), question, answer_if, measure, unit, sign, smallest, prior),
                    *(*numbers, verdict),
                )
            )
    return tuple(out)


def weights() -> tuple[PayoffRow, ...]:
    """Return the payoff weights before and after the moves."""
    out = []
    for player, term, unit, meaning, spread, claimed, learnt in WEIGHTS:
        cost = term in ("turn", "effort")
        both = f"normal, mean 0, sd {spread:g}", f"half-normal, scale {spread:g}"
        priors = dict(zip(("neutral", "sources"), (both[1], both[1]) if cost else both, strict=True))
        if not claimed:
            priors["sources"] = priors["neutral"]
        half = {name: text.startswith("half") for name, text in priors.items()}
        out.append(
            PayoffRow(
                *(player, term, f"shocks a month per {unit}", meaning, priors),
                {name: spread * (0.7 if is_half else 0.2) for name, is_half in half.items()},
                {name: spread * (0.06 if is_half else -1.2) for name, is_half in half.items()},
                dict.fromkeys(half, spread * 1.8),
                {name: 1.0 if is_half else 0.61 for name, is_half in half.items()},
                {"neutral": learnt, "sources": learnt / 2},
            )
        )
    return tuple(out)


SUMMARIES = (
    PlaySummary("neutral", 400, 160, 0.995, 3e-10, 116, -118.2, -157.1, 8, 3.4, 0.98, 0.0),
    PlaySummary("sources", 400, 160, 0.98, 4e-10, 116, -121.0, -157.1, 8, 3.1, 0.98, 0.0),
)


BASE = replace(content(), play=Play(WORLDS, rows(), asked(), weights(), SUMMARIES))


def played(**changes: object) -> ReportContent:
    """Return the made-up report with strategic play in it."""
    return replace(BASE, play=replace(BASE.play, **changes))  # type: ignore[arg-type]


def with_rival(
    neutral: tuple[float, float, float, float] | None, sources: tuple[float, float, float, float] | None
) -> ReportContent:
    """Return a report whose test of the rival has other numbers: median, spread, probability, probability matters."""
    told = []
    for prior, numbers in (("neutral", neutral), ("sources", sources)):
        if numbers is not None:
            median, spread, p, matters = numbers
            first = next(each for each in asked() if each.prior == prior)
            told.append(
                replace(
                    first,
                    median=median,
                    q05=median - spread,
                    q95=median + spread,
                    probability=p,
                    probability_matters=matters,
                )
            )
    return played(tests=tuple(told))


NONE, SLIGHT, STRONG = (0.0, 0.2, 0.5, 0.3), (0.03, 0.06, 0.8, 0.2), (0.2, 0.1, 0.97, 0.94)
AGAINST, TINY = (-0.2, 0.1, 0.02, 0.0), (0.001, 0.01, 0.5, 0.0)


@pytest.mark.parametrize(
    ("neutral", "sources", "text"),
    [
        (
            *(NONE, SLIGHT),
            "The data alone don't tell whether the challenger keeps the incumbent hard; if the sources are "
            "right, it is very likely that it does, though unlikely by enough to matter",
        ),
        (
            *(NONE, NONE),
            "Whether the challenger keeps the incumbent hard can't be told, even if the sources are right",
        ),
        (
            *(TINY, TINY),
            "Whether the challenger keeps the incumbent hard can't be told, even if the sources are right; "
            "either way it is too little to matter",
        ),
        (
            *(STRONG, STRONG),
            "It is nearly certain, on the data alone and if the sources are right, that the challenger keeps "
            "the incumbent hard, and very likely by enough to matter",
        ),
        (
            *(SLIGHT, STRONG),
            "On the data alone it is very likely, and if the sources are right nearly certain, that the "
            "challenger keeps the incumbent hard",
        ),
        (
            *(AGAINST, STRONG),
            "On the data alone it is nearly certain that the challenger makes the incumbent softer, not harder; "
            "if the sources are right, it is nearly certain that it keeps it hard, and very likely by enough to "
            "matter",
        ),
        (
            *(STRONG, NONE),
            "On the data alone it is nearly certain that the challenger keeps the incumbent hard, and very likely by "
            "enough to matter; if the sources are right, this can't be told",
        ),
        (
            *(STRONG, None),
            "On the data alone it is nearly certain that the challenger keeps the incumbent hard, and very likely by "
            "enough to matter",
        ),
        (
            *(None, NONE),
            "Whether the challenger keeps the incumbent hard can't be told, if the sources are right",
        ),
        (None, None, "What the incumbent and the challenger would choose, in 7 worlds"),
    ],
)
def test_the_heading_follows_from_the_test_of_the_rival(
    neutral: tuple[float, float, float, float] | None,
    sources: tuple[float, float, float, float] | None,
    text: str,
) -> None:
    assert play_words.heading(with_rival(neutral, sources)) == text


numbers = st.tuples(
    st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1) | st.just(math.nan)
)


@settings(max_examples=60, deadline=None)
@given(numbers, numbers)
def test_words_never_say_more_than_the_probability(
    first: tuple[float, float, float, float, float], second: tuple[float, float, float, float, float]
) -> None:
    told = with_rival(first[:4], second[:4])
    tests = tuple(
        replace(test, prior_probability=each[4])
        for test, each in zip(told.play.tests, (first, second), strict=True)
    )
    told = replace(told, play=replace(told.play, tests=tests))
    heading = play_words.heading(told)
    for test in tests:
        reading = play_words.read_test(test)
        if 0.35 <= test.probability <= 0.65:
            assert reading == "unknown"
        elif reading != "unknown":
            assert (reading == "yes") == (test.probability > 0.5)
    if all(play_words.read_test(test) == "unknown" for test in tests):
        assert "likely" not in heading and "certain" not in heading
    assert heading[0].isupper() and not heading.endswith(".") and "nan" not in heading


def test_what_the_data_did_not_move_is_said_to_be_assumed() -> None:
    test = find_test(played().play, "rival_hardness", "neutral")
    assert test is not None
    told = replace(test, probability=0.97, prior_probability=0.96, verdict="supported")
    assert play_words.read_test(told) == "yes" and play_words.assumed(told)
    heading = play_words.heading(played(tests=(told,)))
    assert heading.startswith(
        "On the data alone it is nearly certain, by assumption, that the challenger keeps"
    )
    assert play_tables.verdict(told)[0] == "✓ supported, by assumption"
    assert play_words.read_test(replace(told, probability=0.75, prior_probability=0.74)) == "unknown"
    assert play_tables.verdict(test) == ("? not identified", "open")


def test_the_numbers_behind_the_heading() -> None:
    (sources, first), (data, second) = play_words.rival_lines(played())
    assert (sources, data) == ("if the sources are right", "the data alone")
    assert first == (
        "Hardness with the challenger, against without it: 0.064 more (90% interval −0.012 to +0.19). That it "
        "is harder: very likely, 91% (93% before the data); and by enough to matter, 0.050 or more: likely, 62%."
    )
    assert "That it is harder: the data don't tell, 59% (52% before the data)" in second


def test_learnt_from_the_moves() -> None:
    assert play_words.learnt(-0.2) == "nothing (0)"
    assert play_words.learnt(0.2) == "a little (0.20)"
    assert play_words.learnt(0.9) == "much (0.90)"
    assert play_words.learnt(math.nan) == "not known"


def test_how_sure_says_what_was_solved_and_what_is_left_out() -> None:
    solving, limits = how_sure(played())
    assert "over 99% (the data alone) and 98% (if the sources are right) of the games" in solving
    assert "160 states" in solving and "116 moves" in solving
    assert "36% (the data alone) and 35% (if the sources are right), blind play 26%" in solving
    assert "tempo" in limits and "edicts" in limits and "means" in limits and "0.98" in limits
    blind = tuple(replace(each, fit=each.by_chance - 3) for each in SUMMARIES)
    assert "no better than chance" in how_sure(played(summaries=blind))[0]
    assert how_sure(played(summaries=())) == ()


# figures


def test_figures_carry_their_data_and_the_colours_of_who_chooses() -> None:
    drawn = [module.figure(played()) for module in (equilibrium, worlds)]
    for figure in drawn:
        assert figure is not None
        spec = json.dumps(figure.spec)
        assert set(re.findall(r'"data": \{"name": "(\w+)"\}', spec)) <= set(figure.data)
        assert "var(--incumbent)" in spec and "var(--challenger)" in spec
        assert not re.search(r'"#[0-9a-fA-F]{3,6}"', spec) and len(spec) < 20_000
        assert set(figure.download) <= set(figure.data)
        assert figure.caption and figure.source and "As now 0.8" in figure.alternative
        for table in figure.data.values():
            assert all(len(row) == len(table.columns) for row in table.rows)


def test_a_rival_who_is_not_there_is_not_drawn_as_one_who_rests() -> None:
    told = played()
    figure = worlds.figure(told)
    assert figure is not None
    table = figure.data["worlds"]
    named = {(row[0], row[table.columns.index("player")], row[6]) for row in table.rows}
    assert ("No challenger", "challenger", "no, set") not in named
    assert ("A soft incumbent", "incumbent", "no, set") in named
    assert "No challenger not there" not in means_in_words(told)
    section = play_tables.section(told)
    assert section is not None
    alone = next(line for line in section.world_lines if line.label == "No challenger")
    assert alone.cells[2:] == ("not there", "not there")
    soft = next(line for line in section.world_lines if line.label == "A soft incumbent")
    assert soft.cells[0] == "set to 0.40"


# page and tables


@pytest.fixture(scope="module")
def page() -> str:
    return render(played())


def test_the_section_stands_after_the_scenarios_and_in_the_contents(page: str) -> None:
    assert page.index('id="whatif"') < page.index('id="choose"') < page.index('id="unknowns"')
    assert '<a href="#choose">Their choices</a>' in page
    assert 'id="figure-ahead"' in page and 'id="figure-worlds"' in page
    assert '<a href="#claim-M06">M06</a>' in page
    assert PLANTED not in page
    ids = re.findall(r' id="([^"]+)"', page.split("<script>")[0])
    assert len(ids) == len(set(ids))


def test_every_question_stands_in_the_table_under_both_prior_sets(page: str) -> None:
    for ident in {test.id for test in asked()}:
        block = page.split(f'<tbody id="test-{ident}">')[1].split("</tbody>")[0]
        assert block.count("<tr>") == 2
        assert "the data alone" in block and "if the sources are right" in block
    assert (
        "✓ supported" in page
        and "Of 7 questions, 1 is settled on the data alone; 4 if the sources are right, all of them by"
        in page
    )


def test_without_play_there_is_no_trace() -> None:
    assert play_tables.section(content()) is None
    assert csv_tables(content()) == {}
    assert "choose" not in render(content()).split("<script>")[0].split("<body>")[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"tests": ()},
        {"payoffs": ()},
        {"summaries": ()},
        {"rows": ()},
        {"worlds": WORLDS[:1]},
        {"rows": (), "tests": (), "payoffs": (), "summaries": ()},
        {"rows": tuple(row for row in rows() if row.player == "challenger" and row.prior == "sources")},
        {"rows": tuple(replace(row, player=f"side_{row.player}") for row in rows())},
    ],
)
def test_whatever_is_missing_the_page_renders(changes: dict[str, object]) -> None:
    assert 'id="choose"' in render(played(**changes))


def test_the_tables_beside_the_report_hold_everything() -> None:
    told = played()
    made = tables(told)
    read = {name: list(csv.DictReader(io.StringIO(made[name]))) for name in csv_tables(told)}
    assert len(read["equilibrium.csv"]) == len(told.play.rows) * HORIZON
    assert len(read["strategic_tests.csv"]) == len(told.play.tests)
    assert len(read["payoff_weights.csv"]) == 2 * len(told.play.payoffs)
    assert read["strategic_tests.csv"][0]["claims"] == "M06"


def test_play_survives_being_saved() -> None:
    assert from_text(to_text(played()), "content.json") == played()
