"""The main job from end to end, in its quick form: what it leaves, that it can be taken up, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from outbid.cli import main
from outbid.infer.fit import arviz
from outbid.infer.history import paths_table
from outbid.infer.store import read_group

PRIORS = ("neutral", "sources")
# fewer chains and draws than a quick run of a user's
COARSE = ("--quick", "--seed", "7", "--chains", "2", "--draws", "50")
SCENARIOS = """
[[scenario]]
id = "as_now"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "aid_while_open"
label = "Aid while open"
description = "Aid doubles, and stops while rule is harsh."

[[scenario.change]]
lever = "aid_offer"
to = 0.8

[[scenario.rule]]
lever = "aid_offer"
watch = "hardness"
above = 0.8
to = 0.1

[[goal]]
id = "fewer"
label = "No more members"
description = "The challenger has at most 3,000 members."
outcome = "challengers"
at_most = 3000
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "khorasan"
    assert main(["run", "khorasan", *COARSE, "--out", str(folder)]) in (0, 1)
    return folder


def test_it_leaves_what_it_promises_and_nothing_half_written(out: Path) -> None:
    left = {path.name for path in out.iterdir()}
    assert left == {
        "report.html",
        "summary.json",
        "results.nc",
        "tables",
    }
    tables = {path.name for path in (out / "tables").iterdir()}
    assert {"scenarios.csv", "parameters.csv", "figures.csv", "claims.csv", "diagram.csv"} <= tables
    assert (out / "report.html").stat().st_size < 5_000_000


def test_the_summary_has_the_declared_keys(out: Path) -> None:
    told = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    expected = [
        "study",
        "version",
        "seed",
        "data",
        "diagnostics",
        "claims",
        "scenarios",
        "forecast",
        "scores",
    ]
    assert [key for key in expected if key not in told] == []
    assert told["seed"] == 7
    assert told["data"]["first_month"] == "2021-09"
    assert told["data"]["n_months"] == 59
    assert set(told["diagnostics"]) == {"chains", "draws", "rhat_max", "ess_bulk_min", "divergences"}
    assert len(told["claims"]) == 60
    assert all(set(claim["by_prior"]) == set(PRIORS) for claim in told["claims"])
    # a quick run gives no verdict that it can't carry
    causal = [claim for claim in told["claims"] if set(claim["kind"].split("/")) <= {"C", "F"}]
    assert not {claim["verdict"] for claim in causal} & {"supported", "contradicted"}
    keys = {"id", "prior", "outcome", "median", "q05", "q95", "probability_better"}
    assert all(set(row) == keys for row in told["scenarios"])
    assert {row["prior"] for row in told["scenarios"]} == set(PRIORS)
    assert all(row["q05"] <= row["median"] <= row["q95"] for row in told["scenarios"])
    assert told["forecast"] == told["scores"] == told["replication"] == []


@pytest.mark.parametrize("prior", PRIORS)
def test_arviz_opens_the_results(out: Path, prior: str) -> None:
    data = arviz().InferenceData.from_netcdf(out / "results.nc", base_group=prior)
    groups = {"posterior", "sample_stats", "posterior_predictive", "log_likelihood", "observed_data"}
    assert groups | {"prior", "prior_predictive", "constant_data"} <= set(data.groups())
    assert set(data.posterior["tempo_noise"].dims) == {"chain", "draw"}
    assert (data.posterior["tempo_noise"] > 0).all()
    assert all(np.isfinite(each).all() for each in data.log_likelihood.data_vars.values())
    assert set(data.observed_data) == set(data.posterior_predictive)


def test_people_are_conserved_along_every_path_of_the_posterior(out: Path) -> None:
    stocks = (
        *("hardliners", "pragmatists", "challengers", "infiltrators", "dismissed", "sympathisers"),
        *("detained", "population", "killed", "left"),
    )
    path = arviz().InferenceData.from_netcdf(out / "results.nc", base_group="neutral")["path"]
    total = sum(path[name].astype(float) for name in stocks)
    spread = (total.max("month") - total.min("month")) / total.mean("month")
    assert float(spread.max()) < 1e-6  # the file keeps paths in single precision


def test_the_stored_paths_hold_the_bands_of_the_report(out: Path) -> None:
    groups = {name: read_group(out / "results.nc", f"{name}/path_quantiles") for name in PRIORS}
    table = paths_table(groups)
    shown = pd.read_csv(out / "tables" / "bands.csv")
    for ident, path in {
        "attacks": "attacks_home",
        "other_violence": "events_others",
        "challengers": "outcome.challengers",
        "hardness": "lever.hardness",
    }.items():
        bands = shown[shown["path"] == ident]
        same = table[table["path"] == path].merge(bands, on=["prior", "month"], suffixes=("", "_shown"))
        assert len(same) == len(bands) > 0
        for column in ("median", "q05", "q95"):
            # the report rounds what it shows
            np.testing.assert_allclose(same[column], same[f"{column}_shown"], rtol=1e-4, atol=1e-4)


def test_a_second_run_takes_up_the_fit_and_gives_the_same_numbers(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    main(["run", "khorasan", *COARSE, "--out", str(out), "--json"])
    captured = capsys.readouterr()
    after = json.loads(captured.out)
    assert "Fitting" not in captured.err
    assert after["scenarios"] == before["scenarios"]
    assert after["diagnostics"] == before["diagnostics"]


def test_another_seed_is_another_fit(out: Path) -> None:
    from outbid.run import fingerprint
    from outbid.run_settings import Settings
    from outbid.study import load_study

    study = load_study("khorasan")
    marks = {fingerprint(study, Settings(quick=True, seed=seed), "neutral") for seed in (7, 8)}
    assert len(marks) == 2


def test_the_report_can_be_drawn_again(out: Path) -> None:
    first = (out / "report.html").read_text(encoding="utf-8")
    (out / "report.html").unlink()
    assert main(["report", "khorasan", "--out", str(out)]) in (0, 1)
    again = (out / "report.html").read_text(encoding="utf-8")
    assert again == first


def test_simulate_uses_the_fit_that_is_there(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "khorasan", *COARSE, "--out", str(out), "--scenario", "moderation"]
    assert main([*words, "--months", "12", "--json"]) in (0, 1)
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert "Fitting" not in captured.err
    assert {row["scenario"] for row in told["comparisons"]} == {"baseline", "moderation"}
    (out / "simulation.json").unlink()


def test_a_question_is_answered_from_the_fit_that_is_there(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["ask", "khorasan", "claims", *COARSE, "--out", str(out), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code in (0, 1)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert {row["claim"] for row in told["claims"]["claims"]} == {claim["id"] for claim in summary["claims"]}
    assert (out / "claims.json").is_file() and (out / "tables" / "claim_tests.csv").is_file()


def test_scenarios_of_ones_own_are_compared(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SCENARIOS, encoding="utf-8")
    common = ["ask", "khorasan", "scenarios", *COARSE, "--out", str(out), "--scenarios", str(own)]
    assert main(common) in (0, 1)
    assert "aid_while_open" in (out / "scenarios.json").read_text(encoding="utf-8")
    capsys.readouterr()
    own.write_text(SCENARIOS.replace('watch = "hardness"', 'watch = "aid_offer"'), encoding="utf-8")
    assert main(common) == 2
    complaint = capsys.readouterr().err
    assert "own.toml" in complaint and "circle" in complaint


def test_a_report_on_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "khorasan", "--out", str(tmp_path / "none")]) == 2
    assert "holds no run to report on" in capsys.readouterr().err


def test_a_cut_short_file_of_results_is_refused(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (out / "results.nc").read_bytes()
    (tmp_path / "results.nc").write_bytes(data[: len(data) // 2])
    assert main(["report", "khorasan", "--out", str(tmp_path)]) == 2
    assert "results.nc" in capsys.readouterr().err


def test_ctrl_c_in_the_middle_of_sampling_keeps_what_was_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    import outbid.run as order

    folder = tmp_path / "stopped"
    folder.mkdir()
    with xr.open_datatree(out / "results.nc", engine="netcdf4") as tree:
        one_fit = tree.load().drop_nodes(["sources"])
    one_fit.to_netcdf(folder / "results.nc", engine="netcdf4")
    held = (folder / "results.nc").read_bytes()

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(order, "fit", stopped)
    assert main(["run", "khorasan", *COARSE, "--out", str(folder)]) == 130
    assert "neutral (finished);" in capsys.readouterr().err
    assert (folder / "results.nc").read_bytes() == held
    assert not (folder / "report.html").exists()
