"""The contract that every question keeps, and that a new one is a folder and a line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import outbid
import outbid.questions
from outbid.cli import main
from outbid.errors import InputError
from outbid.output import csv_text, plain
from outbid.question import Section
from outbid.questions import QUESTIONS, answer, by_name, chosen, in_order
from outbid.report.page import body
from outbid.words.effects import records
from toy import write_asking_toy, write_toy

ROOMS = Path(outbid.questions.__file__).parent
SEED = 7
TOY_QUESTION = '''
"""A toy question: how many members would be there, were nobody to move?"""

from pathlib import Path

import pandas as pd
import xarray as xr

from outbid.question import Question, Section

TEMPLATE = "questions/stillness/section.html.j2"


def answer(context, asked, options):
    start = context.study.model.stocks[0].initial
    return xr.Dataset({"members": ("prior", [float(start)] * len(context.known))}, {"prior": list(context.known)})


def tables(data, study):
    return {"stillness": data["members"].to_dataframe().reset_index()}


def section(data, study):
    return Section("stillness", "Stillness", TEMPLATE, {"heading": "Nobody moves"}, tables(data, study))


QUESTION = Question(
    name="stillness",
    title="Stillness",
    help="How many members would there be, were nobody to move?",
    files={},
    declare=lambda study: True,
    answer=answer,
    tables=tables,
    section=section,
    lines=lambda data, study: ["Nobody moves."],
    quick=True,
)
'''


def render(section: Section) -> str:
    return str(body(section, {"present": {section.id}, "claim_ids": set()}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_asking_toy(tmp_path_factory.mktemp("asking") / "toy")


@pytest.fixture(scope="module")
def study(folder: Path) -> Any:
    return outbid.load(folder)


@pytest.fixture(scope="module")
def answers(study: Any) -> dict[str, xr.Dataset]:
    """Every question that the toy declares, answered over a coarse fit as a full run would."""
    from outbid.run import StudyRun
    from outbid.run_settings import Settings

    run = StudyRun(study.study, Settings("both", True, SEED))
    assert set(run.known) == {"neutral", "sources"}
    run.settings = Settings("both", False, SEED)
    return answer(list(by_name()), run)


def test_a_room_bears_the_name_of_its_question() -> None:
    folders = {path.parent.name for path in ROOMS.glob("*/__init__.py")}
    assert folders == {question.name for question in QUESTIONS}
    assert len(QUESTIONS) == len(folders)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.name)
def test_a_question_says_what_it_is(question: Any) -> None:
    assert question.help.endswith("?") and question.title
    assert set(question.needs) <= set(by_name())
    template = ROOMS / question.name / "section.html.j2"
    assert template.is_file()
    for name, field in (question.options.model_fields if question.options else {}).items():
        assert field.description and not field.is_required(), name


def test_what_is_needed_is_answered_first() -> None:
    order = in_order(list(by_name()), by_name())
    for question in QUESTIONS:
        assert all(order.index(each) < order.index(question.name) for each in question.needs)


def test_a_study_that_asks_nothing_answers_nothing_but_its_scenarios(tmp_path: Path) -> None:
    study = outbid.load(write_toy(tmp_path / "toy")).study
    assert {name for name, asked in study.declared.items() if asked is not None} <= {"claims", "scenarios"}


def test_a_question_that_is_not_declared_says_so_at_once(tmp_path: Path) -> None:
    study = outbid.load(write_toy(tmp_path / "toy"))
    for question in QUESTIONS:
        if question.name in ("claims", "scenarios"):
            continue
        with pytest.raises(InputError, match=next(iter(question.files))):
            getattr(study.ask, question.name)()


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("sensitivity", {"base_sample": 64}, "base_sample: unknown option. Did you mean 'base_samples'?"),
        ("sensitivity", {"base_samples": 100}, "base_samples: 100 is no power of two from 8 to 65536."),
        ("sensitivity", {"base_samples": "many"}, "base_samples: 'many' is outside its range. Give a whole"),
        ("scenarios", {"scenarios": 3}, "scenarios: missing or not a text. Give it as text in quotes."),
        ("claims", {"quickly": True}, "quickly: unknown option. Known names: none."),
    ],
)
def test_a_bad_option_is_one_line(study: Any, name: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        chosen(by_name()[name], study.study, given)
    assert str(caught.value).startswith(f"{name}, {says}")
    assert "\n" not in str(caught.value)


def test_a_number_on_the_command_line_is_a_number(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", str(folder), "sensitivity", "--base-samples", "100"]) == 2
    assert "sensitivity, base_samples: 100 is no power of two" in capsys.readouterr().err


@pytest.mark.parametrize(
    "question", [each for each in QUESTIONS if len(each.files) == 1], ids=lambda each: each.name
)
def test_an_unknown_key_is_complained_of(question: Any, folder: Path, tmp_path: Path) -> None:
    import shutil

    own = tmp_path / "toy"
    shutil.copytree(folder, own)
    (name,) = question.files
    file = own / name
    file.write_text("nonsense_key = 1\n" + (file.read_text() if file.is_file() else ""), encoding="utf-8")
    with pytest.raises(InputError, match=r"nonsense_key: unknown key") as caught:
        outbid.load(own)
    assert name in str(caught.value)


def questions_of(answers: dict[str, xr.Dataset]) -> Iterator[tuple[Any, xr.Dataset]]:
    for name, data in answers.items():
        yield by_name()[name], data


def test_the_toy_asks_most_questions(answers: dict[str, xr.Dataset]) -> None:
    assert {"claims", "scenarios", "replay", "sensitivity", "information_value"} <= set(answers)


def test_tables_are_tidy(answers: dict[str, xr.Dataset], study: Any) -> None:
    for question, data in questions_of(answers):
        tables = question.tables(data, study.study)
        assert tables
        for name, table in tables.items():
            assert isinstance(table, pd.DataFrame) and re.fullmatch(r"[a-z_]+", name)
            assert all(re.fullmatch(r"[a-z_0-9]+", str(column)) for column in table.columns), name
            assert not table.duplicated().any(), name
            assert isinstance(table.index, pd.RangeIndex), name
            assert csv_text(table).count("\n") >= len(table) + 1
            json.dumps(plain(records(table)))


def test_a_dataset_survives_the_file(answers: dict[str, xr.Dataset], study: Any) -> None:
    for question, data in questions_of(answers):
        held = bytes(data.to_netcdf(engine="netcdf4"))
        with xr.open_dataset(held, engine="netcdf4") as file:
            again = file.load()
        before, after = question.tables(data, study.study), question.tables(again, study.study)
        assert {name: csv_text(table) for name, table in before.items()} == {
            name: csv_text(table) for name, table in after.items()
        }
        assert render(question.section(data, study.study)) == render(question.section(again, study.study))


def test_sections_have_a_heading_and_figures_have_words(answers: dict[str, xr.Dataset], study: Any) -> None:
    for question, data in questions_of(answers):
        section = question.section(data, study.study)
        assert section.id == question.name
        html = str(render(section))
        (heading,) = re.findall(r"<h2[^>]*>(.*?)</h2>", html, re.DOTALL)
        assert len(heading.split()) > 3, question.name
        for empty in re.findall(r"<(h[2-6]|p|td|th|caption|li)[^>]*>\s*</\1>", html):
            assert empty in ("td", "th"), f"{question.name}: an empty <{empty}>"
        for figure in section.figures:
            assert figure.alternative.strip() and figure.caption.strip()
            figure.altair().to_dict()


def test_planted_markup_is_escaped(folder: Path, answers: dict[str, xr.Dataset]) -> None:
    evil = "<script>alert(1)</script>"
    text = "\n".join(
        path.read_text(encoding="utf-8").replace('label = "', f'label = "{evil} ')
        for path in [folder / "scenarios.toml"]
    )
    assert evil in text
    (folder / "scenarios.toml").write_text(text, encoding="utf-8")
    planted = outbid.load(folder).study
    for question, data in questions_of(answers):
        assert evil not in str(render(question.section(data, planted))), question.name


def test_lines_fit_a_terminal(answers: dict[str, xr.Dataset], study: Any) -> None:
    for question, data in questions_of(answers):
        lines = list(question.lines(data, study.study))
        assert 1 <= len(lines) <= 10 and all(len(line) <= 110 for line in lines), question.name


def test_all_numbers_are_numbers(answers: dict[str, xr.Dataset], study: Any) -> None:
    for question, data in questions_of(answers):
        for name, table in question.tables(data, study.study).items():
            numbers = table.select_dtypes("number").to_numpy()
            assert not np.isinf(numbers).any() or name.startswith("boxes"), name


def test_a_new_question_is_a_folder_and_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = tmp_path / "rooms" / "stillness"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text(TOY_QUESTION, encoding="utf-8")
    template = "<section id='{{ section.id }}'><h2>{{ heading }}</h2><p>{{ tables.stillness.members[0] }}</p></section>"
    (room / "section.html.j2").write_text(template, encoding="utf-8")
    monkeypatch.setattr(outbid.questions, "__path__", [*outbid.questions.__path__, str(tmp_path / "rooms")])
    from outbid.questions import stillness  # type: ignore[attr-defined]

    monkeypatch.setattr(outbid.questions, "QUESTIONS", (*QUESTIONS, stillness.QUESTION))
    try:
        toy, out = write_toy(tmp_path / "toy"), tmp_path / "out"
        assert main(["ask", str(toy), "stillness", "--quick", "--out", str(out)]) in (0, 1)
        assert "Nobody moves." in capsys.readouterr().out
        study = outbid.load(toy)
        assert "stillness" in dir(study.ask)
        result = study.ask.stillness(quick=True, out=out)
        assert result.tables["stillness"]["members"].tolist() == [10_000.0, 10_000.0]
        assert main(["run", str(toy), "--quick", "--out", str(out)]) in (0, 1)
        told = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        assert [row["members"] for row in told["stillness"]] == [10_000.0, 10_000.0]
        assert (out / "tables" / "stillness.csv").is_file()
        page = (out / "report.html").read_text(encoding="utf-8")
        assert "<h2>Nobody moves</h2>" in page and 'href="#stillness"' in page
    finally:
        sys.modules.pop("outbid.questions.stillness", None)
