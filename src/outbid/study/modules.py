"""A study's Python: compiled from the text that stands there, with what it imports that is a user's own."""

from __future__ import annotations

import ast
import hashlib
import importlib
import io
import linecache
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import packages_distributions
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from outbid.errors import InputError
from outbid.files import installed


class _FromText(SourceFileLoader):
    """Compiles what stands in a file: cached bytecode goes by a file's size and time of change, and may be stale."""

    def get_code(self, fullname: str) -> CodeType:
        path, text = self.get_filename(fullname), self.get_data(self.get_filename(fullname))
        # JAX can't name a file whose name is no UTF-8
        name = path.encode(errors="backslashreplace").decode()
        tree = ast.parse(text, name)
        for top in _imported(tree):
            _take_anew(top)
        _count(_named_files(tree, Path(path).parent))
        # as it was compiled, for who shows a formula after the file was changed
        lines = io.StringIO(text.decode(errors="replace"), newline=None).readlines()
        linecache.cache[name] = (len(text), None, lines, name)
        code: CodeType = self.source_to_code(text, name)
        return code


class _Modules(MetaPathFinder):
    """Finds the modules of one study's folder, and those of a user's own that it imports from elsewhere."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname.startswith(f"{self.package}."):
            return FileFinder(path[0], (_FromText, [".py"])).find_spec(fullname)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or installed(spec.loader.path):
            return None
        spec.loader = _FromText(fullname, spec.loader.path)
        return spec


def _imported(tree: ast.Module) -> set[str]:
    """Return the first part of every name that a module imports from outside its package."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            names |= {str(node.args[0].value)} if called in ("import_module", "__import__") else set()
    # a relative name has no first part
    return {name.partition(".")[0] for name in names} - {""}


def _named_files(tree: ast.Module, folder: Path) -> set[Path]:
    """Return the files that texts of a module name, from its folder: C libraries, threads and other programs read unseen."""
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {
        folder / each for each in texts if isinstance(each, str) and each.isprintable() and len(each) < 255
    }


def _own(top: str = "") -> dict[str, ModuleType]:
    """Return the modules of a user's own that are loaded by now; only those of one package, if it is named."""
    return {
        name: module
        for name, module in list(sys.modules.items())
        if top in ("", name.partition(".")[0])
        and name != "__main__"
        and isinstance(path := getattr(module, "__file__", None), str)
        and not (installed(path) or installed(os.path.realpath(path)))
    }


def _new(earlier: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    return {name: module for name, module in _own().items() if module is not earlier.get(name)}


def _take_anew(top: str) -> None:
    """Forget a user's own modules that were imported earlier, so that what the study gets is what stands there now."""
    earlier = _own(top)
    if earlier and top not in packages_distributions():
        for name in earlier:
            del sys.modules[name]
    else:  # a package that is being developed can't be loaded twice; its files count all the same
        _count(_files(earlier))


def _files(modules: Mapping[str, ModuleType]) -> list[Path]:
    return [Path(str(module.__file__)) for module in modules.values()]


def _count(paths: Iterable[Path]) -> None:
    """Open files for whoever notes what is read: they were read earlier, or are read in a way that can't be seen."""
    for path in paths:
        with suppress(OSError):
            if path.is_file():
                path.open("rb").close()


@contextmanager
def study_modules(folder: Path) -> Iterator[ModuleType]:
    """Give a study's theory; what is imported while the block lasts is found and compiled as the theory is.

    Raises InputError if it fails when it is run.
    """
    # A name of its own for each folder, and nothing left over from when it was loaded before.
    name = f"outbid_study_{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}"
    for stale in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[stale]
    importlib.invalidate_caches()
    path = str(folder / "__init__.py")
    spec = spec_from_file_location(
        name, path, loader=_FromText(name, path), submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise InputError(str(folder), "cannot be imported", "Give the folder a plain name.")
    module, finder, earlier = module_from_spec(spec), _Modules(name), _own()
    sys.modules[name] = module
    sys.meta_path.insert(0, finder)
    try:
        try:
            spec.loader.exec_module(module)
        except InputError:
            raise
        except Exception as error:
            problem = f"fails when it is run ({type(error).__name__}: {error})"
            where = f"{folder.absolute().name}/__init__.py"
            raise InputError(where, problem, "Mend the study's Python files.") from error
        yield module
        _count(_files(_new(earlier)))
    finally:
        sys.meta_path.remove(finder)
        for each in _new(earlier):
            if not f"{each}.".startswith(f"{name}."):
                del sys.modules[each]
        sys.modules.update(earlier)
