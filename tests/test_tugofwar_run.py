"""A whole run of the tug of war, on the real panel where it is at hand and on a simulated one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import outbid
from outbid.cli import main
from outbid.game.comparison import compare, reformed, shifted
from outbid.progress import Silent
from outbid.replication.compute import begin, solve_panel
from outbid.replication.tables import from_netcdf

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "tugofwar"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the published panel beside the project")


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], str]:
    code = main(["run", "tugofwar", "--json", *arguments])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


@needs_data
@pytest.mark.slow
def test_the_published_figures_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told, _ = run(["--data", str(DATA), "--out", str(tmp_path)], capsys)
    assert code == 0
    rows = told["replication"]
    assert len(rows) == 88
    wrong = [(row["table"], row["row"], row["column"]) for row in rows if row["ok"] is not True]
    # the printed rows Both belong to a smaller step, and are held against that one too
    assert {(table, row) for table, row, _ in wrong} == {("5", "higher cost both"), ("5", "lower cost both")}
    assert len(wrong) == 4
    assert all(row["note"] for row in rows if row["ok"] is not True)
    assert not told["simulated"]
    full = {row["name"]: row["full_error"] for row in told["estimates"]}
    np.testing.assert_allclose(list(full.values()), [0.0077, 0.0004, 0.25, 0.41], rtol=0.03)
    found = from_netcdf(tmp_path / "results.nc")
    assert found.facts["refit"]["stored_gap"] < 1e-5
    assert found.facts["refit"]["stored_likelihood"] == pytest.approx(-508.2948, abs=1e-3)
    assert found.tables["maxima"]["log_likelihood"][0] > -278.3
    assert (tmp_path / "report.html").stat().st_size > 100_000
    assert (tmp_path / "tables" / "replication.csv").is_file()
    # the second time everything is there already
    again, same, progress = run(["--data", str(DATA), "--out", str(tmp_path)], capsys)
    assert again == 0
    assert same == told
    assert "Estimating" not in progress
    assert main(["report", "tugofwar", "--out", str(tmp_path)]) == 0


@needs_data
@pytest.mark.slow
def test_variants_agree_with_the_general_comparison() -> None:
    found = solve_panel(begin(outbid.load("tugofwar").study, DATA, 1, Silent()), Silent())
    family, payoffs, states = found.family, found.payoffs, found.months.states
    alone = reformed("alone", family, {"fatah_pull": 0.0, "fatah_pull_by_popularity": 0.0})
    dearer = shifted("dearer", family, {"attack_fatah": -0.13})
    told = compare(
        family,
        payoffs.estimates,
        payoffs.vcov(),
        [alone, dearer],
        base=payoffs.equilibrium,
    )
    era, span = found.play.spans[1]
    gap = told.base.along("hamas", states[span]) - told.of("alone").along("hamas", states[span])
    ours = found.rivals.set_index(["player", "period"]).loc[("hamas", era.name)]
    assert ours["difference"] == pytest.approx(float(gap.values), abs=1e-8)
    assert ours["error"] == pytest.approx(float(gap.errors), rel=1e-5)
    costs = found.costs[found.costs["row"] == "higher cost Fatah"].set_index("player")
    for player, name in (("hamas", "hamas"), ("fatah", "fatah"), ("either", "any")):
        figure = told.of("dearer").over_grid(name)
        assert costs.at[player, "probability"] == pytest.approx(float(figure.values), abs=1e-8)
        assert costs.at[player, "error"] == pytest.approx(float(figure.errors), rel=1e-5)


@pytest.mark.slow
def test_without_data_a_simulated_panel_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, lines = run(["--quick", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert told["simulated"] is True
    assert told["warning"].startswith("No data were given")
    first = next(line for line in lines.splitlines() if " done in " not in line)
    assert first.startswith("SIMULATED PANEL")
    marks = [row["ok"] for row in told["replication"]]
    assert set(marks) <= {True, False, None}
    # eleven true numbers have an interval; more than three outside would be no bad luck
    assert marks.count(True) + marks.count(False) == 11
    assert marks.count(True) >= 8
    assert all(row["ok"] is None for row in told["replication"] if row["table"] in ("4", "5", "curve"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index("A simulated panel") < page.index("<h1>")


@pytest.mark.slow
def test_fit_estimates_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "tugofwar", "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated"] is True
    assert len(told["estimates"]) == 4
    assert (tmp_path / "estimates.json").is_file()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("run tugofwar --data nowhere", "there is no such folder"),
        ("run tugofwar --data _", "is not a path"),
        ("run tugofwar --prior neutral", "estimated without priors"),
        ("simulate tugofwar", "is a game"),
        ("run khorasan --data there", "brings its own figures"),
        ("fit khorasan --data there", "brings its own figures"),
        ("report tugofwar", "holds no run to report on"),
    ],
)
def test_what_can_not_be_done_is_one_line(
    line: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.replace("_", " ") for word in line.split()]) == 2
    captured = capsys.readouterr()
    complaint = [text for text in captured.err.splitlines() if text.startswith("outbid: ")]
    assert len(complaint) == 1
    assert told in complaint[0]


def test_the_list_and_the_check_know_the_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "tugofwar" in capsys.readouterr().out
    assert main(["check", "tugofwar"]) == 0
    assert "Every ID resolves" in capsys.readouterr().out
