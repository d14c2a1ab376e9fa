"""Which unknowns matter most for an outcome (Sobol's shares), and when something holds (boxes)."""

from outbid.question import Question
from outbid.questions.sensitivity.compute import answer
from outbid.questions.sensitivity.present import lines, problems, section, tables
from outbid.questions.sensitivity.schema import FILE, Options, Sensitivity, declare

QUESTION: Question[Sensitivity] = Question(
    name="sensitivity",
    title="What matters",
    help="Which unknowns matter most, and when does a course pay?",
    files={FILE: Sensitivity},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    problems=problems,
    # a thousand rows would drown the rest of summary.json
    summary=lambda data, study: {},
    options=Options,
)
