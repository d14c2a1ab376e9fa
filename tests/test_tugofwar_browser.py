"""The report of a replication in a real browser: everything is drawn, nothing is fetched, nothing planted runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from outbid.replication.page import render
from replication_fixture import content
from test_report_browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.mark.parametrize(("width", "simulated"), [(1280, False), (390, True)])
def test_all_is_drawn_and_nothing_is_fetched(
    browser: Browser, tmp_path: Path, width: int, simulated: bool
) -> None:
    page = tmp_path / "report.html"
    page.write_text(render(content(simulated=simulated)), encoding="utf-8")
    browser.open(page, width=width)
    assert browser.run("document.documentElement.dataset.drawn") == "3"
    assert browser.run("document.documentElement.dataset.failed") == "0"
    assert browser.run("document.querySelectorAll('.chart svg').length") == 3
    assert [each for each in browser.requested if not each.startswith(("file:", "data:"))] == []
    assert browser.dialogs == []
    assert browser.logged == []
    # the page itself does not scroll sideways, only its wide tables do
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
