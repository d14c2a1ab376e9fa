"""Model the contest between an incumbent armed movement and a harder-line challenger.

`outbid.load("khorasan")` gives a study; `check`, `fit`, `simulate`, `report` and `run` on it are the same
verbs as on the command line. `outbid.list_studies()` names the studies that come with the package, and the
words that models are written in (`Stock`, `Index`, `Lever`, `mechanism` ...) can be taken from here.

Everything but the version is imported when it is first asked for: the numerical libraries take seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outbid import api as _api
    from outbid.api import load as load
    from outbid.errors import InputError as InputError
    from outbid.model.vocabulary import *  # noqa: F403

    list_studies = _api.studies

__version__ = "0.1.0"

_WORDS = ["Actor", "Anchor", "Count", "Derived", "Drift", "Flow", "Index", "Lever", "LeverHistory"]
_WORDS += ["LogNormal", "Mechanism", "NegativeBinomial", "Observation", "Outcome", "Parameter", "Poisson"]
_WORDS += ["Prior", "Stock", "lever_history", "mechanism", "observation", "outcome", "quantity"]
_ELSEWHERE = {
    "load": ("outbid.api", "load"),
    # `outbid.studies` is the folder of studies, so the function that lists them needs another name here
    "list_studies": ("outbid.api", "studies"),
    "InputError": ("outbid.errors", "InputError"),
    **{word: ("outbid.model.vocabulary", word) for word in _WORDS},
}


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'outbid' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _ELSEWHERE[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*_ELSEWHERE, *(name for name in globals() if name.startswith("__"))})
