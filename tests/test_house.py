"""The rules of the house, as tests: which way imports run, how long a module is, what stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "outbid"
MODULES = sorted(PACKAGE.rglob("*.py"))

# each unit (a module or folder right under the package) with its floor; imports go strictly downwards
FLOORS = {
    name: floor
    for floor, names in enumerate(
        (
            ("errors", "conventions", "progress", "compiled"),
            ("files", "native"),
            ("output", "declared"),
            ("model", "data", "evidence"),
            ("words", "game", "studies"),
            ("stats", "plots"),
            ("simulate",),
            ("study",),
            ("infer",),
            ("run_settings", "players"),
            ("run",),
            ("question",),
            ("questions",),
            ("results", "report"),
            ("replication",),
            ("api",),
            ("cli",),
        )
    )
    for name in names
}
HEAVY = (
    "jax",
    "numpy",
    "statsmodels",
    "altair",
    "llvmlite",
    "arviz",
    "xarray",
    "scipy",
    "pandas",
    "matplotlib",
)
LONGEST_MODULE = 450
MOST_PASSIVE = 80


def name_of(path: Path) -> tuple[str, ...]:
    """`src/outbid/model/compile.py` → ("outbid", "model", "compile"); a package keeps "__init__"."""
    return path.relative_to(PACKAGE.parent).with_suffix("").parts


def imports_of(source: str, importer: tuple[str, ...]) -> set[tuple[str, ...]]:
    """All modules of the package that a source text imports, anywhere in it, as tuples of names."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = importer[: len(importer) - node.level] if node.level else ()
            base = start + tuple(node.module.split(".") if node.module else ())
            # `from outbid import model` imports a module, `from outbid.errors import InputError` a name
            found |= {(*base, alias.name) if len(base) == 1 else base for alias in node.names}
    return {name for name in found if name[0] == "outbid"}


def faults_of(source: str, importer: tuple[str, ...]) -> list[str]:
    """Every import in a source text that breaks the rule of the floors, in words."""
    unit, here = importer[1], ".".join(importer)
    faults = []
    for target in imports_of(source, importer):
        if target == ("outbid", "__version__"):
            continue
        there = ".".join(target)
        if len(target) == 1 or target[1] not in FLOORS:
            faults.append(f"{here} imports {there}, which is on no floor")
        elif unit == "studies":
            own = target[:3] == importer[:3] and len(importer) > 3
            if target != ("outbid", "model", "vocabulary") and not own:
                faults.append(f"{here} is part of a study and may import the vocabulary only, not {there}")
        elif unit == "questions" and len(importer) > 3 and target[1] == unit and target[:3] != importer[:3]:
            faults.append(f"{here} is a room and may import the ground only, not {there}")
        elif target[1] != unit and FLOORS[target[1]] >= FLOORS[unit]:
            faults.append(f"{here} imports {there}, which is not below it")
    return faults


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(name_of(path)))
def test_imports_run_downwards_only(path: Path) -> None:
    importer = name_of(path)
    if importer == ("outbid", "__init__"):
        return  # the front door imports nothing by itself; that it is light has its own test
    assert importer[1] in FLOORS, f"give {importer[1]} a floor in tests/test_house.py and in CONTRIBUTING.md"
    assert faults_of(path.read_text(encoding="utf-8"), importer) == []


@pytest.mark.parametrize(
    ("source", "importer", "allowed"),
    [
        ("from outbid.model.vocabulary import Stock", "studies.khorasan.people", True),
        ("from outbid.studies.khorasan.people import defection", "studies.khorasan.__init__", True),
        ("from .people import defection", "studies.khorasan.model", True),
        ("from outbid.model.compile import build", "studies.khorasan.people", False),
        ("from outbid.errors import InputError", "studies.khorasan.people", False),
        ("from outbid.studies.tugofwar.people import defection", "studies.khorasan.people", False),
        ("from outbid.errors import InputError", "model.compile", True),
        ("from outbid.model.vocabulary import Stock", "model.compile", True),
        ("from outbid.data.panel import Panel", "model.compile", False),
        ("from ..data.panel import Panel", "model.compile", False),
        ("from outbid import data", "model.compile", False),
        ("def late():\n    import outbid.infer.posterior", "simulate.engine", False),
        ("from outbid.simulate.engine import play", "questions.replay.compute", True),
        ("from outbid.questions.replay.schema import Replay", "questions.replay.compute", True),
        ("from outbid.questions.claims.compute import answer", "questions.replay.compute", False),
        ("from outbid.questions import QUESTIONS", "questions.replay.compute", False),
        ("from outbid.questions import QUESTIONS", "question", False),
        ("from outbid.cli import main", "api", False),
        ("from outbid import api, __version__", "cli", True),
        ("import outbid", "run", False),
        ("import numpy", "errors", True),
    ],
)
def test_the_rule_of_the_floors_itself(source: str, importer: str, allowed: bool) -> None:
    assert (faults_of(source, ("outbid", *importer.split("."))) == []) is allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(name_of(path)))
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST_MODULE


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(name_of(path)))
def test_everything_public_is_explained(path: Path) -> None:
    def unexplained(body: list[ast.stmt], inside: str) -> list[str]:
        found = []
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                found.append(inside + node.name)
            if isinstance(node, ast.ClassDef):
                found += unexplained(node.body, f"{node.name}.")
        return found

    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "say at the top what the module is for"
    assert unexplained(tree.body, "") == []


def test_dataclasses_are_for_what_has_behaviour() -> None:
    passive = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            decorated = isinstance(node, ast.ClassDef) and "dataclass" in map(_name, node.decorator_list)
            if decorated and not any(isinstance(each, ast.FunctionDef) for each in node.body):
                passive.append(f"{'.'.join(name_of(path))}.{node.name}")
    assert len(passive) < MOST_PASSIVE, passive


def _name(decorator: ast.expr) -> str:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return call.id if isinstance(call, ast.Name) else ""


@pytest.mark.parametrize(
    "path",
    [path for path in (*MODULES, *PACKAGE.rglob("*.j2")) if "studies" not in path.parts],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_nothing_of_one_study_in_the_package(path: Path) -> None:
    """Names of sides, and of claims, of the shipped study; its own name may stand in examples of commands."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"Taliban|Islamic State|IS-K|Salafi|Afghan|Hamas|Fatah|\b[MN]\d\d\b", text)


def project_texts() -> list[Path]:
    """Every text file of the project, apart from this one and what tools leave behind."""
    tops = [ROOT / name for name in ("src", "tests", "benchmarks", "docs", ".ci")]
    paths = [path for top in tops for path in top.rglob("*")]
    paths += [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml", ".txt", ".cff"}]
    paths += [ROOT / "Makefile", ROOT / ".gitignore"]
    return [
        path
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts and path != Path(__file__)
    ]


def test_nothing_names_the_machine_it_was_written_on() -> None:
    machine = re.compile(
        r"(?<![\w.~-])/(work|tmp|root|home|Users)/\w|[.]library\b|shared/(DESIGN|CLAIMS|REPORT)\b|index-url"
    )
    for path in project_texts():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if path.name == "Makefile" and "--no-emit-index-url" in line:
                continue
            assert not machine.search(line), f"{path.relative_to(ROOT)}, line {number}: {line.strip()[:100]}"


def test_dependencies_are_pinned_by_version_alone() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; .+)?", line), line


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python holds after it ran some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n', *sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["run"]])
def test_the_command_line_answers_without_heavy_imports(arguments: list[str]) -> None:
    held = modules_after(f"from outbid.cli import main\nmain({arguments!r})")
    assert "typer" in held
    assert held.isdisjoint({*HEAVY, "rich"})


def test_the_package_itself_is_light() -> None:
    held = modules_after("import outbid\noutbid.__version__\noutbid.InputError\ndir(outbid)")
    assert held.isdisjoint({*HEAVY, "rich", "typer"})


def test_the_front_door_leads_to_the_words_and_the_verbs() -> None:
    import outbid
    from outbid.model import vocabulary

    for name in dir(outbid):
        assert hasattr(outbid, name)
    assert outbid.Stock is vocabulary.Stock
    words = {name for name in vocabulary.__all__ if isinstance(getattr(vocabulary, name), type)}
    assert words | {"load", "list_studies", "InputError", "mechanism"} <= set(dir(outbid))
    with pytest.raises(AttributeError, match="no attribute 'stok'"):
        outbid.stok  # noqa: B018


def test_the_listing_of_studies_survives_the_import_of_a_study() -> None:
    # `outbid.studies` is a folder of the package, which Python puts into the place of a function of that name
    import outbid
    import outbid.studies

    assert callable(outbid.list_studies)
    assert callable(outbid.load)


def test_the_version_is_the_same_everywhere() -> None:
    import outbid

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == outbid.__version__
    assert f"\nversion: {outbid.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert outbid.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readme_speaks_of_verbs_that_exist() -> None:
    import outbid.cli

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    known = {command.name or command.callback.__name__ for command in outbid.cli.app.registered_commands}
    known |= {group.name for group in outbid.cli.app.registered_groups}
    assert set(re.findall(r"`outbid (\w+)", readme)) == known
    for example in re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL):
        ast.parse(example)
