"""The questions that can be put to a study, in the order of the page.

To add one, write its folder and name it in `QUESTIONS`.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import xarray as xr

from outbid.declared import parse
from outbid.errors import check_name
from outbid.progress import Progress, Silent
from outbid.question import Context, Question
from outbid.questions import claims, equilibrium, information_value, replay, scenarios, sensitivity, trap
from outbid.run import StudyRun
from outbid.study import Reader, Study

QUESTIONS: tuple[Question[Any], ...] = (
    claims.QUESTION,
    scenarios.QUESTION,
    replay.QUESTION,
    sensitivity.QUESTION,
    equilibrium.QUESTION,
    trap.QUESTION,
    information_value.QUESTION,
)


def _named(name: str) -> Question[Any]:
    return by_name()[name]


# a question is sent to another process by its name
copyreg.pickle(Question, lambda question: (_named, (question.name,)))


def by_name() -> dict[str, Question[Any]]:
    """Return the questions by name."""
    return {each.name: each for each in QUESTIONS}


def readers() -> tuple[Reader, ...]:
    """Return, for each question, its name and what reads a study's declaration of it (see `outbid.study.load_study`)."""
    return tuple((each.name, each.declare) for each in QUESTIONS)


def chosen(question: Question[Any], study: Study, given: Mapping[str, Any]) -> Any:
    """Return what was said of a question beside the study's declaration, checked; None if nothing can be said.

    Raises InputError if there is no such option, or its value is wrong.
    """
    known = question.options.model_fields if question.options else {}
    for name in given:
        check_name(name, known, f"{question.name}, {name}", "unknown option")
    if question.options is None:
        return None
    return parse(question.name, given, question.options, {**study.names, "study": study})


def answer(
    names: Sequence[str], run: StudyRun, options: Mapping[str, Any] | None = None
) -> dict[str, xr.Dataset]:
    """Answer questions, and first what they need, each once; what a study doesn't ask is left out.

    `names`: what is wanted; what they need besides is left out of a quick run, if that doesn't carry it.
    `options`: by question, what was `chosen` beside the study's declaration.
    """
    questions, study, known = by_name(), run.study, run.known
    asked = study.declared
    wanted = [
        name
        for name in in_order(names, questions)
        if asked.get(name) is not None and (name in names or questions[name].quick or not run.settings.quick)
    ]
    results: dict[str, Future[xr.Dataset]] = {}
    shared: dict[str, Any] = {}

    def one(name: str, progress: Progress) -> xr.Dataset:
        question = questions[name]

        def of(other: str) -> xr.Dataset | None:
            if other not in question.needs:
                raise KeyError(f"{name} does not name {other} in its needs")
            return results[other].result() if other in results else None

        context = Context(study, known, run.simulator, run.settings, progress, of, shared)
        return question.answer(context, asked[name], (options or {}).get(name))

    quiet = Silent()
    with ThreadPoolExecutor(1) as pool:
        for name in wanted:  # what is needed comes first
            if questions[name].aside:
                results[name] = pool.submit(one, name, quiet)
            else:
                results[name] = Future()
                results[name].set_result(one(name, run.progress))
    run.progress.timing.update(quiet.timing)
    return {name: results[name].result() for name in wanted}


def in_order(names: Sequence[str], questions: Mapping[str, Question[Any]]) -> list[str]:
    """Return questions with all that they need, what is needed first."""
    result: list[str] = []
    for name in names:
        result += [each for each in (*in_order(questions[name].needs, questions), name) if each not in result]
    return result
