"""Lay out a table of estimates as plain text, LaTeX or HTML; knows nothing of how they were computed."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

Rows = Sequence[Mapping[str, str | float]]
Facts = Sequence[tuple[str, str]]
STARS = ((0.01, 3), (0.05, 2), (0.1, 1))
MARKS = "p < 0.1: *, p < 0.05: **, p < 0.01: ***, two-sided"
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def figure(value: float) -> str:
    """Return a number with four significant digits, without an exponent unless it is tiny or huge."""
    if value != 0 and not 1e-5 <= abs(value) < 1e6:
        return f"{value:.3e}"
    text = f"{value:#.4g}"
    return text.rstrip(".") if "e" not in text else f"{value:.4g}" if abs(value) >= 1 else f"{value:.8f}"


def marks(p: float) -> int:
    """Return how many stars a p value earns."""
    return next((count for bound, count in STARS if p < bound), 0)


def text_table(title: str, warning: str, facts: Facts, rows: Rows, level: float) -> str:
    """Return the table in plain text."""
    tail = (1 - level) / 2
    head = ("", "estimate", "std. error", "z", "P>|z|", f"[{tail:.3g}", f"{1 - tail:.4g}]")
    body = [
        (
            str(row["parameter"]),
            *(figure(float(row[key])) for key in ("estimate", "standard_error")),
            f"{float(row['z']):.2f}",
            f"{float(row['p']):.3f}",
            *(figure(float(row[key])) for key in ("low", "high")),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in (head, *body)
    ]
    rule = max(len(line) for line in lines)
    longest = max(len(what) for what, _ in facts)
    told = [f"{what + ':':<{longest + 1}} {much}" for what, much in facts]
    top = [warning, ""] if warning else []
    return "\n".join([*top, title, *told, "=" * rule, lines[0], "-" * rule, *lines[1:], "=" * rule])


def escape_latex(text: str) -> str:
    """Return text in which LaTeX sees no commands."""
    return "".join(SPECIAL.get(each, each) for each in text)


def latex_table(title: str, warning: str, facts: Facts, rows: Rows, stars: bool) -> str:
    """Return the table for LaTeX with booktabs."""
    lines = [f"% {warning}"] if warning else []
    lines += [r"\begin{table}", r"\centering", rf"\caption{{{escape_latex(title)}}}"]
    lines += [
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r" & Estimate & Std.\ error & $z$ & $p$ \\",
        r"\midrule",
    ]
    for row in rows:
        earned = f"$^{{{'*' * marks(float(row['p']))}}}$" if stars and marks(float(row["p"])) else ""
        cells = [
            escape_latex(str(row["parameter"])),
            f"${figure(float(row['estimate']))}${earned}",
            f"${figure(float(row['standard_error']))}$",
            f"${float(row['z']):.2f}$",
            f"${float(row['p']):.3f}$",
        ]
        lines.append(" & ".join(cells) + r" \\")
    lines.append(r"\midrule")
    notes = [*facts, ("Stars", MARKS)] if stars else list(facts)
    if warning:
        notes.insert(0, ("Warning", warning))
    for what, much in notes:
        lines.append(rf"\multicolumn{{5}}{{l}}{{{escape_latex(what)}: {escape_latex(much)}}} \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines)


def html_table(title: str, warning: str, facts: Facts, rows: Rows, stars: bool) -> str:
    """Return the table for HTML, without any style of its own."""
    lines = [f"<p><strong>{html.escape(warning)}</strong></p>"] if warning else []
    lines += ["<table>", f"<caption>{html.escape(title)}</caption>"]
    head = ("Parameter", "Estimate", "Std. error", "z", "p", "Low", "High")
    lines.append("<thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead>")
    lines.append("<tbody>")
    for row in rows:
        earned = f"<sup>{'*' * marks(float(row['p']))}</sup>" if stars and marks(float(row["p"])) else ""
        cells = [
            f"{figure(float(row['estimate']))}{earned}",
            figure(float(row["standard_error"])),
            f"{float(row['z']):.2f}",
            f"{float(row['p']):.3f}",
            figure(float(row["low"])),
            figure(float(row["high"])),
        ]
        name = html.escape(str(row["parameter"]))
        lines.append(
            f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        )
    notes = [*facts, ("Stars", MARKS)] if stars else list(facts)
    told = "; ".join(f"{html.escape(what)}: {html.escape(much)}" for what, much in notes)
    lines += ["</tbody>", f'<tfoot><tr><td colspan="{len(head)}">{told}</td></tr></tfoot>', "</table>"]
    return "\n".join(lines)
