"""What the report says of a study beside its questions, and the page: it follows from the numbers, for any study."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.conventions import NEUTRAL
from outbid.data.panel import Panel, Window
from outbid.errors import InputError
from outbid.infer.store import write_results
from outbid.output import OutputFolder
from outbid.plots.base import Figure
from outbid.report import answer, drivers, history, methods
from outbid.report.core import Core
from outbid.report.layout import BOX_WIDTH, overlap, place, plan
from outbid.report.methods import OTHERS, PARTY, UN, reporter
from outbid.report.page import as_json, read_report, safe_link
from outbid.study import Study, load_study
from outbid.words.effects import standing
from report_fixture import PLANTED, effects, made_up, sections, small_folder, whole


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("khorasan")


@pytest.fixture(scope="module")
def core(study: Study) -> Core:
    return made_up(study)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return load_study(small_folder(tmp_path_factory.mktemp("studies") / "small"))


def with_table(core: Core, name: str, table: pd.DataFrame) -> Core:
    return replace(core, tables={**core.tables, name: table})


# the answer


def readings(sources: float, neutral: float) -> dict[tuple[str, str], float]:
    return {
        (prior, outcome): p
        for prior, p in (("sources", sources), ("neutral", neutral))
        for outcome in ("defections", "resources")
    }


def test_the_answer_is_short_and_keeps_the_views_apart(study: Study) -> None:
    found = effects(study)
    told = answer.sentences(study, found)
    text = " ".join([*told, answer.bottom_line(study, found)])
    assert len(told) == 3
    assert told[0].startswith("Opening up keeps members from the rival, taking the texts at their word (")
    assert "without taking sides" in told[0] and told[0].endswith("it can't be told.")
    assert len(text.split()) <= 120 and len(re.findall(r"\d[\d,.]*", text)) <= 12
    assert not re.search(r"\b(100|0)%", text)


def test_the_bottom_line_is_the_study_s(study: Study) -> None:
    both = answer.bottom_line(study, effects(study, readings(0.9, 0.9)))
    assert (
        both
        == (
            "Opening up keeps members and brings in resources, taking the texts at their word as well as without taking "
            "sides."
        )
        or "as well as" in both
    )
    assert answer.bottom_line(study, effects(study, readings(0.9, 0.5))).startswith(
        "Taking the texts at their word,"
    )


def test_without_results_there_is_no_answer(study: Study) -> None:
    assert answer.sentences(study, None) == [] and answer.bottom_line(study, None) == ""


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.booleans(), st.booleans())
def test_a_terminal_gets_at_most_ten_lines_of_a_hundred(
    study: Study, sources: float, neutral: float, passed: bool, quick: bool
) -> None:
    core = made_up(study, passed=passed, quick=quick)
    lines = answer.lines(core, study, effects(study, readings(sources, neutral)), "60 claims tested. " * 9)
    assert 1 <= len(lines) <= 10
    assert all(0 < len(line) <= 100 and line.isprintable() for line in lines)


def test_a_failed_fit_is_said_first(study: Study) -> None:
    core = made_up(study, passed=False, quick=True)
    assert answer.lines(core, study, None)[0].startswith("The fit failed")
    page = whole(core, study)
    assert page.index("Not to be relied on.") < page.index("<h1>")
    assert page.index("This was a quick run") < page.index("<h1>")
    assert "The fit passed" not in page
    assert "This was a quick run" not in whole(made_up(study), study)


# what happened


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
def test_the_heading_on_the_past_follows_from_the_bands(
    study: Study, core: Core, first: float, last: float, begins: str
) -> None:
    months = [f"{2021 + i // 12}-{i % 12 + 1:02d}" for i in range(48)]
    frames = []
    for path, levels, width in (("attacks", (first, last), 0.2), ("challengers", (2000.0, 2000.0), 0.25)):
        middle = pd.Series([levels[0]] * 24 + [levels[1]] * 24, dtype=float)
        keys = {"path": path, "prior": NEUTRAL, "unit": "", "month": months}
        frames.append(
            pd.DataFrame({**keys, "median": middle, "q05": middle * (1 - width), "q95": middle * (1 + width)})
        )
    assert history.heading(study, with_table(core, "bands", pd.concat(frames))).startswith(begins)


def test_the_fit_is_judged_by_nine_in_ten(core: Core) -> None:
    assert "they are too wide" in history.fit_heading(core)
    narrow = core["figures"].assign(predicted_q95=core["figures"]["predicted_q05"])
    assert "they are too narrow" in history.fit_heading(with_table(core, "figures", narrow))


def test_figures_outside_the_window_are_listed_and_not_drawn(study: Study, core: Core) -> None:
    early = (
        core["figures"]
        .iloc[[0]]
        .assign(
            series="fighters", start="2016-01-01", end="2016-12-31", why_not="before the window", used="no"
        )
    )
    old = with_table(core, "figures", pd.concat([early, core["figures"]], ignore_index=True))
    names = ["fighters"]
    pd.testing.assert_frame_equal(history.beside_bands(study, old), history.beside_bands(study, core))
    pd.testing.assert_frame_equal(history.rows_of(study, old, names), history.rows_of(study, core, names))
    assert "before the window" in whole(old, study)


def test_reporters(study: Study) -> None:
    assert reporter(study, "UN Monitoring Team, 34th report, via The Taliban Times") == UN
    assert reporter(study, "Taliban spokesman via BNN") == PARTY
    assert reporter(study, "Russian envoy via UN News") == OTHERS
    assert reporter(study, "UN team; Taliban spokesman", "a Taliban figure") == PARTY
    assert reporter(study, "UN team; Taliban spokesman") == OTHERS


# what drives what, what is unknown


def test_what_a_sign_rests_on() -> None:
    assert standing(0.97, 0.5) == "settled"
    assert standing(0.97, 0.95) == "assumed"
    assert standing(1.0, 1.0) == "built in"
    assert standing(0.8, 0.5) == "open"
    assert standing(0.9, 0.5) == "open" and standing(0.09, 0.5) == "settled"


def test_a_parameter_counts_once_however_many_links_it_shows_in() -> None:
    row = {"source": "a", "target": "b", "mechanism": "m", "p_positive": 0.97, "p_positive_before": 0.5}
    other = {**row, "target": "c", "p_positive": 0.03}
    built = {**row, "source": "d", "p_positive": 1.0, "p_positive_before": 1.0}
    rows = pd.DataFrame([row, other, {**row, "source": "e"}, built, {**built, "source": "f"}])
    rows["standing"] = [
        standing(*pair) for pair in zip(rows["p_positive"], rows["p_positive_before"], strict=True)
    ]
    assert drivers.heading(rows) == "The data settle the direction of 1 of 3 influences; 2 were assumed"


def test_open_arrows_have_no_sign_and_wider_ones_larger_effects(study: Study, core: Core) -> None:
    rows = drivers.links(study, core)
    drawn = drivers.draw(study, rows)
    assert drawn is not None and len(drawn["arrows"]) == drivers.MOST_ARROWS < len(rows)
    widths = {rows["size"].iloc[arrow["index"]]: arrow["width"] for arrow in drawn["arrows"]}
    assert [widths[size] for size in sorted(widths)] == sorted(widths.values())
    for arrow in drawn["arrows"]:
        is_open = rows["standing"].iloc[arrow["index"]] == "open"
        assert (arrow["sign"] == "") == is_open == (arrow["direction"] == "open")


def test_every_mechanism_has_one_row(study: Study, core: Core) -> None:
    section = drivers.section(core, study)
    assert section is not None
    names = [name for name, _ in section.words["mechanisms"]]
    assert len(names) == len(set(names)) == core["diagram"]["mechanism"].nunique() < 30
    told = section.words["links"][0]["raises"]
    assert "without taking sides" in told and "taking the texts at their word" in told


def test_headings_count_what_they_speak_of(core: Core) -> None:
    led = core["parameters"].query("prior == 'neutral'")["contraction"]
    assert methods.unknowns_heading(core) == (
        f"The data say next to nothing about {(led < 0.1).sum()} of {len(led)} parameters, and settle "
        f"{(led >= 0.75).sum()}"
    )
    used, whole = core["series"][["used", "figures"]].sum()
    assert methods.heading(core).startswith(
        f"{used} figures in {len(core['series'])} series went in; {whole - used}"
    )


def test_twelve_parameters_are_in_sight_and_all_in_the_table(study: Study, core: Core) -> None:
    assert methods.contraction(core).data["contraction"]["parameter"].nunique() == 12
    assert len(methods.parameters(core, study)) == len(study.model.parameters)


def test_a_fit_passes_by_one_set_of_limits(core: Core) -> None:
    (good, _), row = (methods.fit_words(row) for row in core["fits"].to_dict("records")), None
    assert good["passed"] and row is None
    assert "The sampler seldom or never lost its way" in good["checks"]  # 4 of 4,000 is one in a thousand
    worse = methods.fit_words({**core["fits"].iloc[0].to_dict(), "divergences": 5})
    assert "The sampler lost its way too often" in worse["checks"]


# tables


def test_tables_survive_saving(study: Study, core: Core, tmp_path: Path) -> None:
    for name, dataset in core.to_datasets().items():
        dataset.to_netcdf(tmp_path / f"{name}.nc", engine="netcdf4")
    back = Core.from_datasets(
        {path.stem: xr.load_dataset(path, engine="netcdf4") for path in tmp_path.glob("*.nc")}
    )
    assert back.provenance == core.provenance
    for name, table in core.tables.items():
        pd.testing.assert_frame_equal(back[name], table, check_dtype=False)
    assert whole(back, study) == whole(core, study)


def test_a_report_is_drawn_again_for_the_study_of_its_run_only(
    study: Study, core: Core, tmp_path: Path
) -> None:
    with OutputFolder(tmp_path) as out:
        write_results(
            out, study, {}, {}, questions={"any": xr.Dataset({"a": 1.0})}, report=core.to_datasets()
        )
    assert read_report(study, tmp_path).core.provenance == core.provenance
    with pytest.raises(InputError, match=f"holds a run of '{study.name}', not of 'other'"):
        read_report(replace(study, name="other"), tmp_path)
    shorter = Panel(Window(study.panel.window.first_month, study.panel.window.months[-2]), {})
    with pytest.raises(InputError, match="before it was changed"):
        read_report(replace(study, panel=shorter), tmp_path)
    with pytest.raises(InputError, match="holds no run"):
        read_report(study, tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("series", ["series"]),
        ("expected", ["series", "month"]),
        ("bands", ["path", "prior", "month"]),
        ("parameters", ["parameter", "prior"]),
        ("diagram", ["source", "target", "mechanism", "prior"]),
        ("fits", ["prior"]),
        ("sources", ["id"]),
    ],
)
def test_tables_are_tidy(core: Core, name: str, keys: list[str]) -> None:
    assert not core[name].duplicated(keys).any()
    assert "label" not in core[name]


# figures and layouts


@pytest.fixture(scope="module")
def figures(study: Study, core: Core) -> list[Figure]:
    return [figure for section in sections(core, study, effects(study)) for figure in section.figures]


def test_figures_draw_data_that_they_carry_in_colours_by_meaning(figures: list[Figure]) -> None:
    assert [figure.id for figure in figures] == ["tradeoff", "history", "fit", "fit_others", "contraction"]
    for figure in figures:
        spec = json.dumps(figure.spec)
        assert set(re.findall(r'"data": \{"name": "(\w+)"\}', spec)) <= set(figure.data), figure.id
        assert not re.search(r'"#[0-9a-fA-F]{3,6}"', spec), figure.id
        assert len(spec) < 30_000, figure.id
        assert figure.caption and figure.source and figure.alternative
        assert set(figure.download) <= set(figure.data)


def test_the_trade_off_shows_three_courses_a_view_and_labels_each(study: Study) -> None:
    figure = answer.tradeoff(study, effects(study))
    assert figure is not None
    rows = figure.data["tradeoff"]
    assert len(rows) == 8 and set(rows["prior"]) == {"neutral", "sources"}
    assert rows[["_x", "_y"]].notna().all(axis=None)


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
def page(study: Study, core: Core) -> str:
    return whole(core, study, effects(study))


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def test_the_page_is_small_and_the_same_every_time(study: Study, core: Core, page: str) -> None:
    assert len(page.encode()) < 3_000_000
    assert whole(core, study, effects(study)) == page


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


def test_links_inside_the_page_lead_somewhere_and_ids_are_unique(read: Reader) -> None:
    ids = read.ids()
    assert len(ids) == len(set(ids))
    targets = {
        str(attrs.get("href"))[1:] for _, attrs in read.tags if str(attrs.get("href", "")).startswith("#")
    }
    assert targets <= set(ids)
    named = [
        str(attrs[key])
        for _, attrs in read.tags
        for key in ("aria-labelledby", "aria-describedby")
        if key in attrs
    ]
    assert named and set(named) <= set(ids)


def test_a_source_with_a_script_for_an_address_gets_no_link(small: Study) -> None:
    page = whole(made_up(small), small)
    assert "A tally" in page and "javascript:" not in page.split("<script>")[0]
    assert not any(safe_link(url) for url in ("JavaScript:alert(1)", "data:text/html,x", "http://["))
    assert safe_link("https://example.org")


@given(
    st.recursive(st.text() | st.floats() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_embedded_json_cannot_end_its_element(value: object) -> None:
    text = as_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    json.loads(text)


def test_every_series_figure_and_mechanism_is_on_the_page(study: Study, core: Core, read: Reader) -> None:
    ids = set(read.ids())
    assert {f"mechanism-{name}" for name in core["diagram"]["mechanism"]} <= ids
    assert {f"series-{name}" for name in study.panel.series} <= ids
    drawn = [attrs for _, attrs in read.tags if attrs.get("role") == "img"]
    buttons = [
        attrs["data-download"] for tag, attrs in read.tags if tag == "button" and "data-download" in attrs
    ]
    assert len(drawn) == 5
    assert set(buttons) == {"tradeoff", "history", "fit", "fit_others", "diagram", "contraction"}
    assert core.provenance["command"] in "".join(read.text)
    assert sum(len(block["records"]) for block in methods.series(core, study)) == len(core["figures"])


def test_a_study_without_roles_bands_and_courses_has_a_page(small: Study) -> None:
    for priors in (("neutral", "sources"), ("neutral",), ("sources",)):
        core = made_up(small, priors=priors)
        read = Reader(whole(core, small, effects(small)))
        assert "there is no answer yet" in "".join(read.text)
        assert not [tag for tag, attrs in read.tags if attrs.get("id") == "figure-tradeoff"]
        heads = [i for i, (tag, _) in enumerate(read.tags) if tag in ("h1", "h2", "h3")]
        assert len(heads) > 5
        ids = set(read.ids())
        assert {"answer", "happened", "drivers", "unknowns", "made"} <= ids


def test_the_page_speaks_of_no_study_but_its_own(small: Study) -> None:
    body = whole(made_up(small), small, effects(small)).split("<script>")[0]
    body = re.sub(r"<style>.*?</style>", "", body, flags=re.S)
    for word in ("Taliban", "Khorasan", "IS-K", "Salaf", "rival", "TODO", "quilibri", "moderat"):
        assert word not in body, word
