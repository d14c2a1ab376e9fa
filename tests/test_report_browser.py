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

from outbid.study import load_study
from report_fixture import effects, made_up, small_folder, whole

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
FIGURES = ("tradeoff", "history", "fit", "contraction")
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
    study = load_study("khorasan")
    path.write_text(whole(made_up(study), study, effects(study)), encoding="utf-8")
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
    assert page.run("document.querySelectorAll('.diagram .arrow .line').length") == 30
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
    for part in (".trust", "#figure-tradeoff .chart"):
        assert page.run(f"document.querySelector('{part}').getBoundingClientRect().bottom + scrollY") <= 800


def test_a_link_into_closed_parts_opens_them(page: Browser) -> None:
    opened = "document.querySelector('#series-fighters').open"
    assert page.run(opened) is False
    page.run(
        "new Promise(done => { addEventListener('hashchange', () => setTimeout(done, 0), {once: true});"
        " location.hash = '#series-fighters'; })"
    )
    assert page.run(opened) is True
    assert page.run("document.querySelector('#series-fighters').getBoundingClientRect().height") > 50


def test_an_arrow_tells_its_evidence_when_it_is_focused(page: Browser) -> None:
    page.run("document.querySelector('.arrow').focus()")
    told = page.run("document.getElementById('link-detail').textContent")
    assert "That it raises: without taking sides" in told and "its mechanism in the table" in told
    link = "document.querySelector('#link-detail a:last-of-type').hash"
    assert page.run(f"document.querySelector({link}) !== null")


def test_the_data_can_be_taken_away_offline(page: Browser) -> None:
    page.run(
        "window.taken = []; URL.createObjectURL = (blob) => { window.taken.push(blob); return '#'; };"
        " HTMLAnchorElement.prototype.click = function () { this.dataset.clicked = this.download; };"
    )
    page.run("document.querySelector('[data-download=fit]').click()")
    text = page.run("window.taken[0].text()")
    lines = text.lstrip("\ufeff").splitlines()
    assert {"series", "month", "median", "q05", "q95", "start", "end", "value", "used"} <= set(
        lines[0].split(",")
    )
    assert not any(name.startswith("_") for name in lines[0].split(","))
    assert len(lines) > 100


def test_nothing_sticks_out_on_a_phone(browser: Browser, report: Path) -> None:
    browser.open(report, width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.run("document.body.scrollWidth") <= 390
    wide = browser.run(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg')"
        " && e.getBoundingClientRect().right > 391).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert browser.logged == []


def test_dark_mode_reaches_the_figures(browser: Browser, report: Path) -> None:
    ink = "getComputedStyle(document.querySelector('#figure-history .chart text')).fill"
    browser.open(report)
    light = browser.run(ink)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = browser.run(ink)
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert light != dark


def test_paper_shows_no_controls_and_keeps_folds_closed(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("document.querySelectorAll('details[open]').length") == 0
    assert browser.run("getComputedStyle(document.querySelector('.contents')).display") == "none"
    browser.run("dispatchEvent(new Event('afterprint'))")
    browser.call("Emulation.setEmulatedMedia", media="")
    pdf = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page") - pdf.count(b"/Type /Pages") <= 12


def test_a_failed_quick_and_a_small_report_open_without_complaint(browser: Browser, tmp_path: Path) -> None:
    small = load_study(small_folder(tmp_path / "small"))
    study = load_study("khorasan")
    failed = whole(made_up(study, passed=False, quick=True), study)
    for name, page in (("failed", failed), ("small", whole(made_up(small, passed=False), small))):
        path = tmp_path / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        browser.open(path)
        assert browser.run("document.documentElement.dataset.failed") == "0"
        assert browser.run("document.querySelector('.banner.failed').getBoundingClientRect().top") < 100
        assert browser.logged == []
