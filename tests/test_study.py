"""A study's folder: the shipped one loads and resolves; a broken copy is refused with one clear line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from outbid.errors import InputError
from outbid.run import check_study
from outbid.study import SHIPPED, load_study, shipped_studies, unresolved


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
        ("study.toml", 'moderation = "moderation"', 'moderation = "moderatoin"', "neither a scenario nor"),
        ("study.toml", '"standing",', '"standign",', "Did you mean 'standing'"),
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
