"""The report's content as JSON and back, so that a report can be drawn again without computing anything."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from outbid.errors import InputError
from outbid.report.content import ReportContent

Content = TypeVar("Content")


def to_text(content: Any) -> str:
    """Return the content as JSON text."""
    return json.dumps(dataclasses.asdict(content), ensure_ascii=False, allow_nan=True, separators=(",", ":"))


def from_text(text: str, where: str) -> ReportContent:
    """Return the content of a report that `to_text` wrote; see `rebuilt`."""
    return rebuilt(ReportContent, text, where)


def rebuilt(kind: type[Content], text: str, where: str) -> Content:
    """Return content of any kind that `to_text` wrote.

    Raises
    ------
    InputError
        If the text is not such content (another version's, or cut short).
    """
    try:
        return typing.cast(Content, _build(kind, json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            where, f"is not a report's content of this version ({error})", "Make it again with `outbid run`."
        ) from error


def _build(kind: Any, value: Any) -> Any:
    """Rebuild a value of a declared type: dataclasses, tuples, mappings and what may be None."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _build(hints[name], each) for name, each in value.items()})
    if origin in (types.UnionType, typing.Union):
        return (
            None
            if value is None
            else _build(next(each for each in arguments if each is not type(None)), value)
        )
    if origin is tuple:
        return tuple(_build(arguments[0], each) for each in value)
    if origin is not None and issubclass(origin, Mapping):
        return {name: _build(arguments[1], each) for name, each in value.items()}
    return value
