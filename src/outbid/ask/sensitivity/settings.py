"""What a study asks to have explained and discovered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from outbid.simulate.scenario import Scenario

VALUE, PLACE = "value", "place"
SCALES = (VALUE, PLACE)


@dataclass(frozen=True)
class Explain:
    """An outcome whose spread is shared out among what is uncertain.

    Parameters
    ----------
    scenario, against
        The course that is played; its outcome itself is explained where `against` is empty, else the difference
        from that course with the same chances.
    scale
        "value": the outcome as it is; "place": its place among all draws, 0 to 1, so that a few extreme ones
        don't decide.
    """

    id: str
    label: str
    outcome: str
    scenario: str
    against: str = ""
    scale: str = VALUE


@dataclass(frozen=True)
class Condition:
    """What an outcome's difference between two courses must be: above or below a number, in the outcome's unit."""

    outcome: str
    words: str
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Discover:
    """A question "when ...?": where do all conditions hold together, between `scenario` and `against`?

    `answer` is the clause that a box completes, such as "moderation pays".
    """

    id: str
    question: str
    answer: str
    scenario: str
    against: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class SensitivitySettings:
    """What sensitivity.toml declares.

    Parameters
    ----------
    base_samples
        N of the Saltelli design, a power of two: N (inputs + 2) runs.
    scenarios
        Every course that is played, by id.
    """

    base_samples: int
    explain: tuple[Explain, ...]
    discover: tuple[Discover, ...]
    scenarios: Mapping[str, Scenario]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Every outcome that is looked at, once."""
        asked = [each.outcome for each in self.explain]
        asked += [condition.outcome for each in self.discover for condition in each.conditions]
        return tuple(dict.fromkeys(asked))
