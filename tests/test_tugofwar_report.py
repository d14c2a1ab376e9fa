"""The report of a replication: what it says, that nothing planted acts, and that it can be drawn again."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from outbid.report.replication import doubts as replication_doubts
from outbid.report.replication import tables as replication_tables
from outbid.report.replication import words as replication_words
from outbid.report.replication.content import ReplicationContent
from outbid.report.replication.page import render
from outbid.report.saved import rebuilt, to_text
from replication_fixture import PLANTED, content


def test_the_page_stands_alone_and_runs_nothing_planted() -> None:
    page = render(content())
    assert PLANTED not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "javascript:alert" not in page
    assert "default-src &#39;none&#39;" in page
    assert "http-equiv" in page
    for told in ("0.18", "0.1767", "✓ same", "✗ differs", "Table 4. With and without", "×"):
        assert told in page
    assert "A simulated panel" not in page


def test_a_simulated_panel_is_said_first_everywhere() -> None:
    shown = content(simulated=True)
    page = render(shown)
    assert page.index("A simulated panel") < page.index("<h1>")
    assert replication_words.terminal(shown)[0].startswith("SIMULATED PANEL")
    assert "no replication" in replication_words.verdict(shown)
    assert "Red and Blue" in replication_words.warning(shown)


def test_what_is_drawn_again_is_the_same() -> None:
    shown = content()
    assert rebuilt(ReplicationContent, to_text(shown), "here") == shown


def test_the_answer_follows_from_the_numbers() -> None:
    shown = content()
    assert replication_words.effect_of_rival(shown, "Red") == (
        "With Blue as a rival, Red attacked more often in the first era (by 18 points)."
    )
    assert "less often in the first era (by 2.0 points)" in replication_words.effect_of_rival(shown, "Blue")
    assert "unevenly" in replication_words.bottom(shown)
    assert "make both attack less" in replication_words.costs(shown)
    assert "make Red attack more" in replication_words.costs(shown)
    same = replace(shown, eras=tuple(replace(row, difference=0.1) for row in shown.eras))
    assert "yes: each" in replication_words.bottom(same)


def test_doubts_are_told_and_vanish_with_their_reasons() -> None:
    shown = content()
    told = replication_doubts.doubt(shown)
    assert "1 of 2 changes" in told
    assert "5.5 higher, where each would rather have the other popular" in told
    assert "1 of these 2 changes turn" in told
    assert "not the highest maximum" in replication_doubts.heading_sure(shown)
    assert replication_doubts.weak(shown.estimates).endswith("Red: worth of popularity.")
    sure = replace(
        shown, search=None, refit=None, eras=tuple(replace(row, low=0.01, high=0.3) for row in shown.eras)
    )
    assert replication_doubts.doubt(sure) == ""


def test_the_tally_counts_what_is_judged() -> None:
    shown = content()
    assert replication_words.tally(shown) == (1, 1, 1)
    assert "the tables say why" in replication_words.verdict(shown)
    bare = replace(shown, cells=tuple(replace(cell, note="") for cell in shown.cells))
    assert "say why" not in replication_words.verdict(bare)
    good = replace(shown, cells=shown.cells[:1])
    assert replication_words.verdict(good).startswith("All 1 published figure")


def test_the_terminal_has_few_and_short_lines() -> None:
    for simulated in (False, True):
        lines = replication_words.terminal(content(simulated=simulated))
        assert len(lines) <= 14
        assert all(len(line) <= 100 for line in lines)


def test_the_csv_tables_hold_every_cell() -> None:
    files = replication_tables.files(content())
    rows = list(csv.DictReader(io.StringIO(files["replication.csv"])))
    assert [row["ok"] for row in rows] == ["True", "False", ""]
    assert {"estimates.csv", "without_rival.csv", "costs.csv", "curves.csv", "path.csv", "maxima.csv"} < set(
        files
    )
    assert len(list(csv.DictReader(io.StringIO(files["path.csv"])))) == 48


@pytest.mark.parametrize(
    ("text", "told"), [("3e-13", "3 × 10⁻¹³"), ("-1.2e-04", "−1.2 × 10⁻⁴"), ("+0.5", "+0.5")]
)
def test_powers_of_ten_are_written_as_such(text: str, told: str) -> None:
    assert replication_tables.powers(text) == told


def test_intervals_by_errors_in_the_published_form_are_told_beside_ours() -> None:
    shown = content()
    eras = tuple(replace(row, low_published=0.01, high_published=0.2) for row in shown.eras)
    told = replication_doubts.doubt(replace(shown, eras=eras))
    assert f"(0 of {len(eras)} by errors in the published form" in told
    assert "published form" not in replication_doubts.doubt(shown)
