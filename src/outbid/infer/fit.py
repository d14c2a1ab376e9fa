"""A finished fit: draws under one prior set with their diagnostics, as tables, as a Dataset and as a picture."""

from __future__ import annotations

import math
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from outbid.conventions import (
    LARGEST_DIVERGENT_SHARE,
    LARGEST_RHAT,
    LEAST_BFMI,
    LEAST_EFFECTIVE,
    PRIOR_LABELS,
    QUANTILES,
)
from outbid.infer.likelihood import Figures, Target
from outbid.infer.posterior import CHUNK, FULL, Chains, Draws, Effort, Sampler
from outbid.infer.unfinished import Unfinished
from outbid.model.declare import Model
from outbid.model.priors import prior_table
from outbid.progress import Stage

if TYPE_CHECKING:
    import pandas as pd

# Beyond this, chains sit in different places, and a longer warm-up alone won't bring them together.
FAR_APART = 1.1


@dataclass(frozen=True)
class Diagnostics:
    """What ArviZ says of the draws. Arrays have one entry per latent number, in the layout's order."""

    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    divergences: int
    bfmi: np.ndarray
    problems: tuple[str, ...]


def arviz() -> Any:
    """Return ArviZ, without the notice that it prints once a day, and without its stamp of that day in the home."""
    if "arviz" in sys.modules:
        return sys.modules["arviz"]
    with TemporaryDirectory() as aside, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # a home that can't be written, or none, would be an error
        with patch("platformdirs.user_cache_dir", lambda *_, **__: aside):
            import arviz as library
    return library


def diagnose(draws: Draws, effort: Effort = FULL) -> Diagnostics:
    """Return the diagnostics of draws (Vehtari and others, 2021, for R-hat and effective sample size).

    `effort` is how they were made, for the advice on what to try next.
    """
    az = arviz()
    z = az.convert_to_dataset(draws.z)
    rhat = np.asarray(az.rhat(z)["x"])
    bulk = np.asarray(az.ess(z, method="bulk")["x"])
    tail = np.asarray(az.ess(z, method="tail")["x"])
    made = Diagnostics(rhat, bulk, tail, int(draws.divergent.sum()), np.asarray(az.bfmi(draws.energy)), ())
    return replace(made, problems=tuple(_problems(made, draws, effort)))


def _problems(made: Diagnostics, draws: Draws, effort: Effort) -> Iterator[str]:
    names, total = draws.layout.names(), draws.divergent.size
    if effort.quick:
        most, least = made.rhat.max(), made.ess_bulk.min()
        yield (
            f"this was a quick run: so few draws (R-hat up to {most:.2f}, effective draws from {least:.0f}) "
            "that its numbers are coarse and settle no claim; run it without --quick"
        )
        return
    if not made.rhat.max() < LARGEST_RHAT:
        at = int(np.nan_to_num(made.rhat, nan=np.inf).argmax())
        far = f"; they are far apart, so see whether {names[at]} has two readings"
        yield (
            f"the chains disagree: R-hat is {made.rhat[at]:.3f} for {names[at]}, and should be under {LARGEST_RHAT} "
            f"(try a longer warm-up: --warmup {2 * effort.warmup}{far if made.rhat[at] > FAR_APART else ''})"
        )
    if not made.ess_bulk.min() > LEAST_EFFECTIVE:
        at = int(np.nan_to_num(made.ess_bulk).argmin())
        least = max(1.0, float(made.ess_bulk[at]))
        needed = CHUNK * math.ceil(1.2 * effort.draws * LEAST_EFFECTIVE / least / CHUNK)
        remedy = f"try more draws: --draws {needed}"
        if needed > 10 * effort.draws:
            remedy = f"more draws alone won't do; reparameterise what {names[at]} enters"
        yield (
            f"too few effective draws: {made.ess_bulk[at]:.0f} for {names[at]}, and there should be over "
            f"{LEAST_EFFECTIVE} ({remedy})"
        )
    if made.divergences > LARGEST_DIVERGENT_SHARE * total:
        accept = round(1.0 - (1.0 - effort.target_acceptance) / 3, 3)
        yield (
            f"{made.divergences} of {total} trajectories diverged, and under one in a thousand may (try "
            f"--target-accept {accept:g}; if they stay, reparameterise {names[_where(draws, draws.divergent)]})"
        )
    if not made.bfmi.min() > LEAST_BFMI:
        yield (
            f"energy is explored too slowly: BFMI is {made.bfmi.min():.2f}, and should be over {LEAST_BFMI} "
            f"(reparameterise {names[_where(draws, draws.energy)]}, or give it a tighter prior)"
        )


def _where(draws: Draws, by: np.ndarray) -> int:
    """Return the parameter whose draws go most closely with something of each draw, such as its energy."""
    number = len(draws.layout.parameters)
    z = draws.z[..., :number].reshape(-1, number)
    z, with_it = z - z.mean(axis=0), by.ravel() - by.mean()
    spread = np.sqrt((z**2).sum(axis=0) * (with_it**2).sum())
    return int(np.argmax(np.abs(with_it @ z) / np.where(spread > 0, spread, np.inf)))


# Dimensions and coordinates of the results: a variable of one of these names gets an underscore behind it.
RESERVED = {"chain", "draw", "month", "path", "entry", "quantile", "posterior_chain", "posterior_draw"}


def variable(name: str) -> str:
    """Return the name under which a parameter, series or state stands in a Dataset."""
    return f"{name}_" if name in RESERVED else name


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """What the figures say of a model under one prior set.

    `draws`: the vectors of standard normals, (chains, draws, entries), from which everything else follows;
    `effort`: how they were made.
    """

    model: Model
    prior_set: str
    draws: Draws
    effort: Effort
    seconds: float

    @property
    def how(self) -> str:
        """Return "sampled", or "short" for a quick run's few draws."""
        return "short" if self.effort.quick else "sampled"

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """What ArviZ says of the draws."""
        return diagnose(self.draws, self.effort)

    def diagnose(self) -> None:
        """Make the diagnostics now."""
        _ = self.diagnostics

    @property
    def diagnosed(self) -> bool:
        """Whether the diagnostics are made."""
        return "diagnostics" in vars(self)

    @property
    def problems(self) -> tuple[str, ...]:
        """What the diagnostics found, each with what to try next; empty if the fit passed."""
        return self.diagnostics.problems

    @property
    def carries_verdicts(self) -> bool:
        """Whether claims may be judged by these draws; those of a quick run are too few for that."""
        return self.how != "short"

    @cached_property
    def posterior(self) -> xr.Dataset:
        """The parameters' draws, dimensions (chain, draw), each with its unit and meaning."""
        chains, draws, _ = self.draws.z.shape
        values = self.draws.parameters(prior_table(self.model.parameters, self.prior_set))
        about = {item.name: {"units": item.unit, "long_name": item.meaning} for item in self.model.parameters}
        return xr.Dataset(
            {variable(name): (("chain", "draw"), value, about[name]) for name, value in values.items()},
            {"chain": np.arange(chains), "draw": np.arange(draws)},
            {"inference_library": "outbid", "prior_set": self.prior_set},
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return the parameters' draws, one row each, indexed by chain and draw."""
        return self.posterior.to_dataframe(dim_order=["chain", "draw"])

    def summary(self) -> pd.DataFrame:
        """Return one row a parameter: its prior, its posterior over all draws, and how well it was sampled.

        `contraction` is 1 - (posterior sd / prior sd)² on the scale on which the prior is normal: 0 where the
        figures say nothing, 1 where they say everything.
        """
        import pandas as pd

        parameters, made, number = self.model.parameters, self.diagnostics, len(self.model.parameters)
        values = np.stack([np.asarray(self.posterior[variable(item.name)]).ravel() for item in parameters])
        kept = ("median", "q05", "q95")
        low_to_high = np.quantile(values, [QUANTILES[name] for name in kept], axis=1)
        return pd.DataFrame(
            {
                "unit": [item.unit for item in parameters],
                "prior": [item.priors[self.prior_set].describe() for item in parameters],
                "mean": values.mean(axis=1),
                "sd": values.std(axis=1),
                **dict(zip(kept, low_to_high, strict=True)),
                "contraction": 1.0 - self._z().var(axis=0)[:number],
                "rhat": made.rhat[:number],
                "ess_bulk": made.ess_bulk[:number],
                "ess_tail": made.ess_tail[:number],
            },
            index=pd.Index([item.name for item in parameters], name="parameter"),
        )

    def plot(self) -> Any:
        """Return an Altair chart: where the figures moved each parameter, in standard deviations of its prior.

        The grey band holds 90% of every prior, a bar 90% of a posterior, the dot is its median.
        """
        import altair as alt

        shares = [QUANTILES[name] for name in ("q05", "median", "q95")]
        low, middle, high = np.quantile(self._z()[:, : len(self.model.parameters)], shares, axis=0)
        table = self.summary().reset_index().assign(low=low, middle=middle, high=high)
        shown = ["parameter", "unit", "prior", "median", "q05", "q95", "contraction"]
        order = alt.SortField("contraction", "descending")
        base = alt.Chart(table).encode(y=alt.Y("parameter:N", title=None, sort=order), tooltip=shown)
        band = base.mark_bar(color="#ddd", size=14).encode(x=alt.datum(-1.645), x2=alt.datum(1.645))
        bar = base.mark_bar(size=5).encode(x=alt.X("low:Q", title="prior standard deviations"), x2="high:Q")
        return (band + bar + base.mark_circle(color="black", size=30).encode(x="middle:Q")).properties(
            title=f"What the figures say, {PRIOR_LABELS.get(self.prior_set, self.prior_set)}"
        )

    def _z(self) -> np.ndarray:
        return self.draws.z.reshape(-1, self.draws.z.shape[-1])

    def __repr__(self) -> str:
        chains, draws, _ = self.draws.z.shape
        state = f"{len(self.problems)} problems" if self.problems else "passed"
        return f"<Fit {self.prior_set}: {self.how}, {chains} chains of {draws}, {state}>"

    def _repr_html_(self) -> str:
        from html import escape

        faults = "".join(f"<p>Did not pass: {escape(line)}.</p>" for line in self.problems)
        return f"<p>{escape(repr(self))}</p>{faults}{self.summary().to_html(float_format='{:.3g}'.format)}"


def fit(
    model: Model,
    figures: Figures,
    known_levers: np.ndarray,
    prior_sets: Sequence[str],
    *,
    effort: Effort,
    seed: int,
    stage: Stage,
    unfinished: Unfinished | None = None,
    finished: Callable[[Fit], None] = lambda _: None,
) -> dict[str, Fit]:
    """Fit every prior set, each in a thread of its own with one compiled sampler between them.

    `unfinished` keeps what is under way, and gives what an earlier run was stopped at; `finished` is called with each
    fit as soon as it is drawn, so that whatever fails later loses nothing.
    Raises KeyboardInterrupt after the threads have stopped; finished fits have been handed over.
    """
    kept = unfinished or Unfinished(None, {}, effort)
    begun = {name: held for name in prior_sets if (held := kept.read(name, stage.say))}
    if begun:
        stage.resume(sum(chains.done for chains, _ in begun.values()))
    stage.note("compiling")
    sampler = Sampler(model, figures, effort)
    fits: dict[str, Fit] = {}
    stop = threading.Event()
    faults: list[BaseException] = []

    def work(name: str, offset: int) -> None:
        chains, before = begun.get(name, (None, 0.0))
        since = time.perf_counter() - before

        def advanced(chains: Chains) -> None:
            stage.advance(CHUNK)
            kept.keep(name, chains, time.perf_counter() - since, now=stop.is_set())
            if stop.is_set():
                raise KeyboardInterrupt

        try:
            target = Target(prior_table(model.parameters, name), figures.values, known_levers)
            draws = sampler.sample(
                target, seed=seed + offset, begun=chains, note=stage.note, advanced=advanced
            )
            fits[name] = Fit(model, name, draws, effort, time.perf_counter() - since)
            finished(fits[name])
            kept.drop(name)
        except BaseException as error:
            faults.append(error)
            stop.set()
        finally:
            ended[name].set()

    # to join a thread won't do: Ctrl-C in the middle of that makes Python 3.11 take it for ended
    ended = {name: threading.Event() for name in prior_sets}
    # two fits side by side would fight for the cores
    with threadpool_limits(1, user_api="blas"):
        for i, name in enumerate(prior_sets):
            threading.Thread(target=work, args=(name, i), daemon=True).start()
        try:
            for each in ended.values():
                while not each.wait(timeout=0.2):
                    pass
        except KeyboardInterrupt:
            stop.set()
            for each in ended.values():
                each.wait()
            raise
    if faults:
        raise faults[0]
    return {name: fits[name] for name in prior_sets}
