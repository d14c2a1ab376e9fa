"""What is no number is named before any work: the function, the month and how often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outbid.errors import InputError
from outbid.infer.trial import trial
from outbid.run import StudyRun
from outbid.run_settings import Settings
from outbid.study import load_study
from toy import write_toy

RETURNING = "p.returning_base * u.pressure"
IMPORT = "import Flow, LogNormal, exp,"
EMPTY = '    Stock("jailed", "People in jail", 0.0, "people", True),\n    Stock("dead", "The dead", 0.0, "people", True),\n'


def written(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """The tutorial's study with (file, old, new) put in its place."""
    for file, old, new in (("people.py", IMPORT, f"{IMPORT} log, share,"), *changes):
        path = write_toy(folder) / file if not folder.is_dir() else folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def faults(folder: Path, *changes: tuple[str, str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """What the trial finds, as lines, and the prior sets under which no fit begins."""
    study = load_study(written(folder / "toy", *changes))
    return [(str(each.error), each.stops) for each in trial(study)]


BOTH = ("neutral", "sources")
STATES = ("__init__.py", '    Stock("rivals"', f'{EMPTY}    Stock("rivals"')
DYING = (
    "people.py",
    f'return Flow("rivals", "members", {RETURNING})',
    "jailed = {}\n"
    f'    return Flow("rivals", "members", {RETURNING} * jailed), '
    'Flow("rivals", "jailed", 0.01), Flow("rivals", "dead", 0.01)',
)


def dying(formula: str) -> tuple[tuple[str, str, str], ...]:
    """People may die or go to jail, of which there are none in the first month."""
    return STATES, (*DYING[:2], DYING[2].format(formula))


@pytest.mark.parametrize(
    ("changes", "told", "stops"),
    [
        # a share of two empty stocks
        (
            dying("s.jailed / (s.jailed + s.dead)"),
            ("returning: gives no number (nan) in 2020-01, at 16 of 16",),
            BOTH,
        ),
        (dying("1.0 / s.jailed"), ("returning: gives no number (inf) in 2020-01",), BOTH),
        (dying("log(s.jailed)"), ("returning: gives no number (-inf) in 2020-01",), BOTH),
        # the slope: at zero where what is taken the root of depends on a parameter, in the branch that isn't taken
        (
            dying("(p.returning_base * s.jailed) ** 0.5"),
            ("returning: has no slope in 2020-01",),
            (),
        ),
        (
            [
                *dying("jnp.where(s.jailed > 0, 0.001 * p.returning_base / s.jailed, 1.0)"),
                ("people.py", "from outbid", "import jax.numpy as jnp\nfrom outbid"),
            ],
            ("returning: has no slope in 2020-01",),
            (),
        ),
        # in a later month only: pressure rises in 2021
        ([("people.py", RETURNING, f"{RETURNING} * log(0.7 - u.pressure)")], ("(nan) in 2021-01",), BOTH),
        # in a scenario only
        ([("people.py", RETURNING, f"{RETURNING} * log(0.9 - u.pressure)")], ("in 2022-01 of 'press'",), ()),
        # under one prior set only: the sources hold that pressure drives people there
        (
            [("people.py", RETURNING, f"{RETURNING} * log(0.001 - p.joining_pressure)")],
            ("points of the neutral prior and 16 of 16 points of the sources prior",),
            ("sources",),
        ),
        # in what is only told of, or only seen
        (
            [("people.py", "return m.joining", "return log(s.rivals - 700.0)")],
            ("joined: gives no number",),
            (),
        ),
        (
            [("people.py", "return s.rivals\n", "return log(0.5 - u.pressure)\n")],
            ("strength: gives no number (nan) in 2021-01",),
            BOTH,
        ),
        (
            [("__init__.py", "10_000.0", "float('inf')")],
            ("study 'toy', 'members': is no number (inf) before",),
            BOTH,
        ),
        (
            [("parameters.toml", "[500, 0.5]", "[500, 2000]")],
            ("parameters.toml, rivals_start: is no number (inf)",),
            (),
        ),
        # what would be taken for zero: a hazard of the wrong sign, and a mean of what can't be less than nothing
        (
            [("people.py", RETURNING, f"-{RETURNING}")],
            ("returning: gives less than zero",),
            BOTH,
        ),
        (
            [("people.py", "return s.rivals\n", "return s.rivals - 5000.0\n")],
            ("strength: gives less than zero",),
            BOTH,
        ),
        # what a log-normal law never is: nothing, in a month with a figure, be it one only
        (
            [("people.py", "return s.rivals\n", "return 0.0 * s.rivals\n")],
            ("strength: gives zero for the figure of 20",),
            BOTH,
        ),
        ([("people.py", "return s.rivals\n", "return s.rivals * (u.pressure < 0.7)\n")], ("of 2021-",), BOTH),
        (dying("share(s.jailed, s.jailed + s.dead)"), (), ()),
        (dying("s.jailed ** 0.5"), (), ()),
    ],
)
def test_what_is_no_number_is_named(
    tmp_path: Path, changes: Any, told: tuple[str, ...], stops: tuple[str, ...]
) -> None:
    """Tried: 0/0, 1/0, log 0 and of less; in the first month, a later one, a scenario; under one prior set, at some points.

    In mechanisms, outcomes, observations, starts, priors; no slope of a root at zero; less than
    nothing, or nothing. What is sound finds nothing.
    """
    found = faults(tmp_path, *changes)
    assert len(found) == len(told), found
    for (line, stopped), words in zip(found, told, strict=True):
        assert words in line and "\n" not in line
        assert stopped == stops


def test_no_fit_begins_with_what_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried: under the prior set at fault, which is refused, and under the other, which begins; without a slope."""
    monkeypatch.setattr("outbid.run.fit", lambda *_, **__: None)
    folder = written(
        tmp_path / "toy", ("people.py", RETURNING, f"{RETURNING} * log(0.001 - p.joining_pressure)")
    )
    for prior in ("sources", "both"):
        with pytest.raises(
            InputError, match=r"people\.py, line \d+, returning: gives no number \(nan\) in 2020-01"
        ):
            assert StudyRun(load_study(folder), Settings(prior, True)).fits
    with pytest.raises(KeyError):  # of what was put in the place of the fit
        assert StudyRun(load_study(folder), Settings("neutral", True)).fits
    monkeypatch.undo()
    folder = written(tmp_path / "flat", *dying("(p.returning_base * s.jailed) ** 0.5"))
    with pytest.raises(InputError, match="the centre of the priors"):
        assert StudyRun(load_study(folder), Settings("neutral", True)).fits
