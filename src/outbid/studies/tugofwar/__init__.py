"""Hamas and Fatah, January 1994 to December 2018: two groups that pull public opinion their way by attacking.

The theory is that of Crisman-Cox and Gibilisco (Tug of War, International Organization): opinion.py says how
popularity moves, groups.py what each group wants. study.toml says how the game is played and which tables
of the article are made again; published.csv holds the article's own figures.
"""

from outbid.model.vocabulary import Anchor, Index, Lever

from . import groups, opinion

theory = (opinion, groups)

stocks = ()

indices = (
    Index(
        "popularity",
        "Relative popularity: high favours Fatah, low favours Hamas",
        0.0,
        # The polls settle the sign in the data; here it is settled by whose attacks pull upwards.
        Anchor("drift:popularity", sign=1, of="fatah_attack"),
        low=-60.0,
        high=60.0,
        side="people",
    ),
)

levers = (
    Lever("hamas_attack", "Whether Hamas attacks in the month", "challenger", 0.0, 1.0, "0 or 1", 1.0),
    Lever("fatah_attack", "Whether Fatah attacks in the month", "incumbent", 0.0, 1.0, "0 or 1", 1.0),
)
