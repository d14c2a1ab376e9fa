"""How Sphinx makes the site. `docs/build.py` calls it; on its own it lacks the generated pages."""

from __future__ import annotations

import re
from typing import Any

import outbid

project = "outbid"
author = "The outbid authors"
project_copyright = "The outbid authors. Apache License 2.0"
version = release = outbid.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["*.py", "generate"]

# A name in backticks is code, in docstrings as everywhere.
default_role = "code"
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# verbs name their settings in a signature of their own, which the source does not show
autodoc_preserve_defaults = False
toc_object_entries = False
python_maximum_signature_line_length = 100

# Annotations name classes without their module; two modules may have one of the same name.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "outbid"
html_static_path = ["static"]
html_css_files = ["outbid.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
# A page that is opened as a file may not read the other pages, which summaries of what was found would need.
html_show_search_summary = False
html_theme_options: dict[str, Any] = {"footer_icons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"

_CODE = re.compile(r"(``.+?``|`[^`]+`)")
_UNDERLINE = re.compile(r"-{3,}$")


def _plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keep reStructuredText from reading marks into docstrings: they are plain text, with code in backticks."""
    escaped = []
    for line in lines:
        parts = _CODE.split(line)
        if not line.startswith((">>>", "...")):
            parts[::2] = [re.sub(r"([*|\\]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        escaped.append("".join(parts))
    lines[:] = _set_apart(escaped)


def _set_apart(lines: list[str]) -> list[str]:
    """Put empty lines around indented ones, such as formulas, in what stands above the first section."""
    result: list[str] = []
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and _UNDERLINE.match(lines[i + 1]):
            return [*result, *lines[i:]]
        before = result[-1] if result else ""
        listed = before.lstrip().startswith(("- ", "1. "))
        if line.strip() and before.strip() and not listed and (line[:1] == " ") != (before[:1] == " "):
            result.append("")
        result.append(line)
    return result


def _foreign(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a module has taken from another package."""
    home = getattr(thing, "__module__", None) or ""
    return (
        True
        if what == "module" and isinstance(home, str) and home and not home.startswith("outbid")
        else None
    )


def setup(app: Any) -> None:
    """Put `_plain` in front of what napoleon does."""
    app.connect("autodoc-process-docstring", _plain, priority=100)
    app.connect("autodoc-skip-member", _foreign)
