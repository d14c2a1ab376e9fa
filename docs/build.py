"""Build the documentation: write the generated pages, run the examples, and let Sphinx make the site.

Usage: python docs/build.py FOLDER
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path

HERE = Path(__file__).parent
# What Sphinx leaves in a site, by which one is told from somebody's own folder.
MARK = ".buildinfo"
# A page's comment that names another page, whose examples leave what its own build on.
AFTER = re.compile(r"^% after: (\S+)$", re.MULTILINE)
PAGES_AT_A_TIME = 2


def main(folder: Path) -> int:
    """Build the site into a folder and return an exit code."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        print(f"{folder} holds something else than an earlier site; choose another folder.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="outbid-docs-") as base:
        source, desk, site = Path(base, "source"), Path(base, "desk"), Path(base, "site")
        desk.mkdir()
        with stage("Generated pages"):
            write_source(source)
        try:
            run_examples(source, desk)
        except ExampleError as error:
            print(error, file=sys.stderr)
            return 1
        with stage("Sphinx"):
            code = sphinx(source, site, Path(base, "doctrees"))
        if code == 0:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(site, folder)
    return code


def write_source(source: Path) -> None:
    """Copy the written pages, and write those that come from the package itself."""
    shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("generate", "__pycache__", "*.py"))
    for name, text in generated_pages().items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def generated_pages() -> dict[str, str]:
    """Return every page that comes from the package itself, by its path."""
    from generate.commands import commands_page
    from generate.files import file_schemas, files_page
    from generate.modules import front_door_page, module_page, modules, units
    from generate.odd import odd_page

    from outbid.cli import app
    from outbid.study import load_study, shipped_studies

    studies = [load_study(name) for name in shipped_studies()]
    pages = {
        f"models/{study.name}.md": odd_page(study) for study in studies if study.settings.kind == "population"
    }
    pages["reference/cli.md"] = commands_page(app)
    pages["reference/files.md"] = files_page(file_schemas())
    pages["reference/python.md"] = front_door_page()
    for unit, names in units(modules()).items():
        pages[f"reference/modules/{unit}.md"] = module_page(unit, names)
    pages["changes.md"] = (HERE.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    return pages


def pages_with_examples(source: Path) -> dict[str, set[str]]:
    """Return the pages that hold examples, each with the pages that must have been run before it."""
    found = {}
    for page in sorted(source.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if examples(text):
            found[str(page.relative_to(source))] = set(AFTER.findall(text))
    return found


def run_examples(source: Path, desk: Path) -> None:
    """Run the examples of all pages, two pages at a time, and write their output into them.

    Raises
    ------
    ExampleError
        If one fails.
    """

    def work(name: str) -> str:
        page = source / name
        with stage(f"Examples of {name}"):
            page.write_text(with_output(page.read_text(encoding="utf-8"), desk, name), encoding="utf-8")
        return name

    order = TopologicalSorter(pages_with_examples(source))
    order.prepare()
    under_way: set[Future[str]] = set()
    with ThreadPoolExecutor(PAGES_AT_A_TIME) as workers:
        while order.is_active():
            under_way |= {workers.submit(work, name) for name in order.get_ready()}
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                order.done(each.result())


def sphinx(source: Path, site: Path, doctrees: Path) -> int:
    """Run Sphinx with warnings as errors, and return its exit code."""
    from sphinx.cmd.build import build_main

    given = [
        "-q",
        "-j",
        "2",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-c",
        str(HERE),
        "-d",
        str(doctrees),
        str(source),
        str(site),
    ]
    return build_main(given)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Say how long a part of the work took."""
    start = time.perf_counter()
    yield
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


sys.path.insert(0, str(HERE))
from generate.executed import ExampleError, examples, with_output  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
