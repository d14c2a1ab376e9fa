"""Tables of estimated coefficients: intervals and p values, as a DataFrame and laid out as plain text, LaTeX or HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from outbid.errors import InputError

Floats = NDArray[np.float64]
Facts = Sequence[tuple[str, str]]
# Heads of columns that differ from their names.
HEADS = {"parameter": "", "standard_error": "std. error"}
STARS = ((0.01, 3), (0.05, 2), (0.1, 1))
MARKS = "p < 0.1: *, p < 0.05: **, p < 0.01: ***, two-sided"
SPECIAL = {
    "\\": r"\textbackslash{}",
    **{each: f"\\{each}" for each in "{}_&%$#"},
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def standard_errors(covariance: Floats) -> Floats:
    """Return the roots of a covariance's diagonal, shape (terms,)."""
    return np.asarray(np.sqrt(np.diag(covariance)))


def check_coverage(level: float) -> float:
    """Return the coverage of an interval, or say that it is none."""
    if not 0 < level < 1:
        raise InputError("conf_int, level", f"{level} is no coverage", "Give a number between 0 and 1.")
    return level


def interval(
    estimates: Floats, errors: Floats, level: float = 0.95, degrees_of_freedom: int | None = None
) -> Floats:
    """Return lower and upper ends, shape (*estimates.shape, 2): normal, or Student's t with degrees of freedom."""
    from scipy.stats import norm, t

    share = (1 + check_coverage(level)) / 2
    reach = (norm.ppf(share) if degrees_of_freedom is None else t.ppf(share, degrees_of_freedom)) * errors
    return np.stack([estimates - reach, estimates + reach], axis=-1)


def coefficient_table(
    names: Sequence[str],
    estimates: Floats,
    errors: Floats,
    level: float = 0.95,
    degrees_of_freedom: int | None = None,
) -> pd.DataFrame:
    """Return one row a parameter: estimate, standard error, ratio, two-sided p, ends of the interval.

    The ratio is called `z` with the normal distribution, `t` with degrees of freedom.
    """
    from scipy.stats import norm, t

    ratio, freedom = estimates / errors, degrees_of_freedom
    p = 2 * (norm.sf(np.abs(ratio)) if freedom is None else t.sf(np.abs(ratio), freedom))
    low, high = interval(estimates, errors, level, freedom).T
    columns = {"parameter": names, "estimate": estimates, "standard_error": errors}
    return pd.DataFrame(columns | {"z" if freedom is None else "t": ratio, "p": p, "low": low, "high": high})


def figure(value: float) -> str:
    """Return a number with four significant digits, without an exponent unless it is tiny or huge."""
    if value != 0 and not 1e-5 <= abs(value) < 1e6:
        return f"{value:.3e}"
    text = f"{value:#.4g}"
    return text.rstrip(".") if "e" not in text else f"{value:.4g}" if abs(value) >= 1 else f"{value:.8f}"


def cells_of(table: pd.DataFrame) -> list[list[str]]:
    """Return a table's cells as text: ratios with two decimals, p values with three, counts whole."""
    forms = {"z": "{:.2f}", "t": "{:.2f}", "p": "{:.3f}", "log_likelihood": "{:.4f}"}

    def written(name: str, value: object) -> str:
        if name in forms:
            return forms[name].format(value)
        return figure(value) if isinstance(value, float) else str(value)

    return [
        [written(name, value) for name, value in zip(table.columns, row, strict=True)]
        for row in table.itertuples(index=False, name=None)
    ]


def aligned(lines: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return lines of cells as text in columns: the first `left` of them to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]


def text_table(
    title: str, facts: Facts, table: pd.DataFrame, *, warning: str = "", level: float = 0.95
) -> str:
    """Return a table of coefficients in plain text, under its title and what else is to be known."""
    tail = (1 - level) / 2
    ends = {"low": f"[{tail:.3g}", "high": f"{1 - tail:.4g}]"}
    heads = {**HEADS, **ends, "p": "P>|z|" if "z" in table else "P>|t|"}
    lines = aligned([[heads.get(name, name) for name in table.columns], *cells_of(table)])
    longest = max(len(what) for what, _ in facts)
    told = [f"{what + ':':<{longest + 1}} {much}" for what, much in facts]
    rule = max(map(len, lines))
    top = [warning, ""] if warning else []
    return "\n".join([*top, title, *told, "=" * rule, lines[0], "-" * rule, *lines[1:], "=" * rule])


def escape_latex(text: str) -> str:
    """Return text in which LaTeX sees no commands."""
    return "".join(SPECIAL.get(each, each) for each in text)


def _stars(p: float, form: str) -> str:
    count = next((count for bound, count in STARS if p < bound), 0)
    return form.format("*" * count) if count else ""


def latex_table(title: str, warning: str, facts: Facts, table: pd.DataFrame, stars: bool) -> str:
    """Return the table for LaTeX with booktabs."""
    lines = [f"% {warning}"] if warning else []
    lines += [r"\begin{table}", r"\centering", rf"\caption{{{escape_latex(title)}}}"]
    lines += [r"\begin{tabular}{lrrrr}", r"\toprule"]
    lines += [r" & Estimate & Std.\ error & $z$ & $p$ \\", r"\midrule"]
    for (name, *numbers), p in zip(cells_of(table.iloc[:, :5]), table["p"], strict=True):
        cells = [escape_latex(name), *(f"${number}$" for number in numbers)]
        cells[1] += _stars(p, "$^{{{}}}$") if stars else ""
        lines.append(" & ".join(cells) + r" \\")
    lines.append(r"\midrule")
    notes = [*([("Warning", warning)] if warning else []), *facts, *([("Stars", MARKS)] if stars else [])]
    lines += [
        rf"\multicolumn{{5}}{{l}}{{{escape_latex(what)}: {escape_latex(much)}}} \\" for what, much in notes
    ]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def html_table(title: str, warning: str, facts: Facts, table: pd.DataFrame, stars: bool) -> str:
    """Return the table for HTML, without any style of its own."""
    lines = [f"<p><strong>{html.escape(warning)}</strong></p>"] if warning else []
    lines += ["<table>", f"<caption>{html.escape(title)}</caption>"]
    head = ("Parameter", "Estimate", "Std. error", "z", "p", "Low", "High")
    lines.append("<thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead>")
    lines.append("<tbody>")
    for (name, *cells), p in zip(cells_of(table), table["p"], strict=True):
        cells[0] += _stars(p, "<sup>{}</sup>") if stars else ""
        numbers = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{html.escape(name)}</th>{numbers}</tr>')
    notes = [*facts, *([("Stars", MARKS)] if stars else [])]
    told = "; ".join(f"{html.escape(what)}: {html.escape(much)}" for what, much in notes)
    lines += ["</tbody>", f'<tfoot><tr><td colspan="{len(head)}">{told}</td></tr></tfoot>', "</table>"]
    return "\n".join(lines)
