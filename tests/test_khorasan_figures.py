"""The figures of the Khorasan study load, keep the rules of their sources, and agree with the raw rows."""

from __future__ import annotations

import csv
import gzip
import io
import re
import tomllib
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pytest

from outbid.data.levers import read_levers, read_marks
from outbid.data.panel import Panel, Record, Window, read_panel, weights

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "src" / "outbid" / "studies" / "khorasan"
RAW = ROOT.parent / "shared" / "data"
WINDOW = Window("2021-09", "2026-07")
LEVERS = (
    "repression",
    "counterforce",
    "purge",
    "vetting",
    "effort",
    "sectarian_share",
    "foreign_share",
    "propaganda",
    "aid_offer",
    "conditionality",
    "recognition_offer",
    "revenue",
)
CLAIM_SOURCES = {"news_2024"}
needs_raw = pytest.mark.skipif(not RAW.is_dir(), reason="the raw rows are not here")


def tables_of_sources() -> list[dict[str, str]]:
    tables: list[dict[str, str]] = tomllib.loads((STUDY / "figure_sources.toml").read_text("utf-8"))["source"]
    return tables


SOURCES = {table["id"] for table in tables_of_sources()}


@pytest.fixture(scope="module")
def panel() -> Panel:
    return read_panel(STUDY, WINDOW, SOURCES)


def raw(name: str) -> list[dict[str, str]]:
    path = RAW / name
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def by_month(records: tuple[Record, ...]) -> dict[str, float | None]:
    found = {f"{item.start:%Y-%m}": item.value for item in records}
    assert len(found) == len(records), "one record a month"
    assert all(weights(item, WINDOW).sum() == pytest.approx(1) for item in records), "whole months"
    return found


def by_year(records: tuple[Record, ...]) -> dict[int, tuple[float | None, float | None, float | None]]:
    assert all(
        (item.start, item.end) == (date(item.start.year, 1, 1), date(item.start.year, 12, 31))
        for item in records
    )
    return {item.start.year: (item.value, item.low, item.high) for item in records}


def figures(records: tuple[Record, ...]) -> list[tuple[str, str, float | None, float | None, float | None]]:
    return [(str(item.start), str(item.end), item.value, item.low, item.high) for item in records]


# ---- what the study must hold, raw rows or not ----------------------------------------------------------

USED = {
    "state_based_events": 40,
    "one_sided_events": 40,
    "dyad_state_events": 7,
    "dyad_civilian_events": 7,
    "external_events": 2,
    "deaths_state_challenger": 4,
    "deaths_state_others": 4,
    "deaths_civilian_challenger": 3,
    "deaths_civilian_government": 3,
    "attacks_un": 10,
    "attacks_envoy": 2,
    "claims_afghan_witness": 4,
    "claims_bbc": 2,
    "claims_itic": 2,
    "claims_sayed": 1,
    "claims_dod": 1,
    "claims_dod_with_neighbours": 1,
    "fighters": 5,
    "fighters_with_families": 1,
    "incumbent_members": 9,
    "dismissals": 1,
    "arrests": 1,
    "raids": 2,
    "surrenders": 0,
    "edicts_major": 17,
    "edicts_major_thin": 22,
    "edicts_tracker": 12,
    "humanitarian_directives": 2,
    "access_incidents": 0,
    "engagement_forward": 54,
    "engagement_backward": 54,
    "external_grants": 3,
    "people_in_need": 4,
    "opium_cultivation": 0,
    "gdp_growth": 0,
}


def test_the_series_and_their_used_records(panel: Panel) -> None:
    assert {name: len(series.used) for name, series in panel.series.items()} == USED
    assert {name for name, series in panel.series.items() if series.kind == "level"} == {
        "fighters",
        "fighters_with_families",
        "incumbent_members",
        "external_grants",
        "people_in_need",
        "opium_cultivation",
        "gdp_growth",
    }
    assert {series.kind for series in panel.series.values()} == {"count", "level"}


def test_every_source_is_complete_and_cited() -> None:
    tables = tables_of_sources()
    assert len(SOURCES) == len(tables)
    for table in tables:
        assert set(table) == {"id", "title", "outlet", "author", "date", "url", "licence", "note"}
        assert table["url"].startswith("http") or table["id"] in {"edict_list", "engagement_list"}
        assert re.fullmatch(r"\d{4}(-\d\d){0,2}", table["date"])
        assert (table["licence"] == "CC BY 4.0") == table["id"].startswith("ucdp_")
        if table["id"].startswith("ucdp_"):
            assert "Sundberg" in table["note"]
            assert ("Hegre" if "candidate" in table["id"] else "Davies") in table["note"]
    cited = {row.source for row in read_levers(STUDY / "levers.csv", WINDOW, LEVERS, SOURCES)[1]}
    cited |= {row.source for row in read_marks(STUDY / "marks.csv", SOURCES | CLAIM_SOURCES)}
    cited |= {
        item.source
        for series in read_panel(STUDY, WINDOW, SOURCES).series.values()
        for item in series.records
    }
    assert cited - {""} == SOURCES | CLAIM_SOURCES


def test_estimates_are_counted_once_and_party_claims_are_shown_only(panel: Panel) -> None:
    for name in ("fighters", "fighters_with_families", "incumbent_members"):
        estimates = [re.match(r"Estimate (\w+)", item.note) for item in panel.series[name].used]
        found = Counter(match[1] for match in estimates if match)
        assert found.total() == len(estimates)
        assert set(found.values()) == {1}
    for item in panel.series["fighters"].records:
        if re.search(r"russia|taliban", item.note.split()[1]):
            assert "claim" in item.why_not
        assert item.used or item.start < date(2021, 9, 1) or "claim" in item.why_not
    for name in ("dismissals", "arrests"):
        assert all("claim" in item.note for item in panel.series[name].used)


def test_fighters_are_intervals_and_rivals_stand_side_by_side(panel: Panel) -> None:
    assert figures(panel.series["fighters"].used) == [
        ("2022-02-01", "2022-02-28", 4000, None, None),
        ("2024-07-01", "2024-07-31", None, 2000, 3500),
        ("2024-07-01", "2024-07-31", None, 4000, 6000),
        ("2025-08-20", "2025-08-20", 2000, None, None),
        ("2025-12-01", "2025-12-31", 2000, None, None),
    ]
    assert figures(panel.series["fighters_with_families"].used) == [
        ("2023-08-14", "2023-08-14", None, 4000, 6000)
    ]


def test_attack_counts_cover_their_periods(panel: Panel) -> None:
    assert figures(panel.series["attacks_un"].used) == [
        ("2021-08-19", "2021-12-31", 152, None, None),
        ("2022-08-01", "2022-11-07", 27, None, None),
        ("2022-11-14", "2023-07-31", 32, None, None),
        ("2023-08-01", "2023-11-07", 8, None, None),
        ("2023-11-08", "2024-01-10", 3, None, None),
        ("2024-02-01", "2024-05-13", 6, None, None),
        ("2024-05-14", "2024-07-31", 4, None, None),
        ("2024-08-01", "2024-10-31", 6, None, None),
        ("2024-11-01", "2025-01-31", 6, None, None),
        ("2025-02-01", "2025-04-30", 2, None, None),
    ]
    # what is left out as a total is that of its parts
    chain = {(str(item.start), str(item.end)): item.value or 0 for item in panel.series["attacks_un"].records}
    assert chain["2022-11-14", "2023-11-07"] == 32 + 8
    assert chain["2024-02-01", "2025-01-31"] == 6 + 4 + 6 + 6
    claimed = panel.series["claims_afghan_witness"]
    assert sum(item.value or 0 for item in claimed.used) == 18
    rest = next(item for item in claimed.used if item.except_start)
    assert [WINDOW.months[place][5:] for place in weights(rest, WINDOW).nonzero()[0]] == [
        "01",
        "02",
        "06",
        "07",
        "08",
        "09",
    ]


def test_lever_paths_stay_on_their_scales() -> None:
    values, rows = read_levers(STUDY / "levers.csv", WINDOW, LEVERS, SOURCES)
    assert list(values) == list(LEVERS)
    for name, path in values.items():
        assert path.shape == (len(WINDOW),)
        assert path.min() >= 0
        if name != "revenue":
            assert path.max() <= 1
    assert not values["effort"].any()
    assert all(row.note for row in rows)
    asked = {"2021": 0.8687, "2022": 4.44, "2023": 3.2, "2024": 3.06, "2025": 2.325, "2026": 1.71}
    for month, offer in zip(WINDOW.months, values["aid_offer"], strict=True):
        assert offer == pytest.approx(asked[month[:4]] / 4.44, abs=0.006)


def test_marks_hold_the_events_of_the_claims_and_both_directions() -> None:
    marks = read_marks(STUDY / "marks.csv", SOURCES | CLAIM_SOURCES)
    claims = {
        claim: mark.id for mark in marks for claim in mark.claims if claim in {"N14", "N25", "N26", "N19"}
    }
    assert claims == {
        "N14": "moscow_2024",
        "N25": "kandahar_bank_2024",
        "N26": "bamiyan_2024",
        "N19": "herat_arrests_2024",
    }
    assert list(marks) == sorted(marks, key=lambda mark: mark.date)
    assert all(WINDOW.first_day <= mark.date and mark.until <= WINDOW.last_day for mark in marks)
    kinds = Counter(mark.kind for mark in marks)
    assert kinds["edict"] == 13
    assert {mark.direction for mark in marks if mark.kind == "engagement"} == {"+", "-"}
    assert kinds["engagement"] == 13


# ---- the mechanical series, derived a second time from the raw rows -------------------------------------


@needs_raw
def test_monthly_events_agree_with_the_country_month_file(panel: Panel) -> None:
    rows = [
        row
        for row in raw("ucdp/country_month.csv.gz")
        if row["country_iso3"] == "AFG" and row["month"] >= "2021-09"
    ]
    for name in ("state_based_events", "one_sided_events"):
        assert by_month(panel.series[name].used) == {row["month"]: float(row[name]) for row in rows}


@needs_raw
def test_dyad_and_external_events_agree_with_the_candidate_rows(panel: Panel) -> None:
    months = [month for month in WINDOW.months if month >= "2026-01"]
    counts = Counter((row["dyad_name"], row["month"]) for row in raw("ucdp/afghanistan_ged.csv.gz"))
    for name, dyad in (
        ("dyad_state_events", "Government of Afghanistan - IS"),
        ("dyad_civilian_events", "IS - Civilians"),
    ):
        assert by_month(panel.series[name].used) == {month: counts[dyad, month] for month in months}
    abroad = Counter(
        row["month"] for row in raw("ucdp/is_region_ged.csv.gz") if row["country"] in {"Pakistan", "Iran"}
    )
    assert by_month(panel.series["external_events"].used) == dict(abroad)


@needs_raw
def test_yearly_deaths_agree_with_the_dyad_files(panel: Panel) -> None:
    deaths = {
        (row["side_b"], int(row["year"])): tuple(
            float(row[name]) for name in ("bd_best", "bd_low", "bd_high")
        )
        for row in raw("ucdp/battle_deaths_dyad_year.csv")
        if row["side_a"] == "Government of Afghanistan"
    }
    assert by_year(panel.series["deaths_state_challenger"].used) == {
        year: deaths["IS", year] for year in (2022, 2023, 2024, 2025)
    }
    others = by_year(panel.series["deaths_state_others"].used)
    for year in (2022, 2023):
        assert others[year] == tuple(
            a + b for a, b in zip(deaths["NRF", year], deaths["AFF", year], strict=True)
        )
    for year in (2024, 2025):
        assert ("AFF", year) not in deaths
        assert others[year] == (None, deaths["NRF", year][0], deaths["NRF", year][0] + 24)
    key = raw("ucdp/afghanistan_key_dyads_by_year.csv")
    for name, dyad in (
        ("deaths_civilian_challenger", "IS - Civilians"),
        ("deaths_civilian_government", "Government of Afghanistan - Civilians"),
    ):
        assert by_year(panel.series[name].used) == {
            int(row["year"]): (float(row["best"]), float(row["low"]), float(row["high"]))
            for row in key
            if row["dyad"] == dyad and "2022" <= row["year"] <= "2024"
        }


@needs_raw
def test_edict_counts_agree_with_the_lists(panel: Panel) -> None:
    listed: dict[str, Counter[str]] = defaultdict(Counter)
    for row in raw("khorasan/edicts_major.csv"):
        listed[row["date"][:7]][row["effect"]] += 1
    early, thin = (panel.series[name].records for name in ("edicts_major", "edicts_major_thin"))
    assert max(item.end for item in early) <= date(2023, 6, 30) < min(item.start for item in thin)
    in_window = {month: kinds["restrict"] for month, kinds in listed.items() if month >= "2021-09"}
    assert by_month((*early, *thin)) == in_window
    assert all(item.used == (item.value != 0) for item in (*early, *thin))
    assert by_month(panel.series["edicts_tracker"].used) == {
        row["month"]: float(row["n_edicts"]) for row in raw("khorasan/edicts_monthly.csv") if row["n_edicts"]
    }
    since, this_year = (
        int(row["count"])
        for row in raw("khorasan/edict_counts_cumulative.csv")
        if row["count"] in {"392", "97"}
    )
    assert [item.value for item in panel.series["humanitarian_directives"].used] == [
        since - this_year,
        this_year,
    ]


@needs_raw
def test_engagement_counts_agree_with_the_list(panel: Panel) -> None:
    rows = [row for row in raw("khorasan/engagement.csv") if len(row["date"]) > len("2024")]
    last = max(row["date"][:7] for row in rows)
    for name, sign in (("engagement_forward", "+"), ("engagement_backward", "-")):
        counts = Counter(row["date"][:7] for row in rows if row["direction"] == sign)
        assert by_month(panel.series[name].used) == {
            month: counts[month] for month in WINDOW.months if month <= last
        }


@needs_raw
def test_every_estimate_agrees_with_a_raw_reading_of_it(panel: Panel) -> None:
    readings = defaultdict(set)
    for row in raw("khorasan/fighter_estimates.csv"):
        readings[row["estimate_id"]].add((float(row["low"] or "nan"), float(row["high"]), row["date"]))
    shown = set()
    for name in ("fighters", "fighters_with_families", "incumbent_members"):
        for item in panel.series[name].records:
            estimate = item.note.split()[1].strip(":.")
            shown.add(estimate)
            if "the army's part" in item.note:
                continue
            low = item.value if item.value is not None else item.low
            high = item.value if item.value is not None else item.high
            bounds = [(a, b) for a, b, _ in readings[estimate]]
            assert any(low in {a, None} and high in {b, None} for a, b in bounds), item
            assert any(f"{item.start:%Y-%m}".startswith(day[:7]) for _, _, day in readings[estimate]), item
    everything = {
        row["estimate_id"]
        for row in raw("khorasan/fighter_estimates.csv")
        if row["group"] in {"ISIL-K", "Taliban army", "Taliban security forces"}
    }
    assert everything <= shown


@needs_raw
@pytest.mark.parametrize(
    ("series", "metrics"),
    [
        ("claims_dod_with_neighbours", {"claimed_attacks"}),
        ("dismissals", {"members_dismissed_in_vetting"}),
        ("arrests", {"is_k_suspects_arrested", "arbitrary_arrests_alleged_is_k"}),
        ("raids", {"raids_on_is_k"}),
    ],
)
def test_reported_operations_agree_with_the_raw_rows(panel: Panel, series: str, metrics: set[str]) -> None:
    rows = {
        (row["period_start"], row["period_end"], float(row["value"]))
        for row in raw("khorasan/operations.csv")
        if row["metric"] in metrics and row["value"]
    }
    for item in panel.series[series].records:
        value = item.value if item.value is not None else item.low
        counted_elsewhere = item.source in {"un_mission_2021_zdf", "meir_amit_2022_tech_consulting"}
        if not counted_elsewhere and item.except_start is None:
            assert (str(item.start), str(item.end), value) in rows


@needs_raw
def test_attacks_and_surrenders_agree_with_the_raw_rows(panel: Panel) -> None:
    rows = {
        (row["start"], row["end"], row["value"] or row["low"]): row["note"]
        for row in raw("khorasan/attacks_claims.csv")
    }
    # those that the raw rows give by the whole year 2020, or before the takeover by another page
    elsewhere = {"un_mission_2021_zdf", "meir_amit_2022_tech_consulting", "un_sg_2022_daily_excelsior"}
    attacks = [name for name in panel.series if name.startswith(("attacks_", "claims_"))]
    for item in (item for name in (*attacks, "surrenders") for item in panel.series[name].records):
        number = item.value if item.value is not None else item.low
        if item.source not in elsewhere and "Derived" not in item.note and "derived" not in item.note:
            ends = [str(item.end), *(["2023-11-30"] if number == 40 else [])]
            assert any((str(item.start), end, f"{number:g}") in rows for end in ends), item


@needs_raw
def test_yearly_economy_and_monthly_access_agree_with_the_raw_rows(panel: Panel) -> None:
    economy = {(row["series"], row["year"]): float(row["value"]) for row in raw("khorasan/economy.csv")}
    for name in ("external_grants", "people_in_need", "opium_cultivation", "gdp_growth"):
        for item in panel.series[name].records:
            year = str(item.start.year)
            value = item.value if item.value is not None else item.low
            assert value in {economy.get((name, year)), economy.get((f"{name}_revised", year))}
    incidents = {
        row["month"]: float(row["n_incidents"]) for row in raw("khorasan/humanitarian_access_monthly.csv")
    }
    shown = by_month(panel.series["access_incidents"].records)
    assert shown == {month: count for month, count in incidents.items() if month >= "2021-09"}


@needs_raw
def test_addresses_and_marks_come_from_the_raw_rows() -> None:
    rows = {path.stem: raw(f"khorasan/{path.name}") for path in (RAW / "khorasan").glob("*.csv")}
    known = {row.get("url") or row.get("source_url") for table in rows.values() for row in table}
    address = {table["id"]: table["url"] for table in tables_of_sources()}
    for name, url in address.items():
        assert name.startswith("ucdp_") or not url or url in known
    dated = {
        "edict": {(row["date"], row["url"], "") for row in rows["edicts_major"]},
        "engagement": {(row["date"], row["url"], row["direction"]) for row in rows["engagement"]},
    }
    for mark in read_marks(STUDY / "marks.csv", SOURCES | CLAIM_SOURCES):
        if mark.source not in CLAIM_SOURCES:
            assert (mark.date.isoformat(), address[mark.source], mark.direction) in dated[mark.kind]
