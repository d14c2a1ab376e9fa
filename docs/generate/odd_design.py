"""Element 4 of the ODD page: the design concepts, with the model's own numbers in them."""

from __future__ import annotations

from generate.formulas import of_function
from generate.markdown import blocks, code, literal, table
from outbid.model.diagram import links
from outbid.model.vocabulary import Actor
from outbid.players.schema import read_game
from outbid.study import Study


def design_concepts(study: Study) -> str:
    """Return element 4: the eleven design concepts, each said to be absent where it is."""
    return blocks(
        "## 4. Design concepts",
        f"**Basic principles.** {_principles(study)}",
        f"**Emergence.** {_emergence(study)}",
        _adaptation(study),
        "**Learning.** None: people don't change how they respond. What the user learns from the figures is "
        "told by the posterior.",
        f"**Prediction.** {_prediction(study)}",
        f"**Sensing.** {_sensing(study)}",
        f"**Interaction.** {_interaction(study)}",
        f"**Stochasticity.** {_stochasticity(study)}",
        f"**Collectives.** Groups are all there is: {literal(item.name for item in study.model.stocks)}. "
        "They have no members with a fate of their own.",
        "**Observation.** What leaves the model are the outcomes and, month by month, all states, levers, "
        "counts and moves; "
        "the series of figures see it through the observation laws at the end of element 7.",
    )


def _principles(study: Study) -> str:
    cited = {claim for item in study.model.mechanisms for claim in item.evidence}
    nuisance = [item.name for item in study.model.mechanisms if item.nuisance]
    beside = (
        f" What rests on no claim ({literal(nuisance)}) is there because the figures can't be read without it."
        if nuisance
        else ""
    )
    return (
        "Stocks and flows of people (system dynamics), indices that drift, players with payoffs (game "
        "theory), all conditioned on "
        f"figures (Bayes). Every mechanism cites the claims that it rests on, {len(cited)} of "
        f"{len(study.ledger.claims)} in all.{beside} "
        "An effect that a claim asserts is a parameter whose sign is free under the {term}`neutral <neutral "
        "priors>` priors, "
        "so that the claim starts at even odds, and taken at the claim's word under those of the "
        "{term}`sources <sources' priors>`."
    )


def _emergence(study: Study) -> str:
    free = sum(item.claimed for item in study.model.parameters)
    return (
        "Every path of a state and every outcome comes out of the mechanisms; none is imposed. "
        f"The signs of {free} claimed effects are not imposed either under the neutral priors. Imposed are "
        "the anchors of the indices (element 2), the "
        "form of each formula (element 7), and signs that are a matter of words (a purge expels)."
    )


def _adaptation(study: Study) -> str:
    actors = study.model.actors
    if not actors:
        return "**Adaptation and objectives.** None: levers move as the record or the scenario says."
    return blocks(
        "**Adaptation and objectives.** Under a scenario, levers move as it says. In equilibrium, the "
        "players choose "
        "among the levels of their levers, each month, by the value of what follows, with a private shock to "
        "each choice (logit).",
        *(_actor(study, item) for item in actors),
    )


def _actor(study: Study, item: Actor) -> str:
    levels = [
        (f"`{name}`", ", ".join(f"{each:g}" for each in values)) for name, values in item.levers.items()
    ]
    return blocks(
        f"*{item.name.capitalize()}.* {item.meaning} (claims: {', '.join(item.evidence) or 'none'}). "
        f"{item.payoff.__doc__ or ''} Names of mechanisms stand for the people that they move in the month.",
        code("\n".join(of_function("payoff", item.payoff))),
        table(["Lever", "Levels to choose from"], levels),
        table(["Weight", "Meaning", "Unit", "Neutral prior", "Sources' prior"], _weights(study, item)),
    )


def _weights(study: Study, item: Actor) -> list[tuple[str, ...]]:
    played = read_game(study.folder, study.model)
    known = {each.name: each for each in played.weights} if played else {}
    rows: list[tuple[str, ...]] = []
    for name, value in item.weights.items():
        weight = known.get(f"{item.name}.{name}")
        if weight is None:
            rows.append((f"`{name}`", "", "", f"{value:g}", f"{value:g}"))
        else:
            priors = (weight.priors["neutral"].describe(), weight.priors["sources"].describe())
            rows.append((f"`{name}`", weight.meaning, weight.unit, *priors))
    return rows


def _prediction(study: Study) -> str:
    played = read_game(study.folder, study.model)
    if played is None:
        return "None: nobody in the model looks ahead."
    return (
        "Under a scenario, nobody looks ahead. In equilibrium, the players know the law of motion and weigh "
        "a month against the one "
        f"before by {played.discount:g}."
    )


def _sensing(study: Study) -> str:
    played = read_game(study.folder, study.model)
    if played is None:
        return "A mechanism reads the month's opening states and levers exactly; it reads nothing else."
    axes = literal(axis.name for axis in played.reduction.grid.axes)
    return (
        "A mechanism reads the month's opening states and levers exactly. In equilibrium, the players watch "
        f"{axes}, and hold everything else at what is to be expected given these."
    )


def _interaction(study: Study) -> str:
    found = links(study.model)
    pairs = {(link.source, link.target) for link in found}
    drained: dict[str, set[str]] = {}
    for flow in study.model.flows:
        drained.setdefault(flow.source, set()).add(flow.target)
    shared = [name for name, targets in drained.items() if len(targets) > 1]
    contested = f" Ways out of the same stock compete ({literal(shared)})." if shared else ""
    return (
        f"Indirect, by way of shared states: differentiating the mechanisms finds {len(found)} links between "
        f"{len(pairs)} pairs of "
        f"states, counts and levers, which the report draws.{contested}"
    )


def _stochasticity(study: Study) -> str:
    model = study.model
    if not model.noise:
        return "None in the states; only the figures scatter about what the model says of them."
    rows = [
        f"`{name}` (sd `{model.noise[name]}`, a new one every {_months(model.index(name).noise_months)})"
        for name in model.noisy
    ]
    past = [f"`{item.name}` (a new one every month, sd `{item.noise}`)" for item in model.lever_histories]
    return (
        f"Standard-normal {{term}}`innovations <innovation>` enter {', '.join([*rows, *past])}. People move "
        "by expected values. Given parameters, "
        "innovations and levers, a path is fixed; scenarios are compared on the same innovations "
        "({term}`common random numbers`)."
    )


def _months(number: int) -> str:
    return "month" if number == 1 else f"{number} months"
