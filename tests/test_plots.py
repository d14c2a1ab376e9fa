"""Figures: what builders draw, that every column named is there, and what a Python user gets."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from outbid.plots.bands import Ribbon, bands, event_lines
from outbid.plots.base import FIXED, Control, Figure
from outbid.plots.intervals import intervals
from outbid.report.page import embedded, own

WORDS = {"caption": "c", "source": "s", "alternative": "a"}
PLANTED = "</script><script>alert(1)</script>\"']"


def paths() -> pd.DataFrame:
    months = [f"2024-{m:02d}" for m in range(1, 13)]
    rows = [
        {"outcome": outcome, "prior": prior, "month": month, "median": i, "q05": i - 1, "q95": i + 1.234567}
        for outcome in ("aid", "need")
        for prior in ("neutral", "sources")
        for i, month in enumerate(months)
    ]
    figure = {"outcome": "aid", "start": "2024-01-01", "end": "2024-12-31", "value": 3.0, "used": True}
    return pd.DataFrame([*rows, figure])


def small_multiples() -> Figure:
    view = Control("view", "View", {"neutral": "without taking sides", "sources": "taking the texts …"})
    return bands(
        "paths",
        paths(),
        panels={"need": ("Need", "persons"), "aid": (f"Aid {PLANTED}", "USD")},
        ribbons=[Ribbon("datum.prior === view", "var(--focus)")],
        figures="isValid(datum.value)",
        controls=(view,),
        window=("2024-01", "2024-12"),
        **WORDS,
    )


def rows_of_labels(panelled: bool) -> Figure:
    rows = pd.DataFrame(
        [
            {"course": c, "prior": p, "panel": "x", "median": 0.2, "q05": 0.1, "q95": 0.5, "before": 0.5}
            for c in ("a", "b")
            for p in ("neutral", "sources")
        ]
    )
    return intervals(
        "courses",
        rows,
        row="course",
        labels={"b": f"Second {PLANTED}", "a": "First"},
        percent=True,
        panel="panel" if panelled else "",
        panels={"x": PLANTED} if panelled else None,
        **WORDS,
    )


FIGURES = [small_multiples(), rows_of_labels(False), rows_of_labels(True)]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_a_figure_draws_its_own_data_in_colours_by_meaning(figure: Figure) -> None:
    spec = json.dumps(figure.spec)
    assert set(re.findall(r'"data": \{"name": "(\w+)"\}', spec)) <= set(figure.data)
    assert not re.search(r'"#[0-9a-fA-F]{3,6}"', spec)
    fields = set(re.findall(r'"field": "(\w+)"', spec)) - {"row"}
    made = set(re.findall(r'"as": "(\w+)"', spec))
    columns = {name for frame in figure.data.values() for name in frame}
    assert fields <= columns | made | {"low", "high", "source"}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_a_python_user_gets_a_chart_with_its_data_and_fixed_colours(figure: Figure) -> None:
    text = json.dumps(figure.altair().to_dict(validate=False))
    assert "var(--" not in text and '"datasets"' in text
    assert re.search(r"#[0-9a-f]{6}", text)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_planted_text_cannot_end_the_element_that_holds_a_figure(figure: Figure) -> None:
    text = embedded(figure)
    assert "<" not in text and json.loads(text)["data"]


def test_the_fixed_colours_are_those_of_the_page() -> None:
    root = own("style.css").split("@media")[0]
    assert {name: re.search(rf"--{name}: (#\w+);", root)[1] for name in FIXED} == dict(FIXED)  # type: ignore[index]


def test_numbers_are_rounded_and_what_repeats_is_listed_once() -> None:
    columns = {each["name"]: each for each in json.loads(embedded(small_multiples()))["data"]["paths"]}
    assert columns["prior"]["levels"][:2] == ["neutral", "sources"]
    assert 1.235 in columns["q95"].get("levels", columns["q95"].get("values"))
    assert None in columns["value"]["levels"]


def test_a_control_starts_with_its_first_choice() -> None:
    (view,) = small_multiples().controls
    assert view.value == "neutral"
    assert {"name": "view", "value": "neutral"} in small_multiples().spec["params"]


def test_close_events_stand_on_lines_of_their_own() -> None:
    days = ["2024-03-01", "2024-03-05", "2024-11-30", "2025-02-01"]
    events = pd.DataFrame({"date": days, "label": ["a long label"] * 4})
    placed = event_lines(events, ("2024-01-01", "2024-12-31"))
    assert placed["_line"].tolist() == [0, 1, 0]
    assert placed["_align"].tolist() == ["left", "left", "right"]
