"""Formulas in full, as text, from the source of the functions that are computed with."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any

from outbid.model.checks import trace
from outbid.model.diagram import ARGUMENTS, returned_expressions
from outbid.model.vocabulary import Count, Drift, Flow, Index, Mechanism

# A helper takes nothing but these: states, levers, parameters, people moved.
WORLD = {"s", "u", "p", "m"}


def of_function(name: str, function: Callable[..., Any]) -> list[str]:
    """Return "name = formula", and a line for every helper and constant that the formula leans on."""
    found = returned_expressions(function)
    if not found:
        return []
    expression = found[0]
    if isinstance(expression, ast.Dict):
        keys = [str(key.value) if isinstance(key, ast.Constant) else "" for key in expression.keys]
        lines = [f"{key} = {_text(value)}" for key, value in zip(keys, expression.values, strict=True)]
    else:
        lines = [f"{name} = {_text(expression)}"]
    return lines + _leaning(function, expression, set())


def of_mechanism(item: Mechanism, indices: dict[str, Index]) -> list[str]:
    """Return a line for every effect of a mechanism, in words of the model: who moves, drifts, is counted."""
    effects = trace(item.where, item.function, "sup").results
    found = returned_expressions(item.function)
    lines = []
    for effect, expression in zip(effects, found, strict=len(effects) == len(found)):
        text = _text(_inner(effect, expression))
        if isinstance(effect, Flow):
            lines.append(f"{effect.source} → {effect.target}: hazard = {text}")
        elif isinstance(effect, Count):
            lines.append(f"expected {effect.name} = {text}")
        else:
            lines.append(f"change of {_on_scale(indices[effect.index])} = {text}{_noise(effect, indices)}")
    for expression in found:
        lines += [line for line in _leaning(item.function, expression, set()) if line not in lines]
    return lines


def _inner(effect: Flow | Drift | Count, expression: ast.expr) -> ast.expr:
    keyword, place = ARGUMENTS[{Flow: "hazard", Drift: "drift", Count: "count"}[type(effect)]]
    if not isinstance(expression, ast.Call):
        return expression
    named = [given.value for given in expression.keywords if given.arg == keyword]
    return named[0] if named else expression.args[place]


def _on_scale(index: Index) -> str:
    return index.name if index.scale == "identity" else f"{index.scale}({index.name})"


def _noise(effect: Drift, indices: dict[str, Index]) -> str:
    return f" + {effect.noise} * innovation[{effect.index}]" if effect.noise else ""


def _text(expression: ast.expr) -> str:
    text = " ".join(ast.unparse(expression).split())
    # what a helper takes is always the world
    text = re.sub(r"\b(\w+)\((?:[supm](?:, )?)+\)", r"\1()", text)
    return re.sub(r"w\['(\w+)'\]", r"weight[\1]", text)


def _leaning(function: Callable[..., Any], expression: ast.expr, told: set[str]) -> list[str]:
    """Return a line for each helper and each named number in a formula, helpers of helpers too."""
    lines: list[str] = []
    around = inspect.unwrap(function).__globals__
    for node in ast.walk(expression):
        if not isinstance(node, ast.Name) or node.id in told or node.id not in around:
            continue
        value = around[node.id]
        if isinstance(value, int | float):
            told.add(node.id)
            lines.append(f"where {node.id} = {value:g}")
        elif isinstance(value, FunctionType) and set(inspect.signature(value).parameters) <= WORLD:
            told.add(node.id)
            inner = returned_expressions(value)
            if inner:
                lines.append(f"where {node.id}() = {_text(inner[0])}")
                lines += _leaning(value, inner[0], told)
    return lines
