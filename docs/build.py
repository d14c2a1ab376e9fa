"""Build the documentation: the package as its docstrings tell it, each study as its mechanisms tell it.

Usage: python docs/build.py FOLDER
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pdoc

import outbid.studies
from outbid.evidence.ledger import Ledger, read_ledger


def main(folder: Path) -> None:
    """Write the pages into a folder."""
    for found in pkgutil.iter_modules(outbid.studies.__path__, "outbid.studies."):
        study = importlib.import_module(found.name)
        ledger = read_ledger(Path(study.__file__ or "").parent)
        for module in study.theory:
            show_functions(module, ledger)
    # annotations that pdoc can't look up are shown as they stand, which is good enough
    warnings.filterwarnings("ignore", message="Error parsing type annotation")
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc("outbid", output_directory=folder)


def show_functions(module: ModuleType, ledger: Ledger) -> None:
    """Put plain functions in the place of what a study declares, for pdoc explains functions and not values.

    Parameters
    ----------
    module
        A module of a study's theory.
    ledger
        The study's claims; those that a declaration cites are told under its own words.
    """
    for name, declared in vars(module).copy().items():
        function = getattr(declared, "function", None)
        if function is None or function.__module__ != module.__name__:
            continue
        claims = [ledger.claims[cited] for cited in getattr(declared, "evidence", ())]
        if claims:
            told = "\n".join(f"- {claim.id}: {claim.statement}" for claim in claims)
            function.__doc__ = f"{function.__doc__}\n\nRests on these claims:\n\n{told}\n"
        setattr(module, name, function)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
