"""What became of a study's questions on what matters, under one prior set."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.ask.sensitivity.discover import Finding
from outbid.ask.sensitivity.explain import Dependent, Shares
from outbid.ask.sensitivity.inputs import Input
from outbid.ask.sensitivity.settings import SensitivitySettings
from outbid.model.declare import Model


@dataclass(frozen=True)
class Sensitivity:
    """What matters most, and when something holds, under one prior set.

    Parameters
    ----------
    weighted, free
        Sobol indices over the posterior's marginals, and free of the priors; the latter under the neutral set
        alone, since it is the same whatever the data say. None where nothing is to be explained.
    dependent
        First-order shares on the posterior's draws as they are.
    """

    model: Model
    settings: SensitivitySettings
    inputs: tuple[Input, ...]
    weighted: Shares | None
    free: Shares | None
    dependent: Dependent | None
    findings: tuple[Finding, ...]
