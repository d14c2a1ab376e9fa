"""What became of the sources' claims: each put to the test that the study declares for it."""

from outbid.question import Question
from outbid.questions.claims.compute import answer
from outbid.questions.claims.present import brief, lines, problems, section, summary, tables
from outbid.questions.claims.schema import FILE, ClaimTests, declare

QUESTION = Question[ClaimTests](
    name="claims",
    title="Claims",
    help="What became of the sources' claims?",
    files={FILE: ClaimTests},
    declare=declare,
    answer=answer,
    tables=tables,
    section=section,
    lines=lines,
    problems=problems,
    brief=brief,
    summary=summary,
    needs=("equilibrium",),
    quick=True,
)
