"""Reading how claims are tested: every way to get it wrong is one clear line, and the shipped file reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from contest import model as contest_model
from outbid.declared import read as read_file
from outbid.errors import InputError
from outbid.evidence import Claim
from outbid.questions.claims.schema import FILE, TESTABLE, ClaimTests, declare
from outbid.simulate.scenario import names_of
from outbid.study import load_study

MODEL = contest_model()
CLAIMS = (
    Claim(
        id="M12",
        kind="C",
        statement="Opening costs standing.",
        source="s",
        locator="1",
        homes=("mechanism:standing",),
    ),
    Claim(id="M10", kind="O", statement="It grew.", source="s", locator="2", homes=("stock:challengers",)),
)
NAMES = {
    **names_of(MODEL, {"counterforce": 0.8}, 24),
    "claim": ["M12", "M10"],
    "ledger": CLAIMS,
    "game test": (),
}
GOOD = """
[[test]]
id = "softer"
claims = ["M12"]
question = "Does opening cost standing?"
answer_if = "standing is lower"
measure = "standing"
label = "standing"
unit = "index"
summary = "end"
months = 6
sign = -1
smallest = 0.1
[[test.change]]
lever = "hardness"
by = -0.5
"""


def read(folder: Path, text: str) -> ClaimTests:
    (folder / FILE).write_text(text, encoding="utf-8")
    found = read_file(folder / FILE, ClaimTests, NAMES)
    assert found is not None
    return found


def test_a_good_file_reads(tmp_path: Path) -> None:
    tests = read(tmp_path, GOOD)
    assert tests.of("M12") == ("softer",)
    assert tests.interventions[0].months == 6
    assert (
        tests.interventions[0].done
        == "hardness −0.50 from the first month on; standing, at the end of 6 months"
    )
    assert read(tmp_path, GOOD.replace("months = 6\n", "")).interventions[0].months == 24


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('lever = "hardness"', 'lever = "hardnes"'), ["softer, change, lever", "hardnes", "hardness"]),
        (("by = -0.5", "by = 0"), ["softer, hardness", "none"]),
        (("by = -0.5", "to = 9.0"), ["softer, hardness", "outside"]),
        (("by = -0.5", "by = -0.5\nstart = 7"), ["softer, hardness, start", "month 7", "by month 6"]),
        (("months = 6", "months = 25"), ["softer, months", "1 to 24"]),
        (("smallest = 0.1", "smallest = 0"), ["softer, smallest", "none"]),
        (("smallest = 0.1", "smallest = nan"), ["softer, smallest", "not a number"]),
        (("sign = -1", "sign = 2"), ["softer, sign", "neither 1 nor -1"]),
        (('measure = "standing"', 'measure = "standin"'), ["softer, measure", "standin", "standing"]),
        (('claims = ["M12"]', 'claims = ["M13"]'), ["softer, claims", "M13", "M12"]),
        (('summary = "end"', 'summary = "last"'), ["softer, summary", "last"]),
        (('unit = "index"', 'unit = "index"\nunits = "x"'), ["units", "unknown key"]),
        (('[[test.change]]\nlever = "hardness"\nby = -0.5', ""), ["softer", "changes nothing"]),
        (
            ('[[test.change]]\nlever = "hardness"\nby = -0.5', '[[test.shift]]\nstate = "standing"\nby = 0'),
            ["softer, standing, by", "changes nothing"],
        ),
        (
            ('[[test.change]]\nlever = "hardness"\nby = -0.5', '[[test.shift]]\nstate = "stand"\nby = 1'),
            ["softer, shift", "stand", "standing"],
        ),
        (
            (
                '[[test.change]]\nlever = "hardness"\nby = -0.5',
                '[[test.move]]\nfrom = "hardliners"\nto = "hardliners"\nshare = 0.5',
            ),
            ["softer, move", "nobody"],
        ),
        (('[[test.change]]\nlever = "hardness"', '[[test.change]]\nlever = "counterforce"'), ["today's 0.8"]),
        (("[[test]]", "[[tests]]"), ["tests", "unknown key", "test"]),
        (
            ("[[test]]", '[[equilibrium]]\nid = "a"\nclaims = ["M12"]\nplay = "b"\n[[test]]'),
            ["a, play", "no game"],
        ),
        (
            ("[[test]]", '[[untested]]\nclaims = ["M12"]\nwhy = "x"\n[[test]]'),
            ["M12", "untested, and tested"],
        ),
        (('claims = ["M12"]', 'claims = ["M10"]'), ["M12", "neither a test nor a reason"]),
        (("by = -0.5", f"by = -0.5\n{GOOD}"), ["softer", "taken twice"]),
    ],
)
def test_every_mistake_is_one_clear_line(tmp_path: Path, change: tuple[str, str], told: list[str]) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    if change[0].startswith('[[test.change]]\nlever = "hardness"') and "counterforce" in change[1]:
        text = text.replace("by = -0.5", "by = 0.5")
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith("claim_tests.toml") and "\n" not in message
    for word in told:
        assert word in message


def test_khorasan_declares_a_test_for_every_claim_that_can_have_one() -> None:
    study = load_study("khorasan")
    tests = declare(study)
    assert tests is not None
    for claim in study.ledger.claims.values():
        if TESTABLE & set(claim.kind.split("/")):
            assert tests.of(claim.id), claim.id
        assert tests.of(claim.id) or tests.reasons.get(claim.id) or claim.left_out, claim.id
    for check in tests.checks:
        assert check.records(study.panel)
    assert set(tests.central) <= set(study.ledger.claims)
