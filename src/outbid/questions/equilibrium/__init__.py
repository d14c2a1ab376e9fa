"""What would the players choose, and what would they choose if things were different?"""

from outbid.model.priors import ParameterFile
from outbid.players.schema import FILE, PAYOFFS, Play
from outbid.question import Question
from outbid.questions.equilibrium.compute import answer, declare
from outbid.questions.equilibrium.present import lines, section, summary, tables

QUESTION = Question(
    name="equilibrium",
    title="Their choices",
    help="What would the players choose, and what do their past moves say of what they want?",
    files={FILE: Play, PAYOFFS: ParameterFile},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    summary=summary,
    aside=True,
)
