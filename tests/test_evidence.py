from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import outbid.studies.khorasan as khorasan
from outbid.errors import InputError
from outbid.evidence import (
    CLAIM_KINDS,
    REFERENCE_TYPES,
    Claim,
    Ledger,
    Source,
    read_claims,
    read_ledger,
    read_sources,
    resolve,
)

STUDY = Path(khorasan.__file__).parent
DOCUMENTS = Path(__file__).parents[2] / "shared" / "sources"

KINDS = """
N01 G    N02 R    N03 C    N04 C    N05 O    N06 O/C  N07 C    N08 O    N09 O    N10 C
N11 C    N12 C    N13 O    N14 O    N15 O    N16 O    N17 C    N18 O/C  N19 O    N20 C
N21 G    N22 C    N23 O    N24 C    N25 O    N26 O    N27 O    N28 C    N29 O/C  N30 R
N31 C    N32 C
M01 O    M02 C    M03 O    M04 R    M05 O    M06 S    M07 O    M08 R    M09 C    M10 O
M11 C    M12 C    M13 S    M14 C    M15 S    M16 F    M17 C    M18 O    M19 O    M20 C
M21 R    M22 C    M23 O    M24 C    M25 C    M26 C    M27 S    M28 C
"""

SOURCE = {
    "id": "feature",
    "title": "A feature",
    "outlet": "A paper",
    "author": "",
    "date": "2024-07",
    "url": "",
    "licence": "",
}
CLAIM = {
    "id": "N03",
    "kind": "O/C",
    "statement": "Some fighters leave.",
    "source": "feature",
    "locator": "paragraph 4",
    "homes": ["mechanism:defection"],
}
SOURCES = {"feature": Source(**SOURCE)}


def toml_value(value: Any) -> str:
    # A JSON string is a TOML string, but for DEL, which only TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml(name: str, tables: Iterable[Mapping[str, Any]]) -> str:
    blocks = (
        [f"[[{name}]]", *(f"{key} = {toml_value(value)}" for key, value in table.items())] for table in tables
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def claim_fault(tmp_path: Path, *, drop: str = "", **changes: Any) -> InputError:
    table = {key: value for key, value in (CLAIM | changes).items() if key != drop}
    with pytest.raises(InputError) as caught:
        read_claims(written(tmp_path / "claims.toml", toml("claim", [table])), SOURCES)
    return caught.value


def source_fault(tmp_path: Path, *, drop: str = "", **changes: Any) -> InputError:
    table = {key: value for key, value in (SOURCE | changes).items() if key != drop}
    with pytest.raises(InputError) as caught:
        read_sources(written(tmp_path / "claim_sources.toml", toml("source", [table])))
    return caught.value


# What is read


def test_a_ledger_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    second = {key: value for key, value in CLAIM.items() if key != "homes"}
    second |= {"id": "M01", "left_out": "It is context."}
    written(tmp_path / "claim_sources.toml", toml("source", [SOURCE | {"note": "No author given."}]))
    written(tmp_path / "claims.toml", toml("claim", [CLAIM, second]))
    ledger = read_ledger(tmp_path)
    assert list(ledger.claims) == ["N03", "M01"]
    assert ledger.claims["N03"] == Claim(
        id="N03",
        kind="O/C",
        statement="Some fighters leave.",
        source="feature",
        locator="paragraph 4",
        homes=("mechanism:defection",),
        left_out="",
    )
    assert ledger.claims["M01"].homes == ()
    assert ledger.claims["M01"].left_out == "It is context."
    assert ledger.sources["feature"].note == "No author given."


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "claim_sources.toml"
    path.write_text(toml("source", [SOURCE]), encoding="utf-8-sig")
    assert list(read_sources(path)) == ["feature"]


def test_a_file_without_entries_is_an_empty_ledger(tmp_path: Path) -> None:
    path = written(tmp_path / "claims.toml", "# nothing claimed yet\n")
    assert read_claims(path, SOURCES) == {}


# What is refused


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"claim_sources\.toml: there is no such file\. Check the name"):
        read_ledger(tmp_path)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_bytes("# caf\xe9".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_claims(path, SOURCES)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[[claim]]\nid = "N01"\nkind "O"\n', 3),
        ('[[claim]]\nid = "N01\nkind = "O"\n', 2),
        ('[[claim]]\nid = "N01"\nhomes = ["series:fighters",\n', 3),
        (f"[[claim]]\nid = {'9' * 5000}\n", 2),
    ],
)
def test_malformed_toml_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(InputError, match=rf"claims\.toml, line {line}: is not valid TOML: ") as caught:
        read_claims(written(tmp_path / "claims.toml", text), SOURCES)
    assert "\n" not in str(caught.value)


def test_a_misspelt_array_of_tables_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "claims.toml", toml("claims", [CLAIM]))
    with pytest.raises(InputError, match=r"claims\.toml, claims: unknown key\. Did you mean 'claim'\?"):
        read_claims(path, SOURCES)


@pytest.mark.parametrize("text", ['[claim]\nid = "N01"\n', "claim = [1]\n", "claim = 3\n"])
def test_entries_are_an_array_of_tables(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"\[\[claim\]\]"):
        read_claims(written(tmp_path / "claims.toml", text), SOURCES)


def test_a_claim_listed_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "claims.toml", toml("claim", [CLAIM, CLAIM]))
    with pytest.raises(InputError, match=r"N03: claim N03 is listed twice\. Give one"):
        read_claims(path, SOURCES)


def test_a_source_listed_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "claim_sources.toml", toml("source", [SOURCE, SOURCE]))
    with pytest.raises(InputError, match=r"feature: source feature is listed twice"):
        read_sources(path)


@pytest.mark.parametrize(
    ("changes", "field", "fix"),
    [
        ({"lokator": "x"}, "lokator", "Did you mean 'locator'?"),
        ({"drop": "kind"}, "kind", "text in quotes"),
        ({"drop": "id"}, "id", "one capital letter"),
        ({"statement": "  "}, "statement", "text in quotes"),
        ({"locator": ""}, "locator", "text in quotes"),
        ({"statement": 7}, "statement", "text in quotes"),
        ({"left_out": True, "homes": []}, "left_out", "text in quotes"),
        ({"homes": "mechanism:defection"}, "homes", "Write homes = ["),
        ({"homes": [3]}, "homes", "Write homes = ["),
        ({"kind": "X"}, "kind", "C (causal)"),
        ({"kind": "OC"}, "kind", "C (causal)"),
        ({"kind": "o/c"}, "kind", "C (causal)"),
        ({"kind": "O/O"}, "kind", "each once"),
        ({"kind": "O/"}, "kind", "C (causal)"),
        ({"kind": ""}, "kind", "C (causal)"),
        ({"source": "featur"}, "source", "Did you mean 'feature'?"),
        ({"drop": "homes"}, "homes", "say in left_out why"),
        ({"homes": []}, "homes", "say in left_out why"),
        ({"homes": [], "left_out": " "}, "homes", "say in left_out why"),
        ({"left_out": "It is context."}, "left_out", "Keep the one that is true."),
        ({"homes": ["defection"]}, "homes", "a type, a colon and a name"),
        ({"homes": ["mechanism:"]}, "homes", "a type, a colon and a name"),
        ({"homes": ["mechanism: defection"]}, "homes", "a type, a colon and a name"),
        ({"homes": ["a:b:c"]}, "homes", "a type, a colon and a name"),
        ({"homes": ["mechanisms:defection"]}, "homes", "Did you mean 'mechanism'?"),
        ({"homes": ["series:fighters", "series:fighters"]}, "homes", "Delete one"),
        ({"id": "n03"}, "id", "one capital letter and two digits"),
        ({"id": "N3"}, "id", "one capital letter and two digits"),
        ({"id": "N03\n"}, "id", "one capital letter and two digits"),
        ({"id": "N٠٣"}, "id", "one capital letter and two digits"),
    ],
)
def test_a_faulty_claim_names_file_entry_and_field(
    tmp_path: Path, changes: dict[str, Any], field: str, fix: str
) -> None:
    error = claim_fault(tmp_path, **changes)
    entry = "claim" if "id" in changes else "claim 1" if field == "id" else "claim N03"
    assert error.where == f"claims.toml, {entry}, {field}"
    assert fix in error.fix
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("changes", "field", "fix"),
    [
        ({"licens": "x"}, "licens", "Did you mean 'licence'?"),
        ({"drop": "outlet"}, "outlet", "text in quotes"),
        ({"id": ""}, "id", "text in quotes"),
        ({"title": " "}, "title", "text in quotes"),
        ({"date": 2024}, "date", "text in quotes"),
        ({"note": ["x"]}, "note", "text in quotes"),
        *(
            ({"date": wrong}, "date", "YYYY-MM-DD")
            for wrong in ("2024-13", "2023-02-29", "24", "0000", "2024-7", "2024-07-1", "2024/07", "20240701")
        ),
    ],
)
def test_a_faulty_source_names_file_entry_and_field(
    tmp_path: Path, changes: dict[str, Any], field: str, fix: str
) -> None:
    error = source_fault(tmp_path, **changes)
    entry = "source 1" if field == "id" else "source feature"
    assert error.where == f"claim_sources.toml, {entry}, {field}"
    assert fix in error.fix


@pytest.mark.parametrize("right", ["", "2024", "2024-07", "2024-02-29"])
def test_a_date_may_be_as_coarse_as_it_is_known(tmp_path: Path, right: str) -> None:
    path = written(tmp_path / "claim_sources.toml", toml("source", [SOURCE | {"date": right}]))
    assert read_sources(path)["feature"].date == right


def test_a_line_break_in_a_key_does_not_break_the_message(tmp_path: Path) -> None:
    text = toml("claim", [CLAIM]) + '"two\\nlines" = 1\n'
    with pytest.raises(InputError, match="unknown key") as caught:
        read_claims(written(tmp_path / "claims.toml", text), SOURCES)
    assert "\n" not in str(caught.value)


# Both ways between the ledger and the model


def small_ledger(**homes: tuple[str, ...]) -> Ledger:
    claims = {
        identifier: Claim(
            id=identifier,
            kind="C",
            statement="Some fighters leave.",
            source="feature",
            locator="paragraph 4",
            homes=where,
            left_out="" if where else "It is context.",
        )
        for identifier, where in homes.items()
    }
    return Ledger(sources=SOURCES, claims=claims)


NAMES = {"mechanism": ("defection", "recruitment"), "series": ("fighters",), "parameter": ("defection_base",)}
AGREED = small_ledger(
    N03=("mechanism:defection", "series:fighters"),
    M24=("mechanism:recruitment",),
    M18=(),
    M11=("series:fighters",),
)
CITED = {
    "mechanism:defection": ("N03",),
    "mechanism:recruitment": ("M24",),
    "parameter:defection_base": ("N03", "M24"),
}


def test_an_agreed_ledger_has_no_problems() -> None:
    assert resolve(AGREED, NAMES, CITED) == ()


def test_a_home_that_does_not_exist_is_told() -> None:
    ledger = replace(AGREED, claims={**AGREED.claims, **small_ledger(N04=("series:fihgters",)).claims})
    assert resolve(ledger, NAMES, CITED) == (
        "Claim N04 is at home in 'series:fihgters', but there is no series 'fihgters'. "
        "Did you mean 'fighters'?",
    )


def test_a_type_without_names_is_told() -> None:
    ledger = replace(AGREED, claims={**AGREED.claims, **small_ledger(N21=("actor:challenger",)).claims})
    (problem,) = resolve(ledger, NAMES, CITED)
    assert "there is no actor 'challenger'. Known names: none." in problem


@pytest.mark.parametrize("thing", ["mechanism:defection", "parameter:defection_base"])
def test_citing_an_unknown_claim_is_told(thing: str) -> None:
    problems = resolve(AGREED, NAMES, {**CITED, thing: ("N03", "N30")})
    assert problems == (f"{thing!r} cites claim 'N30', which the ledger does not hold. Did you mean 'N03'?",)


def test_evidence_for_what_does_not_exist_is_told() -> None:
    assert resolve(AGREED, NAMES, {**CITED, "mechanism:defectoin": ("N03",)})[0] == (
        "Evidence is given for 'mechanism:defectoin', which does not exist. Did you mean 'defection'?"
    )


def test_parameters_need_not_be_listed_among_the_homes() -> None:
    names = {kind: known for kind, known in NAMES.items() if kind != "parameter"}
    assert resolve(AGREED, names, CITED) == ()


@pytest.mark.parametrize("missing", [{}, {"mechanism:defection": ()}])
def test_a_mechanism_without_evidence_is_told_once_with_its_claims(
    missing: dict[str, tuple[str, ...]],
) -> None:
    evidence = {thing: cited for thing, cited in CITED.items() if thing != "mechanism:defection"}
    assert resolve(AGREED, NAMES, evidence | missing) == (
        "'mechanism:defection' cites no claim. Cite the claims that are at home in it: N03.",
    )


def test_a_mechanism_that_no_claim_knows_is_told() -> None:
    names = {**NAMES, "mechanism": ("defection", "recruitment", "recruitments")}
    assert resolve(AGREED, names, CITED) == (
        "'mechanism:recruitments' cites no claim. No claim is at home in it either. "
        "Did you mean 'recruitment'?",
    )


def test_a_claim_that_its_mechanism_does_not_cite_back_is_told() -> None:
    ledger = replace(AGREED, claims={**AGREED.claims, **small_ledger(N07=("mechanism:defection",)).claims})
    (problem,) = resolve(ledger, NAMES, CITED)
    assert problem.startswith("Claim N07 is at home in 'mechanism:defection', which does not cite it.")


def test_a_citation_that_the_claim_does_not_return_is_told() -> None:
    (problem,) = resolve(AGREED, NAMES, {**CITED, "mechanism:recruitment": ("M24", "M11")})
    assert problem.startswith("'mechanism:recruitment' cites claim M11, which is not at home there.")
    (problem,) = resolve(AGREED, NAMES, {**CITED, "mechanism:recruitment": ("M24", "M18")})
    assert problem.startswith("'mechanism:recruitment' cites claim M18, which is left out of the model.")


def test_actors_and_their_claims_agree_both_ways_too() -> None:
    ledger = replace(AGREED, claims={**AGREED.claims, **small_ledger(N21=("actor:challenger",)).claims})
    names = {**NAMES, "actor": ("challenger",)}
    assert resolve(ledger, names, {**CITED, "actor:challenger": ("N21",)}) == ()
    first, second = resolve(ledger, names, {**CITED, "actor:challenger": ("M24",)})
    assert first.startswith("Claim N21 is at home in 'actor:challenger', which does not cite it.")
    assert second.startswith("'actor:challenger' cites claim M24, which is not at home there.")


def test_a_slip_between_two_claims_is_offered_from_both_sides() -> None:
    problems = resolve(AGREED, NAMES, {**CITED, "mechanism:recruitment": ("M11",)})
    assert len(problems) == 2
    assert problems[0].startswith("Claim M24")
    assert problems[0].endswith("Known names: M11.")
    assert problems[1].startswith("'mechanism:recruitment' cites claim M11")
    assert problems[1].endswith("Known names: M24.")


def test_every_problem_is_told_at_once() -> None:
    ledger = replace(AGREED, claims={**AGREED.claims, **small_ledger(N04=("series:fihgters",)).claims})
    evidence = {"mechanism:defection": ("N03", "N99"), "parameter:defection_base": ("Z01",)}
    assert len(resolve(ledger, NAMES, evidence)) == 4


# Round trip

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
filled = texts.filter(str.strip)
dates = st.builds(lambda day, length: day.isoformat()[:length], st.dates(), st.sampled_from([0, 4, 7, 10]))
sources = st.builds(
    Source,
    id=filled,
    title=filled,
    outlet=texts,
    author=texts,
    date=dates,
    url=texts,
    licence=texts,
    note=texts,
)
references = st.builds(
    "{}:{}".format, st.sampled_from(REFERENCE_TYPES), st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    documents = draw(st.lists(sources, min_size=1, max_size=3, unique_by=lambda source: source.id))
    identifiers = draw(st.lists(st.from_regex(r"[A-Z][0-9]{2}", fullmatch=True), max_size=4, unique=True))
    claims = {}
    for identifier in identifiers:
        homes = draw(st.lists(references, max_size=3, unique=True))
        kinds = draw(st.lists(st.sampled_from(list(CLAIM_KINDS)), min_size=1, max_size=3, unique=True))
        claims[identifier] = Claim(
            id=identifier,
            kind="/".join(kinds),
            statement=draw(filled),
            source=draw(st.sampled_from([source.id for source in documents])),
            locator=draw(filled),
            homes=tuple(homes),
            left_out="" if homes else draw(filled),
        )
    return Ledger(sources={source.id: source for source in documents}, claims=claims)


@given(ledger=ledgers())
def test_a_ledger_written_as_toml_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger
) -> None:
    folder = tmp_path_factory.mktemp("study")
    tables = [source.model_dump() for source in ledger.sources.values()]
    written(folder / "claim_sources.toml", toml("source", tables))
    claims = (claim.model_dump() for claim in ledger.claims.values())
    written(folder / "claims.toml", toml("claim", claims))
    again = read_ledger(folder)
    assert again == ledger
    assert list(again.claims) == list(ledger.claims)


@given(ledger=ledgers())
def test_a_model_built_from_the_ledger_agrees_with_it(ledger: Ledger) -> None:
    names: dict[str, set[str]] = {}
    evidence: dict[str, set[str]] = {}
    for claim in ledger.claims.values():
        for home in claim.homes:
            kind, _, name = home.partition(":")
            names.setdefault(kind, set()).add(name)
            evidence.setdefault(home, set()).add(claim.id)
    assert resolve(ledger, names, evidence) == ()


# The ledger that comes with the Khorasan study


@pytest.fixture(scope="module")
def shipped() -> Ledger:
    return read_ledger(STUDY)


def test_the_shipped_ledger_holds_every_claim_with_its_kind(shipped: Ledger) -> None:
    words = KINDS.split()
    kinds = dict(pair for number, pair in enumerate(pairwise(words)) if number % 2 == 0)
    assert len(kinds) == 60
    assert {identifier: claim.kind for identifier, claim in shipped.claims.items()} == kinds
    assert list(shipped.claims) == list(kinds)


def test_shipped_claims_cite_the_document_of_their_letter(shipped: Ledger) -> None:
    cited = {(claim.id[0], claim.source) for claim in shipped.claims.values()}
    assert cited == {("N", "news_2024"), ("M", "policy_summary")}


def test_shipped_claims_are_whole_sentences(shipped: Ledger) -> None:
    for claim in shipped.claims.values():
        for sentence in filter(None, (claim.statement, claim.left_out)):
            assert sentence.endswith("."), claim.id
            assert sentence == " ".join(sentence.split()), claim.id
        assert not re.search('[“”"]', claim.statement), f"{claim.id} quotes"


def test_causal_and_strategic_claims_are_never_left_out(shipped: Ledger) -> None:
    left_out = {claim.id for claim in shipped.claims.values() if claim.left_out}
    assert not [identifier for identifier in left_out if set(shipped.claims[identifier].kind) & set("CSF")]
    for claim in shipped.claims.values():
        if claim.kind == "S":
            assert any(home.startswith("actor:") for home in claim.homes), claim.id
        if "C" in claim.kind:
            assert any(home.startswith("mechanism:") for home in claim.homes), claim.id


def test_what_is_not_known_of_a_source_is_said(shipped: Ledger) -> None:
    for source in shipped.sources.values():
        assert source.note or all((source.author, source.date, source.url)), source.id


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("’", "").replace("'", ""))


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    tokens = words(text)
    return {tuple(tokens[start : start + length]) for start in range(len(tokens) - length + 1)}


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the source documents are not part of the project")
def test_no_statement_copies_eight_words_of_a_source(shipped: Ledger) -> None:
    documents = [path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS.glob("*.txt"))]
    assert documents
    said = set().union(*(runs(document, 8) for document in documents))
    copied = {
        claim.id: run
        for claim in shipped.claims.values()
        for run in runs(f"{claim.statement} {claim.left_out}", 8) & said
    }
    assert copied == {}
