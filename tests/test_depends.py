"""What a fit and a run depend on: whatever counts changes their fingerprint, and nothing else does.

Tried of the kinds "a result is reused though what made it changed" and "made again though nothing changed": modules of the
theory under any name, in a subfolder, beside the study and elsewhere on the path, imported before or by `importlib`; data
that Python reads from text, JSON, a link, a subfolder, elsewhere, while a function is traced or where there is no file yet;
bytecode; figures, levers, priors, window; claims, marks, scenarios, files of questions; outputs, hidden files, notebooks'
copies, editors' locks, AppleDouble files, folders named like tables, a pipe, a file that may not be read, a gigabyte; the
study moved, copied, named by a relative path; a file that changes after it was loaded; every setting.
"""

from __future__ import annotations

import copy
import io
import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mini_study
import outbid
from outbid.cli import main
from outbid.compiled import prepare
from outbid.errors import InputError
from outbid.infer.fit import Fit
from outbid.infer.posterior import QUICK, Draws
from outbid.infer.store import RESULTS, read_fit, read_group
from outbid.model.compile import layout
from outbid.output import OutputFolder, whole_summary
from outbid.questions import readers
from outbid.run import CODE, PACKAGE, fingerprint, whole_fingerprint
from outbid.run_settings import Settings, command_line
from outbid.study import Study, load_study
from test_house import imports_of, name_of

READS = {
    "a text beside it": ("rate.txt", 'from pathlib import Path\nRATE = (Path(__file__).parent / "{}").read_text()\n'),
    "JSON below it": (
        "data/rate.json",
        'import json, os\nwith open(os.path.dirname(__file__) + "/{}") as f:\n    RATE = json.load(f)\n',
    ),
    "an array": ("rate.csv", 'import numpy, pathlib\nRATE = numpy.loadtxt(pathlib.Path(__file__).with_name("{}"))\n'),
    "a file outside": ("../rate.txt", 'from pathlib import Path\nRATE = (Path(__file__).parent / "{}").read_text()\n'),
    "read by another program": (
        "rate.txt",
        'import subprocess, pathlib\nRATE = subprocess.check_output(["cat", pathlib.Path(__file__).with_name("{}")])\n',
    ),
    "read in a thread": (
        "rate.txt",
        "from concurrent.futures import ThreadPoolExecutor\nfrom pathlib import Path\n"
        'RATE = ThreadPoolExecutor().submit(Path(__file__).with_name("{}").read_text).result()\n',
    ),
    "opened to read and write": (
        "rate.txt",
        'from pathlib import Path\nwith Path(__file__).with_name("{}").open("r+") as f:\n    RATE = f.read()\n',
    ),
    "a file that is not there yet": (
        "no.txt",
        'from pathlib import Path\ntry:\n    RATE = (Path(__file__).parent / "{}").read_text()\n'
        "except FileNotFoundError:\n    RATE = 1.0\n",
    ),
    "a database": (
        "rate.db",
        'import os, sqlite3\nRATE = sqlite3.connect(os.path.dirname(__file__) + os.sep + "rate" + ".db").execute\n',
    ),
    "a database by its address": (
        "rate.db",
        'import os, sqlite3\nBY = f"file:{{os.path.dirname(__file__)}}/rate" + ".db?mode=ro"\n'
        "RATE = sqlite3.connect(BY, uri=True)\n",
    ),
    "an array mapped into memory": (
        "rate.bin",
        'import numpy, os\nRATE = numpy.memmap(os.path.dirname(__file__) + "/rate" + ".bin", mode="r")\n',
    ),
}  # fmt: skip
LISTS = (
    "import os; os.listdir({!r})",
    "import os; [*os.scandir({!r})]",
    "import os; [*os.walk({!r})]",
    "from glob import glob; glob({!r} + '/*.csv')",
    "from pathlib import Path; [*Path({!r}).glob('*.csv')]",
    "from pathlib import Path; [*Path({!r}).iterdir()]",
)
LATER = "rates = __import__('importlib').import_module('rates')"


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    return mini_study.write(tmp_path / "mini")


def marks(folder: Path | str) -> tuple[str, str]:
    """The fingerprints of a fit and of a run of the study that stands there now."""
    study = load_study(folder, readers())
    return fingerprint(study, Settings(), "neutral"), whole_fingerprint(study, Settings(), "outbid run")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# what a fit depends on


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("__init__.py", "5_000.0", "6_000.0"),
        ("moves.py", "patrols - 0.4", "patrols - 0.5"),
        ("moves.py", "LogNormal(0.2)", "LogNormal(2.0)"),
        ("parameters.toml", "[0.004, 0.6]", "[0.004, 0.7]"),
        ("series.toml", 'kind = "level"', 'kind = "sum"'),
        ("figures/headcount.csv", ",420,", ",421,"),
        ("levers.csv", ",0.7,", ",0.8,"),
        ("study.toml", "2016-12", "2016-12\"\nhorizon_months = 13 #"),
    ],
)  # fmt: skip
def test_a_change_of_what_a_fit_depends_on_changes_its_fingerprint(
    mini: Path, file: str, old: str, new: str
) -> None:
    before = marks(mini)
    if file == "study.toml":
        change(mini / file, "2015-01", "2014-12")
        change(mini / "levers.csv", "2015-01", "2014-12")
    else:
        change(mini / file, old, new)
    after = marks(mini)
    assert before[0] != after[0] and before[1] != after[1]


@given(st.sampled_from(sorted(mini_study.FILES)), st.integers(1, 3))
@settings(max_examples=20)
def test_every_file_that_is_read_counts_for_the_run_and_those_of_the_model_for_the_fit(
    tmp_path_factory: pytest.TempPathFactory, file: str, lines: int
) -> None:
    mini = mini_study.write(tmp_path_factory.mktemp("any") / "mini")
    before = marks(mini)
    with (mini / file).open("a", encoding="utf-8") as stream:
        stream.write("\n" * lines)
    fits = file.endswith(".py") or file in (
        "parameters.toml",
        "series.toml",
        "levers.csv",
        "figures/headcount.csv",
    )
    assert (marks(mini)[0] != before[0]) is fits
    assert marks(mini)[1] != before[1]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("study.toml", "Does patrolling", "Would patrolling"),
        ("study.toml", "horizon_months = 12", "horizon_months = 24"),
        ("claims.toml", "Patrols drive", "Patrols push"),
        ("scenarios.toml", "0.25", "0.3"),
        ("figure_sources.toml", "Made up", "Invented"),
    ],
)
def test_what_no_number_of_a_fit_follows_from_leaves_it(mini: Path, file: str, old: str, new: str) -> None:
    before = marks(mini)
    change(mini / file, old, new)
    after = marks(mini)
    assert before[0] == after[0] and before[1] != after[1]


@pytest.mark.parametrize("name", ["outcomes", "marks", "report", "claims"])
def test_a_module_counts_whatever_it_is_called(mini: Path, name: str) -> None:
    (mini / "moves.py").rename(mini / f"{name}.py")
    change(mini / "__init__.py", "from . import moves", f"from . import {name} as moves")
    before = marks(mini)
    change(mini / f"{name}.py", "patrols - 0.4", "patrols - 0.5")
    assert marks(mini)[0] != before[0]


@pytest.mark.parametrize("how", READS)
def test_what_the_theory_reads_counts(mini: Path, how: str) -> None:
    file, code = READS[how]
    path = mini / file
    path.parent.mkdir(exist_ok=True)
    if how != "a file that is not there yet":
        path.write_text("0.4")
    change(mini / "moves.py", '"""How', f'{code.format(file)}\n"""How')
    before = marks(mini)
    assert marks(mini) == before
    path.write_text("0.5")
    assert marks(mini)[0] != before[0]


def test_the_names_in_a_folder_that_the_theory_lists_count(mini: Path) -> None:
    """By every way to list, when the theory is imported or traced; files of the folder that nobody reads don't count."""
    for i, code in enumerate(LISTS):
        (mini / f"rates{i}").mkdir()
        at = "    return s.wing" if i % 2 else '"""How'
        lists = code.format(str(mini / f"rates{i}"))
        change(mini / "moves.py", at, f"{at[: len(at) - len(at.lstrip())]}{lists}\n{at}")
    before = load_study(mini).fit_files
    for folder in mini.glob("rates*"):
        (folder / "2020.csv").touch()
    after = load_study(mini).fit_files
    assert {name for name in after if after[name] != before[name]} == {f"rates{i}" for i in range(len(LISTS))}
    assert "." not in after and "figures" not in after


def test_what_a_function_reads_when_it_is_traced_counts(mini: Path) -> None:
    (mini / "rate.txt").write_text("0.4")
    read = 'float(__import__("pathlib").Path(__file__).with_name("rate.txt").read_text())'
    change(mini / "moves.py", "u.patrols - 0.4", f"u.patrols - {read}")
    before = marks(mini)
    (mini / "rate.txt").write_text("0.5")
    assert marks(mini)[0] != before[0]


@pytest.mark.parametrize("how", ["import rates", "from rates import RATE", LATER])
@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("package", [False, True])
def test_a_module_from_elsewhere_counts_and_is_read_anew(
    mini: Path, monkeypatch: pytest.MonkeyPatch, how: str, earlier: bool, package: bool
) -> None:
    """Two texts of one length and one time, imported by the session before, or by the study only."""
    path = mini.parent / "rates" / "__init__.py" if package else mini.parent / "rates.py"
    path.parent.mkdir(exist_ok=True)

    def write(rate: str) -> None:
        path.write_text(f"RATE = {rate}\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))

    write("0.4")
    monkeypatch.syspath_prepend(str(mini.parent))
    name = "RATE" if "RATE" in how else "rates.RATE"
    change(mini / "moves.py", "from outbid", f"{how}\n\nfrom outbid")
    change(mini / "moves.py", "@observation", f"USED = {name}\n\n\n@observation")
    if earlier:
        import rates  # type: ignore[import-not-found]
    before = marks(mini)
    write("0.5")
    study = load_study(mini)
    assert fingerprint(study, Settings(), "neutral") != before[0]
    assert study.model.mechanisms[0].function.__globals__["USED"] == 0.5
    assert ("rates" in sys.modules) is earlier
    if earlier:
        assert sys.modules.pop("rates") is rates


def test_a_fit_is_known_by_what_was_loaded_not_by_what_stands_there_later(mini: Path) -> None:
    study = load_study(mini)
    before = fingerprint(study, Settings(), "neutral")
    change(mini / "parameters.toml", "0.004", "0.009")
    assert fingerprint(study, Settings(), "neutral") == before != marks(mini)[0]


def test_shipped_studies_are_known_by_their_files_too() -> None:
    for name in ("khorasan", "tugofwar"):
        study = load_study(name, readers())
        modules = {path.name for path in study.folder.glob("*.py")}
        assert modules <= study.fit_files.keys() <= study.files.keys()
        assert not {"study.toml", "claims.toml", "marks.csv", "claim_tests.toml"} & study.fit_files.keys()


def test_the_code_that_fits_depend_on_is_all_that_a_fit_imports() -> None:
    todo, seen = [PACKAGE / "infer" / "fit.py", PACKAGE / "study" / "__init__.py"], set[Path]()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for target in imports_of(path.read_text(encoding="utf-8"), name_of(path)):
            there = PACKAGE.parent.joinpath(*target)
            todo += [each for each in (there.with_suffix(".py"), there / "__init__.py") if each.is_file()]
    used = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in seen}
    assert used - {"__init__", "evidence"} == {*CODE}  # what claims say is no number


# what counts for nothing


def nothing_of(folder: Path) -> dict[str, Callable[[], object]]:
    (folder / "more").mkdir()
    return {
        "outputs": lambda: mini_study.write(folder / "out" / "tables"),
        "a notebook's copy": lambda: shutil.copytree(folder / "figures", folder / ".ipynb_checkpoints"),
        "an editor's lock": lambda: (folder / ".#moves.py").symlink_to("me@host.1:2"),
        "AppleDouble": lambda: (folder / "figures" / "._headcount.csv").write_bytes(b"\0\5\26\7"),
        "a folder like a table": lambda: (folder / "old.csv").mkdir(),
        "another folder like a table": lambda: (folder / "figures" / "old.csv").mkdir(),
        "a module that nobody imports": lambda: (folder / "old.py").write_text("1 / 0"),
        "a table that nobody reads": lambda: (folder / "more" / "raw.csv").write_text("a,b"),
        "bytecode": lambda: shutil.copytree(folder / "figures", folder / "__pycache__"),
        "a pipe": lambda: os.mkfifo(folder / "pipe.csv"),
        "what may not be read": lambda: (folder / "secret.toml").touch(mode=0),
        "a gigabyte": lambda: (
            (folder / "raw.xlsx").touch() or os.truncate(folder / "raw.xlsx", 1_000_000_000)
        ),
        "other times": lambda: [os.utime(each, (1, 1)) for each in folder.rglob("*") if each.is_file()],
    }


def test_nothing_else_in_the_folder_counts(mini: Path) -> None:
    before = marks(mini)
    for name, make in nothing_of(mini).items():
        make()
        assert marks(mini) == before, name


def test_it_does_not_matter_where_a_study_stands(mini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = marks(mini)
    shutil.copytree(mini, mini.parent / "copy")
    (mini.parent / "link").symlink_to("copy")
    odd = mini.parent / os.fsdecode(b"d\xe9p\xf4t")
    shutil.copytree(mini, odd)
    for place in (mini.parent / "copy", mini.parent / "link", odd):
        assert marks(place) == before
    monkeypatch.chdir(mini)
    assert marks(".") == before
    assert load_study(".").name == load_study("../mini").name == "mini"
    monkeypatch.chdir("figures")
    assert load_study("..").name == "mini"


def test_a_report_is_known_by_its_study_wherever_that_and_the_results_stand(
    mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved, by another path, with results of another path; another setting makes it another."""
    seen: list[str] = []

    def whole(_: Path, mark: str, __: Any) -> dict[str, Any]:
        seen.append(mark)
        return {"answer": [], "problems": []}

    monkeypatch.setattr("outbid.api.whole_summary", whole)
    shutil.copytree(mini, tmp_path / "moved" / "mini")
    monkeypatch.chdir(tmp_path)
    for place, out in ((mini, "o"), ("mini", tmp_path / "o"), ("moved/mini", "p")):
        outbid.load(place).run(out=out)
    outbid.load(mini).run(out="o", seed=3)
    assert seen[0] == seen[1] == seen[2] != seen[3]


@given(st.data())
def test_every_setting_counts(khorasan: Study, data: st.DataObject) -> None:
    choices = {"quick": [False, True], "seed": [1, 2], "draws": [None, 50], "warmup": [None, 150]}
    choices |= {"chains": [None, 2], "target_accept": [None, 0.9]}
    one, two = ({name: data.draw(st.sampled_from(each)) for name, each in choices.items()} for _ in range(2))
    marks = [fingerprint(khorasan, Settings(**each), "neutral") for each in (one, two)]
    assert (marks[0] == marks[1]) is (one == two)
    assert fingerprint(khorasan, Settings(**one), "sources") != marks[0]


# work is kept, and what is missing or damaged is made again


def drawn(*args: Any, **given: Any) -> dict[str, Fit]:
    """Stands in for sampling: draws about the prior's middle."""
    model, prior_sets = args[0], args[3]
    where, shape = layout(model, 24), (4, 100)
    generator = np.random.default_rng(1)
    z = 0.1 * generator.standard_normal((*shape, where.size))
    ones, energy = np.ones(shape), generator.standard_normal(shape)
    draws = Draws(where, z, ones < 0, energy, ones, ones)
    fits = {name: Fit(model, name, draws, QUICK, 1.0) for name in prior_sets}
    for each in fits.values():
        given["finished"](each)
    return fits


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Every call of the sampler: the prior sets that were drawn."""
    calls: list[tuple[str, ...]] = []

    def fit(*args: Any, **given: Any) -> dict[str, Fit]:
        calls.append(tuple(args[3]))
        return drawn(*args, **given)

    monkeypatch.setattr("outbid.run.fit", fit)
    return calls


def test_a_fit_is_on_disk_before_its_diagnostics(
    mini: Path, tmp_path: Path, sampled: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = outbid.load(mini)

    def broken(*_: object) -> None:
        raise OSError("no ArviZ here")

    with monkeypatch.context() as patch:
        patch.setattr("outbid.infer.fit.diagnose", broken)
        with pytest.raises(OSError, match="no ArviZ"):
            study.fit(quick=True, out=tmp_path / "o")
    result = study.fit(quick=True, out=tmp_path / "o")
    assert sampled == [("neutral", "sources")]
    assert len(result.problems) == 2
    assert "rhat" in read_group(tmp_path / "o" / RESULTS, "neutral/latent")


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_diagnostics_of_chains_that_do_not_move_are_told(mini: Path) -> None:
    shape, study = (4, 100), load_study(mini)
    where = layout(study.model, 24)
    still = Draws(where, np.zeros((*shape, where.size)), np.zeros(shape, bool), *np.ones((3, *shape)))
    fit = Fit(study.model, "neutral", still, replace(QUICK, quick=False), 1.0)
    assert "R-hat is nan" in fit.problems[0]


def test_no_damaged_file_gives_a_fit(mini: Path, tmp_path: Path, sampled: list[tuple[str, ...]]) -> None:
    """Cut short anywhere, empty, a bit turned in any of forty places, another file: no fit, or the very same one."""
    loaded = outbid.load(mini)
    loaded.fit(prior="neutral", quick=True, out=tmp_path)
    path, study = tmp_path / RESULTS, loaded.study
    mark = fingerprint(study, Settings(quick=True), "neutral")
    good = path.read_bytes()
    kept = read_fit(path, study, "neutral", mark)
    assert kept is not None
    z = kept.draws.z
    damaged = [good[:cut] for cut in (0, 1, 5000, len(good) // 2, len(good) - 1)] + [
        b"version https://git-lfs"
    ]
    for at in range(0, len(good), max(1, len(good) // 40)):
        turned = bytearray(good)
        turned[at] ^= 0x10
        damaged.append(bytes(turned))
    refused = 0
    for data in damaged:
        path.write_bytes(data)
        held = read_fit(path, study, "neutral", mark)
        refused += held is None
        assert held is None or np.array_equal(held.draws.z, z)
    assert refused > 10


DAMAGE: dict[str, Callable[[Path], object]] = {
    "tables gone": lambda out: shutil.rmtree(out / "tables"),
    "one table gone": lambda out: (out / "tables" / "bands.csv").unlink(),
    "one table cut": lambda out: os.truncate(out / "tables" / "scenarios.csv", 10),
    "page empty": lambda out: os.truncate(out / "report.html", 0),
    "page gone": lambda out: (out / "report.html").unlink(),
    "page altered": lambda out: (out / "report.html").write_text("<p>"),
    "page a folder": lambda out: ((out / "report.html").unlink(), (out / "report.html").mkdir())[0],
    "results empty": lambda out: os.truncate(out / RESULTS, 0),
    "results gone": lambda out: (out / RESULTS).unlink(),
    "results cut": lambda out: os.truncate(out / RESULTS, 20_000),
    "results a pointer": lambda out: (out / RESULTS).write_text("version https://git-lfs.github.com/spec/v1\n"),
    "summary empty": lambda out: os.truncate(out / "summary.json", 0),
    "summary gone": lambda out: (out / "summary.json").unlink(),
    "summary no UTF-8": lambda out: (out / "summary.json").write_bytes(b"\xff"),
    "summary a list": lambda out: (out / "summary.json").write_text("[1]"),
    "summary a number": lambda out: (out / "summary.json").write_text("1"),
    "summary without files": lambda out: altered(out, files={}),
    "summary with odd files": lambda out: altered(out, files=["report.html"]),
    "summary altered": lambda out: altered(out, answer=["All is well."]),
    "summary deep": lambda out: (out / "summary.json").write_text("[" * 100_000),
}  # fmt: skip


def altered(out: Path, **changes: Any) -> None:
    path = out / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))


@pytest.mark.slow
def test_what_is_missing_or_not_what_was_written_is_made_again(
    mini: Path,
    tmp_path: Path,
    sampled: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also: outputs inside the study; `.` as the study; the report of another study, of nothing, of damaged results."""
    monkeypatch.chdir(mini)
    monkeypatch.setattr(
        "outbid.report.page.page", lambda sections, **about: about["title"]
    )  # which takes seconds
    words = ["run", ".", "--quick", "--prior", "neutral", "--out", "out"]

    def run() -> tuple[bool, dict[str, bytes]]:
        sampled.clear()
        assert main(words) == 1
        files = {path.relative_to("out").as_posix(): path.read_bytes() for path in Path("out").rglob("*.*")}
        return bool(sampled), files

    assert run()[0]
    _, good = run()
    summary = json.loads(good["summary.json"])
    assert summary["study"] == "mini"
    assert {*summary["files"]} == {*good}
    for name, damage in DAMAGE.items():
        damage(Path("out"))
        if "folder" in name:
            Path("out/report.html").rmdir()
        if name.startswith("results"):
            assert main(["report", ".", "--out", "out"]) == 2
            assert "out" in capsys.readouterr().err
        again, files = run()
        assert again is name.startswith("results"), name
        assert {*files} == {*good}, name
        assert {*json.loads(files["summary.json"])["files"]} == {*good}, name
        kept = [each for each in good if each.startswith("tables/") and not again]
        assert [each for each in kept if files[each] != good[each]] == [], name
    # another study's
    shutil.copytree(mini, tmp_path / "other", ignore=shutil.ignore_patterns("out"))
    page = Path("out/report.html").read_bytes()
    capsys.readouterr()
    assert main(["report", str(tmp_path / "other"), "--out", "out"]) == 2
    assert "holds a run of 'mini', not of 'other'" in capsys.readouterr().err
    assert main(["report", ".", "--out", "typo"]) == 2
    assert not Path("typo").exists()
    change(mini / "parameters.toml", "[home_rate]", "[home_pace]")
    change(mini / "moves.py", "p.home_rate", "p.home_pace")
    assert main(["report", ".", "--out", "out"]) == 2
    assert "before it was changed" in capsys.readouterr().err
    assert Path("out/report.html").read_bytes() == page


def test_a_summary_says_whether_all_of_its_run_is_there(tmp_path: Path) -> None:
    with OutputFolder(tmp_path) as out:
        out.write_text("tables/a.csv", "a")
        (tmp_path / "kept.nc").write_bytes(b"kept")
        told = out.write_summary({"fingerprint": "mark", "answer": ["x", float("nan")]}, kept=["kept.nc"])
    assert whole_summary(tmp_path, "mark", ["kept.nc"]) == told
    assert whole_summary(tmp_path, "other", []) is None
    assert whole_summary(tmp_path, "mark", ["report.html"]) is None
    (tmp_path / "kept.nc").write_bytes(b"lost")
    assert whole_summary(tmp_path, "mark", ["kept.nc"]) is None


# good manners


CHILD = """
import sys
sys.path[:0] = {path!r}
from unittest.mock import patch
import test_depends, outbid.run
with patch("outbid.run.fit", test_depends.drawn):
    from outbid.cli import main
    sys.exit(main(sys.argv[1:]))
"""


def outbid_in(
    folder: Path, *words: str | bytes, **environment: str | None
) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own, with a stand-in for the sampler; None takes a variable away."""
    path = [str(PACKAGE.parent), str(Path(__file__).parent)]
    own = {name: each for name, each in (os.environ | environment).items() if each is not None}
    code = CHILD.format(path=path)
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, env=own, capture_output=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": None, "XDG_CACHE_HOME": None, "OUTBID_CACHE": None},
        {"HOME": "/proc/none", "XDG_CACHE_HOME": None, "OUTBID_CACHE": None},
        {"HOME": "/proc", "XDG_CACHE_HOME": "/proc/cache", "XDG_CONFIG_HOME": "/proc/config", "OUTBID_CACHE": None},
        {"OUTBID_CACHE": "/proc/version"},
        {"OUTBID_CACHE": "/proc", "MPLCONFIGDIR": "/proc"},
    ],
    ids=["no home", "a home that is not there", "a home that can't be written", "a file", "no place for a cache"],
)  # fmt: skip
def test_a_home_that_cannot_be_written_costs_no_fit(mini: Path, environment: dict[str, str | None]) -> None:
    done = outbid_in(mini, "fit", ".", "--quick", "--prior", "neutral", "--out", "o", **environment)
    assert done.returncode == 1, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert (mini / "o" / RESULTS).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("platforms", ["cuda", "rocm,cuda", "nonsense"])
def test_a_device_that_is_not_there_is_told_in_one_line(mini: Path, platforms: str) -> None:
    done = outbid_in(mini, "check", ".", JAX_PLATFORMS=platforms)
    assert done.returncode == 2
    line = done.stderr.decode().splitlines()[-1]
    assert line == f"outbid: JAX_PLATFORMS: JAX finds no {platforms} here. Unset JAX_PLATFORMS."
    assert b"Traceback" not in done.stderr


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A session of JAX that keeps no compiled code yet, and no folder named for it."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    for name in ("HOME", "XDG_CACHE_HOME", "OUTBID_CACHE"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    jax.config.update("jax_compilation_cache_dir", before)


def test_a_cache_of_the_users_own_is_kept(no_cache: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jax.config.update("jax_compilation_cache_dir", "mine")
    no_cache.setenv("OUTBID_CACHE", str(tmp_path))
    prepare()
    assert jax.config.jax_compilation_cache_dir == "mine"


@pytest.mark.parametrize(
    "environment",
    [{}, {"HOME": "/proc/none"}, {"XDG_CACHE_HOME": "/proc"}, {"OUTBID_CACHE": "/proc/version"}],
)
def test_where_no_cache_can_be_made_none_is_kept(
    no_cache: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    def none(*_: object) -> None:
        raise RuntimeError("no home")

    for name, value in environment.items():
        no_cache.setenv(name, value)
    if not environment:
        no_cache.setattr(Path, "home", none)
    prepare()
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize("name", [b"d\xe9p\xf4t", b"caf\xc3\xa9 (1)", b"a'b", "выход".encode()])
def test_a_path_may_look_like_anything(
    mini: Path,
    monkeypatch: pytest.MonkeyPatch,
    sampled: list[tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    name: bytes,
) -> None:
    odd = mini.parent / os.fsdecode(name)
    mini.rename(odd)
    monkeypatch.chdir(odd.parent)
    words = ["fit", odd.name, "--quick", "--prior", "neutral", "--out", f"{odd.name}/out"]
    assert main(words) == main(words) == 1
    assert sampled == [("neutral",)]  # it was found again
    assert "Traceback" not in capsys.readouterr().err
    command = command_line(odd.name, Path(odd.name), Settings(), odd)
    command.encode()
    printed = subprocess.run(
        ["bash", "-c", command.replace("outbid run", "printf %s")], capture_output=True, check=True
    )
    assert printed.stdout.startswith(name)


@pytest.mark.parametrize(
    "code",
    [
        b"print('x')",
        b"import sys; sys.stdout.write('x')",
        b"import os; os.write(1, b'x')",
        b"__import__('os').system('echo x')",
    ],
)
def test_what_a_function_prints_is_kept_from_the_answer(
    mini: Path, code: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    change(mini / "moves.py", "    return s.wing", f"    {code.decode()}\n    return s.wing")
    assert main(["check", str(mini), "--json"]) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["ok"] and "x" in printed.err


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(0)", "raise SystemExit", "exit()", "quit(1)", "input()"]
)
@pytest.mark.parametrize("at", ["    return s.wing", '"""How people'])
def test_a_study_that_ends_the_program_is_refused(
    mini: Path, code: str, at: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    change(mini / "moves.py", at, f"{at[: len(at) - len(at.lstrip())]}{code}\n{at}")
    assert main(["check", str(mini)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("outbid: ") == 1


# sent to other processes


@pytest.mark.parametrize("name", ["mini", "khorasan", "tugofwar"])
def test_a_study_is_sent_by_its_folder(mini: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = outbid.load(mini if name == "mini" else name)
    monkeypatch.chdir("/")
    for sent in (loaded, loaded.study):
        for back in (pickle.loads(pickle.dumps(sent)), copy.deepcopy(sent), copy.copy(sent)):
            assert type(back) is type(sent) and back.name == sent.name
    back = copy.deepcopy(loaded).study
    assert back.model.parameters == loaded.study.model.parameters
    assert {*back.declared} == {*loaded.study.declared}
    assert fingerprint(back, Settings(), "neutral") == fingerprint(loaded.study, Settings(), "neutral")


@pytest.mark.slow
def test_a_study_is_sent_to_a_process_that_knows_nothing_of_it(mini: Path) -> None:
    study = outbid.load(mini)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(repr, (study,)) == repr(study)


def test_a_study_that_was_changed_on_disk_is_not_taken_for_the_one_sent(mini: Path) -> None:
    study = outbid.load(mini)
    change(mini / "levers.csv", "0.7", "0.8")
    with pytest.raises(InputError, match="has changed since"):
        copy.deepcopy(study)


def test_a_study_that_was_changed_in_memory_is_not_sent_as_if_it_were_not(mini: Path) -> None:
    study = load_study(mini)
    with pytest.raises(InputError, match="changed in memory"):
        pickle.dumps(replace(study, name="another"))


@pytest.mark.slow
def test_results_are_sent(mini: Path, sampled: list[tuple[str, ...]], tmp_path: Path) -> None:
    study = outbid.load(mini)
    given: Any = {"prior": "neutral", "quick": True, "out": tmp_path}
    for made in (study.check(), study.fit(**given), study.simulate(**given), study.ask.scenarios(**given)):
        for back in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
            assert back.lines == made.lines and back.to_json() == made.to_json()
            assert repr(back) == repr(made)
    fit = pickle.loads(pickle.dumps(study.fit(**given)))["neutral"]
    assert fit.summary().equals(study.fit(**given)["neutral"].summary())
    with pytest.raises(TypeError, match="load the study again"):
        fit.model.mechanisms[0].function(1, 2, 3)
