"""The toy study of the tutorial, written out as a folder, and the same with questions put to it."""

from __future__ import annotations

import re
from pathlib import Path

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorials" / "6-write-a-study.md"
_WRITTEN = re.compile(r"^```\{written\} toy/(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CLAIM_TESTS = """
[[test]]
id = "pressure_drives"
claims = ["T01"]
question = "When the splinter is pressed harder, do more members join it?"
answer_if = "more join within a year"
measure = "moved.joining"
label = "members who join"
unit = "persons"
summary = "sum"
months = 12
sign = 1
smallest = 20

[[test.change]]
lever = "pressure"
shape = "step"
by = 0.2

[[untested]]
claims = ["T02"]
why = "Built in."
"""
REPLAYS = """
[[replay]]
id = "quiet"
label = "No raids"
description = "2021 stays as quiet as 2020."

[[replay.change]]
lever = "pressure"
to = 0.2
from = "2021-01"
"""
SENSITIVITY = """
base_samples = 16

[[explain]]
id = "joined_ahead"
label = "Who joins within two years"
outcome = "joined"

[[discover]]
id = "easing_pays"
question = "When does easing off keep members?"
answer = "easing off keeps members"
scenario = "ease"

[[discover.condition]]
outcome = "joined"
below = 0.0
words = "fewer join"
"""
WORTH = """
[[claim]]
id = "T01"
test = "pressure_drives"
label = "pressure drives members to the splinter"

[[decision]]
id = "ease_off"
label = "press on or ease off"
options = ["baseline", "ease"]
outcome = "joined"

[[measure]]
id = "joiners"
label = "tallies of joiners"
action = "Count reports of members who joined."
effort = "desk work"
sees = "outcome.joined"
every = 1
months = 12
law = "poisson"
"""


def write_toy(folder: Path, **files: str) -> Path:
    """Write the tutorial's study into a folder and return it; `files` are more of them, by name without ".toml"."""
    texts = dict(_WRITTEN.findall(TUTORIAL.read_text(encoding="utf-8")))
    for name, text in {**texts, **{f"{name}.toml": text for name, text in files.items()}}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_asking_toy(folder: Path) -> Path:
    """Write the tutorial's study with every question that needs no players and no outside offer."""
    return write_toy(folder, claim_tests=CLAIM_TESTS, replays=REPLAYS, sensitivity=SENSITIVITY, worth=WORTH)
