"""A program as the text of an LLVM module: one function a part, one a loop's body, and one that runs them over rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from outbid.native.graph import Graph, order
from outbid.native.instructions import SHARED, Writer
from outbid.native.layout import Part, Place, PlacedLoop, Plan, plan
from outbid.native.program import Program


def module(program: Program, lanes: int) -> tuple[str, Plan]:
    """Return the text of a program's module, and the plan that says how large its workspace is.

    Its function `run(arguments, results, first row, last row, rows, workspace)` works out `lanes` rows at a time.
    `arguments` and `results` hold three whole numbers each: address, and steps in numbers from row to row and from
    entry to entry.
    """
    made = plan(program)
    functions, calls, called = list[str](), list[str](), set[str]()
    for i, stage in enumerate(made.stages):
        writer = Writer(lanes, inline=isinstance(stage, PlacedLoop))
        if isinstance(stage, Part):
            if not stage.nodes and not stage.copies:
                continue
            _part(writer, program.graph, made, stage)
            calls.append(f"  call void @part{i}(ptr %workspace, i64 0, i64 0)")
        else:
            _body(writer, stage)
            calls += _rounds(i, stage)
        functions.append(_function(f"part{i}", writer))
        called |= writer.called
    shared = []
    for name in SHARED:
        if name in called:
            writer = Writer(lanes)
            result = writer.body(name, "%x")
            called |= writer.called
            lines = "\n".join(writer.lines)
            shared.append(
                f"define internal {writer.vector} @{name}.v({writer.vector} %x) noinline nounwind {{\n{lines}\n"
                f"  ret {writer.vector} {result}\n}}"
            )
    text = [*_declarations(called, lanes), *shared, *functions, _run(program, made, calls, lanes)]
    return "\n".join(text) + "\n", made


def _function(name: str, writer: Writer) -> str:
    lines = "\n".join(writer.lines)
    return f"define internal void @{name}(ptr %workspace, i64 %month, i64 %step) nounwind {{\n{lines}\n  ret void\n}}"


class _Memory:
    """Reads and writes places of the workspace in one function."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._bases: dict[tuple[int, int], str] = {(0, 0): "%workspace"}

    def at(self, place: Place) -> str:
        """Return the address of a place."""
        key = (place.by_month, place.by_step)
        line = self.writer.line
        if key not in self._bases:
            month = line(f"mul i64 %month, {place.by_month}")
            whole = line(f"add i64 {month}, {line(f'mul i64 %step, {place.by_step}')}")
            self._bases[key] = line(f"getelementptr {self.writer.vector}, ptr %workspace, i64 {whole}")
        return line(f"getelementptr {self.writer.vector}, ptr {self._bases[key]}, i64 {place.base}")

    def read(self, place: Place, truth: bool) -> str:
        """Return what lies at a place."""
        value = self.writer.line(f"load {self.writer.vector}, ptr {self.at(place)}, align 32")
        if not truth:
            return value
        return self.writer.line(f"fcmp une {self.writer.vector} {value}, {self.writer.constant(0.0)}")

    def write(self, value: str, place: Place, truth: bool) -> None:
        """Write to a place."""
        if truth:
            value = self.writer.select(value, self.writer.constant(1.0), self.writer.constant(0.0))
        self.writer.lines.append(f"  store {self.writer.vector} {value}, ptr {self.at(place)}, align 32")


class _Values:
    """The values of a graph's nodes in one function, each read or worked out where it is first needed."""

    def __init__(self, writer: Writer, graph: Graph, places: Mapping[int, Place | int]) -> None:
        self.writer, self.graph, self.places = writer, graph, places
        self.memory = _Memory(writer)
        self._known: dict[int, str] = {}

    def of(self, node: int) -> str:
        """Return a node's value, read from its place if it isn't there yet."""
        if node not in self._known:
            if node in self.graph.constants:
                return self.writer.constant(self.graph.constants[node])
            place = self.places[node]
            own = place if isinstance(place, Place) else Place(place)
            self._known[node] = self.memory.read(own, node in self.graph.truths)
        return self._known[node]

    def work_out(self, node: int) -> str:
        """Work out a node."""
        operation = self.graph.operations[node]
        arguments = [self.of(each) for each in self.graph.arguments[node]]
        if operation == "select":
            which, no, yes = arguments
            self._known[node] = self.writer.select(which, yes, no, node in self.graph.truths)
        else:
            self._known[node] = self.writer.apply(operation, arguments)
        return self._known[node]

    def store(self, node: int, place: Place) -> None:
        """Write a node's value to a place."""
        self.memory.write(self.of(node), place, node in self.graph.truths)


def _part(writer: Writer, graph: Graph, made: Plan, part: Part) -> None:
    values = _Values(writer, graph, made.places)
    for node in part.nodes:
        values.work_out(node)
        if node in made.places:
            values.store(node, Place(made.places[node]))
    for node, base in part.copies:
        values.store(node, Place(base))


def _body(writer: Writer, stage: PlacedLoop) -> None:
    graph = stage.loop.body
    values = _Values(writer, graph, stage.takes)
    wanted: dict[int, list[Place]] = {}
    for node, place in stage.gives:
        wanted.setdefault(node, []).append(place)
    for node in order(graph, wanted):
        if node not in graph.constants and node not in stage.takes:
            values.work_out(node)
        for place in wanted.get(node, ()):
            values.store(node, place)


def _rounds(i: int, stage: PlacedLoop) -> list[str]:
    length = stage.loop.length
    month = f"sub i64 {length - 1}, %step{i}" if stage.loop.backward else f"add i64 0, %step{i}"
    return [
        f"  br label %before{i}\nbefore{i}:\n  br label %loop{i}\nloop{i}:",
        f"  %step{i} = phi i64 [0, %before{i}], [%next{i}, %loop{i}]\n  %month{i} = {month}",
        f"  call void @part{i}(ptr %workspace, i64 %month{i}, i64 %step{i})",
        f"  %next{i} = add i64 %step{i}, 1\n  %through{i} = icmp eq i64 %next{i}, {length}",
        f"  br i1 %through{i}, label %after{i}, label %loop{i}\nafter{i}:",
    ]


def _declarations(called: Iterable[str], lanes: int) -> list[str]:
    vector, lines = f"<{lanes} x double>", []
    for name in sorted(called):
        base, _, number = name.partition("/")
        if base.startswith("llvm."):
            lines.append(f"declare {vector} @{base}.v{lanes}f64({', '.join([vector] * int(number))})")
        elif number:
            lines.append(f"declare double @{base}({', '.join(['double'] * int(number))})")
    return lines


_COPY = """
define internal void @{name}(ptr %workspace, ptr %places, ptr %rows_of, i64 %by_row, i64 %by_entry, i64 %number, i64 %row,
    i64 %rows) nounwind {{
entry:
  %any = icmp sgt i64 %number, 0
  br i1 %any, label %loop, label %end
loop:
  %entry_ = phi i64 [0, %entry], [%next, %loop]
  %where = getelementptr i64, ptr %places, i64 %entry_
  %place = load i64, ptr %where
  %begin = mul i64 %place, {lanes}
  %along = mul i64 %entry_, %by_entry
{copies}
  %next = add i64 %entry_, 1
  %through = icmp eq i64 %next, %number
  br i1 %through, label %end, label %loop
end:
  ret void
}}
"""


def _copying(lanes: int) -> str:
    """Return the functions that bring rows into lanes ("fetch"), and lanes into rows ("bring")."""
    functions = []
    for name, source, target in (("fetch", "outside", "inside"), ("bring", "inside", "outside")):
        copies = [
            # a lane beyond the last row reads that row again, and writes the same to it
            f"  %r{k} = add i64 %row, {k}\n  %in{k} = icmp slt i64 %r{k}, %rows\n  %last{k} = sub i64 %rows, 1\n"
            f"  %own{k} = select i1 %in{k}, i64 %r{k}, i64 %last{k}\n  %across{k} = mul i64 %own{k}, %by_row\n"
            f"  %far{k} = add i64 %across{k}, %along\n  %outside{k} = getelementptr double, ptr %rows_of, i64 %far{k}\n"
            f"  %slot{k} = add i64 %begin, {k}\n  %inside{k} = getelementptr double, ptr %workspace, i64 %slot{k}\n"
            f"  %x{k} = load double, ptr %{source}{k}\n  store double %x{k}, ptr %{target}{k}"
            for k in range(lanes)
        ]
        functions.append(_COPY.format(name=name, copies="\n".join(copies), lanes=lanes))
    return "".join(functions)


def _run(program: Program, made: Plan, calls: list[str], lanes: int) -> str:
    tables, before, after = list[str](), list[str](), list[str]()

    def copied(name: str, group: str, i: int, nodes: np.ndarray, lines: list[str]) -> None:
        """Copy an argument or a result, whose address and steps are told, between its rows and the places of its nodes."""
        places = ", ".join(f"i64 {made.places[int(node)]}" for node in nodes.ravel())
        tables.append(f"@{group}{i} = internal constant [{nodes.size} x i64] [{places}]")
        told = []
        for k, kind in enumerate(("ptr", "i64", "i64")):
            lines.append(f"  %{group}{i}_{k}p = getelementptr i64, ptr %{group}, i64 {3 * i + k}")
            lines.append(f"  %{group}{i}_{k} = load {kind}, ptr %{group}{i}_{k}p")
            told.append(f"{kind} %{group}{i}_{k}")
        rest = f"{', '.join(told)}, i64 {nodes.size}, i64 %row, i64 %rows"
        lines.append(f"  call void @{name}(ptr %workspace, ptr @{group}{i}, {rest})")

    for i, nodes in enumerate(program.inputs):
        copied("fetch", "arguments", i, nodes, before)
    for i, nodes in enumerate(program.outputs):
        copied("bring", "results", i, nodes, after)
    lines = [*before, *calls, *after]
    body = "\n".join(lines)
    return (
        "\n".join(tables)
        + _copying(lanes)
        + (
            "define void @run(ptr %arguments, ptr %results, i64 %first, i64 %last, i64 %rows, ptr %workspace) nounwind {\n"
            "entry:\n  br label %group\ngroup:\n  %row = phi i64 [%first, %entry], [%further, %onward]\n"
            f"{body}\n  br label %onward\nonward:\n  %further = add i64 %row, {lanes}\n"
            "  %more = icmp slt i64 %further, %last\n  br i1 %more, label %group, label %end\nend:\n  ret void\n}"
        )
    )
