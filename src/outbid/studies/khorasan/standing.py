"""What people believe: the incumbent's standing among hardliners, grievance, security.

Each long-run effect is in log points of the hazard (or log odds of security) that the index enters, per
standard change of its cause; persistence only says how fast it gets there.
"""

from outbid.model.vocabulary import Drift, log1p, logit, mechanism


@mechanism(evidence=["N02", "N04", "N22", "N30", "N32", "M08", "M12", "M21", "M22", "M26", "M27"])
def standing(s, u, p):
    """Hardening raises the incumbent's standing among hardliners; diplomacy, aid and unanswered attacks lower it."""
    level = (
        -p.standing_engagement * (s.engagement - 0.4)
        - p.standing_aid * (s.aid - 0.7) / 0.3
        - p.standing_attacks * s.violence_seen / 2.0
        + p.standing_operations * (log1p(s.raids) - 1.0)
    )
    hardening = p.standing_hardness * (u.hardness - u.previous.hardness) / 0.1
    change = (1.0 - p.standing_persistence) * (level - s.standing) + hardening
    return Drift("standing", change, noise="standing_noise")


@mechanism(evidence=["M24", "N22", "N29"])
def grievance(s, u, p):
    """Broad repression of Salafis, and sectarian attacks, may feed grievance against the incumbent."""
    level = p.grievance_repression * (u.repression - 0.5) / 0.2 + p.grievance_sectarian * (
        log1p(s.attacks_sectarian) - 1.0
    )
    return Drift("grievance", (1.0 - p.grievance_persistence) * (level - s.grievance))


@mechanism(evidence=["N04", "N08", "N09", "N12", "N24", "M28"])
def security(s, u, p):
    """Security is what attacks take away; attacks on foreign targets, and the incumbent's means, may move it further."""
    level = (
        -s.violence_seen
        - p.security_foreign_targets * log1p(s.attacks_foreign_target)
        + p.security_capacity * s.capacity
    )
    return Drift("security", (1.0 - p.security_persistence) * (level - logit(s.security)))
