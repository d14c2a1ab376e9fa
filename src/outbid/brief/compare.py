"""How scenarios compare, in plain form."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.ask.compare import Compared
from outbid.model.declare import Model
from outbid.report.comparison.content import (
    ComparisonContent,
    Course,
    CriteriaRow,
    GoalRow,
    Measure,
    PickRow,
    ReachedRow,
)
from outbid.simulate.rules import Rule
from outbid.simulate.scenario import Scenario
from outbid.words.numbers import plain_name, reported, unit_of


def comparison(
    model: Model, results: Mapping[str, Compared], months: int, file: str = ""
) -> ComparisonContent:
    """Return the comparison of scenarios; empty where there is none.

    Parameters
    ----------
    results
        By prior set.
    months
        The horizon.
    file
        The name of a user's file of scenarios, or empty.
    """
    if not results:
        return ComparisonContent()
    first = next(iter(results.values())).after
    return ComparisonContent(
        tuple(Measure(o.name, o.label, o.unit, o.better, o.summary) for o in first.outcomes),
        tuple(
            Course(s.id, s.label, s.description, s.baseline, rules_in_words(model, s))
            for s in first.scenarios
        ),
        tuple(GoalRow(g.id, g.label, g.description, g.outcome, g.at_least, g.at_most) for g in first.goals),
        tuple(row for name, each in results.items() for row in _rows(name, each)),
        tuple(row for name, each in results.items() for row in _reached(name, each)),
        tuple(
            PickRow(pick.criterion, pick.outcome, name, pick.scenarios)
            for name, each in results.items()
            for pick in each.after.picks
        ),
        {name: each.after.draws for name, each in results.items()},
        months,
        file,
    )


def rules_in_words(model: Model, scenario: Scenario) -> tuple[str, ...]:
    """Return a scenario's conditional rules, a sentence each."""
    return tuple(_rule(model, rule) for rule in scenario.rules)


def described(model: Model, scenario: Scenario) -> str:
    """Return a scenario's description with its conditional rules in words."""
    return " ".join((scenario.description, *rules_in_words(model, scenario)))


def _rule(model: Model, rule: Rule) -> str:
    threshold = rule.above if rule.above is not None else rule.below
    side = "above" if rule.above is not None else "below"
    unit = unit_of(model.lever(rule.lever).unit)[1]
    unit = f" ({unit})" if unit not in ("", "%", "share") else ""
    watched = " persons" if rule.watch in {item.name for item in model.stocks} else ""
    since = f", from month {rule.start} on" if rule.start > 1 else ""
    return (
        f"While {plain_name(rule.watch)} is {side} {reported(threshold or 0.0)}{watched}{since}, "
        f"{plain_name(rule.lever)} is at {reported(rule.to)}{unit}."
    )


def _rows(prior: str, result: Compared) -> tuple[CriteriaRow, ...]:
    before = {(row.scenario, row.outcome): row.probability_better for row in result.before.rows}
    return tuple(
        CriteriaRow(
            row.scenario,
            row.outcome,
            prior,
            *row.level,
            *row.difference,
            row.probability_better,
            before[row.scenario, row.outcome],
            row.probability_best,
            row.regret,
            row.most_regret,
            row.worst,
            row.worst_tail,
        )
        for row in result.after.rows
    )


def _reached(prior: str, result: Compared) -> tuple[ReachedRow, ...]:
    before = {each.scenario: each.together for each in result.before.reached}
    return tuple(
        ReachedRow(each.scenario, prior, each.goals, each.together, before[each.scenario])
        for each in result.after.reached
    )
