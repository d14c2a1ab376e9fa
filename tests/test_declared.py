"""Schemas of a study's files: what they accept, and how they complain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, RootModel, ValidationInfo, model_validator

from outbid.declared import (
    ClaimId,
    Declared,
    Entries,
    Id,
    Lever,
    Many,
    Month,
    Number,
    Says,
    Sign,
    Some,
    Text,
    Whole,
    between,
    fault,
    in_range,
    json_schema,
    parse,
    read,
    ref,
)
from outbid.errors import InputError
from outbid.files import read_toml


class Change(Declared):
    """Another value of one lever."""

    entry = "{lever}"

    lever: Lever
    start: Month = Field(alias="from")
    to: Annotated[Number, Says("is not a number", "Give a finite number.")] | None = None
    shape: Literal["step", "ramp"] = "step"
    ramp: Whole = 1

    @model_validator(mode="after")
    def _reachable(self, info: ValidationInfo) -> Self:
        if self.to is not None:
            in_range(info, self.lever, self.to, "to")
        return self


class Course(Declared):
    """A course of action."""

    id: Id
    label: Text
    note: Annotated[Text, Says("missing or empty", "Give it as text.")] = ""
    baseline: bool = False
    claims: Some[ClaimId] = ()
    change: Many[Change] = ()
    months: Annotated[int, between(1, 600)] = 12
    sign: Sign = 1
    share: dict[Annotated[str, ref("stock")], Number] = Field(default={})

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if not self.change and not self.baseline:
            raise fault("changes nothing", "Write what is different, each as [[course.change]].")
        return self


class Settings(Declared):
    """A table of its own."""

    draws: Annotated[int, between(4, 2000)]


class Courses(Declared):
    """courses.toml."""

    course: Annotated[Entries[Course], Field(min_length=1), Says("holds no course", "Write one.")]
    settings: Settings | None = None


class Weight(Declared):
    """A number with a unit."""

    entry = "[{key}]"

    unit: Text
    value: Number


class Weights(RootModel[dict[str, Weight]]):
    """weights.toml."""


NAMES = {
    "lever": ("hardness", "aid"),
    "claim": ("M12",),
    "stock": ("members",),
    "month": ("2021-09", "2021-10", "2021-11"),
    "range": {"hardness": (0.0, 1.0)},
}
GOOD = """
[[course]]
id = "as_now"
label = " As now "
baseline = true

[[course]]
id = "open"
label = "Opening"
claims = "M12"
sign = -1
share = { members = 1 }
[[course.change]]
lever = "hardness"
from = "2021-10"
to = 1
[[course.change]]
lever = "aid"
from = "2021-11"
shape = "ramp"

[settings]
draws = 4
"""


def reading(folder: Path, text: str, schema: Any = Courses) -> Any:
    (folder / "courses.toml").write_text(text, encoding="utf-8")
    return read(folder / "courses.toml", schema, NAMES)


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    found = reading(tmp_path, GOOD)
    quiet, opening = found.course
    assert (quiet.label, quiet.claims, quiet.months) == ("As now", (), 12)
    assert opening.claims == ("M12",)
    assert opening.change == (
        Change(lever="hardness", start="2021-10", to=1.0),
        Change(lever="aid", start="2021-11", shape="ramp"),
    )
    assert isinstance(opening.change[0].to, float)
    assert found.settings == Settings(draws=4)
    assert hash(opening.change[0])
    assert read(tmp_path / "none.toml", Courses, NAMES) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[[course]]", "[[corse]]", "corse: unknown key. Did you mean 'course'?"),
        ('label = "Opening"', 'lable = "Opening"', "open, lable: unknown key. Did you mean 'label'?"),
        ('label = "Opening"', "", "open, label: missing or not a text. Give it as text in quotes."),
        (
            'label = "Opening"',
            'label = " "',
            "open, label: missing or not a text. Give it as text in quotes.",
        ),
        ('label = "Opening"', "label = 3", "open, label: missing or not a text. Give it as text in quotes."),
        ('label = "Opening"', 'label = "x"\nnote = ""', "open, note: missing or empty. Give it as text."),
        (
            'id = "open"',
            'id = "a b"',
            'course, id: is no plain name. Give it one, such as id = "schools_open".',
        ),
        (
            'id = "open"',
            "",
            'course 2, id: missing or no plain name. Give it one, such as id = "schools_open".',
        ),
        ('id = "open"', 'id = "as_now"', "as_now: this id is taken twice. Rename one of the two."),
        ('lever = "aid"', 'lever = "aids"', "open, change, lever: no lever 'aids'. Did you mean 'aid'?"),
        ('lever = "aid"', "lever = 3", "open, change 2, lever: no lever 3. Known names: aid, hardness."),
        ('lever = "aid"', "", "open, change 2, lever: missing. Known names: aid, hardness."),
        ('from = "2021-11"', "", "open, aid, from: missing. Name a month in quotes,"),
        ('from = "2021-11"', 'from = "2021-12"', "2021-12 lies outside the window of the data. Choose one"),
        (
            'from = "2021-11"',
            'from = "2021-1"',
            "open, aid, from: '2021-1' is not a month. Write it as YYYY-MM.",
        ),
        ('from = "2021-11"', "from = 202111", 'from: is not a month. Write it in quotes as "YYYY-MM".'),
        ('from = "2021-11"', 'start = "2021-11"', "open, aid, start: unknown key"),
        ("to = 1", "to = true", "open, hardness, to: is not a number. Give a finite number."),
        ("to = 1", "to = nan", "open, hardness, to: is not a number. Give a finite number."),
        ("to = 1", "to = 1.5", "open, hardness, to: 1.5 is outside the lever's range. Stay within 0 to 1."),
        ("to = 1", "too = 1", "open, hardness, too: unknown key. Did you mean 'to'?"),
        ("to = 1", "ramp = 0", "open, hardness, ramp: is not a whole number of at least 1."),
        (
            'shape = "ramp"',
            'shape = "rampp"',
            "open, aid, shape: unknown shape 'rampp'. Did you mean 'ramp'?",
        ),
        ("baseline = true", 'baseline = "yes"', "baseline: is not true or false. Write baseline = true."),
        ("baseline = true", "", "as_now: changes nothing."),
        (
            'claims = "M12"',
            'claims = "M13"',
            "open, claims: the ledger has no claim 'M13'. Did you mean 'M12'?",
        ),
        ('claims = "M12"', "claims = []", 'claims: missing or not a list of texts. Write claims = ["..."].'),
        (
            'claims = "M12"',
            "months = 601",
            "open, months: 601 is outside its range. Give a whole number from 1",
        ),
        ('claims = "M12"', "months = 1.5", "open, months: 1.5 is outside its range."),
        ("sign = -1", "sign = 2", "open, sign: is neither 1 nor -1."),
        ("sign = -1", "sign = true", "open, sign: is neither 1 nor -1."),
        ("members = 1", "membrs = 1", "no stock 'membrs'. Did you mean 'members'?"),
        ("members = 1", 'members = "all"', "share, members: 'all' is not a number."),
        (
            "draws = 4",
            "",
            "settings, draws: missing or outside its range. Give a whole number from 4 to 2000.",
        ),
        ("[settings]", "[[settings]]", "settings: is not a table. Write it as [settings]."),
        ('[[course.change]]\nlever = "aid"', '[course.chance]\nlever = "aid"', "chance: unknown key"),
    ],
)
def test_every_fault_is_one_line_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        reading(tmp_path, GOOD.replace(old, new, 1))
    assert says in str(caught.value)
    assert str(caught.value).startswith("courses.toml, ")
    assert "\n" not in str(caught.value)


def test_single_brackets_twice_are_told_too(tmp_path: Path) -> None:
    """A list's tables and those inside them, twice in single brackets each."""
    for name in ("course", "course.change"):
        path = tmp_path / "file.toml"
        path.write_text(f'[{name}]\nid = "a"\n[{name}]\nid = "b"\n', encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read_toml(path)
        fix = f"Open each with [[{name}]] if they are entries of a list; else rename one."
        assert (
            str(caught.value) == f"file.toml, line 3: is not valid TOML: [{name}] stands there twice. {fix}"
        )


def test_single_brackets_are_told_in_full(tmp_path: Path) -> None:
    single = '[[course]]\nid = "open"\nlabel = "x"\n[course.change]\nlever = "aid"\n'
    with pytest.raises(
        InputError, match=r"change: is not a list of tables\. Open each with \[\[course\.change\]\]"
    ):
        reading(tmp_path, single)


def test_a_part_of_a_table_does_not_stand_alone(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"change: does not stand by itself\. Write it as \[\[course\.change\]\], below"
    ):
        reading(tmp_path, f'{GOOD}\n[[change]]\nlever = "aid"\n')
    with pytest.raises(InputError, match=r"share: does not stand by itself\. Write it as \[course\.share\]"):
        reading(tmp_path, f"{GOOD}\n[share]\nmembers = 0.5\n")


def test_unknown_keys_come_before_all_else(tmp_path: Path) -> None:
    text = GOOD.replace('label = " As now "', "").replace('label = "Opening"', 'labl = "Opening"')
    with pytest.raises(InputError, match="open, labl: unknown key"):
        reading(tmp_path, text)


def test_an_empty_file_and_one_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"courses\.toml, course: holds no course\. Write one\."):
        reading(tmp_path, "")
    with pytest.raises(InputError, match=r"courses\.toml.*not valid TOML"):
        reading(tmp_path, "[[course]\n")


def test_tables_that_are_named_freely(tmp_path: Path) -> None:
    found = reading(tmp_path, '[base]\nunit = "x"\nvalue = 1\n', Weights)
    assert found.root == {"base": Weight(unit="x", value=1.0)}
    for text, says in [
        ('[base]\nunit = "x"\n', "[base], value: missing or not a number"),
        ('[base]\nunit = "x"\nvalue = 1\nvalues = 2\n', "[base], values: unknown key. Did you mean 'value'?"),
        ("base = 3\n", "base: is not a table. Write it as [base]."),
    ]:
        with pytest.raises(InputError) as caught:
            reading(tmp_path, text, Weights)
        assert f"courses.toml, {says}" in str(caught.value)


def test_what_names_lack_is_not_checked() -> None:
    found = parse("x.toml", {"lever": "anything", "from": "1900-01", "to": 99.0}, Change, {})
    assert found == Change(lever="anything", start="1900-01", to=99.0)


def test_a_complaint_of_another_module_passes_through() -> None:
    class File(Declared):
        """A file."""

        name: Text

        @model_validator(mode="after")
        def _refuse(self) -> Self:
            raise InputError("rules", "depend on themselves", "Let one go.")

    with pytest.raises(InputError) as caught:
        parse("x.toml", {"name": "y"}, File, {})
    assert str(caught.value) == "x.toml, rules: depend on themselves. Let one go."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["id", "label", "change", "claims", "share", "months", "baseline", "other"]))
def test_whatever_is_written_is_accepted_or_refused_in_one_line(value: Any, key: str) -> None:
    entry = {"id": "a", "label": "b", "baseline": True, key: value}
    for raw in ({"course": [entry]}, {"course": value}, {"course": [value]}, {"settings": value}):
        try:
            parse("x.toml", raw, Courses, NAMES)
        except InputError as error:
            assert len(str(error).splitlines()) == 1
            assert error.where.startswith("x.toml")


def test_the_json_schema_has_plain_names() -> None:
    schema = json_schema(Courses)
    assert json.loads(json.dumps(schema)) == schema
    change = schema["$defs"]["Change"]
    assert set(change["properties"]) == {"lever", "from", "to", "shape", "ramp"}
    assert change["properties"]["ramp"] == {"default": 1, "minimum": 1, "type": "integer"}
    assert "lever" in change["properties"]["lever"]["description"]
    assert "title" not in json.dumps(schema)
    assert schema["description"] == "courses.toml."
    assert schema["$defs"]["Settings"]["properties"]["draws"]["maximum"] == 2000
