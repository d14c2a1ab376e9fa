"""study.toml: what a study is called and asks, its months, and who plays which part in its report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from outbid.data.panel import Window
from outbid.declared import (
    Declared,
    Entries,
    Id,
    Many,
    Names,
    Outcome,
    Says,
    ScenarioId,
    Text,
    fault,
    read_required,
    ref,
)
from outbid.errors import check_name
from outbid.model.vocabulary import Reading

_POPULATION = {"horizon_months", "roles", "boxes", "bottom_line", "band"}
_WHOLE = Says("not a whole number of months", "Give 1 to 600.")
_ROLES = Says("not a table of names", 'Write [roles] with lines such as moderation = "moderation".')
_PLAY = Says("missing or not a table", "Say under [play] how the game is played.")
BottomLine = Literal[
    "more_more",
    "less_more",
    "unknown_more",
    "more_less",
    "less_less",
    "unknown_less",
    "more_unknown",
    "less_unknown",
    "unknown_unknown",
]


class Roles(Declared):
    """The parts that scenarios and outcomes of the study play in its report; all may be left out."""

    moderation: ScenarioId | None = Field(None, description="The course that the answer is about.")
    moderation_with_aid: ScenarioId | None = Field(None, description="The same, answered with aid.")
    hardening: ScenarioId | None = Field(None, description="The opposite course.")
    members_lost: Outcome | None = Field(None, description="Members who go over to the challenger.")
    resources: Outcome | None = Field(None, description="What the incumbent lives on.")
    aid: Outcome | None = Field(None, description="What outsiders give.")
    attacks: Outcome | None = Field(None, description="The challenger's attacks.")
    challengers: Outcome | None = Field(None, description="The challenger's strength.")
    cohesion: Outcome | None = Field(None, description="How far the incumbent holds together.")


class Band(Declared):
    """An inferred path that the report's history shows, with the published figures beside it."""

    own_label = True

    id: Id
    output: Annotated[str, ref("past output", "the past tells nothing of the name")] = Field(
        description='A state, quantity or count, or "outcome.x", "lever.x", "sees.x".'
    )
    label: Text
    unit: Text
    side: Literal["challenger", "incumbent", "outside", "other"] = Field("other", description="Its colour.")
    panel: Text = Field("", description="The band in whose panel it is drawn; its own, if left out.")
    axis: Text = Field("", description="Title of the panel's axis; the label, if left out.")
    scale: Literal["linear", "sqrt", "free"] = Field("linear", description='"free" need not begin at zero.')
    short: Text = Field("", description="Its name inside the picture.")
    noun: Text = Field("", description="The heading on the past speaks of the first two bands that have one.")
    figures: dict[Annotated[str, ref("series")], str] = Field(
        default={}, description="Series drawn beside it, with a short name; an empty one is by reporter."
    )


class Settings(Declared):
    """study.toml: what a study is called and asks, its months, and who plays which part in its report.

    A study of the kind "game" is estimated and solved as a game instead of simulated: `play` says how, and it has
    neither a horizon nor roles, boxes and bands.
    """

    title: Text
    question: Text
    incumbent: Text = Field(description="The movement that rules, or leads.")
    challenger: Text = Field(description="The rival that is harder in its line.")
    first_month: Text = Field(description="The first month of the data, YYYY-MM.")
    last_month: Text = Field(description="The last month of the data, YYYY-MM.")
    kind: Literal["population", "game"] = "population"
    horizon_months: Annotated[int, Field(ge=1, le=600), _WHOLE] = Field(
        0, description="Months ahead that scenarios look; needed, unless the study is a game."
    )
    parts: Annotated[Roles, _ROLES] = Field(Roles(), alias="roles")
    boxes: Annotated[
        Many[Annotated[str, ref("state, lever or count")]],
        Says("not a list of names", 'Write boxes = ["standing"].'),
    ] = Field((), description="States, levers and counts that the diagram draws; all, if left out.")
    bottom_line: dict[BottomLine, Text] = Field(
        default={}, description="The answer's last sentence, by the readings of the two first outcomes."
    )
    bands: Entries[Band] = Field((), alias="band")
    play: Annotated[dict[str, Any], _PLAY] = Field(default={}, description="A game study's own settings.")

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        game = self.kind == "game"
        keys = {name: each.alias or name for name, each in type(self).model_fields.items()}
        known = set(keys.values()) - (_POPULATION if game else {"play"})
        for key in (keys[name] for name in self.model_fields_set):
            check_name(key, known, key, "unknown key")
        if game and not self.play:
            raise fault(_PLAY.problem, _PLAY.fix, "play")
        if not game and not self.horizon_months:
            raise fault(_WHOLE.problem, _WHOLE.fix, "horizon_months")
        names = [each.id for each in self.bands]
        for band in self.bands:
            check_name(band.panel or band.id, names, f"{band.id}, panel", f"no band {band.panel!r}")
        assert self.window  # complains of months that are none
        return self

    @cached_property
    def window(self) -> Window:
        """The months of the data."""
        return Window(self.first_month, self.last_month)

    @property
    def roles(self) -> Mapping[str, str]:
        """Scenarios and outcomes by the part that they play."""
        given: dict[str, str] = self.parts.model_dump(exclude_none=True)
        return given

    def bottom(self, first: Reading, second: Reading, course: str) -> str:
        """Return the answer's last clause, by the readings of the two first outcomes; empty if none is declared."""
        key: Any = f"{first}_{second}"
        return self.bottom_line.get(key, "").replace("{course}", course)


def read_settings(path: Path, names: Names | None = None) -> Settings:
    """Read study.toml; roles, bands and their figures are held against `names`, once they are known.

    Raises InputError on malformed TOML, an unknown or missing key, a wrong type, an impossible month or an
    unknown name.
    """
    return read_required(path, Settings, names or {})
