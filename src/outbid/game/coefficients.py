"""Estimated coefficients: intervals and p values, as a DataFrame and laid out as plain text, LaTeX or HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from outbid.errors import InputError
from outbid.game.kernel import Floats

Facts = Sequence[tuple[str, str]]
# Heads of columns that differ from their names.
HEADS = {"parameter": "", "standard_error": "std. error"}
STARS = ((0.01, 3), (0.05, 2), (0.1, 1))
MARKS = ("Stars", "p < 0.1: *, p < 0.05: **, p < 0.01: ***, two-sided")
COMMANDS = dict(zip("\\^~<>", ["backslash", "asciicircum", "asciitilde", "less", "greater"], strict=True))
SPECIAL = str.maketrans(
    {each: f"\\{each}" for each in "{}_&%$#"} | {each: f"\\text{name}{{}}" for each, name in COMMANDS.items()}
)


def law(degrees_of_freedom: int | None) -> Any:
    """Return the normal distribution, or Student's t with degrees of freedom."""
    from scipy.stats import norm, t

    return norm if degrees_of_freedom is None else t(degrees_of_freedom)


def check_coverage(level: float) -> float:
    """Return the coverage of an interval, or say that it is none."""
    if not 0 < level < 1:
        raise InputError("conf_int, level", f"{level} is no coverage", "Give a number between 0 and 1.")
    return level


def interval(
    estimates: Floats, errors: Floats, level: float, degrees_of_freedom: int | None = None
) -> Floats:
    """Return lower and upper ends, shape (*estimates.shape, 2): normal, or Student's t with degrees of freedom."""
    reach = law(degrees_of_freedom).ppf((1 + check_coverage(level)) / 2) * errors
    return np.stack([estimates - reach, estimates + reach], axis=-1)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Estimates, shape (terms,), with their covariance, and the degrees of freedom of Student's t; None: normal."""

    title: str
    terms: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    degrees_of_freedom: int | None

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the estimates, shape (terms,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def conf_int(self, level: float = 0.95) -> Floats:
        """Return lower and upper ends of intervals, shape (terms, 2)."""
        return interval(self.estimates, self.standard_errors, level, self.degrees_of_freedom)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a term: estimate, standard error, ratio (`z` or `t`), two-sided p, ends of the interval."""
        errors, (low, high) = self.standard_errors, self.conf_int(level).T
        ratio = self.estimates / errors
        columns = {"parameter": self.terms, "estimate": self.estimates, "standard_error": errors}
        columns["z" if self.degrees_of_freedom is None else "t"] = ratio
        p = 2 * law(self.degrees_of_freedom).sf(np.abs(ratio))
        return pd.DataFrame({**columns, "p": p, "low": low, "high": high})

    def facts(self) -> Facts:
        """Return what belongs under a table's title: (what, how much), in words."""
        return ()

    def summary(self) -> str:
        """Return the estimates as a table in plain text."""
        return text_table(self.title, self.facts(), self.table())


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
    sides = ["<" if place < left else ">" for place in range(len(widths))]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    return [form.format(*line) for line in lines]


def text_table(
    title: str, facts: Facts, table: pd.DataFrame, *, warning: str = "", level: float = 0.95
) -> str:
    """Return a table of coefficients in plain text, under its title and what else is to be known."""
    tail = (1 - level) / 2
    ends = {"low": f"[{tail:.3g}", "high": f"{1 - tail:.4g}]"}
    heads = {**HEADS, **ends, "p": "P>|z|" if "z" in table else "P>|t|"}
    lines = aligned([[heads.get(name, name) for name in table.columns], *cells_of(table)])
    longest = max((len(what) for what, _ in facts), default=0)
    told = [f"{what + ':':<{longest + 1}} {much}" for what, much in facts]
    rule = max(map(len, lines))
    top = [warning, ""] if warning else []
    return "\n".join([*top, title, *told, "=" * rule, lines[0], "-" * rule, *lines[1:], "=" * rule])


def escape_latex(text: str) -> str:
    """Return text in which LaTeX sees no commands."""
    return text.translate(SPECIAL)


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
    for what, much in [*([("Warning", warning)] if warning else []), *facts, *([MARKS] if stars else [])]:
        lines.append(rf"\multicolumn{{5}}{{l}}{{{escape_latex(f'{what}: {much}')}}} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def html_table(title: str, warning: str, facts: Facts, table: pd.DataFrame, stars: bool) -> str:
    """Return the table for HTML, without any style of its own."""
    lines = [f"<p><strong>{html.escape(warning)}</strong></p>"] if warning else []
    names = ("Parameter", "Estimate", "Std. error", "z", "p", "Low", "High")
    head = "".join(f'<th scope="col">{each}</th>' for each in names)
    lines += [
        "<table>",
        f"<caption>{html.escape(title)}</caption>",
        f"<thead><tr>{head}</tr></thead>",
        "<tbody>",
    ]
    for (name, *cells), p in zip(cells_of(table), table["p"], strict=True):
        cells[0] += _stars(p, "<sup>{}</sup>") if stars else ""
        numbers = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{html.escape(name)}</th>{numbers}</tr>')
    told = "; ".join(html.escape(f"{what}: {much}") for what, much in [*facts, *([MARKS] if stars else [])])
    return "\n".join([*lines, "</tbody>", f'<tfoot><tr><td colspan="7">{told}</td></tr></tfoot>', "</table>"])
