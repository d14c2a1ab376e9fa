"""How would it have gone with another lever and the same shocks?"""

from outbid.question import Question
from outbid.questions.replay.compute import answer
from outbid.questions.replay.present import lines, problems, section, tables
from outbid.questions.replay.schema import FILE, Replays, declare

QUESTION = Question(
    name="replay",
    title="Replays",
    help="How would it have gone with other levers and the same shocks?",
    files={FILE: Replays},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    problems=problems,
)
