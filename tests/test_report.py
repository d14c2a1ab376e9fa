"""The report's words, numbers, layouts and page, without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.plots.base import Figure
from outbid.report import headings, words
from outbid.report.chances import (
    chance_word,
    data_tell,
    effect_in_words,
    identified,
    read_effect,
    standing_of,
)
from outbid.report.content import Band, Edge, Effect, Outcome, Record, ReportContent
from outbid.report.evidence_tables import NOT_TESTED, claims, odds
from outbid.report.figures import diagram, fit, history, tradeoff, unknowns, whatif
from outbid.report.figures.layering import BOX_WIDTH, plan
from outbid.report.figures.placing import overlap, place
from outbid.report.figures.reporters import OTHERS, PARTY, UN, reporter
from outbid.report.made import fit_words
from outbid.report.page import as_json, render, safe_link
from outbid.report.record_tables import series_blocks
from outbid.words.numbers import interval, more_or_less, percent, quantity, reported, signed, two_digits
from report_fixture import PLANTED, content, without_optional_parts

finite = st.floats(allow_nan=False, allow_infinity=False)
chances = st.floats(0, 1)


# numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234, "1,200"),
        (0.0352, "0.035"),
        (-3.44, "−3.4"),
        (99.6, "100"),
        (1.0, "1.0"),
        (2_340_000, "2.3 million"),
        (7.1e9, "7.1 billion"),
        (float("nan"), "not known"),
        (0.00001, "under 0.0001"),
    ],
)
def test_two_significant_digits(value: float, text: str) -> None:
    assert two_digits(value) == text


@given(st.floats(1e-4, 1e12) | st.floats(-1e12, -1e-4))
def test_two_digits_stay_within_half_a_step_of_the_number(value: float) -> None:
    text = two_digits(value).replace("−", "-").replace(",", "")
    scale = {"million": 1e6, "billion": 1e9}.get(text.split(" ")[-1], 1.0)
    assert float(text.split(" ")[0]) * scale == pytest.approx(value, rel=0.0501)


@given(finite, finite)
def test_an_interval_never_raises_and_has_two_ends(low: float, high: float) -> None:
    assert interval(low, high, difference=True).count(" to ") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (interval(-0.00029, 0.26, difference=True), "0 to +0.26"),
        (interval(1100, 3900, "persons"), "1,100 to 3,900 persons"),
        (interval(0.11, 0.39, "share"), "11 to 39%"),
        (more_or_less(130, "persons"), "130 persons more"),
        (more_or_less(-0.08, "index points"), "0.080 index points less"),
        (more_or_less(-0.02, "share"), "2.0 percentage points less"),
        (more_or_less(-0.2, "standard unit"), "0.20 standard unit less"),
        (more_or_less(0, "persons"), "no difference"),
        (quantity(0.984, "share"), "98%"),
        (quantity(98.4, "percent"), "98%"),
        (quantity(0.4, "0 to 1"), "0.40"),
        (more_or_less(0.2, "index"), "0.20 index points more"),
        (signed(0.2), "+0.20"),
        (percent(0.004), "under 1%"),
        (percent(0.999), "over 99%"),
        (reported(181084), "181,084"),
        (reported(-2.35), "−2.35"),
    ],
)
def test_quantities_in_words(text: str, expected: str) -> None:
    assert text == expected


# chances


@pytest.mark.parametrize(
    ("p", "word"),
    [
        (0.0, "remote"),
        (0.049, "remote"),
        (0.05, "very unlikely"),
        (0.3, "unlikely"),
        (0.5, "even"),
        (0.55, "even"),
        (0.56, "likely"),
        (0.8, "very likely"),
        (0.95, "very likely"),
        (0.951, "nearly certain"),
        (1.0, "nearly certain"),
    ],
)
def test_the_yardstick(p: float, word: str) -> None:
    assert chance_word(p) == word


@given(chances, chances)
def test_a_larger_probability_never_gets_a_weaker_word(p: float, q: float) -> None:
    order = ["remote", "very unlikely", "unlikely", "even", "likely", "very likely", "nearly certain"]
    low, high = sorted((p, q))
    assert order.index(chance_word(low)) <= order.index(chance_word(high))


@given(chances)
def test_the_data_dont_tell_what_they_did_not_move(p: float) -> None:
    assert not data_tell(p, p)
    assert data_tell(p) == (p < 0.35 or p > 0.65)


def test_odds() -> None:
    assert odds(0.5) == "even"
    assert odds(0.8) == "4.0 to 1 on"
    assert odds(0.2) == "4.0 to 1 against"
    assert odds(1.0) == "over 99 to 1 on"


# the answer


def with_effects(**probabilities: float) -> ReportContent:
    """Return the report with other chances that moderation does better: keys are prior_outcome."""
    base = content()

    def changed(effect: Effect) -> Effect:
        p = probabilities.get(f"{effect.prior}_{effect.outcome}")
        if effect.scenario != "open" or p is None:
            return effect
        return replace(effect, probability_better=p, prior_probability_better=None)

    return replace(base, effects=tuple(changed(effect) for effect in base.effects))


def test_the_answer_keeps_sources_and_data_apart() -> None:
    told = with_effects(
        sources_defections=0.1, neutral_defections=0.5, sources_resources=0.9, neutral_resources=0.9
    )
    members, resources, bottom = words.answer(told)
    assert members.plain.startswith("If the sources are right, moderating sends more members to the rival")
    assert "the data alone don't tell" in members.plain
    assert "the data don't tell" in members.data
    assert "the data don't tell" not in members.sources
    assert "so do the sources" in resources.plain
    assert "buys resources and pays for them in members if" not in bottom.plain
    assert "can't be told" in bottom.plain
    for sentence in (members, resources):
        assert "90% interval" in sentence.sources and "90% interval" in sentence.data


def test_the_answer_says_so_when_the_data_contradict_the_sources() -> None:
    told = with_effects(sources_defections=0.05, neutral_defections=0.95)
    assert "the data point the other way" in words.answer(told)[0].plain


def test_what_was_assumed_is_not_sold_as_learnt() -> None:
    outcome = Outcome("aid", "Aid", "index points", "higher", "", "")
    leaning = Effect("s", "aid", "neutral", 1, 0, 2, 1, -0.5, 1.5, 0.75, 0, None, None, 0.74)
    assert read_effect(leaning, outcome) == "unknown"
    assert "the data don't tell" in effect_in_words(leaning, outcome)
    effect = Effect("s", "aid", "neutral", 1, 0, 2, 1, 0.5, 1.5, 0.97, 0, None, None, 0.96)
    assert read_effect(effect, outcome) == "more"
    assert effect_in_words(effect, outcome).endswith("nearly certain, 97%, by assumption")
    assert read_effect(replace(effect, prior="sources"), outcome) == "more"
    assert read_effect(replace(effect, prior_probability_better=0.5), outcome) == "more"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300), st.lists(chances, min_size=4, max_size=4), st.booleans(), st.booleans())
def test_a_terminal_gets_at_most_ten_lines_of_a_hundred(
    question: str, p: list[float], passed: bool, quick: bool
) -> None:
    told = with_effects(
        sources_defections=p[0], neutral_defections=p[1], sources_resources=p[2], neutral_resources=p[3]
    )
    fixed = content(passed=passed, quick=quick)
    told = replace(told, question=question, fits=fixed.fits, provenance=fixed.provenance)
    lines = words.terminal_answer(told)
    assert 1 <= len(lines) <= 10
    assert all(0 < len(line) <= 100 and line.isprintable() for line in lines)


def test_a_failed_fit_is_said_first() -> None:
    told = content(passed=False, quick=True)
    assert words.terminal_answer(told)[0].startswith("The fit failed")
    page = render(told)
    assert page.index("Not to be relied on.") < page.index("<h1>")
    assert page.index("This was a quick run") < page.index("<h1>")
    assert "The fit passed" not in page
    assert not fit_words(told.fits[0]).passed
    assert "This was a quick run" not in render(content())


# headings


def bands(first: float, last: float, width: float = 0.2) -> tuple[Band, ...]:
    months = tuple(f"{2021 + i // 12}-{i % 12 + 1:02d}" for i in range(48))
    middle = tuple(first if i < 24 else last for i in range(48))
    low, high = (tuple(v * (1 + sign * width) for v in middle) for sign in (-1, 1))
    return tuple(
        Band(ident, ident, "", "neutral", months, values, bottom, top)
        for ident, values, bottom, top in (
            ("attacks", middle, low, high),
            ("challengers", (2000.0,) * 48, (1500.0,) * 48, (2500.0,) * 48),
        )
    )


@pytest.mark.parametrize(
    ("first", "last", "begins"),
    [
        (40, 4, "Attacks fell by nine tenths after 2022; that membership fell too can't be shown"),
        (40, 20, "Attacks fell by half after 2022"),
        (10, 20, "Attacks doubled after 2022; that membership rose too can't be shown"),
        (10, 52, "Attacks rose 5.2-fold after 2022"),
        (10, 11, "Whether attacks rose or fell can't be told from these data"),
    ],
)
def test_the_heading_on_the_past_follows_from_the_bands(first: float, last: float, begins: str) -> None:
    assert headings.what_happened(replace(content(), bands=bands(first, last))).startswith(begins)


def test_headings_count_what_they_speak_of() -> None:
    told = content()
    assert headings.what_drives_what(told) == (
        "The data settle the direction of 12 of 30 links; 3 were assumed and 15 stay open"
    )
    assert "Open up, with aid" in headings.what_if(told)
    assert "of 70 parameters" in headings.what_is_unknown(told)


# figures and layouts


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    drawn = [module.figure(content()) for module in (tradeoff, history, fit, whatif, unknowns)]
    return [figure for figure in drawn if figure is not None]


def test_figures_name_only_data_that_they_carry_and_colours_by_meaning(figures: list[Figure]) -> None:
    assert len(figures) == 5
    for figure in figures:
        spec = json.dumps(figure.spec)
        assert set(re.findall(r'"data": \{"name": "(\w+)"\}', spec)) <= set(figure.data), figure.id
        assert not re.search(r'"#[0-9a-fA-F]{3,6}"', spec), figure.id
        assert len(spec) < 20_000, figure.id


def test_every_row_of_a_figure_has_all_its_columns(figures: list[Figure]) -> None:
    for figure in figures:
        assert set(figure.download) <= set(figure.data)
        assert figure.caption and figure.source and figure.alternative
        for table in figure.data.values():
            assert all(len(row) == len(table.columns) for row in table.rows)


def test_figures_are_left_out_where_there_is_nothing_to_show() -> None:
    bare = without_optional_parts()
    assert [module.figure(bare) for module in (tradeoff, history, fit, whatif, unknowns)] == [None] * 5
    assert diagram.draw(bare) is None


def test_close_events_stand_on_lines_of_their_own(figures: list[Figure]) -> None:
    events = figures[1].data["events"]
    lines = [row[events.columns.index("line")] for row in events.rows]
    assert len(lines) == 4 and len(set(lines)) == 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(20, 480), st.floats(20, 380)), min_size=1, max_size=6))
def test_labels_stay_inside_and_apart(points: list[tuple[float, float]]) -> None:
    placed = place([(x, y, f"label {i}") for i, (x, y) in enumerate(points)], [], [], 500, 400)
    boxes = [(p.left, p.middle - 8, p.left + 7.1 * len(p.text), p.middle + 8) for p in placed]
    assert all(a >= -1 and b >= -1 and c <= 501 and d <= 401 for a, b, c, d in boxes)
    assert all(overlap(a, b) < 1 for a, b in combinations(boxes, 2))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=30))
def test_boxes_never_overlap_and_arrows_end_at_their_boxes(pairs: list[tuple[int, int]]) -> None:
    columns = [[f"n{i}" for i in range(c * 3, c * 3 + 3)] for c in range(4)]
    arrows = [(f"n{a}", f"n{b}") for a, b in pairs if a != b]
    placed = plan(columns, arrows)
    boxes = list(placed.boxes.values())
    for a, b in combinations(boxes, 2):
        assert a.column != b.column or a.y + a.height <= b.y or b.y + b.height <= a.y
    for (source, target), route in zip(arrows, placed.routes, strict=True):
        for end, node in ((route.points[0], source), (route.points[-1], target)):
            box = placed.boxes[node]
            assert box.y <= end[1] <= box.y + box.height
            assert end[0] in (box.x, box.x + BOX_WIDTH)
        for box in boxes:  # the ways through a column pass between its boxes
            for x, y in route.points[1:-1]:
                assert not (box.x < x < box.x + BOX_WIDTH and box.y < y < box.y + box.height)


def test_unidentified_arrows_are_dashed_and_widths_grow_with_effects() -> None:
    told = content()
    drawn = diagram.draw(told)
    assert drawn is not None and len(drawn.arrows) == len(told.edges)
    for arrow in drawn.arrows:
        assert arrow.settled == identified(told.edges[arrow.index])
    by_effect = sorted(drawn.arrows, key=lambda arrow: abs(told.edges[arrow.index].effect))
    widths = [arrow.width for arrow in by_effect]
    assert widths == sorted(widths)


def test_a_large_model_is_drawn_by_its_strongest_arrows() -> None:
    told = content()
    many = tuple(replace(edge, effect=edge.effect / 10) for edge in told.edges)
    drawn = diagram.draw(replace(told, edges=(*many, *told.edges)))
    assert drawn is not None and len(drawn.arrows) == diagram.MOST_ARROWS
    assert {arrow.index for arrow in drawn.arrows} == set(range(len(many), 2 * len(many)))
    page = render(replace(told, edges=(*many, *told.edges)))
    assert "The 30 strongest of 60 links" in page


def test_what_a_sign_rests_on() -> None:
    edge = Edge("a", "b", "m", 1.0, 1, {"neutral": 0.97}, {"neutral": 0.5}, "", "", ())
    assert standing_of(edge) == "settled"
    assert standing_of(replace(edge, prior_probability_positive={"neutral": 0.95})) == "assumed"
    assert standing_of(replace(edge, prior_probability_positive={"neutral": 1.0})) == "built in"
    assert standing_of(replace(edge, probability_positive={"neutral": 0.8})) == "open"


def test_figures_outside_the_window_are_listed_and_not_drawn() -> None:
    told = content()
    early = Record("2016-01-01", "2016-12-31", 2500.0, None, None, False, "before the window", "UN", "")
    series = tuple(
        replace(each, records=(early, *each.records)) if each.id in ("fighters", "attacks_un") else each
        for each in told.series
    )
    old = replace(told, series=series)
    for module in (fit, history):
        figure, same = module.figure(old), module.figure(told)
        assert figure is not None and same is not None and figure.data == same.data
    assert "before the window" in render(old)


def test_an_arrow_is_identified_only_beyond_one_in_ten() -> None:
    edge = Edge("a", "b", "m", 1.0, 1, {"neutral": 0.9}, {"neutral": 0.5}, "", "", ())
    assert not identified(edge)
    assert identified(replace(edge, probability_positive={"neutral": 0.91}))
    assert identified(replace(edge, probability_positive={"neutral": 0.09}))


def test_reporters() -> None:
    told = content()
    assert reporter(told, "UN Monitoring Team, 34th report, via The Taliban Times") == UN
    assert reporter(told, "Taliban spokesman via BNN") == PARTY
    assert reporter(told, "Russian envoy via UN News") == OTHERS
    assert reporter(told, "UN team; Taliban spokesman", "a Taliban figure") == PARTY
    assert reporter(told, "UN team; Taliban spokesman") == OTHERS
    assert reporter(told, "figures_0") == UN  # a listed source without an author: its outlet counts


# the page


class Reader(HTMLParser):
    """Collects elements, the addresses that would be fetched, and the text of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag
        if tag == "script":
            self.scripts.append((dict(attrs).get("type") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif self._in != "style":
            self.text.append(data)

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.tags if "id" in attrs]


@pytest.fixture(scope="module")
def page() -> str:
    return render(content())


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def test_the_page_is_small_and_the_same_every_time(page: str) -> None:
    assert len(page.encode()) < 5_000_000
    assert render(content()) == page


def test_nothing_is_fetched(read: Reader) -> None:
    for tag, attrs in read.tags:
        for name in ("src", "href", "srcset", "data", "action", "xlink:href"):
            address = attrs.get(name) or ""
            if tag == "a" and name in attrs:
                assert address.startswith(("#", "http://", "https://")), address
            else:
                assert not address or address.startswith(("#", "data:")), (tag, address)


def test_the_policy_allows_exactly_the_two_scripts_of_the_page(read: Reader) -> None:
    policy = next(attrs["content"] for _, attrs in read.tags if attrs.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy
    running = [text for kind, text in read.scripts if kind != "application/json"]
    hashes = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in running}
    assert len(running) == 2
    assert hashes == set(re.findall(r"'sha256-([^']+)'", policy))


def test_no_handler_stands_in_an_attribute(read: Reader) -> None:
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]


def test_planted_text_is_shown_and_not_run(page: str, read: Reader) -> None:
    assert PLANTED not in page
    assert PLANTED in "".join(read.text)
    assert any(
        PLANTED in json.dumps(json.loads(text)) for kind, text in read.scripts if kind == "application/json"
    )


def test_links_inside_the_page_lead_somewhere_and_ids_are_unique(read: Reader) -> None:
    ids = read.ids()
    assert len(ids) == len(set(ids))
    targets = {
        str(attrs.get("href"))[1:] for _, attrs in read.tags if str(attrs.get("href", "")).startswith("#")
    }
    assert targets <= set(ids)


def test_a_source_with_a_script_for_an_address_gets_no_link(page: str) -> None:
    assert "javascript:" not in page.split("<script>")[0]
    assert (
        not safe_link("JavaScript:alert(1)")
        and not safe_link("data:text/html,x")
        and not safe_link("http://[")
    )
    assert safe_link("https://example.org")


@given(
    st.recursive(st.text() | st.floats() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_embedded_json_cannot_end_its_element(value: object) -> None:
    text = as_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    json.loads(text)


def test_every_claim_figure_and_series_is_on_the_page(read: Reader) -> None:
    told, ids = content(), set(read.ids())
    assert {f"claim-{claim.id}" for claim in told.claims} <= ids
    assert {f"link-{i}" for i in range(len(told.edges))} <= ids
    assert {f"series-{series.id}" for series in told.series} <= ids
    assert {
        "figure-tradeoff",
        "figure-history",
        "figure-fit",
        "figure-diagram",
        "figure-paths",
        "figure-contraction",
    } <= ids
    assert all(line.verdict == NOT_TESTED for line in claims(told))
    text = "".join(read.text)
    assert text.count(NOT_TESTED) == len(told.claims)
    assert "contained in another figure" in text and told.provenance.command in text
    assert sum(len(block.records) for block in series_blocks(told)) == sum(
        len(s.records) for s in told.series
    )


def test_every_figure_has_caption_source_download_and_words(read: Reader) -> None:
    figures = [attrs for tag, attrs in read.tags if tag == "figure"]
    drawn = [attrs for _, attrs in read.tags if attrs.get("role") == "img"]
    buttons = {
        attrs["data-download"] for tag, attrs in read.tags if tag == "button" and "data-download" in attrs
    }
    assert len(figures) == 6 and len(drawn) == 5
    assert all(len(str(attrs["aria-label"])) > 40 for attrs in drawn)
    assert buttons == {"tradeoff", "history", "fit", "diagram", "paths", "contraction"}
    assert "".join(read.text).count("Source: ") == 6


def test_sections_that_do_not_exist_yet_leave_no_trace(page: str) -> None:
    body = page.split("<script>")[0]
    for word in ("quilibrium", "What comes next", "What would they choose", "TODO", "coming soon"):
        assert word not in body


def test_a_bare_report_still_renders() -> None:
    bare = render(without_optional_parts())
    assert "No check of the fit was recorded" in bare
    assert "<figure" not in bare
