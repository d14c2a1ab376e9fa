"""The results file: what comes back is what was put in, ArviZ opens it, and every path knows its parameter draw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import contest
from outbid.infer.fit import Fit, arviz, variable
from outbid.infer.history import HistorySimulator, paths_table, thinned
from outbid.infer.posterior import FULL, QUICK, Draws
from outbid.infer.store import RESULTS, Histories, read_fit, read_group, write_results
from outbid.model.compile import layout
from outbid.output import OutputFolder

MARKS = {"neutral": "one mark", "sources": "another"}
MODEL = contest.model()
HISTORIES = HistorySimulator(MODEL, contest.figures(MODEL), contest.known_levers())
STUDY: Any = SimpleNamespace(model=MODEL, panel=contest.panel())
THINNED = 300


def read_results(path: Path) -> xr.DataTree:
    with xr.open_datatree(path, engine="netcdf4") as tree:
        return tree.load()


def fit(prior_set: str = "neutral", how: str = "sampled") -> Fit:
    where, shape = layout(MODEL, contest.MONTHS), (4, 250)
    generator = np.random.default_rng(len(prior_set))
    z = 0.3 * generator.standard_normal((*shape, where.size))
    draws = Draws(
        where, z, np.zeros(shape, bool), generator.standard_normal(shape), np.ones(shape), np.ones(shape)
    )
    effort = QUICK if how == "short" else FULL
    return Fit(MODEL, prior_set, draws, effort, 1.0)


@pytest.fixture(scope="module")
def histories() -> Histories:
    run = HISTORIES.run
    blank = np.random.default_rng(9).standard_normal((THINNED, layout(MODEL, contest.MONTHS).size))
    return {
        name: {
            "after": run(thinned(fit(name).draws.z, THINNED), contest.table(name), 1),
            "before": run(blank, contest.table(name), 1),
        }
        for name in MARKS
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, histories: Histories) -> Path:
    question = {"replay": xr.Dataset({"effect": ("draw", np.arange(3.0))}, {"draw": [0, 1, 2]})}
    with OutputFolder(tmp_path_factory.mktemp("results")) as out:
        return write_results(out, STUDY, {name: fit(name) for name in MARKS}, MARKS, histories, question)


@pytest.mark.parametrize("how", ["sampled", "short"])
def test_a_fit_comes_back_with_its_doubts(tmp_path: Path, how: str) -> None:
    made = fit(how=how)
    with OutputFolder(tmp_path) as out:
        path = write_results(out, STUDY, {"neutral": made}, MARKS)
    held = read_fit(path, STUDY, "neutral", "one mark")
    assert held is not None
    assert held.problems == made.problems
    assert any("quick run" in line for line in held.problems) is (how == "short")
    assert held.carries_verdicts is (how != "short")
    assert np.array_equal(held.draws.z, made.draws.z)
    assert np.array_equal(held.diagnostics.ess_bulk, made.diagnostics.ess_bulk)
    pd.testing.assert_frame_equal(held.summary(), made.summary())
    assert read_fit(path, STUDY, "neutral", "another mark") is None
    assert read_fit(path, STUDY, "sources", "another") is None


def test_no_file_or_a_damaged_one_is_no_fit(tmp_path: Path, results: Path) -> None:
    path = tmp_path / RESULTS
    assert read_fit(path, STUDY, "neutral", "one mark") is None
    path.write_bytes(results.read_bytes()[:5000])
    assert read_fit(path, STUDY, "neutral", "one mark") is None
    with OutputFolder(tmp_path) as out:
        write_results(out, STUDY, {"neutral": fit()}, MARKS)
    assert read_fit(path, STUDY, "neutral", "one mark") is not None


def test_a_second_fit_leaves_the_first_and_what_no_longer_holds_goes(
    tmp_path: Path, histories: Histories
) -> None:
    answer = {"replay": xr.Dataset({"effect": 1.0})}
    with OutputFolder(tmp_path) as out:
        neutral = {"neutral": fit()}
        write_results(out, STUDY, neutral, MARKS, {"neutral": histories["neutral"]}, answer)
        path = write_results(out, STUDY, {"sources": fit("sources")}, MARKS)
        assert read_fit(path, STUDY, "neutral", "one mark") is not None
        assert read_fit(path, STUDY, "sources", "another") is not None
        tree = read_results(path)
        assert "path" in tree["neutral"] and "path" not in tree["sources"]
        assert "questions" not in tree  # it was answered without the second fit
        write_results(out, STUDY, neutral, MARKS, questions=answer)
        assert {"neutral", "sources", "questions"} == set(read_results(path))
        write_results(out, STUDY, neutral, {**MARKS, "sources": "changed"})
        assert {"neutral", "questions"} == set(read_results(path))
        assert "path" in read_results(path)["neutral"]


@pytest.mark.parametrize("prior_set", MARKS)
def test_arviz_opens_a_prior_sets_groups(results: Path, prior_set: str, histories: Histories) -> None:
    data = arviz().InferenceData.from_netcdf(results, base_group=prior_set)
    assert {
        *("posterior", "sample_stats", "posterior_predictive", "log_likelihood"),
        *("observed_data", "constant_data", "prior", "prior_predictive", "path", "latent"),
    } <= set(data.groups())
    made = fit(prior_set)
    assert np.array_equal(data.posterior["tempo_noise"], made.posterior["tempo_noise"])
    assert data.posterior["tempo_noise"].attrs["units"] == "1"
    before = histories[prior_set]["before"].state_today.parameters
    assert np.array_equal(data.prior["defection_base"][0], before[:, 0])
    assert set(data.observed_data) == set(data.posterior_predictive) == set(contest.FIGURES)
    assert float(arviz().ess(data.posterior, var_names=["tempo_noise"])["tempo_noise"]) > 100


def test_every_thinned_draw_says_which_parameter_draw_it_is_of(results: Path, histories: Histories) -> None:
    neutral = read_results(results)["neutral"]
    path, latent = neutral["path"].dataset, neutral["latent"].dataset
    tied = {name: xr.DataArray(path[f"posterior_{name}"].values, dims="drawn") for name in ("chain", "draw")}
    found = neutral["posterior"].dataset.sel(tied)
    at_end = histories["neutral"]["after"].state_today.parameters
    for i, name in enumerate(MODEL.parameter_names):
        np.testing.assert_allclose(found[name], at_end[:, i], rtol=1e-12)
    # the whole path follows from the vector at that place
    z = np.asarray(latent["standard_normals"].sel(tied))
    again = HISTORIES.run(z, contest.table(), 1)
    np.testing.assert_allclose(path["challengers"][0], again.paths["challengers"], rtol=1e-6)


# ArviZ hands Matplotlib what this no longer wants
@pytest.mark.filterwarnings("ignore:Passing a dict or None as alias_mapping")
def test_predictive_checks_are_drawn_for_every_series(results: Path) -> None:
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("Agg")
    data = arviz().InferenceData.from_netcdf(results, base_group="neutral")
    axes = np.ravel(arviz().plot_ppc(data, num_pp_samples=20))
    assert len(axes) >= len(contest.FIGURES)
    pyplot.close("all")


def test_a_figure_that_is_a_range_stands_with_its_middle(results: Path) -> None:
    neutral = read_results(results)["neutral"]
    fighters = neutral["observed_data"]["fighters"]
    # a range twice, a value, a floor, a ceiling
    assert np.array_equal(fighters, [2000.0, 2500.0, 2900.0, 2000.0, 6000.0])
    published = neutral["constant_data"].to_dataset().to_dataframe().query("series == 'fighters'")
    np.testing.assert_array_equal(published["low"], [1500, 2000, np.nan, 2000, np.nan])
    np.testing.assert_array_equal(published["high"], [2500, 3000, np.nan, np.nan, 6000])
    np.testing.assert_array_equal(published["value"], [np.nan, np.nan, 2900, np.nan, np.nan])
    assert list(published["start"][:2]) == ["2021-11-01", "2022-06-15"]


def test_the_table_of_paths_has_all_that_is_inferred_in_full_precision(
    results: Path, histories: Histories
) -> None:
    table = paths_table({name: read_group(results, f"{name}/path_quantiles") for name in MARKS})
    assert not table.duplicated(["prior", "path", "month"]).any()
    expected = {"hardliners", "challengers", "sympathisers", "killed", "standing", "tempo"}
    expected |= {"attacks_home", "raids_made", "outcome.members", "lever.hardness"}
    assert set(table["path"]) == expected
    assert len(table) == len(MARKS) * len(expected) * contest.MONTHS
    rows = table.query("prior == 'sources' and path == 'challengers'").set_index("month")
    drawn = histories["sources"]["after"].paths["challengers"]
    assert list(rows.index) == list(contest.WINDOW.months)
    assert set(rows["unit"]) == {"persons"}
    for column, share in {"median": 0.5, "q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}.items():
        assert np.array_equal(rows[column], np.quantile(drawn, share, axis=0))
    assert np.array_equal(
        table.query("prior == 'neutral' and path == 'lever.hardness'")["median"],
        np.quantile(histories["neutral"]["after"].levers[:, :, 0], 0.5, axis=0),
    )


def test_people_are_conserved_along_stored_paths(results: Path) -> None:
    path = read_results(results)["neutral"]["path"].dataset
    total = sum(path[item.name].astype(float) for item in contest.STOCKS)
    assert float(((total.max("month") - total.min("month")) / total.mean("month")).max()) < 1e-6


@pytest.mark.parametrize("name", ["chain", "draw", "month", "path", "entry"])
def test_names_of_dimensions_are_kept_apart(name: str) -> None:
    assert variable(name) == f"{name}_"
    assert variable(f"{name}s") == f"{name}s"


# a fit as a table and as a picture


def test_a_fits_tables_and_its_picture() -> None:
    made = fit()
    table, frame = made.summary(), made.to_dataframe()
    assert list(table.index) == list(MODEL.parameter_names)
    assert frame.index.names == ["chain", "draw"] and len(frame) == 1000
    tempo = frame["tempo_noise"]
    assert table.loc["tempo_noise", "median"] == pytest.approx(tempo.median())
    assert table.loc["tempo_noise", "q95"] == pytest.approx(tempo.quantile(0.95))
    assert table.loc["tempo_noise", "prior"] == "lognormal, median 0.15, log sd 0.2"
    assert table["contraction"].between(0.85, 0.95).all()
    assert len(repr(made)) < 100 and "neutral" in repr(made)
    assert "<table" in made._repr_html_()
    assert made.plot().to_dict()["data"]
    worried = replace(made)
    vars(worried)["diagnostics"] = replace(made.diagnostics, problems=("<b>",))
    assert "&lt;b&gt;" in worried._repr_html_()
