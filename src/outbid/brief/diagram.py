"""The boxes and arrows of the diagram, with what the draws say of each arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from outbid.model.diagram import build_responses, links, summarise
from outbid.report.content import Edge, Node
from outbid.run import Knowledge
from outbid.study import Study


def nodes(study: Study) -> tuple[Node, ...]:
    """Return the boxes of the diagram: stocks, indices, levers and counts."""
    model = study.model

    def plain(name: str) -> str:
        return name.replace("_", " ").capitalize()

    owners = {"challenger": "challenger", "incumbent": "incumbent"}
    about = {item.name: item.meaning for item in model.mechanisms}
    return (
        *(Node(s.name, plain(s.name), "stock", s.side, s.meaning) for s in model.stocks),
        *(Node(i.name, plain(i.name), "index", i.side, i.meaning) for i in model.indices),
        *(
            Node(v.name, plain(v.name), "lever", owners.get(v.owner, "outside"), v.meaning)
            for v in model.levers
        ),
        *(Node(c, plain(c), "count", _side_of_count(c, about[m]), about[m]) for c, m in model.counts.items()),
    )


def _side_of_count(name: str, meaning: str) -> str:
    if "others" in name:
        return "outside"
    return "incumbent" if meaning.startswith("The incumbent") else "challenger"


def edges(study: Study, known: Mapping[str, Knowledge]) -> tuple[Edge, ...]:
    """Return the diagram's arrows at the last month's states and the window's usual levers."""
    model = study.model
    arrows = links(model)
    respond = jax.jit(jax.vmap(build_responses(model)))
    names = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]

    def responses(past: Any) -> np.ndarray:
        draws = min(500, len(past.standing))
        p = {name: past.standing.parameters[:draws, i] for i, name in enumerate(model.parameter_names)}
        states = {name: past.paths[name][:draws, -1] for name in names}
        usual = past.levers[:draws].mean(axis=1)
        now = {name: usual[:, i] for i, name in enumerate(model.lever_names)}
        return np.asarray(respond(p, states, now, now))

    first = next(iter(known.values()))
    scale = np.array([_typical_change(study, first, link.source) for link in arrows])
    drawn = {name: responses(each.past) for name, each in known.items()}
    after = {name: summarise(each, scale) for name, each in drawn.items()}
    size = np.median(np.abs(drawn.get("neutral", next(iter(drawn.values())))) * scale, axis=0)
    before = {name: summarise(responses(each.unseen), scale) for name, each in known.items()}
    sources = after.get("sources", after[next(iter(after))])
    lead = after.get("neutral", sources)
    return tuple(
        Edge(
            link.source,
            link.target,
            link.mechanism,
            float(lead.effect[i]),
            int(np.sign(sources.effect[i])),
            {name: float(each.probability_positive[i]) for name, each in after.items()},
            {name: float(each.probability_positive[i]) for name, each in before.items()},
            link.sentence,
            link.formula,
            tuple(link.evidence),
            float(size[i]),
        )
        for i, link in enumerate(arrows)
        if not link.reservoir
    )


def _typical_change(study: Study, known: Knowledge, name: str) -> float:
    """Return what counts as one typical change: a lever's step, or a state's spread over draws and months."""
    if name in study.model.lever_names:
        return study.model.lever(name).step
    return float(np.std(known.past.paths[name]))
