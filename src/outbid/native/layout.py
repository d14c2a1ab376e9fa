"""When and where a program's numbers are worked out: parts in a row, loops between them, a place in memory for each.

A part is a stretch of straight instructions. A number gets a place only if another part, a loop or the caller needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from outbid.native.program import Loop, Program

# Nodes in one part: beyond it the compiler's time grows faster than the code.
LONGEST_PART = 600


@dataclass(frozen=True)
class Place:
    """A place in the workspace, which may move on with the month, or with the steps of a loop."""

    base: int
    by_month: int = 0
    by_step: int = 0


@dataclass
class Part:
    """Nodes to work out in order, and copies to make afterwards: (node, place)."""

    nodes: list[int] = field(default_factory=list)
    copies: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class PlacedLoop:
    """A loop with the places of what its body takes and gives: (node of the body, place)."""

    loop: Loop
    takes: dict[int, Place]
    gives: list[tuple[int, Place]]


@dataclass(frozen=True)
class Plan:
    """`places` of the program's nodes, `constants` by place, and `size`, the length of the workspace."""

    stages: list[Part | PlacedLoop]
    places: dict[int, int]
    constants: dict[int, float]
    size: int


def plan(program: Program) -> Plan:
    """Return when and where a program's numbers are worked out."""
    return _Planner(program).plan()


class _Planner:
    def __init__(self, program: Program) -> None:
        self.program, self.graph = program, program.graph
        self.places: dict[int, int] = {}
        self.constants: dict[int, float] = {}
        self.size = 0
        for nodes in program.inputs:
            begin = self.reserve(nodes.size)
            self.places.update(zip(nodes.ravel().tolist(), range(begin, self.size), strict=True))
        self.maker = {node: loop for loop in program.loops for node in loop.made}

    def reserve(self, number: int) -> int:
        self.size += number
        return self.size - number

    def home(self, node: int) -> int:
        """Return a node's place, a new one if it has none."""
        if node not in self.places:
            self.places[node] = self.reserve(1)
            if node in self.graph.constants:
                self.constants[self.places[node]] = float(self.graph.constants[node])
        return self.places[node]

    def plan(self) -> Plan:
        outputs = [int(node) for nodes in self.program.outputs for node in nodes.ravel()]
        stages: list[Part | PlacedLoop] = []
        part = Part()
        for item in self.schedule(outputs):
            if isinstance(item, int) and len(part.nodes) < LONGEST_PART:
                part.nodes.append(item)
                continue
            stages.append(part)
            if isinstance(item, int):
                part = Part([item])
            else:
                stages.append(self.placed(item, part))
                part = Part()
        stages.append(part)
        for node in outputs:
            self.home(node)
        part_of = {
            node: i for i, stage in enumerate(stages) if isinstance(stage, Part) for node in stage.nodes
        }
        for i, stage in enumerate(stages):
            if isinstance(stage, Part):
                taken = {each for node in stage.nodes for each in self.graph.arguments[node]}
                for node in taken | {node for node, _ in stage.copies}:
                    if node not in self.graph.constants and part_of.get(node, -1) != i:
                        self.home(node)
        return Plan(stages, self.places, self.constants, self.size)

    def schedule(self, outputs: Iterable[int]) -> list[int | Loop]:
        """Return nodes to work out and loops, each after what it takes."""
        found: list[int | Loop] = []
        done = {
            *self.graph.constants,
            *(int(node) for nodes in self.program.inputs for node in nodes.ravel()),
        }
        for output in outputs:
            waiting = [output]
            while waiting:
                node = waiting[-1]
                if node in done:
                    waiting.pop()
                    continue
                loop = self.maker.get(node)
                needs = self.graph.arguments[node] if loop is None else loop.takes
                open_ones = [each for each in needs if each not in done]
                if open_ones:
                    waiting += reversed(open_ones)
                    continue
                found.append(node if loop is None else loop)
                done.update([node] if loop is None else loop.made)
        return found

    def placed(self, loop: Loop, before: Part) -> PlacedLoop:
        """Give a loop its places; what has to be copied there is, by the part before."""
        carries, rows = len(loop.carried), len(loop.rows)
        carry = self.reserve((loop.length + 1) * carries)
        takes = {inner: Place(self.home(outer)) for inner, outer in loop.fixed}
        gives: list[tuple[int, Place]] = []
        for k, (inner, start, after, end) in enumerate(loop.carried):
            takes[inner] = Place(carry + k, by_step=carries)
            gives.append((after, Place(carry + carries + k, by_step=carries)))
            self.put(start, carry + k, before)
            self.places[end] = carry + loop.length * carries + k
        block = self.reserve(loop.length * rows)
        for k, (inner, nodes) in enumerate(loop.rows):
            known = [self.places.get(int(node), -1) for node in nodes]
            strides = np.diff(known)
            if min(known) >= 0 and (strides == strides[0]).all():
                takes[inner] = Place(known[0], by_month=int(strides[0]))
                continue
            takes[inner] = Place(block + k, by_month=rows)
            for month, node in enumerate(nodes):
                self.put(int(node), block + month * rows + k, before)
        block = self.reserve(loop.length * len(loop.gives))
        for k, (inner, nodes) in enumerate(loop.gives):
            gives.append((inner, Place(block + k, by_month=len(loop.gives))))
            self.places.update((int(node), block + m * len(loop.gives) + k) for m, node in enumerate(nodes))
        return PlacedLoop(loop, takes, gives)

    def put(self, node: int, place: int, before: Part) -> None:
        """See that a node's value is at a place when the part before is through."""
        if node in self.graph.constants:
            self.constants[place] = float(self.graph.constants[node])
        elif node in self.places:
            before.copies.append((node, place))
        else:
            self.places[node] = place
