"""The results object: what it says, how it prints, and what it refuses."""

from __future__ import annotations

import html
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from outbid.errors import InputError
from outbid.game.coefficients import figure
from outbid.game.equilibrium import solve
from outbid.game.estimates import Estimates
from outbid.game.game import Axis, Grid, Player, game_from_arrays

NAMES = ("beta_<north> & co", "kappa_100%")


@pytest.fixture(scope="module")
def found() -> Estimates:
    players = (Player("north", (0, 1)), Player("south", (0, 1)))
    payoffs = np.random.default_rng(0).normal(size=(2, 3, 4))
    game = game_from_arrays(
        players, Grid((Axis("standing", (0.0, 1.0, 2.0)),)), payoffs, np.full((3, 4, 3), 1 / 3), 0.9
    )
    plain = np.array([[0.04, 0.01], [0.01, 0.25]])
    return Estimates(
        "Payoffs",
        NAMES,
        np.array([0.9, -0.6]),
        {"uncorrected": plain, "corrected": 4 * plain},
        -12.5,
        np.full(10, -1.25),
        solve(game),
        True,
        "a further step promises nothing",
        5,
        9,
        "same",
    )


def test_errors_tests_and_intervals(found: Estimates) -> None:
    np.testing.assert_allclose(found.standard_errors("uncorrected"), [0.2, 0.5])
    np.testing.assert_allclose(found.standard_errors(), [0.4, 1.0])
    np.testing.assert_allclose(found.z("uncorrected"), [4.5, -1.2])
    np.testing.assert_allclose(found.p_values("uncorrected"), 2 * norm.sf([4.5, 1.2]))
    np.testing.assert_allclose(found.p_values("uncorrected", sides=1), norm.sf([4.5, 1.2]))
    ends = found.conf_int(0.9, "uncorrected")
    np.testing.assert_allclose(ends[1], [-0.6 - 0.5 * norm.ppf(0.95), -0.6 + 0.5 * norm.ppf(0.95)])
    assert found.kinds == ("uncorrected", "corrected") and found.kind == "corrected"
    assert found.observations == 10 and found.aic == 29.0 and found.bic == pytest.approx(25 + 2 * np.log(10))


def test_rows_hold_what_the_methods_return(found: Estimates) -> None:
    table = found.table("uncorrected")
    assert list(table["parameter"]) == list(NAMES)
    assert list(table["standard_error"]) == pytest.approx([0.2, 0.5])
    assert list(table["z"]) == pytest.approx(found.z("uncorrected"))
    assert list(table["p"]) == pytest.approx(found.p_values("uncorrected"))
    assert list(table["high"]) == pytest.approx(found.conf_int(kind="uncorrected")[:, 1])


def test_predictions_are_the_equilibriums(found: Estimates) -> None:
    each = found.predict()
    assert each.shape == (3, 2)
    np.testing.assert_allclose(each[:, 1], found.equilibrium.of("south")[:, 1])
    np.testing.assert_allclose(found.predict(action=0), 1 - each)
    np.testing.assert_allclose(found.predict([2, 0]), each[[2, 0]])
    np.testing.assert_allclose(found.predict({"standing": [1.9, 0.1]}), each[[2, 0]])


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda e: e.vcov("robust"), "no 'robust' ones here.*uncorrected, corrected"),
        (lambda e: e.vcov("correct"), "Did you mean 'corrected'"),
        (lambda e: e.conf_int(95), "95 is no coverage"),
        (lambda e: e.p_values(sides=3), "neither 1 nor 2"),
        (lambda e: e.predict([3]), "no places on a grid of 3 states"),
        (lambda e: e.predict([0.5]), "no places"),
        (lambda e: e.predict(action=2), "no action number 2"),
        (lambda e: e.predict({"standin": [1.0]}), "standing: has no figures"),
    ],
)
def test_impossible_requests_are_refused(found: Estimates, ask, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        ask(found)
    assert "\n" not in str(caught.value)


def test_the_summary_says_what_matters(found: Estimates) -> None:
    text = found.summary("uncorrected", 0.9)
    for each in (
        *NAMES,
        "-12.5000",
        "Months:",
        "north, south",
        "P>|z|",
        "[0.05",
        "0.95]",
        "without correction",
    ):
        assert each in text
    assert str(found) == found.summary() and "included" in found.summary()
    lines = text.splitlines()
    rule = next(line for line in lines if line.startswith("==="))
    assert all(len(line) <= len(rule) for line in lines[lines.index(rule) :])


def test_a_search_that_failed_says_so_first(found: Estimates) -> None:
    failed = replace(found, converged=False, message="no top within 200 steps")
    assert failed.summary().startswith("NOT CONVERGED: no top within 200 steps.")
    assert all("<p>Warning: NOT CONVERGED" in text for text in (failed.to_html(), failed.to_html(stars=True)))
    assert "Warning: NOT CONVERGED" in failed.to_latex()
    assert "NOT CONVERGED" not in found.summary() + found.to_latex() + found.to_html()


def test_latex_escapes_and_stars(found: Estimates) -> None:
    plain, starred = found.to_latex("uncorrected"), found.to_latex("uncorrected", stars=True)
    assert r"beta\_\textless{}north\textgreater{} \& co" in plain and r"kappa\_100\%" in plain
    assert "***" not in plain and "$0.9000^{***}$" in starred and "$-0.6000$ &" in starred
    assert r"p \textless{} 0.01: ***" in starred and "without correction" in plain
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\end{table}"):
        assert rule in plain
    assert plain.count("{") == plain.count("}")
    titled = replace(found, title="Tug_of_war & 5%").to_latex()
    assert r"\caption{Tug\_of\_war \& 5\%}" in titled


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_is_whole_and_escapes(found: Estimates) -> None:
    text, parser = found.to_html(stars=True), Cells()
    parser.feed(text)
    assert parser.depth == 0 and NAMES[0] in parser.texts and html.escape(NAMES[0]) in text
    assert "<north>" not in text and "***" in found.to_html("uncorrected", stars=True)


def test_no_name_breaks_latex(found: Estimates) -> None:
    text = replace(found, names=("a{b}_c&d%e$f#g^h~i\\j", "k")).to_latex()
    row = next(line for line in text.splitlines() if line.startswith("a"))
    name = row.removesuffix(r" \\").split(" & ")[0]
    for command in ("textbackslash ", "textasciicircum ", "textasciitilde ", *"{}_&%$#"):
        name = name.replace("\\" + command, "")
    assert name == "abcdefghi" + "j"


@given(st.floats(-1e300, 1e300))
def test_figures_keep_four_digits(value: float) -> None:
    assert float(figure(value)) == pytest.approx(value, rel=6e-4, abs=1e-300)
    assert len(figure(value)) <= 12
