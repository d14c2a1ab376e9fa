"""Elements 2, 3, 5 and 6 of the ODD page: entities, scheduling, initial values, input data."""

from __future__ import annotations

from collections.abc import Iterable

from generate.formulas import of_function
from generate.markdown import blocks, code, literal, numbered, table
from outbid.model.vocabulary import Anchor, Index
from outbid.report.core import law_in_words
from outbid.study import Study

SIDES = {"incumbent": "incumbent", "challenger": "challenger", "outside": "outsiders", "people": "people"}
MONTH = """\
Time moves in months. In each month, in this order:

1. **Levers.** Each {term}`lever` takes the month's value: from the record in the past, from the {term}`scenario` and its
   conditional rules in the future, or from the players' policy in {term}`equilibrium`.
2. **Readings.** Derived quantities, expected {term}`counts <count>` and {term}`hazards <hazard>` are worked out from the
   opening states, each after what it reads, in the order listed below.
3. **Moves.** All {term}`flows <flow>` out of a {term}`stock` compete: of n people under hazards h₁, h₂, …,
   n (1 − exp(−Σh)) hⱼ / Σh leave by way j. So no stock is ever overdrawn, and the number of people never changes.
4. **Drifts.** Each {term}`index` moves on its own scale by the sum of its drifts, plus its {term}`innovation` where it
   has one, and is held inside its range.
5. **Watching.** Outcomes and observations are read off the month's opening states and moves.

All states change at once, at the end of the month; nothing depends on the order in which groups are looked at."""


def entities(study: Study) -> str:
    """Return element 2: entities, state variables and scales."""
    model, window = study.model, study.settings.window
    stocks = [
        (f"`{item.name}`", item.meaning, SIDES.get(item.side, item.side), "sink" if item.sink else "")
        for item in model.stocks
    ]
    indices = [
        (f"`{item.name}`", item.meaning, _range(item), item.scale, anchor_in_words(item.name, item.anchor))
        for item in model.indices
    ]
    levers = [
        (f"`{item.name}`", item.meaning, item.owner, f"{item.low:g} to {item.high:g}", item.unit)
        for item in model.levers
    ]
    quantities = [
        (f"`{item.name}`", item.meaning, item.unit, "; ".join(of_function(item.name, item.function)))
        for item in model.quantities
    ]
    return blocks(
        "## 2. Entities, state variables, and scales",
        f"**Entities.** Two movements ({study.settings.incumbent} and {study.settings.challenger}), the "
        "people whom both draw on, "
        "and the outside world. There are no individuals: people are counted in stocks, and what they believe or "
        "face is told by indices.",
        "**Stocks** are numbers of persons, never negative. A sink has no way out; it closes the books.",
        table(["Stock", "Who is in it", "Side", ""], stocks),
        "**Indices** have no unit. An index that nobody can see has no sign and no scale of its own, so one "
        "relation, its anchor, "
        "fixes both. Drifts add up on the scale given."
        if indices
        else "",
        table(["Index", "What it tells", "Range", "Scale", "Anchor"], indices),
        "**Levers** are decisions or outside inputs, one value a month.",
        table(["Lever", "What it is", "Whose", "Range", "Unit"], levers),
        "**Derived quantities** are worked out anew each month and hold nothing over." if quantities else "",
        table(["Quantity", "What it is", "Unit", "Formula"], _in_code(quantities, 3)),
        f"**Scales.** One step is a month. The data run from {window.first_month} to {window.last_month} "
        f"({len(window)} months), scenarios {study.settings.horizon_months} months beyond. Space is not "
        "modelled: one country is one place.",
    )


def anchor_in_words(index: str, anchor: Anchor | None) -> str:
    """Return what an anchor fixes, in words."""
    if anchor is None:
        return ""
    kind, _, name = anchor.through.partition(":")
    what = {
        "hazard": "hazard of",
        "count": "expected",
        "drift": "drift of",
        "observation": "what is seen as",
    }[kind]
    way = "rises" if anchor.sign > 0 else "falls"
    exactly = f", by {abs(anchor.coefficient):g} log point a unit" if anchor.coefficient is not None else ""
    return f"{what} `{name}` {way} with `{anchor.of or index}`{exactly}"


def scheduling(study: Study) -> str:
    """Return element 3: process overview and scheduling."""
    model, name = study.model, study.name
    quantities = {f"quantity {item.name}": item for item in model.quantities}
    meanings = {item.name: item.meaning for item in model.mechanisms}
    steps = [
        f"1. `{quantities[each].name}`: {quantities[each].meaning}"
        if each in quantities
        else f"1. [{each}](#{name}-mechanism-{each}): {meanings[each]}"
        for each in model.order
    ]
    return blocks(
        "## 3. Process overview and scheduling",
        MONTH,
        "The order of the readings is found from what each one reads, not written down:",
        "\n".join(steps),
    )


def initial_values(study: Study) -> str:
    """Return element 5: initialization."""
    model = study.model
    parameters = {item.name: item for item in model.parameters}

    def start(initial: str | float) -> str:
        if not isinstance(initial, str):
            return f"{initial:,g}" if abs(initial) < 1e6 else f"{initial:,.0f}"
        return f"`{initial}`: {parameters[initial].priors['neutral'].describe()}"

    rows = [
        *((f"`{item.name}`", start(item.initial), "persons") for item in model.stocks),
        *((f"`{item.name}`", start(item.initial), "index") for item in model.indices),
    ]
    return blocks(
        "## 5. Initialization",
        f"The model starts at the beginning of {study.settings.window.first_month}. What is uncertain about "
        "the start is a parameter with a "
        "{term}`prior`, fitted like any other. Scenarios start where each {term}`draw` from the "
        "{term}`posterior` stands at the end of the "
        "data.",
        table(["State", "Start", "Unit"], rows),
    )


def input_data(study: Study) -> str:
    """Return element 6: input data, which here is what is known of levers, and how the rest is inferred."""
    model = study.model
    inferred = {name: item for item in model.lever_histories for name in item.levers}
    rows = []
    for lever in model.levers:
        own = [row for row in study.lever_rows if row.lever == lever.name]
        figures = sum(row.basis == "figure" for row in own)
        how = (
            f"inferred by `{inferred[lever.name].name}`"
            if lever.name in inferred
            else f"{numbered(len(own), 'row')} of levers.csv, {figures} of them on figures, the others by judgement"
        )
        rows.append((f"`{lever.name}`", how))
    histories = [
        blocks(
            f"`{item.name}`: {item.meaning} (claims: {', '.join(item.evidence)})",
            code("\n".join(of_function(item.name, item.function))),
        )
        for item in model.lever_histories
    ]
    sources = ", ".join(dict.fromkeys(item.author or item.title for item in study.figure_sources.values()))
    return blocks(
        "## 6. Input data",
        "What drives the model from outside are the levers' paths. In the past:",
        table(["Lever", "How its past is known"], rows),
        *histories,
        "The figures that the model is compared with are no inputs; they enter by the {term}`likelihood` "
        "(element 1 and the last part of "
        f"element 7). They come from {numbered(len(study.figure_sources), 'document')}, of: {sources}.",
    )


def data_rows(study: Study) -> Iterable[tuple[str, ...]]:
    """Return a row for each series: its name, what the model sees, the law, the figures in use."""
    seen = {item.series: item for item in study.model.observations}
    for series in study.panel.series.values():
        item = seen.get(series.id)
        used = f"{len(series.used)} of {len(series.records)}"
        label = f"{series.label} (`{series.id}`, {series.unit})"
        yield (label, item.meaning if item else "shown only", law_in_words(item) if item else "", used)


def evidence_in_words(study: Study, cited: Iterable[str]) -> str:
    """Return the claims that something rests on as a list, each with its source and the place in it."""
    claims = [study.ledger.claims[each] for each in cited]
    return "\n".join(
        f"- **{each.id}** ({each.kind}; {each.source}, {each.locator}): {each.statement}" for each in claims
    )


def _range(index: Index) -> str:
    low, high = index.range
    return f"{low:g} to {high:g}"


def _in_code(rows: Iterable[tuple[str, ...]], place: int) -> list[tuple[str, ...]]:
    return [(*row[:place], literal([row[place]]), *row[place + 1 :]) for row in rows]
