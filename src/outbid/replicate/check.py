"""Whether a game study is sound, before anything is estimated."""

from __future__ import annotations

from outbid.model.anchors import check_anchors
from outbid.model.priors import PRIOR_SETS, prior_table
from outbid.replicate.published import read_published
from outbid.replicate.settings import play_settings
from outbid.study import Study, unresolved


def check_game(study: Study) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a game study holds, in lines, and every problem that loading did not already refuse.

    Every ID is resolved both ways, the play and the published figures are read, and the anchors of latent indices are
    verified by differentiation.

    Raises
    ------
    InputError
        On an entry of study.toml or published.csv that can't be used.
    """
    play = play_settings(study)
    published = read_published(study.folder / "published.csv", study.figure_sources)
    model, window = study.model, play.window
    check_anchors(model, {name: prior_table(model.parameters, name) for name in PRIOR_SETS})
    problems = unresolved(study)
    tables = sorted({each.table for each in published})
    lines = (
        f"{study.settings.title}: a game of {' and '.join(play.labels)} over {play.state},",
        f"{len(published)} published figures in {len(tables)} tables, {len(study.ledger.claims)} claims, "
        f"{len(window)} months ({window.first_month} to {window.last_month}).",
        "Every ID resolves, both ways." if not problems else f"{len(problems)} problems.",
    )
    return lines, problems
