"""A finished fit: draws under one prior set with their diagnostics, as tables, as a Dataset and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from outbid.conventions import PRIOR_LABELS, QUANTILES
from outbid.infer.diagnostics import Diagnostics
from outbid.infer.posterior import Draws
from outbid.model.declare import Model
from outbid.model.priors import prior_table

if TYPE_CHECKING:
    import pandas as pd

# Dimensions and coordinates of the results: a variable of one of these names gets an underscore behind it.
RESERVED = frozenset(
    {"chain", "draw", "month", "path", "entry", "quantile", "posterior_chain", "posterior_draw"}
)


def variable(name: str) -> str:
    """Return the name under which a parameter, series or state stands in a Dataset."""
    return f"{name}_" if name in RESERVED else name


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """What the figures say of a model under one prior set.

    Parameters
    ----------
    draws
        The vectors of standard normals, (chains, draws, entries), from which everything else follows.
    how
        "sampled" or "short" (a quick run's few draws).
    """

    model: Model
    prior_set: str
    draws: Draws
    diagnostics: Diagnostics
    seconds: float
    how: str = "sampled"

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
            {"inference_library": "numpyro", "prior_set": self.prior_set},
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

        parameters, told = self.model.parameters, self.diagnostics
        values = np.stack([np.asarray(self.posterior[variable(item.name)]).ravel() for item in parameters])
        kept = ("median", "q05", "q95")
        low_to_high = np.quantile(values, [QUANTILES[name] for name in kept], axis=1)
        number = len(parameters)
        return pd.DataFrame(
            {
                "unit": [item.unit for item in parameters],
                "prior": [item.priors[self.prior_set].describe() for item in parameters],
                "mean": values.mean(axis=1),
                "sd": values.std(axis=1),
                **dict(zip(kept, low_to_high, strict=True)),
                "contraction": 1.0 - self._z().var(axis=0)[:number],
                "rhat": told.rhat[:number],
                "ess_bulk": told.ess_bulk[:number],
                "ess_tail": told.ess_tail[:number],
            },
            index=pd.Index([item.name for item in parameters], name="parameter"),
        )

    def plot(self) -> Any:
        """Return an Altair chart: where the figures moved each parameter, in standard deviations of its prior.

        The grey band holds 90% of every prior, a bar 90% of a posterior, the dot is its median.
        """
        import altair as alt

        number = len(self.model.parameters)
        shares = [QUANTILES[name] for name in ("q05", "median", "q95")]
        low, middle, high = np.quantile(self._z()[:, :number], shares, axis=0)
        table = self.summary().reset_index().assign(low=low, middle=middle, high=high)
        told = [*("parameter", "unit", "prior", "median", "q05", "q95", "contraction")]
        base = alt.Chart(table).encode(
            y=alt.Y("parameter:N", title=None, sort=alt.SortField("contraction", "descending")), tooltip=told
        )
        band = base.mark_bar(color="#ddd", size=14).encode(x=alt.datum(-1.645), x2=alt.datum(1.645))
        bar = base.mark_bar(size=5).encode(x=alt.X("low:Q", title="prior standard deviations"), x2="high:Q")
        return (band + bar + base.mark_circle(color="black", size=30).encode(x="middle:Q")).properties(
            title=f"What the figures say, {PRIOR_LABELS.get(self.prior_set, self.prior_set)}"
        )

    def _z(self) -> np.ndarray:
        return self.draws.z.reshape(-1, self.draws.z.shape[-1])

    def __repr__(self) -> str:
        chains, draws, _ = self.draws.z.shape
        state = "passed" if self.diagnostics.passed else f"{len(self.problems)} problems"
        return f"<Fit {self.prior_set}: {self.how}, {chains} chains of {draws}, {state}>"

    def _repr_html_(self) -> str:
        from html import escape

        faults = "".join(f"<p>Did not pass: {escape(line)}.</p>" for line in self.problems)
        return f"<p>{escape(repr(self))}</p>{faults}{self.summary().to_html(float_format='{:.3g}'.format)}"
