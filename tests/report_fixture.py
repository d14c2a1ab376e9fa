"""A made-up but realistic report: the shapes of the Khorasan study, invented numbers, a planted script."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from outbid.report.content import (
    Band,
    ClaimRow,
    Edge,
    Effect,
    Fan,
    FitSummary,
    Mark,
    Node,
    Outcome,
    ParameterRow,
    Provenance,
    Record,
    ReportContent,
    Scenario,
    SeriesFit,
    SourceRow,
)

PLANTED = "<script>alert(1)</script>"
N_MONTHS = 59
HORIZON = 36


def _table(text: str) -> list[list[str]]:
    """Return the cells of a table written with bars between them."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


_OUTCOMES = _table(
    """
    defections | Members lost to the rival | persons | lower | sum over 36 months | They go over to it.
    resources | Resources | index points | higher | mean of the last year | What aid and revenue pay for.
    aid | Aid | index points | higher | mean of the last year | Foreign aid that arrives.
    attacks | Attacks at home | attacks a month | lower | mean of the last year | By the challenger.
    violence | Attacks at home and abroad | attacks a month | lower | mean of the last year | By it, anywhere.
    challengers | The challenger's fighters | persons | lower | last month | Without families.
    challenger_share | The challenger's share of fighters | share | lower | last month | Of both together.
    engagement | Engagement | index points | higher | last month | Dealings of states.
    hardship | Hardship | index points | lower | mean of the last year | Poverty and hunger.
    cohesion | Cohesion | share | higher | mean of the last year | Who would stay a year.
    """
)
_SCENARIOS = _table(
    """
    present | Present course | Levers stay where they stood in the last year of the data.
    open | Open up | Hardness falls by one standard unit over a year; no new aid.
    open_aid | Open up, with aid | As before, and outsiders answer with aid tied to it.
    harden | Harden | Hardness rises by half a standard unit over a year.
    broad | Repress Salafis broadly | Repression beyond the challenger's own circle rises.
    targeted | Hunt the challenger only | Counterforce rises, repression of others eases.
    """
)
# outcome, typical level, spread of a difference, shift of each scenario after the present course
_SCALES = _table(
    """
    defections | 1400 | 330 | 130 | 60 | -80 | 210 | -160
    resources | 0.9 | 0.11 | 0.09 | 0.31 | -0.08 | -0.02 | 0.03
    aid | 0.55 | 0.12 | 0.12 | 0.36 | -0.1 | 0.0 | 0.0
    attacks | 1.1 | 0.5 | 0.1 | 0.05 | 0.0 | 0.4 | -0.35
    violence | 1.9 | 0.7 | 0.2 | 0.1 | 0.0 | 0.5 | -0.3
    challengers | 2100 | 420 | 150 | 90 | -60 | 300 | -380
    challenger_share | 0.031 | 0.007 | 0.002 | 0.001 | -0.001 | 0.004 | -0.006
    engagement | 1.4 | 0.35 | 0.4 | 0.5 | -0.3 | -0.1 | 0.0
    hardship | 0.8 | 0.2 | -0.05 | -0.22 | 0.05 | 0.04 | -0.01
    cohesion | 0.984 | 0.005 | -0.002 | -0.001 | 0.001 | -0.003 | 0.003
    """
)
# id, label, unit, distribution, how its records lie in time, typical level
_SERIES = _table(
    """
    state_based_events | Clashes with the state, all groups | events a month | negative binomial | m | 18
    one_sided_events | Attacks on civilians, all groups | events a month | negative binomial | m | 9
    dyad_state_events | Government against Islamic State | events a month | negative binomial | late | 1.2
    dyad_civilian_events | Islamic State against civilians | events a month | Poisson | late | 0.4
    deaths_state_challenger | Deaths, government against Islamic State | deaths a year | log-normal | y | 160
    deaths_state_others | Deaths, government against others | deaths a year | log-normal | y | 210
    deaths_civilian_challenger | Civilians killed by Islamic State | deaths a year | log-normal | y | 120
    deaths_civilian_government | Civilians killed by the government | deaths a year | log-normal | y | 90
    attacks_un | Attacks counted by the United Nations | attacks | negative binomial | p | 22
    attacks_claimed | Attacks claimed, at home | attacks | negative binomial | p | 8
    attacks_claimed_with_neighbours | Attacks claimed, with neighbours | attacks | negative binomial | p | 80
    external_events | Events in Pakistan and Iran | events | Poisson | late | 1
    fighters | Fighters of the challenger PLANTED "as told" & 'counted' | persons | interval | i | 2600
    fighters_with_families | The challenger with families | persons | interval | i1 | 5000
    incumbent_members | Members of the incumbent | persons | log-normal | g | 150000
    dismissals | Dismissed in vetting | persons | Poisson | p1 | 2840
    arrests | Arrests of challengers | persons | log-normal | p1 | 600
    raids | Reported raids | raids | Poisson | p | 5
    edicts_major | Major edicts that restrict | edicts a month | Poisson | m | 2
    edicts_tracker | Entries in an edict tracker | entries a month | negative binomial | s | 14
    humanitarian_directives | Directives to aid agencies | directives | negative binomial | p | 190
    engagement_forward | Steps towards recognition | steps a month | Poisson | m | 0.6
    engagement_backward | Steps away from recognition | steps a month | Poisson | m | 0.25
    external_grants | Grants from abroad | billion USD a year | log-normal | y | 2.1
    people_in_need | People in need | million persons | normal | y | 24
    opium_cultivation | Opium cultivation | thousand hectares | none | d | 120
    gdp_growth | Growth of the economy | % a year | none | d | 1.5
    access_incidents | Incidents that hindered aid | incidents a month | none | d | 90
    """
)
_NODES = _table(
    """
    hardness | Hardness of rule | lever | incumbent
    repression | Repression | lever | incumbent
    counterforce | Counterforce | lever | incumbent
    purge | Purge | lever | incumbent
    vetting | Vetting | lever | incumbent
    standing | Standing with hardliners | index | incumbent
    security | Security | index | incumbent
    hardliners | Hardliners | stock | people
    pragmatists | Pragmatists | stock | people
    sympathisers | Sympathisers | stock | people
    dismissed | Dismissed | stock | people
    grievance | Grievance | index | people
    hardship | Hardship | index | people
    challengers | Challengers | stock | challenger
    infiltrators | Infiltrators | stock | challenger
    attacks | Attacks at home | count | challenger
    external_attacks | Attacks abroad | count | challenger
    tempo | Tempo | index | challenger
    propaganda | Propaganda | lever | challenger
    demonstration | Successes shown | index | challenger
    engagement | Engagement | index | outside
    aid | Aid | index | outside
    aid_offer | Aid on offer | lever | outside
    conditionality | Conditions on aid | lever | outside
    recognition_offer | Recognition on offer | lever | outside
    """
)
# source, target, mechanism, effect, sign in the sources, neutral posterior P(+), evidence
_EDGES = _table(
    """
    hardness | standing | standing | 0.12 | 1 | 0.58 | M12 N30
    hardness | engagement | engagement | -0.31 | -1 | 0.07 | N10 M28
    engagement | standing | standing | -0.09 | -1 | 0.41 | M08 N02
    aid | standing | standing | -0.05 | -1 | 0.47 | N02
    attacks | standing | standing | -0.18 | -1 | 0.33 | N04 N22
    standing | hardliners | defection | 0.45 | 1 | 0.99 | M14 N03 M11
    standing | challengers | defection | -0.45 | -1 | 0.01 | M14 N03 M11
    propaganda | sympathisers | recruitment | -0.11 | -1 | 0.36 | M09 N05
    grievance | sympathisers | enlistment | 0.24 | 1 | 0.95 | M24
    grievance | challengers | recruitment | 0.3 | 1 | 0.97 | M24
    repression | grievance | grievance | 0.21 | 1 | 0.71 | M24 M23
    demonstration | challengers | recruitment | 0.14 | 1 | 0.64 | M25 N28
    demonstration | tempo | tempo | 0.08 | 1 | 0.55 | N28
    counterforce | tempo | tempo | -0.62 | -1 | 0.03 | N15 M23
    counterforce | challengers | killing | -0.35 | -1 | 0.02 | N15
    tempo | attacks | attacks | 0.9 | 1 | 1.0 | N31
    challengers | attacks | attacks | 0.5 | 1 | 1.0 | N04 N14
    tempo | external_attacks | external_attacks | -0.16 | -1 | 0.22 | N20 N23
    attacks | security | security | -0.4 | -1 | 0.04 | N24 M28
    attacks | demonstration | demonstration | 0.5 | 1 | 1.0 | M25
    security | aid | aid | 0.17 | 1 | 0.83 | N12
    security | engagement | engagement | 0.13 | 1 | 0.7 | N24
    aid_offer | aid | aid | 0.52 | 1 | 0.98 | M17
    conditionality | aid | aid | -0.2 | -1 | 0.18 | N11
    recognition_offer | engagement | engagement | 0.27 | 1 | 0.86 | N01
    aid | hardship | hardship | -0.38 | -1 | 0.06 | M02 M03
    hardship | sympathisers | enlistment | 0.1 | 1 | 0.6 | M09
    purge | dismissed | purge | 0.33 | 1 | 0.99 | N17
    dismissed | challengers | rejoining | 0.15 | 1 | 0.66 | N17
    vetting | infiltrators | vetting | -0.28 | -1 | 0.09 | N19
    """
)
OUTCOMES = tuple(Outcome(*row) for row in _OUTCOMES)
SCENARIOS = tuple(Scenario(row[0], row[1], row[2], i == 0) for i, row in enumerate(_SCENARIOS))
SCALES = {row[0]: (float(row[1]), float(row[2]), tuple(map(float, row[3:]))) for row in _SCALES}
_KINDS = _table(
    """
    G | R | C | C | O | O/C | C | O | O | C | C | C | O | O | O | O | C | O/C | O | C | G | C | O | C | O | O
    O | C | O/C | R | C | C
    O | C | O | R | O | S | O | R | C | O | C | C | S | C | S | F | C | O | O | C | R | C | O | C | C | C
    S | C
    """
)
KINDS = [kind for row in _KINDS for kind in row]
_TOPICS = _table(
    """
    foreign recognition | holy war given up | belligerent fighters | attacks at home | a propaganda network
    reported defections | dull administrative posts | a tighter grip | more revenue and less opium
    rights abuses | overlapping crises | investment | disgruntled members | suspicion after an attack
    """
)
TOPICS = [topic for row in _TOPICS for topic in row]


def month(index: int) -> str:
    """Return the month that lies `index` months after September 2021, as YYYY-MM."""
    year, rest = divmod(2021 * 12 + 8 + index, 12)
    return f"{year}-{rest + 1:02d}"


def _path(
    rng: random.Random, level: float, months: int, fall: float, wide: float
) -> dict[str, tuple[float, ...]]:
    """Return a smooth path that falls to `fall` of its level, with bands that are `wide` on the log scale."""
    wave = rng.uniform(0, 6)
    out: dict[str, list[float]] = {"median": [], "q05": [], "q25": [], "q75": [], "q95": []}
    for i in range(months):
        centre = level * (fall + (1 - fall) * math.exp(-i / 11)) * (1 + 0.4 * wide * math.sin(i / 5 + wave))
        spread = wide * (0.6 + 0.4 * i / months)
        for name, z in (("median", 0), ("q05", -1.64), ("q25", -0.67), ("q75", 0.67), ("q95", 1.64)):
            out[name].append(centre * math.exp(spread * z))
    return {name: tuple(values) for name, values in out.items()}


def _effects(rng: random.Random) -> tuple[Effect, ...]:
    rows = []
    for prior, push, narrow in (("neutral", 0.6, 1.0), ("sources", 1.6, 0.8)):
        for outcome in OUTCOMES:
            level, spread, shifts = SCALES[outcome.id]
            for scenario, shift in zip(SCENARIOS, (0.0, *shifts), strict=True):
                middle = push * shift * rng.uniform(0.9, 1.1)
                sd = 0.0 if scenario.baseline else narrow * spread * rng.uniform(0.6, 1.0)
                above = 0.5 if sd == 0 else 0.5 * (1 + math.erf(middle / sd / math.sqrt(2)))
                better = above if outcome.better == "higher" else 1 - above
                rows.append(
                    Effect(
                        scenario.id,
                        outcome.id,
                        prior,
                        level + middle,
                        (level + middle) * (0.99 if level > 0.9 and level < 1 else 0.6),
                        min((level + middle) * 1.5, 0.995 if outcome.unit == "share" else math.inf),
                        middle,
                        middle - 1.64 * sd,
                        middle + 1.64 * sd,
                        0.0 if scenario.baseline else better,
                        abs(shift) * 0.7 + spread * 0.2,
                        middle - 0.67 * sd,
                        middle + 0.67 * sd,
                        0.5,
                    )
                )
    return tuple(rows)


def _fans(rng: random.Random) -> tuple[Fan, ...]:
    months = tuple(month(N_MONTHS + i) for i in range(HORIZON))
    fans = []
    for prior in ("neutral", "sources"):
        for outcome in OUTCOMES:
            level, _, shifts = SCALES[outcome.id]
            wide = 0.005 if outcome.id == "cohesion" else 0.3
            for scenario, shift in zip(SCENARIOS, (0.0, *shifts), strict=True):
                path = _path(
                    random.Random(outcome.id), level, HORIZON, 1 + shift / level, wide * rng.uniform(0.8, 1.1)
                )
                fans.append(Fan(scenario.id, outcome.id, prior, months, **path))
    return tuple(fans)


def _records(rng: random.Random, kind: str, level: float) -> tuple[Record, ...]:
    """Return the records of a series; `kind` says how they lie in time (months, years, periods, days)."""
    spans: list[tuple[str, str, float, float | None]] = []  # start, end, factor, width of an interval
    if kind in ("m", "d", "s"):
        step = {"m": 1, "d": 6, "s": 5}[kind]
        spans = [(f"{month(i)}-01", f"{month(i)}-28", math.exp(-i / 25), None) for i in range(0, 52, step)]
    elif kind == "late":
        spans = [(f"{month(i)}-01", f"{month(i)}-28", 1.0, None) for i in range(52, N_MONTHS)]
    elif kind == "y":
        spans = [
            (f"{year}-01-01", f"{year}-12-31", math.exp(-(year - 2022) / 2), None)
            for year in range(2022, 2026)
        ]
    elif kind == "p":
        spans = [
            ("2021-09-01", "2021-12-31", 4, None),
            ("2022-11-14", "2023-11-30", 1.6, None),
            ("2024-05-14", "2024-07-31", 0.2, None),
            ("2025-02-01", "2025-04-30", 0.1, None),
        ]
    elif kind == "p1":
        spans = [("2021-09-01", "2022-01-15", 1, None)]
    elif kind in ("i", "i1"):
        some = "2021-10-01 2022-02-03 2022-08-01 2023-02-10 2024-01-03 2024-07-08 2024-07-09 2025-08-20"
        days = ["2023-08-14"] if kind == "i1" else some.split()
        spans = [(day, day, 1, 0.3) for day in days]
    elif kind == "g":
        days = ["2022-01-15", "2022-08-28", "2023-03-30", "2023-08-20", "2025-12-31"]
        spans = [(day, day, 0.6 + 0.15 * i, None) for i, day in enumerate(days)]
    reporters = (
        "UN Monitoring Team, 34th report, via a newspaper",
        "Taliban spokesman",
        "Russian envoy via an agency",
    )
    rows = []
    for i, (start, end, factor, width) in enumerate(spans):
        value = level * factor * rng.uniform(0.7, 1.3)
        value = round(value) if level > 5 else round(value, 1)
        used = kind != "d" and i % 13 != 12
        guess = level * factor
        rows.append(
            Record(
                start,
                end,
                None if width else value,
                value * (1 - width) if width else None,
                value * (1 + width) if width else None,
                used,
                "" if used else "contained in another figure",
                reporters[i % 3],
                "read from a repost" if i % 4 == 0 else "",
                *((guess, guess * 0.6, guess * 1.6) if used else (None, None, None)),
            )
        )
    if kind == "i":  # two odd records: only a ceiling, and a party's tiny figure
        rows.append(Record("2022-11-01", "2022-11-01", None, None, 4000, True, "", "UN Monitoring Team", ""))
        rows.append(
            Record(
                "2024-01-03", "2024-01-03", None, 70, 80, False, "a party's claim", "Taliban spokesman", ""
            )
        )
    return tuple(rows)


def _series(rng: random.Random) -> tuple[SeriesFit, ...]:
    months = tuple(month(i) for i in range(N_MONTHS))
    rows = []
    for ident, label, unit, distribution, kind, typical in _SERIES:
        level, label = float(typical), label.replace("PLANTED", PLANTED)
        path = _path(rng, level * 1.6, N_MONTHS, 0.2, 0.35)
        band = {} if kind == "d" else {"months": months, **{k: path[k] for k in ("median", "q05", "q95")}}
        fit = {} if kind == "d" else {"share_inside": rng.uniform(0.8, 1.0), "tail": rng.uniform(0.05, 0.95)}
        rows.append(SeriesFit(ident, label, unit, distribution, _records(rng, kind, level), **band, **fit))  # type: ignore[arg-type]
    return tuple(rows)


def _bands(rng: random.Random) -> tuple[Band, ...]:
    months = tuple(month(i) for i in range(N_MONTHS))
    rows = []
    for ident, label, unit, level, fall, wide in (
        ("attacks", "Attacks by the challenger at home", "attacks a month", 36, 0.03, 0.3),
        ("other_violence", "Violence by others", "events a month", 24, 0.4, 0.25),
        ("challengers", "The challenger's fighters", "persons", 2400, 0.95, 0.25),
        ("hardness", "Hardness of rule", "standard units", 1.6, 1.2, 0.2),
    ):
        for prior in ("neutral", "sources"):
            path = _path(rng, level, N_MONTHS, fall, wide)
            rows.append(Band(ident, label, unit, prior, months, path["median"], path["q05"], path["q95"]))
    return tuple(rows)


def _marks(rng: random.Random) -> tuple[Mark, ...]:
    rows = [
        Mark("2024-03-22", "attack", "Attack near Moscow", "UN", ("N14",)),
        Mark("2024-03-21", "attack", "Bank in Kandahar, 21 killed", "UN", ("N25",)),
        Mark("2024-05-17", "attack", "Bamiyan, six tourists killed", "UN", ("N26",)),
        Mark("2024-07-28", "operation", "Arrests in Herat's intelligence office", "press", ("N19",)),
    ]
    for i in range(N_MONTHS):
        for j in range(rng.choice((0, 1, 2, 3))):
            restrict = "ease" if rng.random() < 0.1 else "restrict"
            rows.append(
                Mark(f"{month(i)}-{5 + 7 * j:02d}", "edict", f"Order {i}.{j}", "tracker", (), restrict)
            )
        if rng.random() < 0.5:
            way = rng.choice(("+", "+", "-"))
            rows.append(Mark(f"{month(i)}-15", "engagement", f"Envoys met, month {i}", "press", (), way))
    return tuple(rows)


def _edges() -> tuple[Edge, ...]:
    labels = {ident: label for ident, label, _, _ in _NODES}
    rows = []
    for source, target, mechanism, size, direction, posterior, evidence in _EDGES:
        effect, sign, p = float(size), int(direction), float(posterior)
        built_in = p in (0.0, 1.0)
        before = p if built_in else 0.5
        assumed = 0.93 if sign > 0 else 0.07
        rows.append(
            Edge(
                source,
                target,
                mechanism,
                effect,
                sign,
                {"neutral": p, "sources": p if built_in else 0.5 * p + 0.5 * assumed},
                {"neutral": before, "sources": p if built_in else assumed},
                f"{labels[target]} {'rises' if effect > 0 else 'falls'} as {labels[source].lower()} rises, "
                "through what members see and are told.",
                f"log hazard = base + {effect:+.2f} · {source}",
                tuple(evidence.split()),
            )
        )
    return tuple(rows)


def _claims() -> tuple[ClaimRow, ...]:
    rows = []
    idents = [f"N{i:02d}" for i in range(1, 33)] + [f"M{i:02d}" for i in range(1, 29)]
    for i, (ident, kind) in enumerate(zip(idents, KINDS, strict=True)):
        topic = TOPICS[i % len(TOPICS)]
        homes = ("mechanism:defection", "series:fighters") if i % 3 == 0 else ("index:standing",)
        left_out = "Rhetoric about the first regime; nothing in the model can see it." if i % 15 == 14 else ""
        statement = (
            f"The source says that {topic} moves members between the two movements, or keeps them in place"
        )
        if i == 4:
            statement = f"{PLANTED} \"quoted\" & 'odd' {topic}"
        rows.append(
            ClaimRow(
                ident,
                kind,
                statement,
                "news_feature" if ident[0] == "N" else "verma_ali_2023",
                f"paragraph {i % 20 + 1}",
                () if left_out else homes,
                left_out,
            )
        )
    return tuple(rows)


def _sources() -> tuple[SourceRow, ...]:
    rows = [
        SourceRow(
            "news_feature",
            "The challenger's bid for the incumbent's fighters",
            "A news site",
            "Staff",
            "2024-08-20",
            "https://example.org/feature",
            "all rights reserved; cited",
            "claims",
        ),
        SourceRow(
            "verma_ali_2023",
            "Outbidding and moderation",
            "Middle East Policy",
            "Verma and Ali",
            "2023-06-01",
            "https://example.org/article?a=1&b=2",
            "all rights reserved; cited",
            "claims",
        ),
        SourceRow(
            "odd", "A source with a bad address", "nowhere", "", "2024", "javascript:alert(2)", "", "figures"
        ),
    ]
    rows += [
        SourceRow(
            f"figures_{i}",
            f"Table of figures {i}",
            "UCDP" if i % 2 else "UN",
            "",
            f"202{i % 6}-01-01",
            f"https://example.org/data/{i}",
            "CC BY 4.0",
            "figures",
        )
        for i in range(12)
    ]
    return tuple(rows)


def _parameters(rng: random.Random) -> tuple[ParameterRow, ...]:
    stems = [edge[2] for edge in _EDGES]
    rows = []
    for i in range(70):
        source, target = _EDGES[i % len(_EDGES)][0], _EDGES[i % len(_EDGES)][1]
        name = (
            f"{stems[i % len(stems)]}_{source}_{target}" if i < 30 else f"{stems[i % len(stems)]}_noise_{i}"
        )
        know = {"neutral": rng.random() ** 3, "sources": rng.random() ** 3}
        middle = {p: rng.gauss(0, 0.4) for p in know}
        rows.append(
            ParameterRow(
                name,
                "log hazard per unit",
                f"How strongly {source} moves {target}, a month later.",
                {"neutral": "normal(0, 0.5)", "sources": "half-normal(0.5)"},
                middle,
                {p: middle[p] - 0.6 for p in know},
                {p: middle[p] + 0.6 for p in know},
                know,
                {p: 1.0 + rng.random() / 200 for p in know},
                {p: 700 + 500 * rng.random() for p in know},
                ("M14", "N03") if i % 2 else (),
            )
        )
    return tuple(rows)


def content(*, passed: bool = True, quick: bool = False) -> ReportContent:
    """Return the made-up report.

    Parameters
    ----------
    passed
        Whether both fits passed their diagnostics.
    quick
        Whether the run was a coarse one.
    """
    rng = random.Random(20261122)
    problems = () if passed else ("R-hat 1.08 on defection_standing is above 1.01", "12 divergences")
    fits = (
        FitSummary("neutral", "sampled", None, 4, 1000, 1.004, 980, 1100, 0, 0.81, 212.0, problems),
        FitSummary("sources", "reweighted", 0.41, 4, 1000, 1.004, 620, 700, 0, 0.81, 3.0, ()),
    )
    packages = {"jax": "0.10.0", "numpyro": "0.22.0", "altair": "6.3.0", "numpy": "2.4.1"}
    provenance = Provenance(
        "0.1.0",
        20261122,
        "outbid run khorasan --out out/khorasan",
        quick,
        "2026-11-22 11:40 UTC",
        "3.11.7",
        "Linux x86_64",
        packages,
        month(0),
        month(N_MONTHS - 1),
        N_MONTHS,
        {"load": 0.8, "fit": 214.0, "ask": 31.0, "report": 2.2},
    )
    nodes = tuple(
        Node(ident, label, kind, side, f"{label}: what it stands for, in one sentence.")
        for ident, label, kind, side in _NODES
    )
    roles = {
        "moderation": "open",
        "moderation_with_aid": "open_aid",
        "hardening": "harden",
        "broad_repression": "broad",
        "targeted_repression": "targeted",
        "members_lost": "defections",
        "resources": "resources",
        "aid": "aid",
        "attacks": "attacks",
        "challengers": "challengers",
        "cohesion": "cohesion",
    }
    return ReportContent(
        "khorasan",
        "The Taliban and Islamic State-Khorasan",
        "Can the Taliban moderate without feeding Islamic State-Khorasan?",
        "the Taliban",
        "Islamic State-Khorasan",
        roles,
        HORIZON,
        OUTCOMES,
        SCENARIOS,
        _effects(rng),
        _fans(rng),
        _series(rng),
        _bands(rng),
        _marks(rng),
        nodes,
        _edges(),
        _claims(),
        _sources(),
        _parameters(rng),
        fits,
        provenance,
    )


def without_optional_parts() -> ReportContent:
    """Return a bare report: one scenario, no paths, no claims, no diagram, empty mappings."""
    full = content()
    return replace(
        full,
        roles={},
        effects=(),
        fans=(),
        series=(),
        bands=(),
        marks=(),
        nodes=(),
        edges=(),
        claims=(),
        sources=(),
        parameters=(),
        fits=(),
    )
