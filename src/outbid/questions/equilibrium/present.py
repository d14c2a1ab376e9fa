"""What the players would choose: tables, figure, section, terminal lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, CONTRADICTED, QUANTILES, SUPPORTED
from outbid.players.schema import TODAY, GameTest, PlayersGame
from outbid.plots.base import OUTSIDE, QUIET, SIDES, Figure
from outbid.plots.intervals import Mark, intervals
from outbid.question import Section
from outbid.stats.effects import five_digits, readings, tabled
from outbid.study import Study
from outbid.words.effects import (
    ASSUMED,
    ASSUMED_MARK,
    Reading,
    certainty,
    difference,
    headline,
    records,
    span,
    views,
)
from outbid.words.numbers import (
    amount,
    capital,
    counted,
    interval,
    listed,
    percent,
    plain_name,
    terminal,
    two_digits,
    unit_of,
)

Row = Mapping[str, Any]
ANSWERS: Mapping[Reading, str] = {"more": "yes", "less": "no", "unknown": "unknown"}
CSS = {SUPPORTED: "good", CONTRADICTED: "bad"}
# how much of a weight's prior spread the moves took away: less says nothing, from the other on they say much
NOTHING, MUCH = 0.1, 0.5


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return mean choices by variant, choices month by month, the tests, the payoff weights, and how well all fits."""
    game, paths = study.declared["equilibrium"], dataset.action_path.sel(data=AFTER)
    return {
        "equilibrium": _means(dataset),
        "equilibrium_paths": five_digits(tabled(paths, ["prior", "variant", "player", "month"])),
        "equilibrium_tests": _tests(dataset, game),
        "payoff_weights": _weights(dataset, game),
        "equilibrium_fit": _fit(dataset, game),
    }


def _over_draws(values: xr.DataArray, keys: list[str]) -> pd.DataFrame:
    """Return the quantiles over the draws that have an equilibrium."""
    index = pd.MultiIndex.from_product([values[key].values for key in keys], names=keys)
    rows = values.transpose(*keys, "draw").values.reshape(len(index), values.sizes["draw"])
    frame = pd.DataFrame(rows, index=index).quantile(list(QUANTILES.values()), axis=1).T
    return five_digits(frame.set_axis(index).set_axis(list(QUANTILES), axis=1).reset_index())


def _means(dataset: xr.Dataset) -> pd.DataFrame:
    keys = ["prior", "variant", "player"]
    about = tabled(dataset[["lever", "decides"]].reset_coords(), keys[1:])
    frame = _over_draws(dataset.action.sel(data=AFTER), keys).merge(about, how="left", on=keys[1:])
    return frame[[*keys, "lever", "decides", *QUANTILES]]


def _tests(dataset: xr.Dataset, game: PlayersGame) -> pd.DataFrame:
    keys, about = ["prior", "test"], ["question", "answer_if", "measure", "unit", "sign", "smallest"]
    numbers = [
        "p_direction",
        "p_relevant",
        "draws",
        "p_direction_before",
        "bayes_factor",
        "verdict",
        "because",
    ]
    after = dataset[numbers[:3]].sel(data=AFTER, drop=True)
    before = dataset.p_direction.sel(data=BEFORE, drop=True)
    judged = dataset[numbers[4:]].assign(after).assign(p_direction_before=before)
    frame = _over_draws(dataset.effect.sel(data=AFTER), keys)
    frame = frame.merge(tabled(judged.reset_coords(about), keys), on=keys)
    frame["claims"] = frame["test"].map({each.id: " ".join(each.claims) for each in game.tests})
    frame = readings(frame, ["higher"] * len(frame), "p_direction")
    frame["reading"] = frame["reading"].map(ANSWERS)
    return frame[[*keys, "claims", *about, *QUANTILES, *numbers, "reading", "assumed"]]


def _weights(dataset: xr.Dataset, game: PlayersGame) -> pd.DataFrame:
    keys, columns = ["payoff", "prior"], ["player", "term", "unit", "meaning", "prior", "declared_prior"]
    about = [
        (each.name, *each.name.split("."), each.unit, each.meaning, prior, each.priors[prior].describe())
        for each in game.weights
        for prior in dataset.prior.values.tolist()
    ]
    numbers = dataset.payoff_quantile.to_dataset("quantile").assign(dataset[["p_positive", "contraction"]])
    frame = pd.DataFrame(about, columns=["payoff", *columns]).merge(tabled(numbers, keys), on=keys)
    return frame[[*columns, *QUANTILES, "p_positive", "contraction"]]


def _fit(dataset: xr.Dataset, game: PlayersGame) -> pd.DataFrame:
    names = ["solved", "residual", "moves", "fit", "by_chance", "trials", "effective"]
    frame = tabled(dataset[names].sel(data=AFTER, drop=True), ["prior"])
    return frame.assign(draws=dataset.sizes["draw"], states=game.grid.size, discount=game.discount)


def summary(dataset: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return what summary.json holds: the tests, and the payoff weights."""
    made, numbers = tables(dataset, study), ["median", "q05", "q95"]
    names = {"test": "id", "p_direction": "probability", "p_direction_before": "prior_probability"}
    tests, weights = made["equilibrium_tests"].rename(columns=names), made["payoff_weights"]
    of_tests = ["id", "claims", "prior", "measure", *numbers, "probability", "prior_probability", "verdict"]
    of_weights = ["player", "term", "prior", *numbers, "probability_positive", "contraction"]
    return {
        "equilibrium": records(tests.assign(claims=tests["claims"].str.split())[of_tests]),
        "payoffs": records(weights.rename(columns={"p_positive": "probability_positive"})[of_weights]),
    }


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return the section, headed by the answer to the first test that says what its answers are."""
    game, made = study.declared["equilibrium"], tables(dataset, study)
    tests, weights, means = made["equilibrium_tests"], made["payoff_weights"], made["equilibrium"]
    observed = ((plain_name(name), plain_name(of.split(":")[1])) for name, of in game.observed.items())
    words = {
        "heading": heading(tests, game),
        "who": who(game, study),
        "facts": facts(tests, game),
        "views": list(views(means).values()),
        "tests": [list(map(_test, rows)) for rows in _blocks(tests, "test")],
        "settled": settled(tests),
        "weights": [list(map(_weight, rows)) for rows in _blocks(weights, ["player", "term"])],
        "learnt": learnt(weights),
        "fit": fit(made["equilibrium_fit"]),
        "observed": listed([f"the {name}'s off its {of}" for name, of in observed]),
    }
    template = "questions/equilibrium/section.html.j2"
    return Section("equilibrium", "Their choices", template, words, made, (figure(means, game),))


def _blocks(frame: pd.DataFrame, keys: str | list[str]) -> list[list[dict[str, Any]]]:
    """Return the rows of a table in blocks that share a key, each with its view."""
    labelled = frame.assign(view=frame["prior"].map(views(frame)))
    return [records(rows) for _, rows in labelled.groupby(keys, sort=False)]


def _speaking(game: PlayersGame) -> GameTest | None:
    """Return the first test that says what its answers are."""
    return next((each for each in game.tests if each.says is not None), None)


def heading(tests: pd.DataFrame, game: PlayersGame) -> str:
    """Return what the answer to the first test that says so is, under each view."""
    test = _speaking(game)
    if test is None or test.says is None:
        names = listed([f"the {plain_name(player.name)}" for player in game.players])
        return f"What {names} would choose, in {counted(len(game.variants), 'variant')} of their game"
    own = tests[tests["test"] == test.id]
    rows = records(own)
    known = [row for row in rows if row["reading"] != "unknown"]
    opening = "By assumption" if known and all(row["assumed"] for row in known) else ""
    small = test.smallest > 0 and all(row["p_relevant"] < 0.5 for row in known if row["reading"] == "yes")
    yes = f"{test.says.yes}, though probably by too little to matter" if small else test.says.yes
    clauses = {"more": yes, "less": test.says.no, "unknown": test.says.unknown}
    readings = {answer: reading for reading, answer in ANSWERS.items()}
    return headline(own.assign(reading=own["reading"].map(readings)), clauses.__getitem__, opening)


def who(game: PlayersGame, study: Study) -> str:
    """Return who chooses what."""
    sides = {"incumbent": f" ({study.settings.incumbent})", "challenger": f" ({study.settings.challenger})"}
    names = [f"the {plain_name(each.name)}{sides.get(each.name, '')}" for each in game.players]
    return listed(
        [f"{n} chooses its {plain_name(each.lever)}" for n, each in zip(names, game.players, strict=True)]
    )


def facts(tests: pd.DataFrame, game: PlayersGame) -> list[tuple[str, str]]:
    """Return under each view the numbers behind the heading; none where no test says what its answers are."""
    test = _speaking(game)
    if test is None:
        return []
    labels = {each.id: f"“{each.label}”" for each in game.variants} | {TODAY: TODAY}
    of = "" if test.weight else f", {labels[test.of]} less {labels[test.against]}"
    result = []
    for row in map(_test, _blocks(tests[tests["test"] == test.id], "test")[0]):
        size = f"{capital(row['measure'])}{of}: {row['size']} (90% interval {row['span']})"
        enough = f"; by enough to matter, {row['least']}: {row['relevant']}" if test.smallest > 0 else ""
        sure = f"{row['chance']}; before the data, {row['before']}"
        result.append((row["view"], f"{size}. That {row['answer_if']}: {sure}{enough}."))
    return result


def _chance(row: Row) -> str:
    """Return how sure the answer yes is."""
    return certainty(row, row["p_direction"])


def settled(tests: pd.DataFrame) -> str:
    """Return how many questions are settled under each view, and how many of them by assumption."""
    parts: list[str] = []
    for prior, view in views(tests).items():
        called = tests[(tests["prior"] == prior) & tests["verdict"].isin(list(CSS))]
        given = int(called["assumed"].sum())
        share = f", {'all' if given == len(called) else given} of them {ASSUMED}" if given else ""
        verb = "" if parts else " is settled" if len(called) == 1 else " are settled"
        parts.append(f"{len(called) or 'none'}{verb} {view}{share}")
    return f"Of {counted(tests['test'].nunique(), 'question')} to the game, {'; '.join(parts)}"


def _test(row: dict[str, Any]) -> dict[str, Any]:
    """Return a test under one view with its words."""
    measure, unit = plain_name(row["measure"]).replace(".", "'s "), unit_of(row["unit"], difference=True)[1]
    matters = row["smallest"] > 0
    return row | {
        "claims": row["claims"].split(),
        "measure": f"{measure} ({unit})" if unit else measure,
        "least": f"{amount(row['smallest'], row['unit'])} or more" if matters else "any",
        "size": difference(row, row["unit"]),
        "span": span(row, row["unit"]),
        "before": percent(row["p_direction_before"]),
        "chance": _chance(row),
        "relevant": percent(row["p_relevant"]) if matters else "as any size does",
        "verdict": f"{ASSUMED_MARK} {ASSUMED}" if row["assumed"] else row["verdict"],
        "css": ASSUMED if row["assumed"] else CSS.get(row["verdict"], "open"),
    }


def _weight(row: dict[str, Any]) -> dict[str, Any]:
    """Return a payoff weight under one view with its words."""
    free = row["declared_prior"].startswith("normal")  # any other family holds nothing but positive numbers
    return row | {
        "name": f"{capital(plain_name(row['player']))}: {plain_name(row['term'])}",
        "after": f"{two_digits(row['median'])} ({interval(row['q05'], row['q95'])})",
        "positive": percent(row["p_positive"]) if free else f"{ASSUMED_MARK} {ASSUMED}",
        "learnt": f"{_much(row['contraction'])} ({two_digits(row['contraction'])})",
    }


def _much(contraction: float) -> str:
    return "nothing" if contraction < NOTHING else "a little" if contraction < MUCH else "much"


def learnt(weights: pd.DataFrame) -> str:
    """Return about how many weights the moves say much, and about how many nothing, in the first view there is."""
    first = weights[weights["prior"] == next(iter(views(weights)))]
    much, nothing = (int((first["contraction"].map(_much) == word).sum()) for word in ("much", "nothing"))
    return (
        f"Of {counted(len(first), 'thing')} that the players may want, their past moves say much about "
        f"{much or 'none'} and nothing about {nothing or 'none'}"
    )


def fit(table: pd.DataFrame) -> dict[str, str]:
    """Return how the games were solved and fit the moves, in words; what differs by view, with the view."""

    def each(words: pd.Series) -> str:
        if words.nunique() == 1:
            return str(words.iloc[0])
        return listed([f"{text} ({view})" for text, view in zip(words, views(table).values(), strict=True)])

    def typical(log_likelihood: str) -> str:
        per_move: Any = table[log_likelihood] / np.maximum(table["moves"], 1)
        return each(np.exp(np.maximum(per_move, -700.0)).map(percent))

    nouns = {"draws": "draw", "states": "state", "moves": "move", "trials": "time"}
    counts = {name: [counted(number, noun) for number in table[name]] for name, noun in nouns.items()}
    return {
        **{name: each(pd.Series(words)) for name, words in counts.items()},
        "solved": each(table["solved"].map(percent)),
        "residual": each(table["residual"].map(lambda value: f"{max(value, 1e-4):.2g}")),
        "typical": typical("fit"),
        "blind": typical("by_chance"),
        "effective": each(table["effective"].map(two_digits)),
        "month": each(table["discount"].map(two_digits)),
        "year": each((table["discount"] ** 12).map(two_digits)),
    }


def figure(means: pd.DataFrame, game: PlayersGame) -> Figure:
    """Draw each player's mean choice in every variant, a mark for each view; who is absent is not drawn."""
    absent = [(each.id, player) for each in game.variants for player in each.absent]
    rows = means[[pair not in absent for pair in zip(means["variant"], means["player"], strict=True)]]
    panels = {each.name: _choice(each.name, each.lever) for each in game.players}
    marks = [
        Mark(
            f"datum.decides && datum.player === '{player}' && datum.prior === '{prior}'",
            SIDES.get(player, OUTSIDE),
            hollow=i > 0,
            shift=10 * i - 5,
        )
        for player in panels
        for i, prior in enumerate(views(means))
    ]
    looks = zip(("Filled", "hollow"), views(means).values(), strict=False)
    return intervals(
        "variants",
        rows,
        row="variant",
        labels={each.id: each.label for each in game.variants},
        marks=[*marks, Mark("!datum.decides", QUIET, shape="diamond")],
        panel="player",
        panels=panels,
        shared=False,
        caption=f"Mean over the {counted(game.months, 'month')} ahead, with its 50% and 90% intervals. "
        f"{'; '.join(f'{look}: {view}' for look, view in looks)}. Grey diamonds: set, not chosen.",
        source="Equilibria of the game over the model's posterior draws, from where each draw stands today.",
        alternative=means_in_words(rows, game),
    )


def means_in_words(means: pd.DataFrame, game: PlayersGame) -> str:
    """Return every mean choice in words."""
    labels, sentences = {each.id: each.label for each in game.variants}, []
    for rows in _blocks(means, ["player", "prior"]):
        told = "; ".join(f"{labels[row['variant']]} {_brief(row)}" for row in rows)
        sentences.append(f"{_choice(rows[0]['player'], rows[0]['lever'])}, mean, {rows[0]['view']}: {told}.")
    return " ".join(sentences)


def _choice(player: str, lever: str) -> str:
    """Return a player with what it chooses ("The incumbent's hardness")."""
    return f"The {plain_name(player)}'s {plain_name(lever)}"


def _brief(row: Row) -> str:
    """Return a mean choice with its 90% interval, or that it was set."""
    if not row["decides"]:
        return f"set to {two_digits(row['median'])}"
    return f"{two_digits(row['median'])} ({interval(row['q05'], row['q95'])})"


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the heading, the chance of each test's yes, and what each chooses as things are."""
    game, made = study.declared["equilibrium"], tables(dataset, study)
    tests, means, baseline = made["equilibrium_tests"], made["equilibrium"], game.variants[0]
    out = [f"Chance of yes, {' | '.join(views(tests).values())}:"] if len(tests) else []
    out += [f"{' | '.join(map(_chance, rows))}: {rows[0]['question']}" for rows in _blocks(tests, "test")]
    for rows in _blocks(means[means["variant"] == baseline.id], "player"):
        choice = _choice(rows[0]["player"], rows[0]["lever"])
        out.append(f"{' | '.join(map(_brief, rows))}: {choice}, {baseline.label}")
    return terminal(heading(tests, game), out)
