"""By what outsiders offer and how the ranks are made up: does a course gain or lose, and is it a trap?"""

from outbid.question import Question
from outbid.questions.trap.compute import answer
from outbid.questions.trap.present import lines, problems, section, tables
from outbid.questions.trap.schema import FILE, Trap, declare

QUESTION: Question[Trap] = Question(
    name="trap",
    title="The trap",
    help="At what offer does a course gain or lose, and is it a trap?",
    files={FILE: Trap},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    problems=problems,
    # the map's cells would drown the rest of summary.json
    summary=lambda data, study: {},
    needs=("equilibrium",),
)
