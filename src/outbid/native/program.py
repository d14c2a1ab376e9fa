"""A program: a graph of scalars with loops over months in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from outbid.native.graph import Graph, order


@dataclass
class Loop:
    """A body that is worked out once a month.

    `fixed`: (node of the body, node outside) of what doesn't change; `carried`: (node that takes it, node outside that
    it starts from, node that gives the next, node outside of what it ends with); `rows`: (node of the body, nodes
    outside by month); `gives`: (node of the body, nodes outside by month). A backward loop goes from the last month.
    """

    length: int
    backward: bool
    body: Graph
    fixed: list[tuple[int, int]] = field(default_factory=list)
    carried: list[tuple[int, int, int, int]] = field(default_factory=list)
    rows: list[tuple[int, np.ndarray]] = field(default_factory=list)
    gives: list[tuple[int, np.ndarray]] = field(default_factory=list)

    @property
    def takes(self) -> list[int]:
        """Nodes outside that the loop needs."""
        rows = [int(node) for _, nodes in self.rows for node in nodes]
        return [*(node for _, node in self.fixed), *(start for _, start, _, _ in self.carried), *rows]

    @property
    def made(self) -> list[int]:
        """Nodes outside that the loop gives."""
        gives = [int(node) for _, nodes in self.gives for node in nodes]
        return [*(end for *_, end in self.carried), *gives]

    def without(self, needed: set[int]) -> None:
        """Drop what nothing outside needs."""
        self.gives = [each for each in self.gives if needed.intersection(each[1].tolist())]
        kept = [each for each in self.carried if each[3] in needed]
        while True:
            inside = set(order(self.body, [*(each[0] for each in self.gives), *(each[2] for each in kept)]))
            again = [each for each in self.carried if each in kept or each[0] in inside]
            if len(again) == len(kept):
                break
            kept = again
        self.carried = kept
        self.fixed = [each for each in self.fixed if each[0] in inside]
        self.rows = [each for each in self.rows if each[0] in inside]


@dataclass(frozen=True)
class Program:
    """A function of numbers: `inputs` and `outputs` are nodes by argument and result, `shapes` those of the results."""

    graph: Graph
    loops: list[Loop]
    inputs: list[np.ndarray]
    outputs: list[np.ndarray]
