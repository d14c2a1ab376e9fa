"""Everything that a replication's report shows, put into its plain form."""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from outbid import __version__
from outbid.progress import Progress
from outbid.replicate import cells
from outbid.replicate.counterfactuals import REACH
from outbid.replicate.published import Cell, Published
from outbid.replicate.work import Found, compare
from outbid.report.content import ClaimRow, Provenance, SourceRow
from outbid.report.replication.content import (
    CellRow,
    CostRow,
    Curve,
    EraRow,
    EstimateRow,
    PlayerRow,
    Refit,
    ReplicationContent,
    Search,
)
from outbid.report.replication.tables import powers
from outbid.study import Study

PACKAGES = ("jax", "numpy", "scipy", "statsmodels", "altair")


@dataclass(frozen=True)
class Asked:
    """What was asked for: coarse or not, the seed, what was typed, and the digest of all that results depend on."""

    quick: bool
    seed: int
    command: str
    fingerprint: str


def describe(
    study: Study,
    asked: Asked,
    found: Found,
    published: tuple[Published, ...],
    search: Search | None,
    refit: Refit | None,
    notes: tuple[str, ...],
    progress: Progress,
) -> ReplicationContent:
    """Put everything that the report shows into its plain form."""
    play, panel = found.play, found.panel
    rows = tuple(cell_row(cell) for cell in compare(found, published))
    return ReplicationContent(
        study=study.name,
        title=study.settings.title,
        question=study.settings.question,
        state_words=(play.state, play.low_label, play.high_label),
        simulated=panel.simulated,
        data=panel.source,
        players=tuple(
            PlayerRow(player.label, _side(study, player.lever), int(panel.actions[:, i].sum()))
            for i, player in enumerate(play.players)
        ),
        months=panel.months,
        state=_floats(panel.state),
        grid=_floats(found.grid),
        cells=rows,
        estimates=estimate_rows(found),
        parameters=cells.payoff_rows(play),
        log_likelihood=found.payoffs.log_likelihood,
        eras=era_rows(found),
        costs=tuple(
            CostRow(
                row.row, tuple(each.value for each in row.values), tuple(each.error for each in row.values)
            )
            for row in found.costs
        ),
        curves=curve_rows(found),
        certificate=certificate(found),
        search=search,
        refit=refit,
        claims=tuple(
            ClaimRow(c.id, c.kind, c.statement, c.source, c.locator, tuple(c.homes), c.left_out)
            for c in study.ledger.claims.values()
        ),
        sources=tuple(
            SourceRow(s.id, s.title, s.outlet, s.author, s.date, s.url, s.licence, s.role)
            for s in (*study.ledger.sources.values(), *study.figure_sources.values())
        ),
        notes=notes,
        problems=(*found.payoffs.problems, *unexplained(rows, panel.simulated)),
        table_titles=titles(play.state),
        provenance=Provenance(
            version=__version__,
            seed=asked.seed,
            command=asked.command,
            quick=asked.quick,
            created=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
            packages={name: version(name) for name in PACKAGES},
            first_month=panel.months[0],
            last_month=panel.months[-1],
            n_months=len(panel.months),
            timing={name: seconds for name, seconds in progress.timing.items() if seconds > 0.05},
            fingerprint=asked.fingerprint,
        ),
    )


def titles(state: str) -> dict[str, str]:
    """Return the tables' titles."""
    return {
        "1": f"Table 1. How {state} moves",
        "2": "Table 2. What the groups want",
        "4": "Table 4. Chance of an attack with the rival, less that without it, along the observed path",
        "5": "Table 5. Chance of an attack when attacks get dearer or cheaper, averaged over the grid",
        "curve": f"The figures' curves: chance of an attack by {state}",
    }


def cell_row(cell: Cell) -> CellRow:
    """Return a compared cell in plain form."""
    told = cell.published
    if told.rule == "decimals":
        printed = f"{told.value:.{int(told.precision)}f}"
    elif told.rule == "within":
        printed = f"{told.value:.6f}"
    else:
        printed = f"{told.value:#.5g}"
    return CellRow(
        told.table,
        told.row,
        told.column,
        told.value,
        printed.replace("-", "−"),
        cell.ours,
        cell.difference,
        cell.ok,
        f"{told.rule} {told.precision:g}",
        told.unit,
        told.note,
        told.source,
        cell.low,
        cell.high,
    )


def estimate_rows(found: Found) -> tuple[EstimateRow, ...]:
    """Return the payoffs with their three kinds of errors and the interval from the last."""
    held = found.payoffs
    return tuple(
        EstimateRow(
            row, row, float(at), float(first), float(corrected), float(full),
            float(at - REACH * full), float(at + REACH * full),
        )
        for row, at, first, corrected, full in zip(
            cells.payoff_rows(found.play), held.estimates, held.first, held.corrected, held.full, strict=True
        )
    )  # fmt: skip


def era_rows(found: Found) -> tuple[EraRow, ...]:
    """Return what the rival changes by period."""
    actions, labels = found.panel.actions, found.play.labels
    return tuple(
        EraRow(
            labels[row.player],
            row.era.name,
            row.era.words,
            row.era.stop - row.era.start,
            row.alone,
            row.together,
            row.difference.value,
            row.spread,
            float(actions[row.era.start : row.era.stop, row.player].mean()),
            *row.difference.interval,
            *(row.as_published.interval if row.as_published else (None, None)),
        )
        for row in found.eras
    )


def curve_rows(found: Found) -> tuple[Curve, ...]:
    """Return each player's chances by state and by month."""
    chances, states = found.worlds.base.chances, found.states
    return tuple(
        Curve(
            label,
            _floats(chances[:, i]),
            _floats(world.chances[:, i]),
            _floats(chances[states, i]),
            _floats(world.chances[states, i]),
            tuple(bool(done) for done in found.panel.actions[:, i]),
        )
        for i, (label, world) in enumerate(zip(found.play.labels, found.worlds.alone, strict=True))
    )


def certificate(found: Found) -> str:
    """Return the equilibrium's evidence in words, and how far the stored curves are from ours, where they are given."""
    told = found.payoffs.held.equilibrium.certificate
    residual, gain = powers(f"{told.residual:.0e}"), powers(f"{max(told.gain, 0.0):.0e}")
    words = (
        f"The equilibrium on {len(found.grid)} states solves its equations to {residual}; nobody could gain more than "
        f"{gain} by playing otherwise for a month."
    )
    stored = found.panel.curves
    if (
        stored is None
        or len(stored) != len(found.grid)
        or not np.allclose(stored[:, 0], found.grid, atol=1e-6)
    ):
        return words
    gap = float(np.abs(stored[:, 1:] - found.worlds.base.chances).max())
    return f"{words} Over all states, our chances differ from the authors' stored ones by {powers(f'{gap:.0e}')} at most."


def unexplained(rows: tuple[CellRow, ...], simulated: bool) -> tuple[str, ...]:
    """Return a sentence if published figures don't come out and no note says why."""
    loose = [row for row in rows if row.ok is False and not row.note]
    if simulated or not loose:
        return ()
    named = "; ".join(f"Table {row.table}, {row.row}, {row.column}" for row in loose[:3])
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    return (f"Published figures that do not come out, without a known reason: {named}{more}.",)


def _side(study: Study, lever: str) -> str:
    return study.model.lever(lever).owner


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(map(float, values))
