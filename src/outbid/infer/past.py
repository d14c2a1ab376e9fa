"""The former names of `outbid.infer.history`, until nothing uses them."""

from __future__ import annotations

from outbid.infer.history import HistorySimulator as Historian
from outbid.infer.history import SmoothedHistory as Past
from outbid.infer.history import history_outputs as past_outputs

__all__ = ["Historian", "Past", "past_outputs"]
