"""What would the players choose, and what would they choose if things were different?"""

from outbid.model.priors import ParameterFile
from outbid.players.schema import FILE, PAYOFFS, Play, read_game
from outbid.question import Question
from outbid.questions.equilibrium.compute import answer
from outbid.questions.equilibrium.present import lines, section, summary, tables

QUESTION = Question(
    name="equilibrium",
    title="Their choices",
    help="What would the players choose, and what do their past moves say of what they want?",
    files={FILE: Play, PAYOFFS: ParameterFile},
    declare=lambda study: read_game(study.folder, study.model),
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    summary=summary,
    aside=True,
)
