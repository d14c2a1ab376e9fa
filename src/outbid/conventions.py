"""Names and limits that several places use and that must not drift apart: prior sets, verdicts, quantiles, diagnostics."""

from __future__ import annotations

from typing import Final

# Prior sets in the order in which they are told, and what a reader is told of them.
NEUTRAL: Final = "neutral"
SOURCES: Final = "sources"
PRIOR_SETS: Final = (NEUTRAL, SOURCES)
PRIOR_LABELS: Final = {"neutral": "without taking sides", "sources": "taking the texts at their word"}

# The quantiles that every table holds, by column.
QUANTILES: Final = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}

# After the data and before them: the dimension `data` of every Dataset.
AFTER: Final = "after"
BEFORE: Final = "before"
DATA: Final = (AFTER, BEFORE)

# What a sampler must pass (Vehtari and others, 2021; Betancourt, 2016): R-hat under, effective draws over, ...
LARGEST_RHAT: Final = 1.01
LEAST_EFFECTIVE: Final = 400
LARGEST_DIVERGENT_SHARE: Final = 0.001
LEAST_BFMI: Final = 0.3

# Verdicts on a claim.
SUPPORTED: Final = "supported"
CONTRADICTED: Final = "contradicted"
NOT_IDENTIFIED: Final = "not identified"
BUILT_IN: Final = "built in"
# From the weakest: a claim of several tests is as strong as the weakest of them.
STRENGTH: Final = (CONTRADICTED, NOT_IDENTIFIED, SUPPORTED, BUILT_IN)
# The probability from which a claim is called, and how far the data must have moved its odds: a Bayes factor of
# three is where Kass and Raftery (1995) begin to speak of positive evidence.
CALLED: Final = 0.95
MOVED: Final = 3.0
# The share of draws from which something counts as built in: a state at the edge of its range, or a stock that runs
# dry, may turn a few draws of what the form makes true.
NEARLY_ALL: Final = 0.99
# An effect this small beside the largest is rounding.
ROUNDING: Final = 1e-9
