"""Names that callers still import from here; they live in `outbid.simulate.scenario`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outbid.declared import parse
from outbid.model.declare import Model
from outbid.simulate.scenario import Change, names_of, read_goals, read_scenarios

__all__ = ["read_change", "read_goals", "read_scenarios"]


def read_change(where: str, block: Mapping[str, Any], model: Model, today: Mapping[str, float]) -> Change:
    """Read one change of a lever from its TOML table; `where` is what to call the place in complaints."""
    lever = block.get("lever")
    place = f"{where}, {lever}" if lever in model.lever_names else where
    return parse(place, block, Change, names_of(model, today))
