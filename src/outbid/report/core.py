"""What the page tells of the study itself, beside its questions: tidy tables that are saved and read back.

Ids are keys: what a study's own files say (labels, meanings, sources) is taken from the study when the page is drawn.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid import __version__
from outbid.conventions import DATA, QUANTILES
from outbid.infer.history import path_quantiles, paths_table
from outbid.model.vocabulary import LogNormal, NegativeBinomial, Observation
from outbid.stats.effects import five_digits
from outbid.words.effects import lead

if TYPE_CHECKING:
    from outbid.data.panel import Record
    from outbid.infer.history import SmoothedHistory
    from outbid.run import Knowledge
    from outbid.run_settings import Settings
    from outbid.study import Study

PACKAGES = ("jax", "numpy", "scipy", "arviz", "xarray", "altair")
# What a run leaves as CSV files; the other tables serve the page.
SHARED = ("figures", "parameters", "diagram", "paths", "bands", "sources")
# Draws on which the model's month is differentiated.
_DRAWS = 500
_MIDDLE = {name: QUANTILES[name] for name in ("median", "q05", "q95")}
_FIGURE = ("series", "unit", "start", "end", "value", "low", "high", "used", "why_not", "source")


@dataclass(frozen=True)
class Core:
    """Tables by name, and what is needed to get the same numbers again.

    `tables`: figures, series, expected, paths, bands, parameters, diagram, fits, sources: see the functions
    below; `provenance`: version, study, seed, command, quick, created, python, platform, packages, first_month,
    last_month, n_months, timing and fingerprint.
    """

    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    @property
    def lead(self) -> str:
        """The prior set that is read first: the neutral one, or the only one."""
        return lead(self["fits"])

    @property
    def problems(self) -> list[str]:
        """What the fits' checks found, each with its prior set."""
        pairs = zip(self["fits"]["prior"], self["fits"]["problems"], strict=True)
        return [
            f"{problem} ({prior} priors)" for prior, text in pairs for problem in text.split("; ") if text
        ]

    def to_datasets(self) -> dict[str, xr.Dataset]:
        """Return the tables as Datasets along `row`, provenance as the attributes of one without variables."""
        made = {name: to_dataset(frame) for name, frame in self.tables.items()}
        return {**made, "provenance": xr.Dataset(attrs={"json": json.dumps(dict(self.provenance))})}

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, xr.Dataset]) -> Core:
        """Return what `to_datasets` made."""
        provenance = json.loads(datasets["provenance"].attrs["json"])
        return cls(
            {name: to_frame(each) for name, each in datasets.items() if name != "provenance"}, provenance
        )


def to_dataset(frame: pd.DataFrame) -> xr.Dataset:
    """Return a table as a Dataset along `row`; what is missing among texts is an empty text."""
    numeric = {name: column.dtype.kind in "biuf" for name, column in frame.items()}
    columns = {
        str(name): ("row", column.to_numpy() if numeric[name] else column.fillna("").to_numpy(dtype=str))
        for name, column in frame.items()
    }
    return xr.Dataset(columns, attrs={"columns": json.dumps(list(columns))})


def to_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the table that `to_dataset` was given."""
    return pd.DataFrame({name: dataset[name].values for name in json.loads(dataset.attrs["columns"])})


def core(
    study: Study,
    settings: Settings,
    known: Mapping[str, Knowledge],
    command: str,
    fingerprint: str,
    timing: Mapping[str, float],
) -> Core:
    """Return what is known of a study beside the answers to its questions."""
    months = study.panel.window.months
    drawn = {name: path_quantiles(study.model, months, each.history["after"]) for name, each in known.items()}
    past = next(iter(known.values())).history["after"]  # the prior set under which figures are compared
    replicas = _replicated(study, past)
    table = figures(study, replicas)
    tables = {
        "figures": table,
        "series": series(study, table, replicas),
        "expected": expected(study, past),
        "paths": five_digits(paths_table(drawn)),
        "bands": bands(study, known),
        "parameters": parameters(study, known),
        "diagram": diagram(study, known),
        "fits": fits(known),
        "sources": sources(study),
    }
    asked = {
        "study": study.name,
        "seed": settings.seed,
        "command": command,
        "quick": settings.quick,
        "fingerprint": fingerprint,
    }
    return Core(tables, provenance(asked, months, PACKAGES, timing))


def provenance(
    asked: Mapping[str, Any], months: Sequence[str], packages: Sequence[str], timing: Mapping[str, float]
) -> dict[str, Any]:
    """Return what was asked, of which months, and what it was made with, when and how fast (seconds by stage)."""
    return {
        "version": __version__,
        **asked,
        "created": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: version(name) for name in packages},
        "first_month": months[0],
        "last_month": months[-1],
        "n_months": len(months),
        "timing": dict(timing),
    }


Replicas = Mapping[str, Mapping["Record", np.ndarray]]


def _replicated(study: Study, past: SmoothedHistory) -> Replicas:
    """Return the draws of each used figure, by the series that the model sees."""
    from outbid.infer.likelihood import gather

    seen, series = gather(study.model, study.panel), study.panel.series
    return {
        name: dict(zip(series[name].used, past.replicated[:, seen.of(name)].T, strict=True))
        for name in seen.names
    }


def figures(study: Study, replicas: Replicas) -> pd.DataFrame:
    """Return every published figure with what the model expects of it."""
    rows = []
    for each in study.panel.series.values():
        for record in each.records:
            drawn = replicas.get(each.id, {}).get(record)
            middle = [np.nan] * 3 if drawn is None else [*_middle(drawn).values()]
            days = (record.start.isoformat(), record.end.isoformat())
            said = (record.value, record.low, record.high, "yes" if record.used else "no", record.why_not)
            rows.append((each.id, each.unit, *days, *said, record.source, *middle, record.note))
    columns = [*_FIGURE, *(f"predicted_{name}" for name in _MIDDLE), "note"]
    return pd.DataFrame(rows, columns=columns).astype({"value": float, "low": float, "high": float})


def inside(figures: pd.DataFrame) -> pd.Series[bool]:
    """Say of each used figure with an expectation whether any part of its range lies in the 90% interval."""
    rows = figures[(figures["used"] == "yes") & figures["predicted_q05"].notna()]
    low, high = (rows["value"].fillna(rows[name]) for name in ("low", "high"))
    return (low.fillna(-np.inf) <= rows["predicted_q95"]) & (high.fillna(np.inf) >= rows["predicted_q05"])


def series(study: Study, figures: pd.DataFrame, replicas: Replicas) -> pd.DataFrame:
    """Return how each series fits.

    Returns series, distribution ("shown only" where the model doesn't see it), figures (how many), used,
    share_inside (of the used figures inside the 90% predictive interval, NaN without any) and tail
    (probability that replicated totals exceed the observed).
    """
    laws = {item.series: law_in_words(item) for item in study.model.observations}
    shares = inside(figures).groupby(figures["series"]).mean()
    rows = []
    for name, each in study.panel.series.items():
        pairs = replicas.get(name, {}).items()
        excess = [drawn - record.value for record, drawn in pairs if record.value is not None]
        tail = float(np.mean(np.sum(excess, axis=0) > 0)) if excess else np.nan
        counts = (len(each.records), len(each.used))
        rows.append((name, laws.get(name, "shown only"), *counts, shares.get(name, np.nan), tail))
    return pd.DataFrame(rows, columns=["series", "distribution", "figures", "used", "share_inside", "tail"])


def law_in_words(item: Observation) -> str:
    """Return an observation's distribution in words."""
    law = item.distribution
    if isinstance(law, LogNormal):
        spread = "an estimated" if isinstance(law.sigma, str) else f"a {law.sigma:g}"
        return f"log-normal with {spread} relative error"
    name = "negative binomial" if isinstance(law, NegativeBinomial) else "Poisson"
    return f"{name}, months without an entry missing" if law.zero_truncated else name


def expected(study: Study, past: SmoothedHistory) -> pd.DataFrame:
    """Return the monthly path of every series that the model sees."""
    names = [item.series for item in study.model.observations if item.series in study.panel.series]
    return _monthly(study, [({"series": name}, past.paths[f"sees.{name}"]) for name in names])


def bands(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return the inferred paths that the study declares as bands: path, prior, unit, month, median, q05 and q95."""
    drawn = []
    for prior, each in known.items():
        past = each.history["after"]
        levers = {f"lever.{name}": past.levers[:, :, i] for i, name in enumerate(study.model.lever_names)}
        for band in study.settings.bands:
            key = {"path": band.id, "prior": prior, "unit": band.unit}
            drawn.append((key, {**past.paths, **levers}[band.output]))
    return _monthly(study, drawn)


def _monthly(study: Study, drawn: Sequence[tuple[Mapping[str, str], np.ndarray]]) -> pd.DataFrame:
    """Return quantiles of paths of shape (draws, months), a row a month, under their keys."""
    months = list(study.panel.window.months)
    frames = [pd.DataFrame({**key, "month": months, **_middle(path)}) for key, path in drawn]
    if not frames:
        return pd.DataFrame(columns=["path", "series", "prior", "unit", "month", *_MIDDLE])
    return five_digits(pd.concat(frames, ignore_index=True))


def _middle(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Return the median over draws, and the ends of the 90% interval."""
    return dict(zip(_MIDDLE, np.quantile(draws, list(_MIDDLE.values()), axis=0), strict=True))


def parameters(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return every parameter before and after the data under each prior set.

    `contraction` is 1 - (posterior sd / prior sd)², on the scale on which the prior is normal: 0 = the data say nothing,
    1 = they say everything.
    """
    items = study.model.parameters
    frames = []
    own = slice(len(items))
    for prior, each in known.items():
        z, checks = each.fit.draws.z, each.fit.diagnostics
        columns = {
            "parameter": [item.name for item in items],
            "unit": [item.unit for item in items],
            "prior": prior,
            "distribution": [item.priors[prior].describe() for item in items],
            **_middle(each.history["after"].state_today.parameters),
            "contraction": 1.0 - z.reshape(-1, z.shape[-1]).var(axis=0)[own],
            "rhat": checks.rhat[own],
            "ess_bulk": checks.ess_bulk[own],
            "evidence": [" ".join(item.evidence) for item in items],
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames).sort_index(kind="stable", ignore_index=True)


def diagram(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return the links of the model, at the last month's states and the window's usual levers.

    Returns source, target, mechanism, prior, effect (the target's median response, in logs or on its own
    scale, to one typical change of the source: a lever's step, or a state's spread over draws and months), size (the
    same whatever its sign), p_positive and p_positive_before, formula, evidence.
    """
    import jax

    from outbid.model.diagram import build_responses, links, summarise

    model, arrows = study.model, links(study.model)
    respond = jax.jit(jax.vmap(build_responses(model)))

    def responses(past: SmoothedHistory) -> np.ndarray:
        draws = min(_DRAWS, len(past.state_today))
        p = {name: past.state_today.parameters[:draws, i] for i, name in enumerate(model.parameter_names)}
        states = {name: past.paths[name][:draws, -1] for name in model.states}
        usual = past.levers[:draws].mean(axis=1)
        now = {name: usual[:, i] for i, name in enumerate(model.lever_names)}
        return np.asarray(respond(p, states, now, now))

    spread = next(iter(known.values())).history["after"].paths
    typical = {name: float(np.std(spread[name])) for name in (*model.states, *model.counts)}
    typical |= {lever.name: lever.step for lever in model.levers}
    scale = [typical[link.source] for link in arrows]
    frames = []
    for prior, each in known.items():
        after, before = (summarise(responses(each.history[data]), scale) for data in DATA)
        columns = {
            **{end: [getattr(link, end) for link in arrows] for end in ("source", "target", "mechanism")},
            "prior": prior,
            **after,
            "p_positive_before": before["p_positive"],
            "formula": [link.formula for link in arrows],
            "evidence": [" ".join(link.evidence) for link in arrows],
        }
        frames.append(pd.DataFrame(columns)[[not link.reservoir for link in arrows]])
    return pd.concat(frames, ignore_index=True)


def fits(known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return each fit's diagnostics; `draws` are those of one chain, `problems` is empty if it passed."""
    return pd.DataFrame(
        {
            "prior": name,
            "how": each.fit.how,
            "chains": each.fit.draws.z.shape[0],
            "draws": each.fit.draws.z.shape[1],
            "rhat_max": float(each.fit.diagnostics.rhat.max()),
            "ess_bulk_min": float(each.fit.diagnostics.ess_bulk.min()),
            "ess_tail_min": float(each.fit.diagnostics.ess_tail.min()),
            "divergences": each.fit.diagnostics.divergences,
            "bfmi_min": float(each.fit.diagnostics.bfmi.min()),
            "seconds": each.fit.seconds,
            "problems": "; ".join(each.fit.problems),
        }
        for name, each in known.items()
    )


def sources(study: Study) -> pd.DataFrame:
    """Return the documents and data sets that a study cites; `role` is "claims" or "figures"."""
    lists = {"claims": study.ledger.sources, "figures": study.figure_sources}
    rows = [{**each.model_dump(), "role": role} for role, cited in lists.items() for each in cited.values()]
    return pd.DataFrame(rows, columns=["id", "role", "title", "outlet", "author", "date", "url", "licence"])
