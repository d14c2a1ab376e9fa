"""The smallest study that loads: a party, its breakaway wing, and one lever."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "__init__.py": '''"""Two groups, one lever: the smallest contest that loads."""

from outbid.model.vocabulary import Lever, Stock

from . import moves

theory = (moves,)
stocks = (
    Stock("party", "People in the party", 5_000.0, "incumbent"),
    Stock("wing", "People in the wing", "wing_at_start", "challenger"),
)
indices = ()
levers = (Lever("patrols", "Share of districts that are patrolled", "incumbent", 0.0, 1.0),)
''',
    "moves.py": '''"""How people cross over and come home, what is counted of it, and what a course is judged by."""

from outbid.model.vocabulary import Flow, LogNormal, exp, mechanism, observation, outcome


@mechanism(evidence=["W01"])
def crossing(s, u, p):
    """People cross to the wing; patrols may push them or hold them back."""
    return Flow("party", "wing", p.crossing_rate * exp(p.patrol_push * (u.patrols - 0.4)))


@mechanism(evidence=["W02"])
def homecoming(s, u, p):
    """People of the wing come home where there are patrols."""
    return Flow("wing", "party", p.home_rate * u.patrols)


@observation(LogNormal(0.2), aggregate="mean")
def headcount(s, u, p, m):
    """Headcounts of the wing."""
    return s.wing


@outcome(label="Crossings", unit="persons", better="lower", summary="sum")
def crossings(s, u, p, m):
    """People who cross to the wing."""
    return m.crossing
''',
    "study.toml": """title = "A party and its breakaway wing"
question = "Does patrolling thin the wing out?"
incumbent = "Party"
challenger = "Wing"
first_month = "2015-01"
last_month = "2016-12"
horizon_months = 12

[roles]
moderation = "relax"
members_lost = "crossings"
""",
    "parameters.toml": """[wing_at_start]
unit = "persons"
meaning = "People in the wing when the window opens"
neutral = { lognormal = [300, 0.4] }

[crossing_rate]
unit = "1/month"
meaning = "Share of the party that crosses in a month"
neutral = { lognormal = [0.004, 0.6] }

[patrol_push]
unit = "log hazard per unit of patrols"
meaning = "How far patrols push people across"
neutral = { normal = [0, 1] }
sources = { half_normal = [1] }
claimed = true
evidence = ["W01"]

[home_rate]
unit = "1/month"
meaning = "Share of the wing that comes home in a month under full patrols"
neutral = { lognormal = [0.03, 0.6] }
""",
    "series.toml": """[headcount]
label = "People in the wing"
unit = "persons"
meaning = "Headcounts of the wing"
kind = "level"
file = "figures/headcount.csv"
""",
    "figures/headcount.csv": """series,start,end,value,low,high,source,note,used,why_not,except_start,except_end
headcount,2015-02,2015-02,310,,,tally,,yes,,,
headcount,2015-09,2015-09,420,,,tally,,yes,,,
headcount,2016-05,2016-05,,450,620,tally,,yes,,,
headcount,2016-12,2016-12,560,,,tally,,yes,,,
""",
    "levers.csv": """lever,start,end,value,basis,source,note
patrols,2015-01,2015-12,0.3,judgement,,
patrols,2016-01,2016-12,0.7,judgement,,
""",
    "marks.csv": """date,kind,id,label,source,direction,claims
""",
    "figure_sources.toml": """[[source]]
id = "tally"
title = "Made up for a test"
outlet = ""
author = ""
date = "2017"
url = ""
licence = "None needed."
""",
    "claim_sources.toml": """[[source]]
id = "memo"
title = "Made up for a test"
outlet = ""
author = ""
date = "2017"
url = ""
licence = "None needed."
""",
    "claims.toml": """[[claim]]
id = "W01"
kind = "C"
statement = "Patrols drive people into the wing."
source = "memo"
locator = "line 1"
homes = ["mechanism:crossing", "parameter:patrol_push"]

[[claim]]
id = "W02"
kind = "C"
statement = "Where there are patrols, some come home."
source = "memo"
locator = "line 2"
homes = ["mechanism:homecoming"]
""",
    "scenarios.toml": """[[scenario]]
id = "stay"
label = "No change"
description = "Patrols stay."
baseline = true

[[scenario]]
id = "relax"
label = "Fewer patrols"
description = "Patrols fall to a quarter."

[[scenario.change]]
lever = "patrols"
shape = "step"
to = 0.25

[[scenario]]
id = "tighten"
label = "More patrols"
description = "Patrols everywhere."

[[scenario.change]]
lever = "patrols"
shape = "step"
to = 1.0
""",
}


def write(folder: Path) -> Path:
    """Write the study into a new folder, and return that."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
