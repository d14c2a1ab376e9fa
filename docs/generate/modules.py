"""The reference of the Python package: which modules there are, on which page each stands, and the front door."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable
from importlib import import_module

import outbid
from generate.markdown import blocks, table

# The theory of studies is told by the models' own pages, the command line by the page of its commands.
ELSEWHERE = ("outbid.studies", "outbid.cli")
FRONT = """\
# In Python

`import outbid` takes no time: everything is imported when it is first asked for. Load a study, and the
verbs of the command line are its methods:

```python
import outbid

study = outbid.load("khorasan")
print(*study.check().lines, sep="\\n")
```

The questions of `outbid ask` are methods of `study.ask`: `study.ask.claims()` and so on.
Every verb and every question gives back a frozen result with `ok`, `lines` (what the command line prints), `problems`
and `to_json()`. An answer to a question has `tables` (pandas DataFrames, ids as keys: the same rows as the CSV files),
`data` (an xarray Dataset with named dimensions) and `plot()` (an Altair chart); `fit(...)[prior]` has `summary()`,
`to_dataframe()` and `plot()`; `simulate(...)` has `table`. What a person can get wrong raises `outbid.InputError`:
where, what, and how to mend it."""
INSIDE = """\
## All modules

A page for each floor of the house; what is public in it, as its own words tell it. Names that begin with an underscore
are private and may change at any time."""


def modules() -> tuple[str, ...]:
    """Return the names of all modules that the reference tells of."""
    found = pkgutil.walk_packages(outbid.__path__, "outbid.")
    names = sorted(each.name for each in found)
    return tuple(each for each in names if not any(f"{each}.".startswith(f"{other}.") for other in ELSEWHERE))


def units(names: Iterable[str]) -> dict[str, list[str]]:
    """Return modules by the page they stand on: a page for each module or folder right under the package."""
    pages: dict[str, list[str]] = {}
    for name in names:
        pages.setdefault(name.split(".")[1], []).append(name)
    return pages


def first_sentence(thing: object) -> str:
    """Return the first sentence of what something says of itself."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return text if len(text) < 200 else text.partition(". ")[0] + "."


def front_door_page() -> str:
    """Return the page of the front door, with links to where each thing is described."""
    names = [name for name in dir(outbid) if not name.startswith("_") and name in outbid._ELSEWHERE]
    rows = []
    for name in names:
        thing = getattr(outbid, name)
        rows.append((f"[`outbid.{name}`](#{place_of(thing)})", first_sentence(thing)))
    pages = units(modules())
    rooms = [
        (f"[`outbid.{name}`](modules/{name}.md)", first_sentence(import_module(f"outbid.{name}")))
        for name in pages
    ]
    tree = "\n".join(f"modules/{name}" for name in pages)
    return blocks(
        FRONT,
        "## The front door",
        table(["Name", "What it is"], rows),
        INSIDE,
        table(["Module", "What it is for"], rooms),
        f"```{{toctree}}\n:hidden:\n\n{tree}\n```",
    )


def place_of(thing: object) -> str:
    """Return the name under which something is described: that of the module in which it stands."""
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"


def module_page(unit: str, names: Iterable[str]) -> str:
    """Return the page of one unit: each of its modules with everything public in it."""
    parts = [f"# `outbid.{unit}`"]
    for name in names:
        heading = "" if name == f"outbid.{unit}" else f"## `{name}`"
        directive = f"```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```"
        parts.append(blocks(heading, directive))
    return blocks(*parts)
