"""A mechanism's formula as one line of text, taken from the source of its own function.

So the formula under an arrow of the diagram is what is computed, and never a second copy that may differ.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

LONGEST = 200
ELLIPSIS = "…"
# Which argument of what a mechanism returns is its formula, by keyword and place.
ARGUMENTS = {"hazard": ("hazard", 2), "drift": ("change", 1), "count": ("mean", 1)}
SUM = (ast.Add, ast.Sub)
PRODUCT = (ast.Mult, ast.Div)


def formula(
    function: Callable[..., Any],
    place: int,
    through: str,
    target: str,
    source: str,
    quantities: Mapping[str, Callable[..., Any]],
) -> str:
    """Return how one effect of a mechanism depends on `source`, in at most `LONGEST` characters.

    Steps in between are put into the formula; `s.`, `u.` and `p.` are left out. Where it would be too long,
    terms that don't mention the source become an ellipsis, and then factors too.

    * `place`: which of the effects that the function returns, from 0.
    * `through`: "hazard", "drift" or "count".
    * `quantities`: the derived quantities by way of which the source may enter; those that do are spelt out
      behind.

    Returned: an empty text where Python can't find the function's source.
    """
    given = returned_expressions(function)
    if not given:
        return ""
    keyword, position = ARGUMENTS[through]
    main = _argument(given[place] if place < len(given) else given[0], keyword, position)
    parts = [(target if through == "count" else keyword, main)]
    waiting = [name for name in quantities if name in _names(main)]
    for name in waiting:
        inner = returned_expressions(quantities[name])
        if inner:
            parts.append((name, inner[0]))
            waiting += [other for other in quantities if other in _names(inner[0]) and other not in waiting]
    text = _written(parts)
    keep = {source, *quantities}
    if len(text) > LONGEST:
        parts = [(name, _Shortened(keep, (SUM,)).visit(copy.deepcopy(part))) for name, part in parts]
        text = _written(parts)
    if len(text) > LONGEST:
        parts[0] = (parts[0][0], _Shortened(keep, (SUM, PRODUCT)).visit(parts[0][1]))
        text = _written(parts)
    return text if len(text) <= LONGEST else text[: LONGEST - len(ELLIPSIS)] + ELLIPSIS


@cache
def returned_expressions(function: Callable[..., Any]) -> tuple[ast.expr, ...]:
    """Return the expressions that a function returns, local names filled in; empty without source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ()
    found = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if found is None:
        return ()
    local: dict[str, ast.expr] = {}
    plain = _Plain({argument.arg for argument in found.args.args})

    def filled(node: ast.expr) -> ast.expr:
        result: ast.expr = _Filled(local).visit(plain.visit(copy.deepcopy(node)))
        return result

    for step in found.body:
        if isinstance(step, ast.Assign) and len(step.targets) == 1 and isinstance(step.targets[0], ast.Name):
            local[step.targets[0].id] = filled(step.value)
        elif isinstance(step, ast.AugAssign) and isinstance(step.target, ast.Name):
            before = local.get(step.target.id, ast.Name(step.target.id))
            local[step.target.id] = ast.BinOp(before, step.op, filled(step.value))
        elif isinstance(step, ast.Return) and step.value is not None:
            value = filled(step.value)
            return tuple(value.elts) if isinstance(value, ast.Tuple | ast.List) else (value,)
    return ()


def _argument(node: ast.expr, keyword: str, position: int) -> ast.expr:
    """Return an argument of a call such as Flow(source, target, hazard); the whole if it isn't one."""
    if isinstance(node, ast.Call):
        for given in node.keywords:
            if given.arg == keyword:
                return given.value
        if len(node.args) > position:
            return node.args[position]
    return node


def _names(node: ast.AST) -> set[str]:
    """Return every name in an expression, apart from those of functions that it calls."""
    called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    inside = [part for part in ast.walk(node) if id(part) not in called]
    names = {part.id for part in inside if isinstance(part, ast.Name)}
    return names | {part.attr for part in inside if isinstance(part, ast.Attribute)}


def _written(parts: Iterable[tuple[str, ast.expr]]) -> str:
    return "; ".join(f"{name} = {' '.join(ast.unparse(part).split())}" for name, part in parts)


class _Plain(ast.NodeTransformer):
    """Write s.standing as standing, u.previous.hardness as previous.hardness, and 1.0 as 1."""

    def __init__(self, letters: set[str]) -> None:
        self.letters = letters

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in self.letters:
            return ast.Name(node.attr)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        whole = isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 1e6
        return ast.Constant(int(node.value)) if whole else node  # type: ignore[arg-type]


class _Filled(ast.NodeTransformer):
    """Put what a local name stands for in its place."""

    def __init__(self, local: Mapping[str, ast.expr]) -> None:
        self.local = local

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.local.get(node.id, node))


class _Shortened(ast.NodeTransformer):
    """Where some terms of a sum, or factors, mention a name to keep, write one ellipsis for the others."""

    def __init__(
        self, keep: set[str], groups: tuple[tuple[type[ast.operator], type[ast.operator]], ...]
    ) -> None:
        self.keep = keep
        self.groups = groups

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        group = next((group for group in self.groups if isinstance(node.op, group)), None)
        if group is None or not self.keep & _names(node):
            self.generic_visit(node)
            return node
        terms = _terms(node, group)
        # Plain numbers stay in sums: an ellipsis for 0.4 saves nothing and hides where a variable is centred.
        kept = [
            (sign, self.visit(term))
            for sign, term in terms
            if self.keep & _names(term) or (group is SUM and not _names(term))
        ]
        rest: tuple[ast.operator, ast.expr] = (group[0](), ast.Name(ELLIPSIS))
        if len(kept) < len(terms):
            in_front = group is PRODUCT or isinstance(kept[0][0], ast.Sub)
            kept = [rest, *kept] if in_front else [*kept, rest]
        result: ast.expr
        (_, result), *others = kept
        for sign, term in others:
            result = ast.BinOp(result, sign, term)
        return result


def _terms(
    node: ast.expr, group: tuple[type[ast.operator], type[ast.operator]]
) -> list[tuple[ast.operator, ast.expr]]:
    """Return the terms of a sum with their signs, or the factors of a product with * or /."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, group)):
        return [(group[0](), node)]
    if isinstance(node.op, group[0]):
        return _terms(node.left, group) + _terms(node.right, group)
    return [*_terms(node.left, group), (node.op, node.right)]
