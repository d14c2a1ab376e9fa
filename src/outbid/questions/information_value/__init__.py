"""What to collect next: how far figures that don't exist yet would narrow a claim or a decision."""

from outbid.question import Question
from outbid.questions.information_value.compute import answer
from outbid.questions.information_value.present import lines, problems, section, tables
from outbid.questions.information_value.schema import FILE, Collection, declare

QUESTION = Question(
    name="information_value",
    title="What to collect",
    help="Which figures would tell most about a claim or a decision?",
    files={FILE: Collection},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    problems=problems,
    needs=("claims",),
)
