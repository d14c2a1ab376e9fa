"""What the page tells of the study itself, beside its questions: tidy tables that are saved and read back.

Ids are keys: what a study's own files say (labels, meanings, sources) is taken from the study when the page is drawn.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid import __version__
from outbid.conventions import NEUTRAL, QUANTILES
from outbid.infer.history import path_quantiles, paths_table
from outbid.model.vocabulary import LogNormal, NegativeBinomial, Observation
from outbid.stats.effects import five_digits

if TYPE_CHECKING:
    from outbid.data.panel import Record
    from outbid.run import Knowledge
    from outbid.run_settings import Settings
    from outbid.study import Study

PACKAGES = ("jax", "numpyro", "numpy", "scipy", "arviz", "xarray", "altair")
# What a run leaves as CSV files; the other tables serve the page.
SHARED = ("figures", "parameters", "diagram", "paths", "bands", "sources")
# Draws on which the model's month is differentiated.
_DRAWS = 500
_MIDDLE = [QUANTILES[name] for name in ("median", "q05", "q95")]
_TYPES = {"b": bool, "i": np.int64, "u": np.int64, "f": float}


@dataclass(frozen=True)
class Core:
    """Tables by name, and what is needed to get the same numbers again.

    `tables`: figures, series, expected, paths, bands, parameters, diagram, fits, sources: see the functions
    below; `provenance`: version, seed, command, quick, created, python, platform, packages, first_month,
    last_month, n_months, timing and fingerprint.
    """

    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    @property
    def priors(self) -> tuple[str, ...]:
        """The prior sets that there are, in the order in which they are told."""
        return tuple(dict.fromkeys(self["fits"]["prior"]))

    @property
    def lead(self) -> str:
        """The prior set that is read first: the neutral one, or the only one."""
        return NEUTRAL if NEUTRAL in self.priors or not self.priors else self.priors[0]

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
        tables = {name: to_frame(each) for name, each in datasets.items() if name != "provenance"}
        return cls(tables, json.loads(datasets["provenance"].attrs["json"]))


def to_dataset(frame: pd.DataFrame) -> xr.Dataset:
    """Return a table as a Dataset along `row`; what is missing among texts is an empty text."""
    columns = {}
    for name in frame:
        values = frame[name].to_numpy()
        kind = _TYPES.get(values.dtype.kind)
        columns[str(name)] = (
            "row",
            values.astype(kind) if kind else frame[name].fillna("").to_numpy(dtype=str),
        )
    return xr.Dataset(columns, attrs={"columns": json.dumps([str(name) for name in frame])})


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
    window = study.panel.window
    tables = {
        "figures": figures(study, known),
        "series": series(study, known),
        "expected": expected(study, known),
        "paths": paths(study, known),
        "bands": bands(study, known),
        "parameters": parameters(study, known),
        "diagram": diagram(study, known),
        "fits": fits(known),
        "sources": sources(study),
    }
    provenance = {
        "version": __version__,
        "seed": settings.seed,
        "command": command,
        "quick": settings.quick,
        "created": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: version(name) for name in PACKAGES},
        "first_month": window.first_month,
        "last_month": window.last_month,
        "n_months": len(window),
        "timing": dict(timing),
        "fingerprint": fingerprint,
    }
    return Core(tables, provenance)


def figures(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return every published figure with what the model expects of it under the first prior set."""
    nothing = (np.nan, np.nan, np.nan)
    rows = []
    for each in study.panel.series.values():
        drawn = _replicated(study, known, each.id)
        for record in each.records:
            replicas = drawn.get(record)
            rows.append(
                {
                    "series": each.id,
                    "unit": each.unit,
                    "start": record.start.isoformat(),
                    "end": record.end.isoformat(),
                    "value": record.value,
                    "low": record.low,
                    "high": record.high,
                    "used": "yes" if record.used else "no",
                    "why_not": record.why_not or "",
                    "source": record.source,
                    **dict(
                        zip(
                            ("predicted_median", "predicted_q05", "predicted_q95"),
                            nothing if replicas is None else np.quantile(replicas, _MIDDLE),
                            strict=True,
                        )
                    ),
                    "note": record.note or "",
                }
            )
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["series", "used", "value", "low", "high"])
    return frame.astype({"value": float, "low": float, "high": float})


def series(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return how each series fits.

    Returns series, distribution ("shown only" where the model doesn't see it), figures (how many), used,
    share_inside (of the used figures inside the 90% predictive interval, NaN without any) and tail
    (probability that replicated totals exceed the observed).
    """
    seen = {item.series: item for item in study.model.observations}
    rows = []
    for each in study.panel.series.values():
        drawn = _replicated(study, known, each.id)
        inside = [_agrees(record, replicas) for record, replicas in drawn.items()]
        excess = [replicas - record.value for record, replicas in drawn.items() if record.value is not None]
        rows.append(
            {
                "series": each.id,
                "distribution": law_in_words(seen[each.id]) if each.id in seen else "shown only",
                "figures": len(each.records),
                "used": sum(record.used for record in each.records),
                "share_inside": float(np.mean(inside)) if inside else np.nan,
                "tail": float(np.mean(np.sum(excess, axis=0) > 0)) if excess else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=["series", "distribution", "figures", "used", "share_inside", "tail"])


def _replicated(study: Study, known: Mapping[str, Knowledge], ident: str) -> dict[Record, np.ndarray]:
    """Return the draws of each used figure of a series under the first prior set; none where the model sees it not."""
    from outbid.infer.likelihood import gather

    if ident not in {item.series for item in study.model.observations}:
        return {}
    past, rows = next(iter(known.values())).history["after"], iter(gather(study.model, study.panel).of(ident))
    records = study.panel.series[ident].records
    return {record: past.replicated[:, next(rows)] for record in records if record.used}


def _agrees(record: Record, replicas: np.ndarray) -> bool:
    """Whether a figure, or any part of its range where it is one, lies inside the 90% predictive interval."""
    _, low, high = np.quantile(replicas, _MIDDLE)
    least = record.low if record.value is None else record.value
    most = record.high if record.value is None else record.value
    return bool((most is None or low <= most) and (least is None or high >= least))


def law_in_words(item: Observation) -> str:
    """Return an observation's distribution in words."""
    law = item.distribution
    if isinstance(law, LogNormal):
        spread = "an estimated" if isinstance(law.sigma, str) else f"a {law.sigma:g}"
        return f"log-normal with {spread} relative error"
    name = "negative binomial" if isinstance(law, NegativeBinomial) else "Poisson"
    return f"{name}, months without an entry missing" if law.zero_truncated else name


def expected(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return, for every series that the model sees, its monthly path under the first prior set."""
    past = next(iter(known.values())).history["after"]
    names = [item.series for item in study.model.observations if item.series in study.panel.series]
    drawn = {name: past.paths[f"sees.{name}"] for name in names}
    return _monthly([{"series": name} for name in names], list(drawn.values()), study.panel.window.months)


def paths(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return every inferred state, count, lever and outcome by month: prior, path, unit, month and quantiles."""
    months = study.panel.window.months
    quantiles = {
        prior: path_quantiles(study.model, months, each.history["after"]) for prior, each in known.items()
    }
    return five_digits(paths_table(quantiles))


def bands(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return the inferred paths that the study declares as bands: path, prior, unit, month, median, q05 and q95."""
    keys, drawn = [], []
    for prior, each in known.items():
        for band in study.settings.bands:
            kind, _, lever = band.output.partition(".")
            names = study.model.lever_names
            past = each.history["after"]
            drawn.append(
                past.levers[:, :, names.index(lever)] if kind == "lever" else past.paths[band.output]
            )
            keys.append({"path": band.id, "prior": prior, "unit": band.unit})
    return _monthly(keys, drawn, study.panel.window.months)


def _monthly(keys: list[dict[str, str]], drawn: list[np.ndarray], months: tuple[str, ...]) -> pd.DataFrame:
    """Return quantiles of paths of shape (draws, months), a row a month, under their keys."""
    frames = []
    for key, path in zip(keys, drawn, strict=True):
        middle = dict(zip(("median", "q05", "q95"), np.quantile(path, _MIDDLE, axis=0), strict=True))
        frames.append(pd.DataFrame({**key, "month": list(months), **middle}))
    if not frames:
        return pd.DataFrame(columns=["path", "series", "prior", "unit", "month", "median", "q05", "q95"])
    return five_digits(pd.concat(frames, ignore_index=True))


def parameters(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return every parameter before and after the data under each prior set.

    `contraction` is 1 - (posterior sd / prior sd)², on the scale on which the prior is normal: 0 = the data say nothing,
    1 = they say everything.
    """
    rows = []
    middle = {
        name: np.quantile(each.history["after"].state_today.parameters, _MIDDLE, axis=0)
        for name, each in known.items()
    }
    spread = {name: _flat(each.fit.draws.z).var(axis=0) for name, each in known.items()}
    for i, item in enumerate(study.model.parameters):
        for name, each in known.items():
            rows.append(
                {
                    "parameter": item.name,
                    "unit": item.unit,
                    "prior": name,
                    "distribution": item.priors[name].describe(),
                    **dict(zip(("median", "q05", "q95"), middle[name][:, i].tolist(), strict=True)),
                    "contraction": float(1.0 - spread[name][i]),
                    "rhat": float(each.fit.diagnostics.rhat[i]),
                    "ess_bulk": float(each.fit.diagnostics.ess_bulk[i]),
                    "evidence": " ".join(item.evidence),
                }
            )
    return pd.DataFrame(rows)


def _flat(z: np.ndarray) -> np.ndarray:
    return z.reshape(-1, z.shape[-1])


def diagram(study: Study, known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return the links of the model, at the last month's states and the window's usual levers.

    Returns source, target, mechanism, prior, effect (the target's median response, in logs or on its own
    scale, to one typical change of the source), size (the same whatever its sign), p_positive and
    p_positive_before, formula, evidence.
    """
    import jax

    from outbid.model.diagram import build_responses, links, summarise

    model = study.model
    arrows = links(model)
    respond = jax.jit(jax.vmap(build_responses(model)))
    names = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]

    def responses(past: Any) -> np.ndarray:
        draws = min(_DRAWS, len(past.state_today))
        p = {name: past.state_today.parameters[:draws, i] for i, name in enumerate(model.parameter_names)}
        states = {name: past.paths[name][:draws, -1] for name in names}
        usual = past.levers[:draws].mean(axis=1)
        now = {name: usual[:, i] for i, name in enumerate(model.lever_names)}
        return np.asarray(respond(p, states, now, now))

    first = next(iter(known.values()))
    scale = np.array([_typical_change(study, first, link.source) for link in arrows])
    rows = []
    for prior, each in known.items():
        drawn = responses(each.history["after"])
        after, before = summarise(drawn, scale), summarise(responses(each.history["before"]), scale)
        size = np.median(np.abs(drawn) * scale, axis=0)
        for i, link in enumerate(arrows):
            if not link.reservoir:
                rows.append(
                    {
                        "source": link.source,
                        "target": link.target,
                        "mechanism": link.mechanism,
                        "prior": prior,
                        "effect": float(after.effect[i]),
                        "size": float(size[i]),
                        "p_positive": float(after.probability_positive[i]),
                        "p_positive_before": float(before.probability_positive[i]),
                        "formula": link.formula,
                        "evidence": " ".join(link.evidence),
                    }
                )
    columns = ("source", "target", "mechanism", "prior", "effect", "size", "p_positive", "p_positive_before")
    return pd.DataFrame(rows, columns=[*columns, "formula", "evidence"])


def _typical_change(study: Study, known: Knowledge, name: str) -> float:
    """Return what counts as one typical change: a lever's step, or a state's spread over draws and months."""
    if name in study.model.lever_names:
        return study.model.lever(name).step
    return float(np.std(known.history["after"].paths[name]))


def fits(known: Mapping[str, Knowledge]) -> pd.DataFrame:
    """Return each fit's diagnostics; `draws` are those of one chain, `problems` is empty if it passed."""
    rows = []
    for name, each in known.items():
        chains, draws, _ = each.fit.draws.z.shape
        checks = each.fit.diagnostics
        rows.append(
            {
                "prior": name,
                "how": each.fit.how,
                "chains": chains,
                "draws": draws,
                "rhat_max": float(checks.rhat.max()),
                "ess_bulk_min": float(checks.ess_bulk.min()),
                "ess_tail_min": float(checks.ess_tail.min()),
                "divergences": checks.divergences,
                "bfmi_min": float(checks.bfmi.min()),
                "seconds": each.fit.seconds,
                "problems": "; ".join(checks.problems),
            }
        )
    return pd.DataFrame(rows)


def sources(study: Study) -> pd.DataFrame:
    """Return the documents and data sets that a study cites; `role` is "claims" or "figures"."""
    names = ("id", "role", "title", "outlet", "author", "date", "url", "licence")
    cited = (*study.ledger.sources.values(), *study.figure_sources.values())
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in cited], columns=names)
