"""The documentation: nothing that exists is missing from it, and nothing in it doesn't exist."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import typer

import outbid
from outbid.cli import app
from outbid.model import vocabulary
from outbid.model.checks import Names, returned
from outbid.model.vocabulary import Count, Flow, Mechanism
from outbid.questions import QUESTIONS
from outbid.study import Study

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))

from build import AFTER  # noqa: E402
from generate.commands import commands_page, walk  # noqa: E402
from generate.executed import Desk, Example, ExampleError, examples, with_output  # noqa: E402
from generate.files import file_schemas, files_page  # noqa: E402
from generate.formulas import of_function, of_mechanism  # noqa: E402
from generate.modules import front_door_page, module_page, modules, place_of, units  # noqa: E402
from generate.odd import odd_page  # noqa: E402

PAGES = sorted(DOCS.rglob("*.md"))
ELEMENTS = (
    "1. Purpose and patterns",
    "2. Entities, state variables, and scales",
    "3. Process overview and scheduling",
    "4. Design concepts",
    "5. Initialization",
    "6. Input data",
    "7. Submodels",
)
CHROMIUM = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def odd(khorasan: Study) -> str:
    """The description of the Khorasan model."""
    return odd_page(khorasan)


def name_of(path: Path) -> str:
    return str(path.relative_to(DOCS))


# the description of the model


def test_the_description_follows_the_protocol_in_its_order(odd: str) -> None:
    assert re.findall(r"^## (.*)$", odd, re.MULTILINE) == list(ELEMENTS)


def test_the_description_names_everything_that_the_model_holds(odd: str, khorasan: Study) -> None:
    model = khorasan.model
    named = [*model.stocks, *model.indices, *model.levers, *model.quantities, *model.outcomes]
    for item in [*named, *model.parameters]:
        assert f"| `{item.name}` |" in odd
    for item in model.mechanisms:
        assert f"(khorasan-mechanism-{item.name})=" in odd
        assert item.meaning in odd
    assert set(re.findall(r"^\(khorasan-mechanism-(\w+)\)=$", odd, re.MULTILINE)) == {
        item.name for item in model.mechanisms
    }
    for series in khorasan.panel.series:
        assert f"`{series}`" in odd
    for actor in model.actors:
        assert f"*{actor.name.capitalize()}.*" in odd


def test_a_mechanism_is_described_with_its_own_parameters_and_claims(odd: str, khorasan: Study) -> None:
    for item in khorasan.model.mechanisms:
        own = odd.partition(f"(khorasan-mechanism-{item.name})=\n")[2].split("\n#### ")[1].split("\n### ")[0]
        noise = {khorasan.model.noise.get(name) for name in re.findall(r"innovation\[(\w+)\]", own)}
        read = khorasan.model.reads[item.name].p | noise
        assert set(re.findall(r"^\| `(\w+)` \|", own, re.MULTILINE)) == read
        assert set(re.findall(r"^- \*\*(\w+)\*\*", own, re.MULTILINE)) == set(item.evidence)


def test_priors_of_both_sets_stand_beside_each_parameter(odd: str, khorasan: Study) -> None:
    for item in khorasan.model.parameters:
        row = next(line for line in odd.splitlines() if line.startswith(f"| `{item.name}` | {item.meaning}"))
        neutral, sources = (item.priors[name].describe() for name in ("neutral", "sources"))
        assert f"| {neutral} | {'the same' if neutral == sources else sources} |" in row
        assert ("*claimed*" in row) is item.claimed


class World(dict[str, Any]):
    """Names that a formula reads, each a number of its own; `previous.x` is last month's."""

    def __missing__(self, name: str) -> Any:
        if hasattr(vocabulary, name):
            return getattr(vocabulary, name)
        self[name] = float(np.random.default_rng(abs(hash(name)) % 2**32).uniform(0.2, 0.8))
        return self[name]


def called(item: Mechanism, world: World) -> tuple[Any, ...]:
    """Call a mechanism's own function on the numbers that its formula is read with."""
    now = Names(lambda name: world[name])
    before = Names(lambda name: world[f"previous.{name}"])
    levers = Names(lambda name: before if name == "previous" else world[name])
    return returned(item.function(now, levers, now))


def test_formulas_say_what_is_computed(khorasan: Study) -> None:
    indices = {item.name: item for item in khorasan.model.indices}
    for item in khorasan.model.mechanisms:
        world = World()
        world["previous"] = Names(lambda name, world=world: world[f"previous.{name}"])
        effects = called(item, world)
        lines = of_mechanism(item, indices)
        written = [line for line in lines if not line.startswith("where ")]
        for line in lines:
            if line.startswith("where "):
                name, _, value = line.removeprefix("where ").partition(" = ")
                world[name] = float(value)
        assert len(written) == len(effects)
        for line, effect in zip(written, effects, strict=True):
            formula = re.sub(r" \+ \w+ \* innovation\[\w+\]$", "", line.partition(" = ")[2])
            kind = {Flow: "hazard", Count: "mean"}.get(type(effect), "change")
            assert eval(formula, {}, world) == pytest.approx(float(getattr(effect, kind))), line


def test_helpers_and_named_numbers_of_a_formula_are_spelt_out(khorasan: Study) -> None:
    seen = {item.series: item for item in khorasan.model.observations}
    told = of_function("one_sided_events", seen["one_sided_events"].function)
    assert told[0] == "one_sided_events = recorded_civilian_events() + government_events()"
    assert told[1].startswith("where recorded_civilian_events() = recorded_share * ")
    assert of_function("aid", seen["external_grants"].function)[1] == "where GRANTS_2022 = 4.65"


# the references


def test_every_name_at_the_front_door_has_its_entry() -> None:
    page = front_door_page()
    for name in dir(outbid):
        if name.startswith("_") or name not in outbid._ELSEWHERE:
            continue
        thing = getattr(outbid, name)
        assert f"`outbid.{name}`](#{place_of(thing)})" in page
        assert thing.__module__ in modules(), "what is described elsewhere needs a page there"


def test_every_module_stands_on_one_page() -> None:
    pages = units(modules())
    told = [
        name
        for unit, names in pages.items()
        for name in names
        if f"automodule:: {name}\n" in module_page(unit, names)
    ]
    assert sorted(told) == sorted(modules())
    package = Path(outbid.__file__).parent
    written = {path.relative_to(package).parts[0].removesuffix(".py") for path in package.rglob("*.py")}
    assert written - {"__init__", "studies", "cli"} <= set(pages)


def test_every_command_and_option_is_described() -> None:
    page = commands_page(app)
    found = {each.path: each for each in walk(app)}
    assert {"outbid run", "outbid check", "outbid list"} <= set(found)
    for path, command in found.items():
        own = page.partition(f"\n## `{path}`\n")[2].partition("\n## ")[0]
        assert own.strip().startswith(command.help)
        for each in command.parameters:
            assert all(name in own for name in each.opts if name.startswith("-")), (path, each.name)
            assert each.help.split(" [default")[0].rstrip(".") in own


def test_commands_inside_groups_are_told_with_what_is_typed_before_them() -> None:
    top, inner = typer.Typer(), typer.Typer()

    @top.command()
    def plain() -> None:
        """Do nothing."""

    @inner.callback()
    def given(study: Annotated[str, typer.Argument(metavar="STUDY", help="A name.")]) -> None:
        """Take a study."""

    @inner.command()
    def why(often: Annotated[int, typer.Option("--often", metavar="N", help="So often.")] = 3) -> None:
        """Ask why."""

    top.add_typer(inner, name="ask")
    page = commands_page(top)
    assert [each.path for each in walk(top)] == ["outbid plain", "outbid ask STUDY why"]
    assert "\noutbid ask STUDY why [OPTIONS]\n" in page
    assert "| `STUDY` | A name. |" in page
    assert "| `--often N` | So often. | `3` |" in page


def test_every_key_of_a_studys_files_is_listed() -> None:
    schemas = file_schemas()
    page = files_page(schemas)
    for name, schema in schemas.items():
        own = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for each in (schema, *schema.get("$defs", {}).values()):
            assert all(f"| `{key}` |" in own for key in each.get("properties", {}))
        assert json.loads(own.partition("```json\n")[2].partition("\n```")[0]) == schema
    assert "| `horizon_months` | a whole number from 1 to 600 |" in page
    assert '| `shape` | `"step"`, `"ramp"`, `"pulse"` | `"step"` |' in page


# words


def terms_of(glossary: str) -> set[str]:
    body = glossary.partition("```{glossary}")[2].partition("\n```")[0]
    return {line.strip() for line in body.splitlines() if line and not line.startswith((" ", ":"))}


def test_every_technical_word_that_a_page_uses_is_explained(odd: str) -> None:
    known = terms_of((DOCS / "glossary.md").read_text(encoding="utf-8"))
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in PAGES} | {"the model": odd}
    used: dict[str, str] = {}
    for name, text in texts.items():
        for reference in re.findall(r"\{term\}`([^`]+)`", text):
            target = re.fullmatch(r".*<(.+)>", " ".join(reference.split()))
            used[target[1] if target else " ".join(reference.split())] = name
    assert {term: page for term, page in used.items() if term not in known} == {}
    must = {
        "stock",
        "flow",
        "lever",
        "innovation",
        "prior",
        "posterior",
        "R-hat",
        "equilibrium",
        "regret",
        "maximin",
    }
    must |= {"Sobol index", "PRIM box", "coverage", "density", "Bayes factor", "built in", "not identified"}
    assert must <= known


def test_glossary_entries_are_in_order() -> None:
    body = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("```{glossary}")[2]
    terms = [line for line in body.splitlines() if line and not line.startswith((" ", ":", "`"))]
    assert terms == sorted(set(terms), key=str.lower)


# the examples


def all_examples() -> Iterator[tuple[str, Example]]:
    for path in PAGES:
        for example in examples(path.read_text(encoding="utf-8")):
            yield f"{name_of(path)}:{example.line}", example


@pytest.mark.parametrize(
    ("where", "example"), list(all_examples()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_examples_are_well_formed(where: str, example: Example) -> None:
    assert set(example.options) <= {"exit", "errors", "lines"}
    if example.kind == "executed":
        assert example.about in ("python", "sh")
    if example.about == "python" or example.about.endswith(".py"):
        for each in ast.walk(ast.parse(example.body)):
            if isinstance(each, ast.ImportFrom) and (each.module or "").startswith("outbid"):
                module = importlib.import_module(each.module or "")
                assert [name.name for name in each.names if not hasattr(module, name.name)] == []
    elif example.about == "sh":
        assert subprocess.run(["sh", "-n", "-c", example.body], check=False).returncode == 0
        known = {each.path.split()[1] for each in walk(app)}
        assert set(re.findall(r"^outbid (\w+)", example.body, re.MULTILINE)) <= known
    elif example.about.endswith(".toml"):
        tomllib.loads(example.body)
    elif example.about.endswith(".csv"):
        assert len({line.count(",") for line in example.body.splitlines() if '"' not in line}) == 1


def test_code_is_not_wider_than_its_column() -> None:
    for where, example in all_examples():
        if not example.about.endswith(".csv"):
            assert max(len(line) for line in example.body.splitlines()) <= 100, where


def test_pages_that_lean_on_an_earlier_page_say_so() -> None:
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        after = set(AFTER.findall(text))
        assert all((DOCS / each).is_file() for each in after)
        leans = any("out/khorasan" in each.body or "outbid ask" in each.body for each in examples(text))
        assert after or not leans or path.name == "1-run.md", name_of(path)


def test_every_tutorial_runs_something() -> None:
    tutorials = sorted((DOCS / "tutorials").glob("*.md"))
    assert [path.name[0] for path in tutorials] == list("1234567")
    for path in tutorials:
        assert any(each.kind == "executed" for each in examples(path.read_text(encoding="utf-8")))


def test_the_tutorial_on_the_report_knows_its_sections() -> None:
    text = (DOCS / "tutorials" / "2-read-the-report.md").read_text(encoding="utf-8")
    table = text.partition("| Section |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| ([A-Z][^|]+?) \|", table, re.MULTILINE)
    first, last = ["Answer", "What happened", "What drives what"], ["Unknowns", "How it was made"]
    assert told == [*first, *(each.title for each in QUESTIONS), *last]
    for question in QUESTIONS:
        assert f"| `{question.name}` |" in text


def test_every_file_that_a_question_declares_is_in_the_reference() -> None:
    assert {file for question in QUESTIONS for file in question.files} <= set(file_schemas())


def page(*fences: str) -> str:
    return "# Page\n\n" + "\n\n".join(fences) + "\n"


def test_output_is_put_below_and_names_live_on_within_a_page(tmp_path: Path) -> None:
    text = page(
        "```{written} here/words.txt\none\n```",
        "```{appended} here/words.txt\ntwo\n```",
        "```{executed} python\nx = 20 + 1\nprint(x)\n```",
        "```{executed} python\nprint(2 * x, open('here/words.txt').read().split())\n```",
        "```{executed} sh\n:exit: 3\n:errors:\n\necho busy >&2\necho outbid: oh >&2\nexit 3\n```",
        "```{executed} sh\n:lines: 2\n\nseq 9\n```",
    )
    told = with_output(text, tmp_path, "page.md")
    assert [block.strip() for block in re.findall(r":class: printed\n\n(.*?)```", told, re.DOTALL)] == [
        "21",
        "42 ['one', 'two']",
        "outbid: oh",
        "1\n2\n…",
    ]
    assert ":caption: here/words.txt\n" in told
    assert "{executed}" not in told


@pytest.mark.parametrize(
    ("fence", "why"),
    [
        ("```{executed} python\n1 / 0\n```", "ZeroDivisionError"),
        ("```{executed} python\nraise SystemExit\n```", "SystemExit"),
        ("```{executed} sh\necho well && false\n```", "exit code 1"),
        ("```{executed} sh\nfalse\ntrue\n```", "exit code 1"),
        ("```{executed} sh\n:exit: 2\n\ntrue\n```", "exit code 0"),
        ("```{executed} sh\n:exit: 1\n\npython -c 'raise ValueError(3)'\n```", "ValueError: 3"),
    ],
)
def test_an_example_that_fails_is_told_with_its_place(tmp_path: Path, fence: str, why: str) -> None:
    with pytest.raises(ExampleError, match=r"^page\.md, line 3: (.|\n)*" + why):
        with_output(page(fence), tmp_path, "page.md")


def test_output_does_not_name_the_folder_that_it_was_made_in(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        told = desk.run(Example("executed", "python", {}, "import os\nprint(os.path.abspath('x.txt'))", 1))
    assert told == "x.txt"


# the whole


@pytest.mark.slow
def test_the_site_builds_works_offline_and_can_be_searched(tmp_path: Path) -> None:
    site = tmp_path / "site"
    subprocess.run([sys.executable, DOCS / "build.py", site], check=True, timeout=900)
    loaded = re.compile(r"""(src=|<link[^>]*href=|url\(|@import )["']?(https?:)?//""")
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        assert not loaded.search(path.read_text(encoding="utf-8")), path
    for name in (
        "why",
        "how-it-works",
        "glossary",
        "changes",
        "models/khorasan",
        "reference/cli",
        "reference/python",
    ):
        assert (site / f"{name}.html").is_file()
    printed = [
        path for path in (site / "tutorials").glob("*.html") if "printed" in path.read_text(encoding="utf-8")
    ]
    assert len(printed) == 6
    assert 'id="outbid.model.declare.declare"' in (site / "reference/modules/model.html").read_text(
        encoding="utf-8"
    )
    if CHROMIUM is not None:
        found = found_by_search(site, tmp_path / "profile")
        assert {"glossary.html", "models/khorasan.html"} <= found


def found_by_search(site: Path, profile: Path) -> set[str]:
    """The pages that the site's own search finds for "standing", opened as a file."""
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
    done = subprocess.run(
        [
            str(CHROMIUM),
            *flags,
            f"--user-data-dir={profile}",
            "--virtual-time-budget=8000",
            "--dump-dom",
            f"{(site / 'search.html').as_uri()}?q=standing",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(re.findall(r'<a href="([\w./-]+)', done.stdout.partition('id="search-results"')[2]))
