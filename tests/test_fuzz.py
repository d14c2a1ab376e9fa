"""Whatever a stranger writes: it is fine, or it is refused in one line; never a traceback, never half a minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outbid import game
from outbid.declared import read_required
from outbid.errors import InputError
from outbid.questions import readers
from outbid.replication.game import play_settings, read_panel
from outbid.simulate.scenario import ScenarioFile
from outbid.study import Study, load_study
from toy import write_asking_toy

pytestmark = pytest.mark.slow
LIMIT = 30_000  # milliseconds for one input

# what stands in files that people send: wrong kinds, wrong sizes, other programs' numbers, other files' words
TOKENS = (
    *(
        "nan",
        "-inf",
        "1e400",
        "-1",
        "0",
        "1e-320",
        "99999999999999999999",
        "0x1f",
        "1_000",
        "1.000,5",
        "1,5",
        "½",
        "−3",
    ),
    *(
        "true",
        "[]",
        "[[]]",
        "{}",
        '""',
        '"',
        "'",
        '"""',
        "\\",
        "=",
        "[",
        "]]",
        "[[claim]]",
        "[a.b]",
        "#",
        "\n",
        "\r",
        ",",
    ),
    *(
        ";",
        "\t",
        "\ufeff",
        "\u00a0",
        "\u202e",
        "\0",
        "\x1b[31m",
        "Ünïcödé",
        "a" * 3000,
        "2021-02-30",
        "2021-13",
        "0000-00",
    ),
    *(
        "1900-01-01",
        "2021-01-01T00:00:00Z",
        "01/02/2021",
        "44197",
        "#N/A",
        "#REF!",
        "=1+1",
        "../../etc",
        "joined",
        "draw",
    ),
    *(
        "month",
        "chain",
        "pressure",
        "id",
        "label",
        "None",
        "lambda",
        "__class__",
        "import os",
        "raise SystemExit",
        "1/0",
    ),
)
PANEL = "date,state,hamas_attack,fatah_attack\n" + "".join(
    f"{1994 + i // 12}-{i % 12 + 1:02d},{i % 7 / 7:.3f},{i % 2},{i % 3 // 2}\n" for i in range(300)
)
# beside the tutorial's own scenarios
MORE = """
[[scenario.rule]]
lever = "pressure"
watch = "rivals"
above = 500
to = 0.1

[[goal]]
id = "few"
label = "Few join"
description = "At most fifty join."
outcome = "joined"
at_most = 50
"""


@st.composite
def spoiled(draw: st.DrawFn, text: str) -> str:
    """A text with one to three things done to it that an editor, a spreadsheet or a slip of the hand does."""
    for _ in range(draw(st.integers(1, 3))):
        lines = text.split("\n")
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        place = draw(st.integers(0, max(0, len(text))))
        token = draw(st.sampled_from(TOKENS) | st.text(max_size=5))
        kind = draw(
            st.sampled_from(["value", "insert", "cut", "drop", "twice", "swap", "truncate", "word", "column"])
        )
        if kind == "value" and "=" in lines[at]:
            lines[at] = f"{lines[at].partition('=')[0]}= {token}"
        elif kind == "column" and "," in lines[at]:
            cells = lines[at].split(",")
            cells[draw(st.integers(0, len(cells) - 1))] = token
            lines[at] = ",".join(cells)
        elif kind == "drop":
            del lines[at]
        elif kind == "twice":
            lines.insert(at, lines[at])
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == "word" and (words := lines[at].split()):
            words[draw(st.integers(0, len(words) - 1))] = token
            lines[at] = " ".join(words)
        else:
            end = {"cut": place + 7, "truncate": len(text)}.get(kind, place)
            lines = [text[:place] + (token if kind == "insert" else "") + text[end:]]
        text = "\n".join(lines)
    return text


def fine_or_one_line(function: Callable[[], Any]) -> Any:
    """Return what the function gives, or None if it refuses in one line that names place, fault and cure."""
    try:
        return function()
    except InputError as error:
        assert "\n" not in str(error) and "\r" not in str(error)
        assert error.where and error.problem and error.fix
        assert len(str(error)) < 2000
        return None


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_asking_toy(tmp_path_factory.mktemp("fuzz") / "toy")


@pytest.fixture(scope="module")
def toy(toy_folder: Path) -> Study:
    return load_study(toy_folder, readers())


@pytest.fixture(scope="module")
def tugofwar() -> Study:
    return load_study("tugofwar", readers())


def many(count: int) -> settings:
    """Limits of a law: so many inputs, none of them longer than half a minute."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=count, deadline=LIMIT, suppress_health_check=quiet)


@many(5000)
@given(data=st.data())
def test_a_study_is_loaded_or_refused_in_one_line(toy_folder: Path, data: st.DataObject) -> None:
    """One file of a study, of any kind, is spoiled; what loads is checked too, unless its theory is another."""
    files = sorted(path for path in toy_folder.rglob("*") if path.suffix in (".toml", ".csv", ".py"))
    path = data.draw(st.sampled_from(files))
    whole = path.read_bytes()
    try:
        text = data.draw(spoiled(whole.decode()))
        path.write_bytes(
            text.encode(data.draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1"])), "replace")
        )
        fine_or_one_line(lambda: load_study(toy_folder, readers()))
    finally:
        path.write_bytes(whole)


@many(2500)
@given(data=st.data())
def test_a_scenario_file_is_read_or_refused_in_one_line(
    toy: Study, tmp_path: Path, data: st.DataObject
) -> None:
    """A file of one's own, in every way that the spoiling knows."""
    text = data.draw(spoiled((toy.folder / "scenarios.toml").read_text(encoding="utf-8") + MORE))
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    fine_or_one_line(lambda: read_required(path, ScenarioFile, toy.names))


def test_what_is_spoilt_was_sound(toy: Study, tugofwar: Study, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text((toy.folder / "scenarios.toml").read_text() + MORE)
    assert read_required(tmp_path / "own.toml", ScenarioFile, toy.names).goals
    (tmp_path / "panel_monthly.csv").write_text(PANEL)
    assert len(read_panel(tmp_path, play_settings(tugofwar)).state) == 300


@many(1500)
@given(text=spoiled(PANEL))
def test_a_panel_is_read_or_refused_in_one_line(tugofwar: Study, tmp_path: Path, text: str) -> None:
    """The monthly table of a game of one's own."""
    (tmp_path / "panel_monthly.csv").write_text(text, encoding="utf-8", errors="replace", newline="")
    panel = fine_or_one_line(lambda: read_panel(tmp_path, play_settings(tugofwar)))
    if panel is not None:
        assert np.isfinite(panel.state).all() and np.isin(panel.actions, (0, 1)).all()


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.integers(-3, 40),
    st.sampled_from(
        [None, "", "x", True, [], [0.1], [0.1, 0.2], [[0.1, 0.2]], np.nan, 10**40, 1e300, object(), {}]
    ),
)
SOUND = {
    **{"intercept": 0.0, "persistence": 0.9, "effects": [-0.3, 0.4], "interactions": [0.1, 0.0], "sd": 0.5},
    **{"value": [-0.2, 0.2], "cost": [-1.0, -1.5], "discount": 0.95},
}
SERIES = st.lists(NUMBERS, max_size=4) | NUMBERS


@many(1000)
@given(changed=st.dictionaries(st.sampled_from(sorted(SOUND)), SERIES, min_size=1, max_size=2), points=SERIES)
def test_a_game_is_stated_or_refused_in_one_line(changed: dict[str, Any], points: Any) -> None:
    """Any argument of a game, or the axis it is played on."""
    players = [game.Player("a", (0, 1)), game.Player("b", (0, 1))]
    even = game.even_axis("x", -2.0, 2.0, 9)
    stated = fine_or_one_line(lambda: game.one_index_game(even, players, **{**SOUND, **changed}))
    if stated is not None:
        assert np.isfinite(np.asarray(stated.payoffs)).all()
        assert np.allclose(np.asarray(stated.kernel.weights).sum(axis=-1), 1.0)
    fine_or_one_line(lambda: game.Axis("x", points))
    fine_or_one_line(lambda: game.Player("a", points))
    fine_or_one_line(lambda: game.even_axis("x", points, 1.0, 9))
