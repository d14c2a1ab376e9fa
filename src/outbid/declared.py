"""What a study declares in TOML, as schemas: every fault becomes one line that says where, what and how to mend it.

A schema is a class of fields, such as `questions/replay/schema.py`; `read` returns an instance of it.

* The type of a field says how it is written: `Text`, `Number`, `Id`, `Month`, `Sign`, `Whole`, `Literal["step", "ramp"]`,
  `Annotated[int, between(1, 600)]`, `Annotated[str, ref("lever")]`, `Many[T]` (a list), `Some[T]` (a list of at least
  one, or a single text), `Entries[T]` (tables with an id each), another schema (a table), `dict[str, T]`.
* `Says(problem, fix)` beside the type gives the words for a field that is missing or of the wrong form; without it
  the type has its own. `{value}` stands for what was written, `{key}` for the field's name, `{table}` for it with the
  tables around it ("scenario.change").
* A validator of one's own raises `fault(problem, fix, at)`; `at` is added to the place. An `InputError` of another
  module may pass through it as it is.
* `entry` says how complaints name one table of a list; "{id}" if left out. `own_label`: no two may have one label.
* `names`, the context of validators (`info.context`), holds what may be named, by kind ("lever", "outcome", "claim", ...);
  a kind that it lacks is not checked. It also has "month" (the window's months), "range" (low and high by lever),
  "today" (by lever, where known) and "horizon" (months ahead).
"""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic.functional_validators import AfterValidator
from pydantic_core import core_schema

from outbid.errors import InputError, did_you_mean
from outbid.files import read_toml

T = TypeVar("T")
S = TypeVar("S", bound=BaseModel)
Names = Mapping[str, Any]


class Declared(BaseModel):
    """A table of a TOML file: frozen, strict about types, and without keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True)
    entry: ClassVar[str] = "{id}"
    own_label: ClassVar[bool] = False


def read(path: Path, schema: type[S], names: Names) -> S | None:
    """Return a declared file, None if there is none.

    `schema`: a `Declared`, or a `RootModel` for a file whose tables are named freely. Raises InputError at one
    fault: an unknown key before any other, then in the order of the schema.
    """
    return read_required(path, schema, names) if path.is_file() else None


def read_required(path: Path, schema: type[S], names: Names) -> S:
    """Return a declared file that has to be there; as `read` otherwise."""
    return parse(path.name, read_toml(path), schema, names)


def parse(file: str, raw: Mapping[str, Any], schema: type[S], names: Names) -> S:
    """Return what a file's content declares; `file` names it in complaints. Raises InputError as `read` does."""
    try:
        return schema.model_validate(raw, context=names, by_alias=True, by_name=False)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    worst = min(faults, key=lambda each: each["type"] != "extra_forbidden")
    raise _complaint(file, raw, schema, worst, names)


# words


def fault(problem: str, fix: str, at: str = "") -> InputError:
    """Return a complaint for a validator to raise; `at` is added to the place, which `read` puts before it."""
    return InputError(at, problem, fix)


@dataclass(frozen=True)
class Says:
    """What to say of a field that is missing or of the wrong form; {value} and {key} are filled in."""

    problem: str
    fix: str


@dataclass(frozen=True)
class Ref(Says):
    """A name that must be among the context's `kind`."""

    kind: str = ""

    def _known(self, value: Any, info: ValidationInfo) -> Any:
        known = (info.context or {}).get(self.kind)
        if isinstance(value, str) and (known is None or value in known):
            return value
        raise fault(self.problem.replace("{value}", repr(value)), did_you_mean(str(value), known or ()))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.with_info_before_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return {"type": "string", "description": f"Name of one of the study's: {self.kind}."}


@dataclass(frozen=True)
class Between(Says):
    """Bounds of a number, both included."""

    low: float = 0.0
    high: float = 0.0

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return {**handler(source), "ge": self.low, "le": self.high}


def ref(kind: str, problem: str = "") -> Ref:
    """Return the mark of a name that has to exist: `Annotated[str, ref("lever")]`; `problem` instead of "no lever"."""
    return Ref(f"{problem or f'no {kind}'} {{value}}", "Name one that exists.", kind)


def between(low: float, high: float, problem: str = "{value} is outside its range", fix: str = "") -> Between:
    """Return the mark of a number within bounds: `Annotated[int, between(1, 600)]`."""
    what = "whole number" if isinstance(low, int) else "number"
    return Between(problem, fix or f"Give a {what} from {low:g} to {high:g}.", low, high)


def in_range(info: ValidationInfo, lever: str, value: float, at: str = "") -> None:
    """Refuse a value that a lever can't take; `at` names the field."""
    low, high = (info.context or {}).get("range", {}).get(lever, (value, value))
    if not low <= value <= high:
        raise fault(f"{value:g} is outside the lever's range", f"Stay within {low:g} to {high:g}.", at)


def unique(entries: Sequence[T], taken: Collection[str] = (), kind: str = "") -> Sequence[T]:
    """Refuse tables of which two have one id (or one label, if that has to be their own), or one an id that is taken.

    `kind` is put before the id.
    """
    seen = set(taken)
    for each in entries:
        name = str(getattr(each, "id", ""))
        if name in seen:
            at = f"{kind}, {name}" if kind else name
            raise fault("this id is taken twice", "Rename one of the two.", at)
        seen.add(name)
    distinct((each.id, each.label) for each in entries if getattr(each, "own_label", False))  # type: ignore[attr-defined]
    return entries


def distinct(labels: Iterable[tuple[str, str]], file: str = "", what: str = "label") -> None:
    """Refuse (name, label) of which two have one label, be it in other letters or spaces: nobody could tell them apart."""
    names: dict[str, str] = {}
    for name, label in labels:
        other = names.setdefault(" ".join(label.split()).casefold(), name)
        if other != name:
            at = f"{file}, {name}, {what}" if file else f"{name}, {what}"
            raise fault(f"has the {what} of {other}", f"Give each a {what} of its own.", at)


# kinds of fields


def _month(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str):
        raise fault("is not a month", 'Write it in quotes as "YYYY-MM".')
    try:
        date.fromisoformat(f"{value}-01" if len(value) == len("YYYY-MM") else "")
    except ValueError:
        raise fault(f"{value!r} is not a month", "Write it as YYYY-MM.") from None
    window = (info.context or {}).get("month")
    if window and value not in window:
        problem = f"{value} lies outside the window of the data"
        raise fault(problem, f"Choose one from {window[0]} to {window[-1]}.")
    return value


@dataclass(frozen=True)
class _Listed:
    """Makes a single text a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        def listed(value: Any) -> Any:
            return [value] if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        array = handler(schema)
        return {"anyOf": [array["items"], array]}


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    Says("missing or not a text", "Give it as text in quotes."),
]
Number = Annotated[float, AllowInfNan(False), Says("{value} is not a number", "Give a finite number.")]
Whole = Annotated[
    int, Field(ge=1), Says("is not a whole number of at least 1", "Give a whole number, 1 or more.")
]
Sign = Annotated[
    Literal[1, -1],
    BeforeValidator(lambda value: None if isinstance(value, bool) else value),  # True equals 1
    Says("is neither 1 nor -1", "Say which way the measure is expected to go."),
]
Id = Annotated[
    str,
    StringConstraints(pattern=r"^[^\W\d]\w*$"),
    Says("is no plain name", 'Give it one, such as id = "schools_open".'),
]
Month = Annotated[
    str, BeforeValidator(_month), Says("missing", 'Name a month in quotes, such as from = "2022-03".')
]
Many = Annotated[tuple[T, ...], Field(strict=False)]
Entries = Annotated[tuple[T, ...], Field(strict=False), AfterValidator(unique)]
Some = Annotated[
    tuple[T, ...],
    Field(strict=False, min_length=1),
    _Listed(),
    Says("missing or not a list of texts", 'Write {key} = ["..."].'),
]
Lever = Annotated[str, ref("lever")]
Outcome = Annotated[str, ref("outcome")]
ScenarioId = Annotated[str, ref("scenario")]
ClaimId = Annotated[str, ref("claim", "the ledger has no claim")]


# complaints


def _complaint(file: str, raw: Any, schema: type[BaseModel], error: Any, names: Names) -> InputError:
    """Return one of pydantic's errors as ours; tables of a list are named by themselves, not by number."""
    loc = [step for step in error["loc"] if step != "[key]"]
    path: list[str] = []
    place, value, kind, table = [file], raw, schema, schema
    words: Says | None = None
    for i, step in enumerate(loc):
        last, below = i == len(loc) - 1, _inside(kind, step)
        if isinstance(step, int) and isinstance(value, list | tuple):
            value = value[step]
            if _is_table(below):
                place[-1] = _entry_name(below, value, path[-1], step, last_step=loc[-1])
        elif isinstance(step, str) and isinstance(value, Mapping) and (step in value or last):
            value = value.get(step)
            named = _is_table(below) and not _schemas(kind)
            place.append(_entry_name(below, value, step) if named else step)
            path.append(step)
        else:  # a branch of a union, of which the file knows nothing
            continue
        table, kind, words = kind, below, _words(below) or (words if isinstance(step, int) else None)
    # a quoted key may hold a line break; a complaint is one line
    where = ", ".join(each if each.isprintable() else repr(each) for each in place)
    if error["type"] == "extra_forbidden":
        known = [key for each in _schemas(table) for key in _keys(each)]
        if len(path) == 1 and (inner := _belongs(schema, path[0])):
            return InputError(where, "does not stand by itself", inner)
        return InputError(where, "unknown key", did_you_mean(path[-1], known))
    own = error.get("ctx", {}).get("error")
    if isinstance(own, InputError):
        return InputError(f"{where}, {own.where}" if own.where else where, own.problem, own.fix)
    if error["loc"][-1:] == ("[key]",) and error["type"] == "literal_error":
        known = re.findall("'(.+?)'", error["ctx"]["expected"])
        return InputError(where, "unknown key", did_you_mean(path[-1], known))
    if loc and isinstance(loc[-1], int) and _is_table(kind):
        words = Says("is not a table", "Open each with [[{table}]].")
    words = words or _plain(kind, value)
    problem, fix = words.problem, words.fix
    if error["type"] == "missing":
        problem = re.sub(r"^(\{value\} )?is ", "missing or ", problem)
        problem = "missing" if "{value}" in problem else problem
        fix = did_you_mean("", names.get(words.kind, ())) if isinstance(words, Ref) else fix
    filled = {"{value}": repr(value), "{table}": ".".join(path), "{key}": path[-1] if path else file}
    for token, text in filled.items():
        problem, fix = problem.replace(token, text), fix.replace(token, text)
    return InputError(where, problem, fix)


def _belongs(schema: type[BaseModel], key: str) -> str:
    """Return how to write a table that stands at the top of a file and is part of another; empty if it is none."""

    def brackets(kind: Any, name: str) -> str:
        parts = list(_parts(kind))
        if any(get_origin(part) is tuple and _is_table(get_args(part)[0]) for part in parts):
            return f"[[{name}]]"
        return f"[{name}]" if _is_table(kind) or any(get_origin(part) is dict for part in parts) else ""

    for name in () if issubclass(schema, RootModel) else _keys(schema):
        outer = _inside(schema, name)
        inner = _inside(outer if _is_table(outer) else _inside(outer, 0), key)
        if brackets(outer, name) and brackets(inner, key):
            return f"Write it as {brackets(inner, f'{name}.{key}')}, below the {brackets(outer, name)} that it is part of."
    return ""


def _plain(kind: Any, value: Any) -> Says:
    """Return the words of a field whose schema gives none."""
    for part in _parts(kind):
        if get_origin(part) is Literal:
            return Says("unknown {key} {value}", did_you_mean(str(value or ""), map(str, get_args(part))))
        if get_origin(part) is tuple and _is_table(get_args(part)[0]):
            return Says("is not a list of tables", "Open each with [[{table}]].")
        if get_origin(part) is tuple:
            return Says("is not a list", "Write {key} = [...].")
        if _schemas(part) or get_origin(part) is dict:
            return Says("is not a table", "Write it as [{table}].")
        if part in (str, Path):
            return Says("missing or not a text", "Give it as text in quotes.")
        if part is bool:
            return Says("is not true or false", "Write {key} = true.")
    return Says("is not of the right type", "Correct it.")


def _entry_name(kind: Any, raw: Any, key: str, number: int | None = None, last_step: Any = None) -> str:
    """Return what to call a table of a list (with its number) or of a mapping; its key where it has no name."""
    template: str = getattr(_schemas(kind)[0], "entry", "{id}")
    given = {**raw, "key": key} if isinstance(raw, Mapping) else {}
    wanted = [part.split("}")[0] for part in template.split("{")[1:]]
    if all(isinstance(given.get(name), str) and given[name].strip() for name in wanted):
        name = template.format_map(given)
        return name if last_step not in wanted else key  # what is at fault names nothing
    return key if number is None or not wanted else f"{key} {number + 1}"


def _words(kind: Any) -> Says | None:
    """Return the words that stand beside a type, the nearest to the field first."""
    if get_origin(kind) is Annotated:
        inner, *marks = get_args(kind)
        return next((each for each in reversed(marks) if isinstance(each, Says)), None) or _words(inner)
    if get_origin(kind) in (Union, types.UnionType):
        return next((words for each in get_args(kind) if (words := _words(each))), None)
    return None


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the plain types in a type: without marks, and each branch of a union; a RootModel's is what it holds."""
    if get_origin(kind) is Annotated:
        yield from _parts(get_args(kind)[0])
    elif get_origin(kind) in (Union, types.UnionType):
        for each in get_args(kind):
            yield from _parts(each)
    elif isinstance(kind, type) and issubclass(kind, RootModel):
        yield from _parts(kind.model_fields["root"].annotation)
    else:
        yield kind


def _schemas(kind: Any) -> list[type[BaseModel]]:
    return [part for part in _parts(kind) if isinstance(part, type) and issubclass(part, BaseModel)]


def _is_table(kind: Any) -> bool:
    return bool(_schemas(kind))


def _keys(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the fields of a table by their keys."""
    return {each.alias or name: each for name, each in schema.model_fields.items()}


def _inside(kind: Any, step: int | str) -> Any:
    """Return the type of what stands under a key, or at a place of a list; None if it is not known."""
    for part in _parts(kind):
        if (schemas := _schemas(part)) and (field := _keys(schemas[0]).get(str(step))):
            return Annotated[field.annotation, None, *field.metadata]
        if isinstance(step, int) and get_origin(part) is tuple:
            return get_args(part)[0]
        if isinstance(step, str) and get_origin(part) is dict:
            return get_args(part)[1]
    return None


# documentation


def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a file: keys as they are written, without made-up titles, and without null."""
    result: dict[str, Any] = _plainer(schema.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **result}


def _plainer(node: Any, names: bool = False) -> Any:
    """Drop titles and what TOML can't say; `names` where the keys are names of fields."""
    if isinstance(node, list):
        return [_plainer(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    branches = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if not names and len(branches) == 1:
        node = {**branches[0], **{key: each for key, each in node.items() if key != "anyOf"}}
    return {
        key: _plainer(each, names=not names and key in ("properties", "$defs"))
        for key, each in node.items()
        if each is not None and (names or key != "title")
    }
