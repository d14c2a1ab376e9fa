"""What each series of figures sees of the model, a month at a time, and how exactly."""

from outbid.model.vocabulary import LogNormal, NegativeBinomial, Poisson, exp, observation

from .outside import GRANTS_2022, IN_NEED


def recorded_state_events(s, p):
    """Events of government against challenger that UCDP records: attacks on the state, and raids that end in deaths."""
    return p.recorded_share * s.attacks_state + p.recorded_raids * s.raids


def recorded_civilian_events(s, p):
    """Events of challenger against civilians that UCDP records."""
    return p.recorded_share * (s.attacks_sectarian + s.attacks_foreign_target)


def government_events(s, p):
    """Events of government against civilians: a level of its own that may move with other violence."""
    return p.government_events * exp(p.government_events_response * (s.other_violence - 2.0))


@observation(NegativeBinomial("events_concentration"))
def state_based_events(s, u, p, m):
    """State-based events of all actors together: the challenger's and everybody else's."""
    return recorded_state_events(s, p) + s.events_others


@observation(NegativeBinomial("events_concentration"))
def one_sided_events(s, u, p, m):
    """Attacks on civilians by all actors together."""
    return recorded_civilian_events(s, p) + government_events(s, p)


@observation(NegativeBinomial("events_concentration"))
def dyad_state_events(s, u, p, m):
    """State-based events of government against challenger alone."""
    return recorded_state_events(s, p)


@observation(NegativeBinomial("events_concentration"))
def dyad_civilian_events(s, u, p, m):
    """Events of the challenger against civilians alone."""
    return recorded_civilian_events(s, p)


@observation(LogNormal("deaths_error"))
def deaths_state_challenger(s, u, p, m):
    """Battle deaths of government against challenger."""
    return p.deaths_per_state_event * recorded_state_events(s, p)


@observation(LogNormal("deaths_error"))
def deaths_state_others(s, u, p, m):
    """Battle deaths of government against other armed groups."""
    return p.deaths_per_other_event * s.events_others


@observation(LogNormal("deaths_error"))
def deaths_civilian_challenger(s, u, p, m):
    """Civilians killed by the challenger."""
    return p.deaths_per_civilian_event * recorded_civilian_events(s, p)


@observation(LogNormal("deaths_error"))
def deaths_civilian_government(s, u, p, m):
    """Civilians killed by the government."""
    return p.deaths_per_government_event * government_events(s, p)


@observation(NegativeBinomial("reports_concentration"))
def attacks_un(s, u, p, m):
    """The UN's count of the challenger's attacks at home, which is what an attack means here."""
    return s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def attacks_envoy(s, u, p, m):
    """What the UN's envoy showed, whoever counted."""
    return p.envoy_share * s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def claims_afghan_witness(s, u, p, m):
    """Attacks at home that the challenger claims, as Afghan Witness counts them."""
    return p.afghan_witness_share * s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def claims_bbc(s, u, p, m):
    """The same, as BBC Monitoring counts them."""
    return p.bbc_share * s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def claims_itic(s, u, p, m):
    """The same, as the Meir Amit Center counts them."""
    return p.itic_share * s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def claims_sayed(s, u, p, m):
    """The same, as A. Sayed counts them."""
    return p.sayed_share * s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def claims_dod(s, u, p, m):
    """The same, as the US Department of Defense counts them."""
    return p.dod_share * s.attacks_home


@observation(NegativeBinomial("reports_concentration"))
def claims_dod_with_neighbours(s, u, p, m):
    """Its count of claimed attacks at home and in neighbouring countries together."""
    return p.dod_share * (s.attacks_home + s.attacks_external)


@observation(NegativeBinomial("events_concentration"))
def external_events(s, u, p, m):
    """Events abroad that UCDP records."""
    return s.attacks_external


@observation(LogNormal("fighters_error"), aggregate="mean")
def fighters(s, u, p, m):
    """Estimates of the challenger's fighters, those placed inside the incumbent's bodies included."""
    return s.challengers + s.infiltrators


@observation(LogNormal("fighters_error"), aggregate="mean")
def fighters_with_families(s, u, p, m):
    """An estimate that counts family members too."""
    return p.family_multiplier * (s.challengers + s.infiltrators)


@observation(LogNormal("members_error"), aggregate="mean")
def incumbent_members(s, u, p, m):
    """The incumbent's own statements of its army's size."""
    return s.members


@observation(LogNormal(0.3))
def dismissals(s, u, p, m):
    """Members expelled in vetting drives, by the incumbent's statements."""
    return m.purge


@observation(LogNormal(0.5))
def arrests(s, u, p, m):
    """Arrests of the challenger's suspects, by the incumbent's statements."""
    return m.arrest


@observation(Poisson())
def raids(s, u, p, m):
    """Raids on the challenger counted by outside observers."""
    return s.raids


@observation(NegativeBinomial("edicts_concentration", zero_truncated=True))
def edicts_major(s, u, p, m):
    """Major restrictive edicts of a month in our dated list, up to mid-2023; months without one are not listed."""
    return p.major_edicts * u.edict_pressure


@observation(NegativeBinomial("edicts_concentration", zero_truncated=True))
def edicts_major_thin(s, u, p, m):
    """The same list after mid-2023, when it is thinner."""
    return p.major_edicts_thin * u.edict_pressure


@observation(NegativeBinomial("edicts_concentration"))
def edicts_tracker(s, u, p, m):
    """A rights tracker's entries for the month, where its page was seen."""
    return p.tracker_edicts * u.edict_pressure


@observation(NegativeBinomial("edicts_concentration"))
def humanitarian_directives(s, u, p, m):
    """Directives that affect aid work, as the UN counts them over years."""
    return p.directives * u.edict_pressure


@observation(Poisson())
def engagement_forward(s, u, p, m):
    """Dated steps of states towards the incumbent."""
    return p.steps_forward * exp(s.engagement)


@observation(Poisson())
def engagement_backward(s, u, p, m):
    """Dated steps of states away from the incumbent."""
    return p.steps_backward * exp(-p.steps_backward_response * s.engagement)


@observation(LogNormal(0.1), aggregate="mean")
def external_grants(s, u, p, m):
    """External grants to the country, billion US dollars a year."""
    return GRANTS_2022 * s.aid


@observation(LogNormal(0.1), aggregate="mean")
def people_in_need(s, u, p, m):
    """People in need at the start of the year, million."""
    return IN_NEED * exp(s.hardship)
