"""The section on the claims: its words, table, picture and files, with an invented audit and without a browser."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_fixture import audit, audited
from outbid.brief.summary import summary
from outbid.report import words
from outbid.report.claims import tables as claims_tables
from outbid.report.claims import words as claims_words
from outbid.report.claims.content import (
    VERDICTS,
    BoxLimit,
    ClaimBox,
    ClaimsContent,
    ClaimVerdict,
    Trial,
    WorstRun,
)
from outbid.report.claims.odds import bayes_in_words, chances, size
from outbid.report.claims.rows import MARKS, find_trial, judged, weakest
from outbid.report.claims.tests import block, box_words, drawn, limit_words, worst_words
from outbid.report.figures import claims as picture
from outbid.report.page import render
from outbid.report.saved import from_text, to_text
from outbid.report.tables import tables
from report_fixture import PLANTED, content


def trial(test: str, prior: str = "neutral") -> Trial:
    found = find_trial(audit(), test, prior)
    assert found is not None
    return found


def one_claim(*verdicts: str) -> ClaimsContent:
    """An audit with a claim for each verdict, and no tests."""
    return ClaimsContent((), tuple(ClaimVerdict(f"M{i:02d}", "C", each) for i, each in enumerate(verdicts)))


# sentences


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("supported",), "Of 1 claim that can be tested, the data settle 1"),
        (
            ("not identified",) * 2,
            "Of 2 claims that can be tested, the data settle none; 2 can't be told from this case",
        ),
        (("supported", "contradicted", "built in"), "the data settle 2; 1 is built into the model"),
    ],
)
def test_the_heading_counts_verdicts_on_the_data_alone(verdicts: tuple[str, ...], expected: str) -> None:
    assert claims_words.heading(one_claim(*verdicts), content().claims).endswith(expected)


def test_observations_are_not_counted_as_if_the_model_had_tested_them() -> None:
    told = {group.verdict: group for group in claims_words.groups(audit())}
    assert (told["supported"].observed, told["not identified"].observed) == (("N18",), ("M10",))
    heading = claims_words.heading(audit(), content().claims)
    assert "the data settle 6, 1 of them a plain observation" in heading
    few = replace(audit(), verdicts=tuple(each for each in audit().verdicts if each.id == "N18"))
    assert "settle 1, 1 of them a plain observation" in claims_words.heading(few, content().claims)
    assert claims_words.in_brief(few) == "1 claim tested: 1 supported (all observations)."


def test_without_an_audit_nothing_claims_to_be_tested() -> None:
    told = claims_words.heading(ClaimsContent(), content().claims)
    assert told.startswith("The sources make 60 claims") and told.endswith("none is tested yet")
    assert claims_words.in_brief(ClaimsContent()) == ""
    assert claims_words.lines(ClaimsContent(), content().claims) == (f"{told}.",)
    assert picture.figure(content()) is None


def test_every_tested_claim_stands_in_one_group_with_its_mark() -> None:
    told = audit()
    found = claims_words.groups(told)
    assert sorted(ident for group in found for ident in group.claims) == sorted(
        each.id for each in judged(told)
    )
    assert {group.verdict for group in found} == set(VERDICTS)
    assert all(group.words.startswith(MARKS[group.verdict]) and group.meaning for group in found)


def test_central_claims_are_told_with_both_prior_sets_and_once_per_test() -> None:
    told = {each.claims: each for each in claims_words.central(audit(), content().claims)}
    assert list(told) == [("M14",), ("M17", "M28"), ("M06",), ("M24",), ("M10",)]
    (_, data), (_, sources) = told[("M14",)].told
    assert data.startswith("? not identified. The data don't tell: 56% (51% before the data)")
    assert "62 persons more (90% interval −330 to +480; 50 persons would matter)" in data
    assert "add little to what was assumed: 98% (97% before the data)" in sources
    assert (
        "✓ supported. That it is so: nearly certain, 97% (50% before the data)"
        in told[("M17", "M28")].told[0][1]
    )
    against = told[("M24",)].told[0][1]
    assert (
        "✗ contradicted. That it is so, and by enough to matter: remote, 1% (40% before the data)" in against
    )


def test_what_is_built_in_is_not_told_as_a_finding() -> None:
    assert chances(trial("attacks_strengthen")) == "The model's form makes it so, whatever the data say"


def test_series_that_disagree_are_told_as_such() -> None:
    assert [ids for ids, _ in claims_words.further(audit())] == [()]  # M10 is among those told first
    told = claims_words.further(replace(audit(), central=()))
    assert [ids for ids, _ in told] == [(), ("M10",)]
    said = told[1][1]
    assert said == (
        "The series disagree. “Did the challenger's estimated strength grow?” Yes. “Did its attacks grow?” No."
    )
    assert claims_words.disagreement([(trial("grew_fighters"),)]) == ""
    section = claims_tables.section(audited())
    assert section is not None
    entry = next(each for each in section.entries if each.line.id == "M10")
    assert [each.view for each in entry.outcomes] == ["the figures"]
    assert entry.clash == said and [len(test.columns) for test in entry.tests] == [1, 1]


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (1.2, "1.2: hardly worth a mention"),
        (0.5, "1/2.0: hardly worth a mention"),
        (3.0, "3.0: positive evidence for it"),
        (0.04, "1/25: strong evidence against it"),
        (150.0, "150: very strong evidence for it"),
        (1e6, "1,000 or more: very strong evidence for it"),
        (0.0, "1/1,000 or less: very strong evidence against it"),
        (None, "not known"),
        (math.inf, "not known"),
    ],
)
def test_bayes_factors_in_the_words_of_kass_and_raftery(factor: float | None, told: str) -> None:
    assert bayes_in_words(factor) == told


@given(st.floats(1e-9, 1e9))
def test_a_bayes_factor_and_its_inverse_weigh_the_same(factor: float) -> None:
    plain = [re.sub(r"^.*: | (for|against) it$", "", bayes_in_words(each)) for each in (factor, 1 / factor)]
    assert plain[0] == plain[1] or math.isclose(max(factor, 1 / factor), 3, rel_tol=1e-9)


def test_an_effect_is_told_only_where_there_is_one() -> None:
    assert size(replace(trial("opening_aid"), q05=math.nan)) == ""
    assert size(trial("grew_fighters")) == ""
    assert size(replace(trial("opening_members"), smallest=0.0)).endswith("(90% interval −330 to +480)")


# what a claim opens to


def test_a_test_opens_to_its_numbers_under_both_prior_sets() -> None:
    told = block((trial("opening_members"), trial("opening_members", "sources")))
    assert [each.view for each in told.columns] == ["the data alone", "if the sources are right"]
    assert all(len(each.cells) == len(told.rows) for each in told.columns)
    assert told.columns[0].cells[0] == "+62 (−330 to +480) persons"
    assert told.columns[0].cells[-1] == "1.2: hardly worth a mention"
    assert "50 persons or more would matter" in told.measure


def test_the_run_most_against_a_claim_says_what_sets_it_apart() -> None:
    worst = WorstRun(3, -120.0, (("slope", "How steep", 0.3, 0.02), ("base", "", 2.0, 0.97)))
    told = worst_words(trial("opening_members"), worst)
    assert told == (
        "the effect is 120 persons fewer.",
        "How steep (slope): 0.30, lower than in 98% of the draws.",
        "Base: 2.0, higher than in 97% of the draws.",
    )
    assert drawn(worst) is None
    assert drawn(replace(worst, with_it=(1.0, math.nan), without_it=(1.0, 2.0))) is None
    alone = drawn(replace(worst, with_it=(1.0, 2.0), without_it=(math.nan, math.nan)))
    assert alone is not None and alone.without_it == ""
    assert alone.words == "That run month by month: from 1.0 to 2.0."


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=60))
def test_the_small_drawing_stays_inside_its_frame(pairs: list[tuple[float, float]]) -> None:
    line = drawn(WorstRun(0, 0.0, (), *(tuple(each) for each in zip(*pairs, strict=True))))
    assert line is not None
    for points in (line.with_it, line.without_it):
        spots = [tuple(map(float, spot.split(","))) for spot in points.split(" ")]
        assert len(spots) == len(pairs)
        assert all(0 <= x <= line.width and 0 <= y <= line.height for x, y in spots)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (
            BoxLimit("tied", "Share that is tied", "share", 0.2, 0.8),
            "“share that is tied” between 20 and 80%",
        ),
        (BoxLimit("tied", "", "share", None, 0.8), "tied below 80%"),
        (BoxLimit("UN_aid", "UN aid", "index", 0.4, None), "“UN aid” above 0.40 index points"),
        (BoxLimit("any", "", "", None, None), "any at any value"),
    ],
)
def test_sides_of_a_box(limit: BoxLimit, told: str) -> None:
    assert limit_words(limit) == told


def test_a_box_tells_how_dense_it_is_and_how_much_it_catches() -> None:
    limits = (BoxLimit("tied", "", "share", 0.2, None),)
    told = " ".join(box_words(ClaimBox(limits, 0.62, 0.91, 0.38, 0.56)))
    assert told.startswith("tied above 20%. There it holds in 91% of the draws, against 56% of all.")
    assert "38% of all draws, and 62% of those" in told
    assert box_words(ClaimBox((), 1.0, 0.5, 1.0, 0.5)) == ()


# the picture


def test_the_picture_has_a_row_for_each_tested_claim_grouped_by_verdict() -> None:
    drawing = picture.figure(audited())
    assert drawing is not None
    table = drawing.data["claims"]
    verdict = {each.id: each.verdict for each in judged(audit())}
    assert {row[0]: row[3] for row in table.rows} == {k: v for k, v in verdict.items() if k != "N05"}
    told = [VERDICTS.index(str(row[3])) for row in table.rows]
    assert told == sorted(told)
    by_claim = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert by_claim["M17"]["before"] == 0.5 and by_claim["M17"]["after"] == 0.97
    assert by_claim["M17"]["before_if_sources_right"] == 0.9
    assert by_claim["M10"]["after"] is None and "disagree" in str(by_claim["M10"]["question"])
    assert len(json.dumps(drawing.spec)) < 20_000 and not re.search(
        r'"#[0-9a-fA-F]{3,6}"', json.dumps(drawing.spec)
    )
    assert all(each in drawing.alternative for each in ("M14", "✓ Supported", "■ Built in"))


# the page


@pytest.fixture(scope="module")
def page() -> str:
    return render(audited())


@pytest.fixture(scope="module")
def body(page: str) -> str:
    section = page[page.index('<section id="claims">') :]
    return section[: section.index("</section>")]


def test_planted_text_is_shown_and_not_run(page: str, body: str) -> None:
    assert PLANTED not in page and "&lt;script&gt;alert(1)" in body
    assert not re.search(r"<[^>]+ on\w+=", body)


def test_the_page_stays_small_and_its_ids_unique(page: str) -> None:
    assert len(page.encode()) < 5_000_000
    ids = re.findall(r'<[^>]+ id="([^"]+)"', page.split("<script>")[0])
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page.split("<script>")[0])) <= set(ids)


def test_every_claim_opens_without_a_script(body: str) -> None:
    told = audited()
    for claim in told.claims:
        assert f'id="claim-{claim.id}"' in body
    tested = [each for each in told.claims_audit.verdicts if each.tests]
    assert body.count('class="tested"') == sum(len(each.tests) for each in tested)
    assert body.count("<details") >= len(tested)
    verdicts = Counter(re.findall(r'data-verdict="([^"]+)"', body))
    assert verdicts == Counter(each.verdict or "not tested" for each in told.claims_audit.verdicts)
    assert body.count("No test: Rhetoric") == 4
    assert all(f'<option value="{each}">{MARKS[each]} {each}</option>' in body for each in VERDICTS)


def test_a_claim_opens_to_its_mechanism_and_the_diagram_s_row(body: str) -> None:
    rows = [i for i, edge in enumerate(audited().edges) if edge.mechanism == "defection"]
    start = body.index('id="claim-M14"')
    claim = body[start : body.index("M15", start)]
    assert all(f'href="#link-{i}"' in claim for i in rows)
    assert audited().edges[rows[0]].formula in claim


def test_without_an_audit_the_table_stands_without_verdicts() -> None:
    page = render(content())
    assert "What the argument rests on" not in page and 'id="figure-claims"' not in page
    assert "Each opens to its mechanism." in page


def test_the_first_screen_and_the_terminal_say_what_became_of_the_claims() -> None:
    told = words.trust(audited()).claims
    assert (
        told == "15 claims tested: 4 supported (1 observation), 2 contradicted, 7 not identified, 2 built in."
    )
    assert told in words.terminal_answer(audited())
    assert len(words.terminal_answer(audited())) <= 10
    assert words.trust(content()).claims == ""


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=400), st.integers(0, 200))
def test_a_terminal_gets_ten_lines_and_the_groups(question: str, number: int) -> None:
    told = audit()
    many = tuple(replace(told.verdicts[13], id=f"X{i}") for i in range(number))
    told = replace(
        told,
        trials=tuple(replace(each, question=question) for each in told.trials),
        verdicts=(*told.verdicts, *many),
        central=tuple(each.id for each in judged(told)),
    )
    lines = claims_words.lines(told, content().claims)
    assert all(0 < len(line) <= 100 and line.isprintable() for line in lines)
    first = next(i for i, line in enumerate(lines) if line.startswith("✓ Supported, "))
    assert first <= 10
    assert sum(line[:1] in "✓✗?■" for line in lines) == 4


# the files


def test_the_tables_hold_every_test_and_every_claim() -> None:
    told = audited()
    made = tables(told)
    rows = list(csv.DictReader(io.StringIO(made["claims.csv"])))
    assert [row["id"] for row in rows] == [claim.id for claim in told.claims]
    m24 = next(row for row in rows if row["id"] == "M24")
    assert (m24["verdict"], m24["verdict_sources"]) == ("contradicted", "not identified")
    assert (m24["probability_before_data_neutral"], m24["probability_neutral"]) == ("0.5", "0.03")
    assert m24["tests"] == "repression_recruits"
    tests = list(csv.DictReader(io.StringIO(made["claim_tests.csv"])))
    assert len(tests) == len(told.claims_audit.trials)
    box = next(row["box"] for row in tests if row["test"] == "opening_members")
    assert box == "standing <= 0.4; conditionality >= 0.2; conditionality <= 0.8"
    assert "claim_tests.csv" not in tables(content()) and "claims.csv" in tables(content())


def test_the_summary_holds_every_claim_s_verdict_and_numbers() -> None:
    told = summary(audited())["claims"]
    by_id = {each["id"]: each for each in told}
    assert list(by_id) == [claim.id for claim in audited().claims]
    m17 = by_id["M17"]["by_prior"]["neutral"]
    assert (m17["verdict"], m17["prior_probability"], m17["posterior_probability"]) == (
        "supported",
        0.5,
        0.97,
    )
    assert m17["effect"] == {"median": 0.41, "q05": 0.04, "q95": 0.9} and m17["bayes_factor"] == 32.3
    assert by_id["N05"]["by_prior"]["neutral"]["posterior_probability"] is None
    json.dumps(told, allow_nan=False)
    assert {each["verdict"] for each in summary(content())["claims"]} == {None}


def test_the_audit_survives_being_saved() -> None:
    told = replace(audited(), claims_audit=replace(audit(), trials=audit().trials[:-1]))  # the last has a NaN
    assert from_text(to_text(told), "content.json") == told


def test_the_weakest_test_speaks_for_a_claim() -> None:
    found = next(each for each in audit().verdicts if each.id == "M16")
    speaks = weakest(audit(), found, "neutral")
    assert speaks is not None and speaks.id == "instability_ahead"
    assert weakest(audit(), replace(found, weakest={}, tests=()), "neutral") is None
