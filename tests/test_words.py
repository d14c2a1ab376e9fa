"""Numbers, chances and effects in words: two digits, no false zero, no certainty, what was assumed is said."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.model.vocabulary import Outcome
from outbid.words.effects import (
    certainty,
    chance,
    chance_or_assumed,
    contrast,
    effect_blocks,
    in_brief,
    is_assumed,
    is_told,
    reading,
)
from outbid.words.numbers import (
    digits,
    interval,
    listed,
    more_or_less,
    percent,
    reported,
    signed,
    terminal,
    two_digits,
)

probabilities = st.floats(0, 1)
CLAUSES = {"more": "it rises", "less": "it falls", "unknown": "whether it rises"}


def outcome(name: str = "lost", better: str = "lower") -> Outcome:
    return Outcome(name, abs, "A meaning.", "a.py", f"Label of {name}", "persons", better, "sum")


def effect(**changes: Any) -> dict[str, Any]:
    row = {"q05": -410.0, "q25": -90.0, "median": 130.0, "q75": 350.0, "q95": 680.0}
    return row | {"p_better": 0.37, "p_better_before": 0.5, "reading": "more", "assumed": False} | changes


@given(probabilities)
def test_nothing_is_ever_certain(p: float) -> None:
    assert percent(p) not in ("0%", "100%") and "100%" not in chance(p)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_an_end_is_zero_only_where_the_interval_holds_zero(a: float, b: float) -> None:
    low, high = sorted((a, b))
    ends = interval(low, high).split(" to ")
    if not low <= 0 <= high:
        assert "0" not in (ends[0], ends[-1])


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.00029, 0.26, "0 to +0.26"),
        (0.00029, 0.26, "+0.0003 to +0.26"),
        (1100, 3900, "+1,100 to +3,900"),
        (-40, 310, "−40 to +310"),
        (20, 27000, "+20 to +27,000"),
    ],
)
def test_intervals(low: float, high: float, words: str) -> None:
    assert interval(low, high, difference=True) == words


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_two_digits_keep_the_sign_and_the_size(value: float) -> None:
    text = two_digits(value)
    assert text.isprintable() and text
    assert (value < 0 and text.startswith(("−", "between"))) or value >= 0 or text == "0"
    assert signed(-value).startswith("+") == (-value > 0 and text != "0")


def test_a_number_that_is_not_finite_is_not_known() -> None:
    assert {two_digits(math.nan), percent(math.nan), interval(math.nan, 1)} == {"not known"}
    assert chance(math.nan) == "not known"
    for before in (None, 0.5, 1.0, math.nan):
        assert not is_told(math.nan, before) and not is_assumed(math.nan, before)
        assert reading(math.nan, before, "sources", "higher") == "unknown"


@given(st.floats(-1e30, 1e30))
def test_no_reader_meets_an_exponent(value: float) -> None:
    assert not re.search(r"\de[+-]?\d", " ".join((two_digits(value), reported(value), digits(value, 3))))


@given(probabilities, probabilities)
def test_what_is_assumed_was_as_sure_before_and_is_not_told(after: float, before: float) -> None:
    if is_assumed(after, before):
        assert not is_told(after, before) and abs(after - before) < 0.05
        assert chance_or_assumed(after, before) == "◇ assumed"
    assert not is_assumed(after, None)


@given(probabilities, probabilities)
def test_turning_better_round_turns_the_reading_round(after: float, before: float) -> None:
    turned = {"more": "less", "less": "more", "unknown": "unknown"}
    assert reading(after, before, "neutral", "lower") == turned[reading(after, before, "neutral", "higher")]


def test_an_effect_says_its_size_its_interval_and_how_sure_it_is() -> None:
    assert in_brief(effect(reading="unknown"), outcome()) == "+130 (−410 to +680), can't be told (63%)"
    assert in_brief(effect(assumed=True), outcome()).endswith("◇ assumed")
    assert in_brief(effect(median=1.0), outcome()).startswith("about 0 (−410 to")
    assert (more_or_less(130.0, "persons"), more_or_less(-0.08, "index")) == (
        "130 persons more",
        "0.080 index points less",
    )
    assert (more_or_less(-130.0, "persons"), more_or_less(0.0, "persons")) == (
        "130 persons fewer",
        "no difference",
    )
    assert certainty(effect(p_better=1.0)) == "nearly certain, over 99%"


def test_a_table_of_effects_has_a_block_an_outcome_and_a_cell_a_view() -> None:
    now = {"level_q05": 1.0, "level_median": 5.0, "level_q95": 9.0}
    rows = [
        {"course": course, "prior": prior, "outcome": "lost", **effect(regret=3.0), **now}
        for course in ("a", "b")
        for prior in ("sources", "neutral")
    ]
    frame = pd.DataFrame(rows[:-1])
    (block,) = effect_blocks(
        frame,
        [outcome("lost"), outcome("other")],
        row="course",
        rows={"b": "Second", "a": "First"},
        months=36,
        beside=("As now", "level", "a"),
        extra=["regret"],
    )
    assert (
        block["note"]
        == "Persons, sum over 36 months; lower is better. As now: 5.0 persons (90% interval 1.0 to 9.0)."
    )
    assert [row["label"] for row in block["rows"]] == ["Second", "First"]
    assert block["rows"][0]["cells"][0] is None
    assert block["rows"][1]["cells"][0]["css"] == "bad"
    assert block["rows"][1]["cells"][0]["extra"] == ["3.0"]


def test_both_views_stand_in_one_sentence_and_are_kept_apart() -> None:
    kinds = ("more", "less", "unknown")
    sentences = {contrast(CLAUSES, {"neutral": a, "sources": b}) for a in kinds for b in kinds}
    assert len(sentences) == 9
    for sentence in sentences:
        assert sentence[0].isupper() and not sentence.endswith(".")
        assert "taking the texts at their word" in sentence
    assert contrast(CLAUSES, {"neutral": "more"}) == "It rises, without taking sides"


def test_lists() -> None:
    assert [listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_a_terminal_gets_ten_lines_of_its_width() -> None:
    told = terminal("A heading " * 40, ["A line " * 40, "\x1b[2J", *"abcdefghij"])
    assert len(told) == 10 and max(map(len, told)) <= 100
    assert told[3].endswith("…") and told[4] == "[2J"
