"""The Taliban against Islamic State-Khorasan, September 2021 to July 2026.

The theory is in people.py, violence.py, standing.py, outside.py and actors.py, one mechanism a function;
outcomes.py says what scenarios are judged by, observations.py what the figures see. Here are the states.
"""

from outbid.model.vocabulary import Anchor, Index, Lever, Stock

from . import actors, observations, outcomes, outside, people, standing, violence

POPULATION = 41_000_000.0  # persons, rounded; only its order of magnitude matters

theory = (people, violence, standing, outside, actors, outcomes, observations)

stocks = (
    Stock("hardliners", "Members of the incumbent who fight and believe", "hardliners_start", "incumbent"),
    Stock("pragmatists", "Members in administrative posts", "pragmatists_start", "incumbent"),
    Stock("challengers", "The challenger's members", "challengers_start", "challenger"),
    Stock(
        "infiltrators",
        "The challenger's people inside the incumbent's bodies",
        "infiltrators_start",
        "challenger",
    ),
    Stock("dismissed", "Members expelled by the incumbent", 0.0, "people"),
    Stock("sympathisers", "People whom the challenger could recruit", "sympathisers_start", "people"),
    Stock("detained", "The challenger's members in detention", 0.0, "incumbent"),
    Stock("population", "Everybody else", POPULATION, "people"),
    Stock("killed", "The challenger's dead", 0.0, "challenger", sink=True),
    Stock("left", "Those who went home", 0.0, "people", sink=True),
)

indices = (
    Index(
        "standing",
        "The incumbent's credit among hardliners against the challenger; 0 in September 2021",
        0.0,
        Anchor("hazard:defection", sign=-1, coefficient=-1.0),
        noise_months=3,
        side="incumbent",
    ),
    Index(
        "grievance",
        "Grievance of Salafis against the incumbent; 0 in September 2021",
        0.0,
        Anchor("hazard:recruitment", sign=1, coefficient=1.0),
    ),
    Index(
        "security",
        "How safe the country seems, 0 to 1",
        0.5,
        Anchor("drift:security", sign=-1, of="violence_seen"),
        scale="logit",
    ),
    Index(
        "engagement",
        "How far foreign states deal with the incumbent; 0 in September 2021",
        0.0,
        Anchor("observation:engagement_forward", sign=1, coefficient=1.0),
        noise_months=3,
        side="outside",
    ),
    Index(
        "aid",
        "External grants, 1 at the level of 2022",
        "aid_start",
        Anchor("observation:external_grants", sign=1),
        scale="log",
        low=0.01,
        high=20.0,
        noise_months=3,
        side="outside",
    ),
    Index(
        "hardship",
        "People in need on a log scale; 0 is 24 million",
        "hardship_start",
        Anchor("observation:people_in_need", sign=1, coefficient=1.0),
        noise_months=3,
    ),
    Index(
        "tempo",
        "The challenger's tempo on a log scale; 0 in September 2021",
        0.0,
        Anchor("count:attacks_home", sign=1, coefficient=1.0),
        low=-8.0,
        high=4.0,
        side="challenger",
    ),
    Index(
        "demonstration",
        "Memory of recent attacks; 1 is thirty attacks a month for long",
        "demonstration_start",
        Anchor("drift:demonstration", sign=1, of="attacks_home"),
        low=0.0,
        high=5.0,
        side="challenger",
    ),
    Index(
        "other_violence",
        "Violence by others, log of events a month",
        "other_violence_start",
        Anchor("observation:state_based_events", sign=1),
        low=-3.0,
        high=7.0,
        side="outside",
    ),
)

levers = (
    Lever("hardness", "How closely rule follows the pattern of before 2001, 0 to 1", "incumbent", 0.0, 1.0),
    Lever("edict_pressure", "How many edicts, 1 in a usual month", "incumbent", 0.0, 20.0, "usual months"),
    Lever("repression", "How broadly Salafis are repressed for what others do", "incumbent", 0.0, 1.0),
    Lever("counterforce", "How hard the challenger is pressed", "incumbent", 0.0, 1.0),
    Lever("purge", "How hard the ranks are purged", "incumbent", 0.0, 1.0),
    Lever("vetting", "How hard infiltrators are looked for", "incumbent", 0.0, 1.0),
    Lever(
        "effort",
        "The challenger's deliberate change of effort at home",
        "challenger",
        -3.0,
        3.0,
        "log points",
    ),
    Lever("sectarian_share", "Share of attacks on sectarian targets", "challenger", 0.0, 0.8),
    Lever("foreign_share", "Share of attacks on foreign targets", "challenger", 0.0, 0.2),
    Lever("propaganda", "Reach of the challenger's propaganda", "challenger", 0.0, 1.0),
    Lever("aid_offer", "Aid on offer, 1 at the appeal of 2022", "outside", 0.01, 5.0, "share of 2022"),
    Lever("conditionality", "How far aid depends on openness", "outside", 0.0, 0.95),
    Lever("recognition_offer", "How far recognition is on offer for openness", "outside", 0.0, 1.0),
    Lever("revenue", "The incumbent's own revenue", "outside", 0.0, 20.0, "billion US dollars a year"),
)
