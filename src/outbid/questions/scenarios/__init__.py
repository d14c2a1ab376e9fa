"""What if: where does each course of action lead, and which is best?"""

from outbid.question import Question
from outbid.questions.scenarios.compute import FILE, Options, answer, declare
from outbid.questions.scenarios.present import lines, problems, section, summary, tables

QUESTION = Question(
    name="scenarios",
    title="What if",
    help="Where does each course of action lead, and which is best?",
    files={FILE: None},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    problems=problems,
    summary=summary,
    options=Options,
    quick=True,
)
