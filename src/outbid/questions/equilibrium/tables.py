"""What the players would choose as tidy tables, ids as keys, and what summary.json holds of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, QUANTILES
from outbid.players.schema import PlayersGame, read_game
from outbid.stats.effects import five_digits
from outbid.study import Study
from outbid.words.effects import is_assumed, reading

ANSWERS = {"more": "yes", "less": "no", "unknown": "unknown"}


def declare(study: Study) -> PlayersGame | None:
    """Return the game of a study's players; None where it declares none."""
    return read_game(study.folder, study.model)


def game_of(study: Study) -> PlayersGame:
    """Return the game of a study that has one."""
    game = declare(study)
    assert game is not None  # there are answers, so there is a game
    return game


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return mean choices by variant, choices month by month, the tests, the payoff weights, and how well all fits."""
    game, paths = game_of(study), dataset.action_path.sel(data=AFTER)
    return {
        "equilibrium": _means(dataset),
        "equilibrium_paths": five_digits(_quantiles(paths, ["prior", "variant", "player", "month"])),
        "equilibrium_tests": _tests(dataset, game),
        "payoff_weights": _weights(dataset, game),
        "equilibrium_fit": _fit(dataset, game),
    }


def _quantiles(values: xr.DataArray, keys: list[str]) -> pd.DataFrame:
    """Return a row for each combination of the keys, with a column for each quantile."""
    return _columns(values.to_dataset("quantile"), keys)[[*keys, *QUANTILES]]


def _columns(values: xr.Dataset, keys: list[str]) -> pd.DataFrame:
    return values.reset_coords(drop=True).to_dataframe(dim_order=keys).reset_index()


def _over_draws(values: xr.DataArray, keys: list[str]) -> pd.DataFrame:
    """Return the quantiles over the draws that have an equilibrium."""
    index = pd.MultiIndex.from_product([values[key].values for key in keys], names=keys)
    draws = pd.DataFrame(
        values.transpose(*keys, "draw").values.reshape(len(index), values.sizes["draw"]), index=index
    )
    frame = draws.quantile(list(QUANTILES.values()), axis=1).T
    return five_digits(frame.set_axis(index).set_axis(list(QUANTILES), axis=1).reset_index())


def _means(dataset: xr.Dataset) -> pd.DataFrame:
    keys = ["prior", "variant", "player"]
    about = _columns(dataset[["lever", "decides"]].reset_coords(), keys[1:])
    frame = _over_draws(dataset.action.sel(data=AFTER), keys).merge(about, how="left", on=keys[1:])
    return frame[[*keys, "lever", "decides", *QUANTILES]]


def _tests(dataset: xr.Dataset, game: PlayersGame) -> pd.DataFrame:
    keys = ["prior", "test"]
    after = dataset[["p_direction", "p_relevant", "draws"]].sel(data=AFTER, drop=True)
    before = dataset.p_direction.sel(data=BEFORE, drop=True)
    judged = dataset[["bayes_factor", "verdict", "because"]]
    columns = _columns(xr.merge([after.assign(p_direction_before=before), judged], compat="equals"), keys)
    frame = _over_draws(dataset.effect.sel(data=AFTER), keys).merge(columns, on=keys)
    texts = pd.DataFrame(
        [
            (
                *(each.id, " ".join(each.claims), each.question, each.answer_if, each.what, game.unit(each)),
                *(each.sign, each.smallest),
            )
            for each in game.tests
        ],
        columns=["test", "claims", "question", "answer_if", "measure", "unit", "sign", "smallest"],
    )
    rows = list(zip(frame["p_direction"], frame["p_direction_before"], frame["prior"], strict=True))
    frame["reading"] = [ANSWERS[reading(*row, "higher")] for row in rows]
    frame["assumed"] = [is_assumed(after, before) for after, before, _ in rows]
    return frame.merge(texts, on="test")[[*keys, *texts.columns[1:], *frame.columns[2:]]]


def _weights(dataset: xr.Dataset, game: PlayersGame) -> pd.DataFrame:
    keys = ["payoff", "prior"]
    numbers = _columns(dataset[["p_positive", "contraction"]], keys)
    about = [
        {
            "payoff": each.name,
            "player": each.name.partition(".")[0],
            "term": each.name.partition(".")[2],
            "unit": each.unit,
            "meaning": each.meaning,
            "prior": prior,
            "declared_prior": each.priors[prior].describe(),
        }
        for each in game.weights
        for prior in dataset.prior.values.tolist()
    ]
    frame = pd.DataFrame(about).merge(_quantiles(dataset.payoff_quantile, keys), on=keys)
    return frame.merge(numbers, on=keys).drop(columns="payoff")


def _fit(dataset: xr.Dataset, game: PlayersGame) -> pd.DataFrame:
    names = ["solved", "residual", "moves", "fit", "by_chance", "trials", "effective"]
    frame = _columns(dataset[names].sel(data=AFTER, drop=True), ["prior"])
    return frame.assign(draws=dataset.sizes["draw"], states=game.grid.size, discount=game.discount)


def summary(dataset: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return what summary.json holds: the tests, and the payoff weights."""
    made = tables(dataset, study)
    tests, weights = made["equilibrium_tests"], made["payoff_weights"]
    tests = tests.assign(claims=tests["claims"].str.split()).rename(
        columns={"test": "id", "p_direction": "probability", "p_direction_before": "prior_probability"}
    )
    weights = weights.rename(columns={"p_positive": "probability_positive"})
    numbers = ["median", "q05", "q95"]
    of_tests = ["id", "claims", "prior", "measure", *numbers, "probability", "prior_probability", "verdict"]
    of_weights = ["player", "term", "prior", *numbers, "probability_positive", "contraction"]
    return {
        "equilibrium": tests[of_tests].to_dict("records"),
        "payoffs": weights[of_weights].to_dict("records"),
    }
