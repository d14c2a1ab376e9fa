"""The report in a real browser: everything is drawn, nothing is fetched, no planted script runs.

The browser is driven over the pipe of its debugging protocol, so that nothing but a Chromium is needed;
without one these tests are skipped.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claims_fixture import audited
from outbid.report.page import render
from report_fixture import content, without_optional_parts

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
FIGURES = ("tradeoff", "history", "fit", "claims", "paths", "contraction")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
)

# the protocol's pipe is file descriptors 3 (commands) and 4 (answers)
HAND_OVER = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")


class Browser:
    """A headless Chromium with one page; keeps what the page logged and asked for."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        start = [sys.executable, "-c", HAND_OVER, str(to_read), str(to_write), CHROMIUM, *FLAGS]
        self._process = subprocess.Popen(
            [*start, "--remote-debugging-pipe", f"--user-data-dir={profile}"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._session = b"", 0, ""
        self.logged: list[str] = []
        self.requested: list[str] = []
        self.dialogs: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], 60)
            assert ready, "the browser fell silent"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser closed its end"
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.consoleAPICalled":
            words = " ".join(str(arg.get("value", arg.get("description"))) for arg in parameters["args"])
            self.logged.append(f"{parameters['type']}: {words}")
        elif method == "Runtime.exceptionThrown":
            self.logged.append(f"exception: {parameters['exceptionDetails']}")
        elif method == "Log.entryAdded":
            self.logged.append(f"{parameters['entry']['level']}: {parameters['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            self.requested.append(parameters["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(parameters["message"])

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, path: Path, width: int = 1280, height: int = 800) -> None:
        """Open a report and wait until its figures are drawn."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.logged, self.requested, self.dialogs = [], [], []
        self.call("Page.navigate", url=path.as_uri())
        end = time.monotonic() + 30
        while self.run("document.documentElement?.dataset.drawn || ''") == "":
            assert time.monotonic() < end, self.logged
            time.sleep(0.05)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(audited()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Browser:
    browser.open(report)
    return browser


def test_every_figure_is_drawn(page: Browser) -> None:
    assert page.run("document.documentElement.dataset.failed") == "0"
    for ident in FIGURES:
        marks = page.run(
            f"document.querySelectorAll('#figure-{ident} .chart svg [class*=role-mark] > *').length"
        )
        assert marks > 10, ident
    assert page.run("document.querySelectorAll('.diagram .arrow .line').length") == len(content().edges)
    assert page.run("document.querySelectorAll('.chart .fallback').length") == 0


def test_nothing_is_logged_asked_for_or_run(page: Browser, report: Path) -> None:
    assert page.logged == []
    assert [url for url in page.requested if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert page.dialogs == []
    assert page.run("[...document.scripts].filter(s => s.type !== 'application/json').length") == 2


def test_the_policy_stops_a_planted_script(page: Browser) -> None:
    page.run(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.planted = 1';"
        " document.body.append(s); s.remove(); })()"
    )
    assert page.run("typeof window.planted") == "undefined"
    page.logged.clear()


def test_the_answer_fits_the_first_screen(page: Browser) -> None:
    for part in (".answer", ".trust", "#figure-tradeoff .chart"):
        assert page.run(f"document.querySelector('{part}').getBoundingClientRect().bottom + scrollY") <= 800


def test_the_priors_and_the_course_can_be_switched(page: Browser) -> None:
    lines = (
        "[...document.querySelectorAll('#figure-paths .mark-line path')].map(p => p.getAttribute('d')).join()"
    )
    before = page.run(lines)
    page.run("document.querySelector('[name=prior][value=sources]').click()")
    switched = page.run(lines)
    page.run(
        "(() => { const s = document.querySelector('[name=scenario]'); s.selectedIndex = 0;"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    assert len({before, switched, page.run(lines)}) == 3


def test_claims_are_filtered(page: Browser) -> None:
    def choose(name: str, value: str) -> int:
        script = (
            "(() => { const f = document.querySelector('[data-filters] [name=%s]'); f.value = %r; %s })()"
        )
        page.run(script % (name, value, "f.dispatchEvent(new Event('input', {bubbles: true}));"))
        return int(page.run("document.querySelectorAll('#claims-table > tbody:not([hidden])').length"))

    told = audited()
    assert choose("words", "\"quoted\" & 'odd'") == 1
    assert choose("words", "") == len(told.claims) == 60
    assert choose("kind", "O") == sum("O" in claim.kind.split("/") for claim in told.claims)
    assert choose("kind", "") == 60
    assert choose("source", "verma_ali_2023") == 28
    assert choose("source", "") == 60
    assert choose("home", "series:fighters") == sum("series:fighters" in claim.homes for claim in told.claims)
    assert choose("home", "") == 60
    settled = sum(each.verdict == "supported" for each in told.claims_audit.verdicts)
    assert choose("verdict", "supported") == settled > 0


def test_a_link_to_a_claim_shows_and_opens_it(page: Browser) -> None:
    opened = "document.querySelector('#claim-M14 details').open"
    page.run(
        "(() => { const f = document.querySelector('[data-filters] [name=verdict]'); f.value = 'supported';"
        " f.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert page.run("document.querySelector('#claim-M14').hidden") is True
    assert page.run(opened) is False
    page.run(
        "new Promise(done => { addEventListener('hashchange', () => setTimeout(done, 0), {once: true});"
        " document.querySelector('#link-5 a[href=\"#claim-M14\"]').click(); })"
    )
    assert page.run(opened) is True and page.run("document.querySelector('#claim-M14').hidden") is False
    told = page.run("document.querySelector('#claim-M14 .tested').innerText")
    assert "Does opening up send members to the challenger?" in told and "Bayes factor" in told


def test_an_arrow_tells_its_evidence_when_it_is_focused(page: Browser) -> None:
    page.run("document.querySelector('[data-arrow=\"5\"]').focus()")
    told = page.run("document.getElementById('link-detail').textContent")
    edge = content().edges[5]
    assert edge.sentence in told and edge.formula in told
    assert page.run("document.querySelector('#link-detail a[href=\"#claim-M14\"]') !== null")


def test_the_data_can_be_taken_away_offline(page: Browser) -> None:
    page.run(
        "window.taken = []; URL.createObjectURL = (blob) => { window.taken.push(blob); return '#'; };"
        " HTMLAnchorElement.prototype.click = function () { this.dataset.clicked = this.download; };"
    )
    page.run("document.querySelector('[data-download=fit]').click()")
    text = page.run("window.taken[0].text()")
    lines = text.lstrip("\ufeff").splitlines()
    assert lines[0] == "series,label,unit,layer,start,end,date,value,low,high,used,source"
    assert len(lines) > 500
    assert '"Fighters of the challenger <script>alert(1)</script> ""as told"" & \'counted\'"' in text


def test_nothing_sticks_out_on_a_phone(browser: Browser, report: Path) -> None:
    browser.open(report, width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.run("document.body.scrollWidth") <= 390
    wide = browser.run(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg')"
        " && e.getBoundingClientRect().right > 391).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    browser.run("document.querySelectorAll('#claims details').forEach(each => { each.open = true; })")
    assert (
        browser.run(
            "(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.querySelector('.opening'))"
        )
        <= 1
    )
    assert browser.logged == []


def test_dark_mode_reaches_the_figures(browser: Browser, report: Path) -> None:
    ink = "getComputedStyle(document.querySelector('#figure-history .chart text')).fill"
    browser.open(report)
    light = browser.run(ink)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = browser.run(ink)
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert light != dark


def test_paper_shows_all_parts_and_no_controls(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("document.querySelectorAll('details:not([open])').length") == 0
    assert browser.run("getComputedStyle(document.querySelector('.contents')).display") == "none"
    assert browser.run("getComputedStyle(document.querySelector('.scroll.tall')).overflowY") == "visible"
    browser.run("dispatchEvent(new Event('afterprint'))")
    browser.call("Emulation.setEmulatedMedia", media="")
    assert browser.run("document.querySelectorAll('details[open]').length") == 0
    pdf = browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]
    assert base64.b64decode(pdf).startswith(b"%PDF")


def test_a_failed_quick_and_a_bare_report_open_without_complaint(browser: Browser, tmp_path: Path) -> None:
    for name, page in (
        ("failed", render(content(passed=False, quick=True))),
        ("bare", render(without_optional_parts())),
    ):
        path = tmp_path / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        browser.open(path)
        assert browser.run("document.documentElement.dataset.failed") == "0"
        assert browser.run("document.querySelector('.banner.failed').getBoundingClientRect().top") < 100
        assert browser.logged == []
