"""The report of a replication: what it says, that nothing planted acts, and that it can be drawn again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from outbid.errors import InputError
from outbid.output import json_text
from outbid.replication import words
from outbid.replication.page import render
from outbid.replication.tables import Replication, from_netcdf
from replication_fixture import PLANTED, changed, content


def test_the_page_stands_alone_and_runs_nothing_planted() -> None:
    page = render(content())
    assert PLANTED not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "javascript:alert" not in page
    assert "default-src &#39;none&#39;" in page
    assert "http-equiv" in page
    for told in ("0.18", "0.1767", "✓ same", "✗ differs", "Table 4. Chance of an attack with the rival", "×"):
        assert told in page
    assert "A simulated panel" not in page


def test_a_simulated_panel_is_said_first_everywhere() -> None:
    found = content(simulated=True)
    page = render(found)
    assert page.index("A simulated panel") < page.index("<h1>")
    assert words.terminal(found)[0].startswith("SIMULATED PANEL")
    assert "no replication" in words.verdict(found)
    assert "Red and Blue" in words.warning(found)


def test_a_figure_that_is_not_judged_is_null_for_machines() -> None:
    told = json.loads(json_text(words.summary(content(), {})))
    assert [row["ok"] for row in told["replication"]] == [True, False, None]


def test_what_is_kept_is_drawn_again_the_same(tmp_path: Path) -> None:
    found, path = content(), tmp_path / "results.nc"
    path.write_bytes(found.to_netcdf())
    again = from_netcdf(path)
    assert again.facts == found.facts
    assert set(again.tables) == set(found.tables)
    for name, table in found.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)
    assert render(again) == render(found)
    path.write_bytes(b"cut short")
    with pytest.raises(InputError, match="is not the results of a whole run of a game"):
        from_netcdf(path)


def test_the_answer_follows_from_the_numbers() -> None:
    found = content()
    assert words.effect_of_rival(found, "red") == (
        "With Blue as a rival, Red attacked more often in the first era (by 18 points)."
    )
    assert "less often in the first era (by 2.0 points)" in words.effect_of_rival(found, "blue")
    assert "unevenly" in words.bottom(found)
    assert words.costs(found) == (
        "Dearer attacks for Red make Red attack less (by 4.0 points) and Blue attack less (by 1.0 points). "
        "Dearer attacks for Blue make Red attack more (by 9.0 points) and Blue attack less (by 1.0 points)."
    )
    assert "yes: each" in words.bottom(changed(found, "without_rival", difference=0.1))
    assert "hardly changed" in words.effect_of_rival(changed(found, "without_rival", difference=0.001), "red")


def test_doubts_are_told_and_vanish_with_their_reasons() -> None:
    found = content()
    told = words.doubt(found)
    assert "1 of 2 changes" in told
    assert "5.5 higher, where each would rather have the other popular" in told
    assert "1 of these 2 changes turn" in told
    page = render(found)
    assert "The estimates are not the highest maximum that 5 starts found" in page
    assert "There each would rather have the other popular" in page
    assert "Not told apart from zero at the 95% level: Red: worth of popularity." in page
    sure = changed(found, "without_rival", low=0.01, high=0.3)
    tables = {name: table for name, table in sure.tables.items() if name not in ("maxima", "refit")}
    assert words.doubt(Replication(sure.facts, tables)) == ""


def test_the_tally_counts_what_is_judged() -> None:
    found = content()
    assert words.tally(found) == (1, 1, 1)
    assert "the tables say why" in words.verdict(found)
    assert "say why" not in words.verdict(changed(found, "replication", note=""))
    good = Replication(found.facts, {**found.tables, "replication": found.tables["replication"].head(1)})
    assert words.verdict(good).startswith("All 1 published figure")


def test_the_terminal_has_few_and_short_lines() -> None:
    for simulated in (False, True):
        lines = words.terminal(content(simulated=simulated))
        assert len(lines) <= 14
        assert all(len(line) <= 100 for line in lines)


def test_the_csv_tables_hold_every_cell() -> None:
    files = content().csv()
    rows = pd.read_csv(io.StringIO(files["replication.csv"]), dtype=str, keep_default_na=False)
    assert list(rows["ok"]) == ["True", "False", ""]
    assert {"estimates.csv", "without_rival.csv", "costs.csv", "curves.csv", "path.csv", "maxima.csv"} < set(
        files
    )
    assert len(pd.read_csv(io.StringIO(files["path.csv"]))) == 48
    # keys are unique, and players go by the same names in every table
    for name in ("without_rival", "costs", "curves", "path"):
        table = content().tables[name]
        assert set(table["player"]) <= {"red", "blue", "either"}
        assert not table.duplicated([table.columns[0], table.columns[1]]).any()


@pytest.mark.parametrize(
    ("text", "told"), [("3e-13", "3 × 10⁻¹³"), ("-1.2e-04", "−1.2 × 10⁻⁴"), ("+0.5", "+0.5")]
)
def test_powers_of_ten_are_written_as_such(text: str, told: str) -> None:
    assert words.powers(text) == told


def test_intervals_by_errors_in_the_published_form_are_told_beside_ours() -> None:
    found = content()
    told = words.doubt(changed(found, "without_rival", low_published=0.01, high_published=0.2))
    assert "(0 of 2 by errors in the published form" in told
    assert "published form" not in words.doubt(found)
