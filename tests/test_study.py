"""A study's folder: the shipped one loads and resolves; a broken copy is refused with one clear line."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from outbid.errors import InputError
from outbid.run import check_study
from outbid.study import SHIPPED, Study, json_schemas, load_study, shipped_studies, unresolved


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / "khorasan", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_study_is_sound() -> None:
    assert shipped_studies() == ("khorasan", "tugofwar")
    study = load_study("khorasan")
    assert check_study(study) == ()
    assert len(study.ledger.claims) == 60
    assert len(study.panel.window) == 59
    assert study.known_levers.shape == (59, len(study.model.levers))


def test_a_copied_folder_is_a_study_of_its_own(copy: Path) -> None:
    change(copy / "people.py", "0.4) / 0.2", "0.4) / 0.1")
    study = load_study(copy)
    assert unresolved(study) == ()
    defection = next(item for item in study.model.mechanisms if item.name == "defection")
    assert Path(defection.function.__code__.co_filename).parent == copy


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("study.toml", 'first_month = "2021-09"', 'first_month = "2021-13"', "2021-13"),
        ("study.toml", 'first_month = "2021-09"', 'first_month = "2027-01"', "lies after"),
        ("study.toml", "horizon_months = 36", "horizon_months = 0", "horizon_months"),
        ("study.toml", "horizon_months = 36", "horizon = 36", "Did you mean 'horizon_months'"),
        ("study.toml", 'title = "', "title = ", "study.toml"),
        ("parameters.toml", "half_normal = [0.5]", "normal = [0, 0.5]", "wrong sign"),
        ("parameters.toml", "logit_normal = [0.8, 0.4]", "logit_normal = [1.8, 0.4]", "outside its range"),
        ("parameters.toml", "lognormal = [0.0003, 0.8]", "lognormal = [nan, 0.8]", "defection_base"),
        ("parameters.toml", "[defection_base]", "[defection_bas]", "Did you mean 'defection_bas'"),
        ("parameters.toml", "[defection_base]", "[purge_base]", "parameters.toml"),
        ("claims.toml", 'id = "N02"', 'id = "N01"', "N01"),
        ("levers.csv", "counterforce", "counterforse", "Did you mean 'counterforce'"),
        ("people.py", "s.standing", "s.standign", "Did you mean 'standing'"),
        ("people.py", "u.purge", "u.purg", "Did you mean 'purge'"),
        ("people.py", '"dismissed", p.purge_base', '"dismised", p.purge_base', "Did you mean 'dismissed'"),
        ("people.py", "def consolidation(s, u, p):", "def consolidation(s, u, p)", "fails when it is run"),
        ("observations.py", "def raids(", "def raid(", "raid"),
        (
            "study.toml",
            '"standing",',
            '"standign",',
            "no state, lever or count 'standign'. Did you mean 'standing'",
        ),
        ("study.toml", 'moderation = "moderation"', 'moderation = "moderatoin"', "Did you mean 'moderation'"),
        (
            "study.toml",
            'moderation = "moderation"',
            'moderatoin = "moderation"',
            "roles, moderatoin: unknown key",
        ),
        ("study.toml", 'members_lost = "defections"', 'members_lost = "hardening"', "no outcome 'hardening'"),
        (
            "study.toml",
            'output = "attacks_home"',
            'output = "attack_home"',
            "attacks, output: the past tells nothing",
        ),
        ("study.toml", 'panel = "attacks"', 'panel = "attack"', "other_violence, panel: no band 'attack'"),
        (
            "study.toml",
            "attacks_un = ",
            "attacks_und = ",
            "no series 'attacks_und'. Did you mean 'attacks_un'",
        ),
        (
            "study.toml",
            "more_more = ",
            "most_more = ",
            "bottom_line, most_more: unknown key. Did you mean 'more_more'?",
        ),
        ("study.toml", "horizon_months = 36", "horizon_months = 36\nplay = {}", "play: unknown key"),
        (
            "scenarios.toml",
            'label = "Hardening"',
            'label = "As now"',
            "hardening, label: has the label of baseline",
        ),
        (
            "scenarios.toml",
            "start = 1\nmonths = 24",
            "start = 40\nmonths = 24",
            "after the horizon of 36 months",
        ),
        ("scenarios.toml", 'lever = "hardness"', 'lever = "hardnes"', "Did you mean 'hardness'"),
    ],
)
def test_a_broken_study_is_refused_in_one_line(copy: Path, file: str, old: str, new: str, told: str) -> None:
    change(copy / file, old, new)
    with pytest.raises(InputError) as caught:
        problems = check_study(load_study(copy))
        raise AssertionError(f"nothing was refused: {problems}")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("people.py", '@mechanism(evidence=["N19"])', '@mechanism(evidence=["N99"])', "N99"),
        ("people.py", '@mechanism(evidence=["N19"])', '@mechanism(evidence=["N18"])', "vetting"),
        ("claims.toml", '"mechanism:vetting"', '"mechanism:veting"', "Did you mean"),
    ],
)
def test_what_resolves_to_nothing_is_a_problem_of_the_check(
    copy: Path, file: str, old: str, new: str, told: str
) -> None:
    change(copy / file, old, new)
    problems = check_study(load_study(copy))
    assert problems
    assert any(told in problem for problem in problems)


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a shipped study nor a folder"):
        load_study("khorasn")
    with pytest.raises(InputError, match="Did you mean 'khorasan'"):
        load_study("khorasn")
    with pytest.raises(InputError, match=r"has no study\.toml"):
        load_study(tmp_path)


def test_a_path_that_climbs_out_of_the_folder_is_refused(copy: Path) -> None:
    text = (copy / "series.toml").read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line.startswith("file = "))
    change(copy / "series.toml", first, 'file = "../../secret.csv"')
    with pytest.raises(InputError, match="series"):
        load_study(copy)


def test_a_truncated_table_is_refused(copy: Path) -> None:
    path = next((copy / "figures").glob("*.csv"))
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_text(text[: text.rindex(",") - 3], encoding="utf-8")
    with pytest.raises(InputError, match=path.name):
        load_study(copy)


def test_a_study_holds_what_it_declares(khorasan: Study) -> None:
    assert repr(khorasan) == "<Study khorasan: 2021-09 to 2026-07, 19 states, 114 parameters>"
    assert khorasan.baseline.id == "baseline"
    assert khorasan.scenario("hardening").doing == "hardening"
    assert khorasan.scenario("baseline") is khorasan.baseline
    with pytest.raises(InputError, match="Did you mean 'hardening'"):
        khorasan.scenario("hardenning")
    assert {goal.outcome for goal in khorasan.goals} >= {"challengers", "attacks", "aid", "cohesion"}
    assert khorasan.settings.roles["moderation"] == "moderation"
    assert [band.id for band in khorasan.settings.bands] == [
        "attacks",
        "other_violence",
        "challengers",
        "hardness",
    ]
    assert khorasan.names["scenario"][:2] == ["baseline", "moderation"]
    assert "lever.hardness" in khorasan.names["past output"]


def test_outcomes_have_words_and_an_order(khorasan: Study) -> None:
    first, second = khorasan.main_outcomes[:2]
    assert (first.name, second.name) == ("defections", "resources")
    assert first.clause("more", "opening up") == "opening up sends more members to the rival"
    assert first.had_clause("less") == "fewer members would have gone over to the rival"
    assert second.brief("less") == "less to live on"
    assert khorasan.settings.bottom("more", "more", "opening up").startswith("opening up buys resources")
    bare = replace(first, rank=None, more="", less="", unknown="", had=("", "", ""), briefly=("", ""))
    assert bare.clause("less", "hardening") == "hardening makes for less of this: defections"
    assert bare.had_clause("unknown") == "whether there would have been more or less of this: defections"
    abbreviated = replace(bare, label="IS events")
    assert abbreviated.clause("more", "hardening") == "hardening makes for more of this: IS events"


def test_declarations_of_questions_are_read_in_order() -> None:
    def one(study: Study) -> object:
        return len(study.scenarios)

    def two(study: Study) -> object:
        return study.declared["one"] + 1

    study = load_study("khorasan", [("one", one), ("none", lambda study: None), ("two", two)])
    assert study.declared == {"one": 8, "two": 9}


@pytest.mark.parametrize("name", ["marks.csv", "scenarios.toml"])
def test_what_may_be_left_out(copy: Path, name: str) -> None:
    (copy / name).unlink()
    text = (copy / "study.toml").read_text(encoding="utf-8")
    head, tail = text.split("[roles]")
    outcomes = [line for line in tail.splitlines() if line.startswith(("members_lost", "resources"))]
    (copy / "study.toml").write_text(head + "[roles]\n" + "\n".join(outcomes), encoding="utf-8")
    study = load_study(copy)
    assert (study.marks if name == "marks.csv" else study.scenarios) == ()


def test_what_editors_leave_in_the_folder_is_passed_over(copy: Path) -> None:
    (copy / "figures" / "._attacks.csv").write_bytes(b"\0\x05\x16\x07")
    (copy / "figures" / "old.csv").mkdir()
    (copy / ".#people.py").symlink_to("nowhere")
    assert load_study(copy).panel.series


def test_a_study_is_what_its_text_says(copy: Path) -> None:
    """Two texts of one length, written within a second: cached bytecode could not tell them apart."""
    path = copy / "people.py"
    for threshold in ("0.4", "0.9", "0.1"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\d\.\d\) / 0\.2", f"{threshold}) / 0.2", text, count=1), encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        item = next(each for each in load_study(copy).model.mechanisms if each.name == "defection")
        assert float(threshold) in item.function.__code__.co_consts
    assert not (copy / "__pycache__").exists()


def test_what_a_study_prints_is_kept_from_standard_output(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (copy / "people.py").open("a", encoding="utf-8") as file:
        file.write('\nprint("hello")\n')
    load_study(copy)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")
    with (copy / "people.py").open("a", encoding="utf-8") as file:
        file.write("\nraise SystemExit(0)\n")
    with pytest.raises(InputError, match=r"fails when it is run \(SystemExit: 0\)"):
        load_study(copy)


def test_a_folder_whose_name_is_not_utf8(copy: Path) -> None:
    there = Path(os.fsdecode(os.fsencode(copy.parent) + b"/d\xe9p\xf4t"))
    copy.rename(there)
    assert load_study(there).scenarios


def test_every_file_of_a_study_has_a_json_schema(khorasan: Study) -> None:
    schemas = json_schemas()
    assert set(schemas) == {path.name for path in khorasan.folder.glob("*.toml")} & set(schemas)
    for name, schema in schemas.items():
        raw = tomllib.loads((khorasan.folder / name).read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(raw)
        assert schema["description"].startswith(name)
    assert "null" not in json.dumps(schemas)
