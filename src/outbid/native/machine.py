"""Machine code: an LLVM module compiled for this processor, kept between processes, and run over rows on all cores."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray
from scipy.special import cython_special

from outbid.compiled import kept
from outbid.native.emit import module
from outbid.native.instructions import CALLS
from outbid.native.layout import Plan
from outbid.native.program import Program

Floats = NDArray[np.float64]
# Rows side by side in a processor's registers.
LANES = 4
# Below this many rows a thread each isn't worth its start.
FEWEST_ROWS = 64
# What SciPy calls the functions that the C library lacks.
_SCIPY = {"lgamma": "gammaln", **{name: name for name in ("psi", "gammainc", "gammaincc", "ndtri", "erfinv")}}
_ONE_AT_A_TIME, _NUMBER = threading.Lock(), count()


class MachineCode:
    """A compiled program; call it with arrays of a leading axis of rows, or without one where `shared` says so."""

    def __init__(self, program: Program, folder: Path | None) -> None:
        text, self._plan = module(program, LANES)
        self._shapes = [nodes.shape for nodes in program.outputs]
        self._library = _library(text, folder)
        address = self._library["run"]
        whole, pointer = ctypes.c_int64, ctypes.c_void_p
        self._run = ctypes.CFUNCTYPE(None, pointer, pointer, whole, whole, whole, pointer)(address)
        self._template = _template(self._plan)
        self._spare: list[Floats] = []

    def __call__(self, rows: int, arguments: Sequence[Floats], shared: Sequence[bool]) -> list[Floats]:
        """Return the results for each row, with a leading axis of rows."""
        results = [np.empty((rows, *shape)) for shape in self._shapes]
        if not rows:
            return results
        lines = [1 if own else rows for own in shared]
        flat = [each.reshape(n, each.size // n) for each, n in zip(arguments, lines, strict=True)]
        given = _described(flat, shared)
        taken = _described(
            [each.reshape(rows, each.size // rows) for each in results], [False] * len(results)
        )
        groups = -(-rows // LANES)
        workers = min(_cores(), max(1, rows // FEWEST_ROWS))
        if workers == 1:
            self._work(given, taken, 0, rows, rows)
            return results
        ends = [groups * i // workers * LANES for i in range(workers + 1)]
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda i: self._work(given, taken, ends[i], ends[i + 1], rows), range(workers)))
        return results

    def _work(self, given: Any, taken: Any, first: int, last: int, rows: int) -> None:
        try:  # another thread may have taken the last one
            workspace = self._spare.pop()
        except IndexError:
            workspace = _aligned(self._template)
        self._run(given.ctypes.data, taken.ctypes.data, first, last, rows, workspace.ctypes.data)
        self._spare.append(workspace)


def _described(arrays: Sequence[Floats], shared: Sequence[bool]) -> NDArray[np.int64]:
    """Return the address of each array and its steps from row to row and from entry to entry."""
    lines = [
        (each.ctypes.data, 0 if own else each.strides[0] // 8, each.strides[1] // 8)
        for each, own in zip(arrays, shared, strict=True)
    ]
    return np.array(lines, dtype=np.int64).reshape(-1)


def _template(plan: Plan) -> Floats:
    template = np.zeros((plan.size, LANES))
    for place, value in plan.constants.items():
        template[place] = value
    return template


def _aligned(template: Floats) -> Floats:
    """Return a copy that begins where the processor reads whole vectors."""
    room = np.empty(template.size + 8)
    begin = -room.ctypes.data % 64 // 8
    own = room[begin : begin + template.size]
    own[:] = template.ravel()
    return own


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _target() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=1, jit=True)


@cache
def _linker() -> Any:
    _target()
    return llvm.create_lljit_compiler()


@cache
def _address(name: str) -> int:
    """Return the address of a function of the C library, or of SciPy where that has none."""
    if name not in _SCIPY:
        return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
    api, python = cython_special.__pyx_capi__, ctypes.pythonapi
    python.PyCapsule_GetName.restype, python.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    for variant in (_SCIPY[name], f"__pyx_fuse_0{_SCIPY[name]}", f"__pyx_fuse_1{_SCIPY[name]}"):
        kind = python.PyCapsule_GetName(api[variant]) if variant in api else b""
        if kind.startswith(b"double (double"):
            return int(python.PyCapsule_GetPointer(api[variant], kind))
    raise LookupError(f"SciPy has no {_SCIPY[name]} for numbers")


def _library(text: str, folder: Path | None) -> Any:
    """Return the module's code, ready to run; from the folder if it has been compiled there before."""
    about = (llvmlite.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), text)
    name = hashlib.sha256(repr(about).encode()).hexdigest()[:32]
    with _ONE_AT_A_TIME:
        code = kept(folder, f"{name}.o", lambda: _target().emit_object(llvm.parse_assembly(text)))
        builder = llvm.JITLibraryBuilder().add_object_img(code).export_symbol("run")
        builder.add_current_process()  # for what a processor lacks and the C library has, such as fma
        for own in set(CALLS.values()):
            builder.import_symbol(own, _address(own))
        return builder.link(_linker(), f"{name}.{next(_NUMBER)}")
