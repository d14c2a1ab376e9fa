"""Estimated coefficients: intervals and p values, as a DataFrame and laid out as plain text, LaTeX or HTML."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from outbid.errors import InputError
from outbid.game.given import number
from outbid.game.kernel import Floats

Facts = Sequence[tuple[str, str]]
# Heads of columns that differ from their names.
HEADS = {"standard_error": "std. error"}
# A star for each level that a p value lies under.
STARS = (0.1, 0.05, 0.01)
# What pandas leaves of LaTeX's own signs: a caption's, and two that its oldest fonts print as others.
CAPTION = str.maketrans({each: f"\\{each}" for each in "{}_&%$#"})
SIGNS = str.maketrans({"<": r"\textless{}", ">": r"\textgreater{}"})
MARKS = ("Stars", "p < 0.1: *, p < 0.05: **, p < 0.01: ***, two-sided")


def law(degrees_of_freedom: int | None) -> Any:
    """Return the normal distribution, or Student's t with degrees of freedom."""
    from scipy.stats import norm, t

    return norm if degrees_of_freedom is None else t(degrees_of_freedom)


def check_coverage(level: float) -> float:
    """Return the coverage of an interval, or say that it is none."""
    if not 0 < number("conf_int, level", level) < 1:
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
        over = self.estimates / errors
        columns = {"parameter": self.terms, "estimate": self.estimates, "standard_error": errors}
        columns["z" if self.degrees_of_freedom is None else "t"] = over
        p = 2 * law(self.degrees_of_freedom).sf(np.abs(over))
        return pd.DataFrame({**columns, "p": p, "low": low, "high": high})

    def facts(self) -> Facts:
        """Return what belongs under a table's title: (what, how much), in words."""
        return ()

    def summary(self) -> str:
        """Return the estimates as a table in plain text."""
        return text_table(self.title, self.facts(), self.table())


def p_value(p: float, equals: str = "") -> str:
    """Return a p value with three decimals, after a sign of equality if one is given; a small one is < 0.001."""
    return "-" if np.isnan(p) else f"{equals}{p:.3f}" if p >= 0.001 else "< 0.001"


def ratio(value: float) -> str:
    """Return an estimate over its error with two decimals, or a dash."""
    return "-" if np.isnan(value) else f"{value:.2f}"


def figure(value: float) -> str:
    """Return a number with four significant digits, without an exponent unless it is tiny or huge; none as a dash."""
    if np.isnan(value):
        return "-"
    if value != 0 and not 1e-5 <= abs(value) < 1e6:
        return f"{value:.3e}"
    text = f"{value:#.4g}"
    return text.rstrip(".") if "e" not in text else f"{value:.4g}" if abs(value) >= 1 else f"{value:.8f}"


def cells_of(table: pd.DataFrame, star: str = "") -> pd.DataFrame:
    """Return a table's cells as text: ratios with two decimals, p values with three, counts whole; and a form of stars."""
    forms: dict[str, Callable[[Any], str]] = {
        **dict.fromkeys("zt", ratio),
        "p": p_value,
        "log_likelihood": "{:.4f}".format,
    }

    def written(column: pd.Series[Any]) -> pd.Series[str]:
        return column.map(forms.get(str(column.name), figure if column.dtype.kind == "f" else str))

    cells = table.apply(written)
    if star:
        counts = (table["p"].to_numpy()[:, None] < np.array(STARS)).sum(axis=1)
        cells["estimate"] += [star.format("*" * count) if count else "" for count in counts]
    return cells.set_index("parameter").rename_axis(None) if "parameter" in cells else cells


def text_table(title: str, facts: Facts, table: pd.DataFrame, level: float = 0.95) -> str:
    """Return a table of coefficients in plain text, under its title and what else is to be known."""
    tail = (1 - level) / 2
    ends = {"low": f"[{tail:.3g}", "high": f"{1 - tail:.4g}]"}
    heads = {**HEADS, **ends, "p": "P>|z|" if "z" in table else "P>|t|"}
    lines = cells_of(table).rename(columns=heads).to_string().splitlines()
    rule = len(lines[0])
    told = [f"{what}: {much}" for what, much in facts]
    return "\n".join([title, *told, "=" * rule, lines[0], "-" * rule, *lines[1:], "=" * rule])


def latex_table(title: str, notes: Facts, table: pd.DataFrame, *, stars: bool = False) -> str:
    """Return the table for LaTeX with booktabs, and what else is to be known under it."""
    cells = cells_of(table, "^{{{}}}" if stars else "").loc[:, "estimate":"p"].rename(columns=HEADS)
    numbers = cells.style.format("${}$").format_index(escape="latex")
    under = pd.DataFrame(f"{what}: {much}" for what, much in notes).style.format(escape="latex")
    caption = title.translate(CAPTION)
    text = numbers.to_latex(hrules=True, caption=caption, position_float="centering", column_format="lrrrr")
    below = under.hide(axis="index").hide(axis="columns").to_latex(column_format="l")
    return text.replace(r"\end{table}", f"\n{below}\\end{{table}}").translate(SIGNS)


def html_table(title: str, notes: Facts, table: pd.DataFrame, *, stars: bool = False) -> str:
    """Return the table for HTML, without any style of its own, under its title and what else is to be known."""
    told = html.escape("; ".join(f"{what}: {much}" for what, much in notes))
    cells = cells_of(table, "{}" if stars else "").rename(columns=HEADS)
    return f"<p>{html.escape(title)}</p>\n<p>{told}</p>\n{cells.to_html(border=0)}"
