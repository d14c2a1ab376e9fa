"""The reference of the files that a study consists of, from their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from generate.markdown import blocks, code, literal, table
from outbid.declared import json_schema
from outbid.questions import QUESTIONS
from outbid.study import json_schemas

TOP = """\
# A study's files

Every file that a study may hold, with its keys. This page is written from the schemas by which the files are read: a key
that is not listed here is refused. The JSON Schema under each file serves editors that complete and check TOML, such as
Taplo or Even Better TOML: save it, and name it in the file's first line with `#:schema path/to/it`."""


def file_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every file that a study may hold: its own, then those of the questions."""
    asked = [item for each in QUESTIONS for item in each.files.items()]
    return json_schemas() | {name: json_schema(schema) for name, schema in asked if schema}


def files_page(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page as Markdown: a part for every file, with a table of keys for each kind of table in it."""
    return blocks(TOP, *(part for name, schema in schemas.items() for part in _file(name, schema))) + "\n"


def _file(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    first, _, rest = schema.get("description", "").partition(": ")
    yield f"## {name}"
    yield f"{rest[:1].upper()}{rest[1:]}" if rest else first
    inner = schema.get("$defs", {})
    if "properties" in schema:
        yield _keys(schema)
    else:
        yield "Every table has a name of its own, and these keys:"
    for title, each in inner.items():
        yield f"### {title}"
        yield str(each.get("description", ""))
        yield _keys(each)
    yield blocks("**JSON Schema**", code(json.dumps(schema, indent=1), "json"))


def _keys(schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = [
        (f"`{key}`", _form(each), "needed" if key in needed else _default(each), each.get("description", ""))
        for key, each in schema.get("properties", {}).items()
    ]
    return table(("Key", "Form", "Left out", "Meaning"), rows)


def _form(schema: Mapping[str, Any]) -> str:
    """Return in a few words what may stand under a key."""
    if "$ref" in schema:
        return f"a table: {schema['$ref'].rpartition('/')[2]}"
    if "enum" in schema or "const" in schema:
        return literal(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_form(each) for each in schema["anyOf"]))
    kind = schema.get("type", "a value")
    if kind == "array":
        return f"a list of: {_form(schema.get('items', {}))}"
    if kind == "object":
        return "a table by name" if "additionalProperties" in schema else "a table"
    words = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
    low, high = schema.get("minimum"), schema.get("maximum")
    span = f" from {low}" if low is not None else ""
    return f"{words.get(kind, kind)}{span}{f' to {high}' if high is not None else ''}"


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    return "may be left out" if value in (None, "", [], {}) else f"`{json.dumps(value)}`"
