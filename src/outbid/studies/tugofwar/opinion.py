"""How public opinion moves from month to month."""

from outbid.model.vocabulary import Drift, mechanism


@mechanism(evidence=["T01", "T02"])
def popularity(s, u, p):
    """Last month's popularity carries over, and each group's attacks pull it, more or less so where it stands high."""
    hamas = (p.hamas_pull + p.hamas_pull_by_popularity * s.popularity) * u.hamas_attack
    fatah = (p.fatah_pull + p.fatah_pull_by_popularity * s.popularity) * u.fatah_attack
    change = p.constant + hamas + fatah + (p.persistence - 1.0) * s.popularity
    return Drift("popularity", change, noise="shock")
