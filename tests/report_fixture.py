"""A report of made-up numbers for any study: the study's own names, invented results, a planted script."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from outbid.conventions import PRIOR_SETS
from outbid.model.diagram import links
from outbid.question import Section
from outbid.report import answer, drivers, history, methods
from outbid.report.core import Core, sources
from outbid.report.page import page
from outbid.study import Study
from outbid.words.effects import is_assumed, reading

PLANTED = "<script>alert(1)</script>"
SMALL = {
    "__init__.py": (
        "from outbid.model.vocabulary import Lever, Stock\nfrom . import moves\ntheory = (moves,)\n"
        'stocks = (Stock("party", "People in it", 5_000.0, "incumbent"),'
        ' Stock("wing", "People out of it", 300.0, "challenger"))\nindices = ()\n'
        'levers = (Lever("patrols", "Share of districts", "incumbent", 0.0, 1.0),)\n'
    ),
    "moves.py": (
        "from outbid.model.vocabulary import Flow, LogNormal, exp, mechanism, observation, outcome\n"
        '@mechanism(evidence=["W01"])\ndef crossing(s, u, p):\n    """People cross."""\n'
        '    return Flow("party", "wing", p.rate * exp(p.push * u.patrols))\n'
        '@observation(LogNormal(0.2), aggregate="mean")\ndef headcount(s, u, p, m):\n    """Heads."""\n'
        '    return s.wing\n@outcome(label="Crossings", unit="persons", better="lower", summary="sum")\n'
        'def crossings(s, u, p, m):\n    """People who cross."""\n    return m.crossing\n'
    ),
    "study.toml": (
        'title = "A party"\nquestion = "Does it?"\nincumbent = "Party"\nchallenger = "Wing"\n'
        'first_month = "2015-01"\nlast_month = "2015-06"\nhorizon_months = 12\n'
    ),
    "parameters.toml": (
        '[rate]\nunit = "1/month"\nmeaning = "Share"\nneutral = { lognormal = [0.004, 0.6] }\n'
        '[push]\nunit = "log hazard"\nmeaning = "Push"\nneutral = { normal = [0, 1] }\n'
        'sources = { half_normal = [1] }\nclaimed = true\nevidence = ["W01"]\n'
    ),
    "scenarios.toml": '[[scenario]]\nid = "stay"\nlabel = "No change"\ndescription = "x"\nbaseline = true\n',
    "claims.toml": (
        '[[claim]]\nid = "W01"\nkind = "C"\nstatement = "So it is."\nsource = "memo"\nlocator = "1"\n'
        'homes = ["mechanism:crossing", "parameter:push"]\n'
    ),
    "claim_sources.toml": (
        '[[source]]\nid = "memo"\ntitle = "A memo"\noutlet = ""\nauthor = ""\ndate = "2017"\nurl = ""\nlicence = ""\n'
    ),
    "figure_sources.toml": (
        '[[source]]\nid = "tally"\ntitle = "A tally"\noutlet = ""\nauthor = ""\ndate = ""\n'
        'url = "javascript:alert(1)"\nlicence = ""\n'
    ),
    "series.toml": (
        '[headcount]\nlabel = "Heads <b>"\nunit = "persons"\nmeaning = "x"\nkind = "level"\nfile = "heads.csv"\n'
    ),
    "heads.csv": (
        "series,start,end,value,low,high,source,note,used,why_not,except_start,except_end\n"
        "headcount,2015-02,2015-02,310,,,tally,,yes,,,\n"
    ),
    "levers.csv": "lever,start,end,value,basis,source,note\npatrols,2015-01,2015-06,0.3,judgement,,\n",
    "marks.csv": "date,kind,id,label,source,direction,claims\n",
}


def small_folder(folder: Path) -> Path:
    """Write the smallest study: one course, one series, no roles, no bands, no events."""
    folder.mkdir()
    for name, text in SMALL.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def made_up(
    study: Study, *, passed: bool = True, quick: bool = False, priors: tuple[str, ...] = PRIOR_SETS
) -> Core:
    """Return made-up results of a study."""
    rng = np.random.default_rng(1)
    months = study.panel.window.months
    provenance = {
        "version": "0.1.0",
        "study": study.name,
        "seed": 7,
        "command": "outbid run a_study --seed 7",
        "quick": quick,
        "created": "2026-01-02 03:04 UTC",
        "python": "3.12",
        "platform": "Linux",
        "packages": {"numpy": "2.0"},
        "first_month": months[0],
        "last_month": months[-1],
        "n_months": len(months),
        "timing": {"fit": 61.0},
        "fingerprint": "abc",
    }
    tables = {
        "figures": _figures(study, rng),
        "series": _series(study),
        "expected": _paths([{"series": name} for name in _seen(study)], months, 1.0),
        "bands": _paths(
            [{"path": b.id, "prior": p, "unit": b.unit} for p in priors for b in study.settings.bands],
            months,
            0.1,
        ),
        "parameters": _parameters(study, rng, priors),
        "diagram": _diagram(study, rng, priors),
        "fits": _fits(passed, priors),
        "sources": sources(study),
    }
    return Core(tables, provenance)


def effects(study: Study, chances: dict[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """Return made-up effects of every scenario; `chances` fixes p_better by prior and outcome."""
    rows = []
    for i, scenario in enumerate(study.scenarios):
        for prior in PRIOR_SETS:
            for outcome in study.model.outcomes:
                p = (chances or {}).get((prior, outcome.name), 0.95 if prior == "sources" else 0.52)
                p = 0.5 if scenario.baseline else p
                before = 0.5 if prior == "neutral" else p
                middle = 0.0 if scenario.baseline else (p - 0.45) * 100 * (i + 1)
                wide = 0.0 if scenario.baseline else 160.0
                ends = {"q05": -1.64, "q25": -0.67, "median": 0.0, "q75": 0.67, "q95": 1.64}
                rows.append(
                    {
                        "scenario": scenario.id,
                        "prior": prior,
                        "outcome": outcome.name,
                        **{name: middle + z * wide for name, z in ends.items()},
                        "p_better": p,
                        "p_better_before": before,
                        "reading": reading(p, before, prior, outcome.better),
                        "assumed": is_assumed(p, before),
                    }
                )
    return pd.DataFrame(rows)


def sections(core: Core, study: Study, found: pd.DataFrame | None = None) -> list[Section]:
    """Return the sections that belong to no question."""
    every = [
        answer.section(core, study, found, "60 claims tested: 1 supported."),
        *(part(core, study) for part in (history.section, drivers.section, methods.unknowns)),
        methods.section(core, study),
    ]
    return [each for each in every if each is not None]


def whole(core: Core, study: Study, found: pd.DataFrame | None = None) -> str:
    """Return the page of those sections."""
    title = f"{study.settings.title}: {study.settings.question}"
    return page(
        sections(core, study, found), title=title, citation=methods.citation(core, study), version="0.1.0"
    )


def _seen(study: Study) -> list[str]:
    return [each.series for each in study.model.observations]


def _figures(study: Study, rng: np.random.Generator) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for series in study.panel.series.values():
        for record in series.records:
            value = next(x for x in (record.value, record.low, record.high) if x is not None)
            guess = value * rng.uniform(0.8, 1.2) if record.used and series.id in _seen(study) else math.nan
            rows.append(
                {
                    "series": series.id,
                    "unit": series.unit,
                    "start": record.start.isoformat(),
                    "end": record.end.isoformat(),
                    "value": record.value,
                    "low": record.low,
                    "high": record.high,
                    "used": "yes" if record.used else "no",
                    "why_not": record.why_not,
                    "source": record.source,
                    "predicted_median": guess,
                    "predicted_q05": guess * 0.5,
                    "predicted_q95": guess * 1.5,
                    "note": record.note or (PLANTED if not rows else ""),
                }
            )
    return pd.DataFrame(rows).astype({"value": float, "low": float, "high": float})


def _series(study: Study) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "series": each.id,
                "distribution": "Poisson" if each.id in _seen(study) else "shown only",
                "figures": len(each.records),
                "used": len(each.used),
                "share_inside": 0.9 if each.used and each.id in _seen(study) else math.nan,
                "tail": 0.98 if each.used and each.id in _seen(study) else math.nan,
            }
            for each in study.panel.series.values()
        ]
    )


def _paths(keys: list[dict[str, str]], months: tuple[str, ...], last: float) -> pd.DataFrame:
    """Return paths that go from 100 to `last` times that halfway through."""
    rows = [
        {**key, "month": month, "median": level, "q05": level * 0.8, "q95": level * 1.2}
        for key in keys
        for i, month in enumerate(months)
        if (level := 100.0 if i < 24 else 100.0 * last)
    ]
    return pd.DataFrame(
        rows, columns=[*(keys[0] if keys else ("path", "prior", "unit")), "month", "median", "q05", "q95"]
    )


def _parameters(study: Study, rng: np.random.Generator, priors: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "parameter": each.name,
                "unit": each.unit,
                "prior": prior,
                "distribution": each.priors[prior].describe(),
                "median": 1.0,
                "q05": 0.5,
                "q95": 2.0,
                "contraction": float(rng.uniform(-0.1, 1.0)),
                "rhat": 1.001,
                "ess_bulk": 900.0,
                "evidence": " ".join(each.evidence),
            }
            for each in study.model.parameters
            for prior in priors
        ]
    )


def _diagram(study: Study, rng: np.random.Generator, priors: tuple[str, ...]) -> pd.DataFrame:
    """Return every link; the first is settled, the second assumed, the third open, and so on."""
    kinds = ((0.97, 0.5), (0.96, 0.95), (0.6, 0.5), (1.0, 1.0))
    rows = []
    for i, link in enumerate(each for each in links(study.model) if not each.reservoir):
        after, before = kinds[i % 4]
        size = float(rng.uniform(0.1, 1.0))
        for prior in priors:
            rows.append(
                {
                    "source": link.source,
                    "target": link.target,
                    "mechanism": link.mechanism,
                    "prior": prior,
                    "effect": size if i % 3 else -size,
                    "size": size,
                    "p_positive": after - i * 1e-5,
                    "p_positive_before": before - i * 1e-6,
                    "formula": link.formula,
                    "evidence": " ".join(link.evidence),
                }
            )
    return pd.DataFrame(rows)


def _fits(passed: bool, priors: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "prior": prior,
                "how": "sampled",
                "chains": 4,
                "draws": 1000,
                "rhat_max": 1.004 if passed else 1.2,
                "ess_bulk_min": 900.0,
                "ess_tail_min": 700.0,
                "divergences": 4,
                "bfmi_min": 0.8,
                "seconds": 61.0,
                "problems": "" if passed else "the chains disagree: R-hat is 1.200",
            }
            for prior in priors
        ]
    )
