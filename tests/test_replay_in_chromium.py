"""Stored pages as a real browser draws them, and everything that it asks for meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from crawler.demo.files import picture
from tests import browser, hostile
from tests.browser import Browser
from tests.changing_portal import ChangingPortal
from tests.conftest import TestArchive
from tests.nukeviet_portal import NukeVietPortal
from tests.serving import Served, served
from tests.stored import keeping

SEED = "308bbaf278198bcc"


@contextmanager
def replayed(archive: TestArchive) -> Iterator[tuple[Served, Browser]]:
    """A server and a browser; nothing was asked for beyond the two names of the one."""
    with served(archive) as server, browser.chromium() as chromium:
        yield server, chromium
        assert chromium.hosts <= {"localhost", "replay.localhost"}
    assert not chromium.outside


def assert_drawn(page: Page) -> None:
    widths = browser.widths(page)
    assert widths and all(widths.values()), widths


def test_from_an_article_to_its_page_as_it_was(demo_archive: TestArchive) -> None:
    article = demo_archive.open().article(SEED)
    with replayed(demo_archive) as (server, chromium):
        page = chromium.open(f"{server.room_url}/article/{SEED}")
        page.click("text=The page as captured")
        browser.draw(page)
        assert page.url.startswith(f"{server.replay_url}/wayback/") and page.url.endswith(
            article["url"]
        )
        assert page.title().startswith(article["title"])
        assert browser.style(page, "body", "fontFamily") == "serif"
        assert "/nen.png" in browser.style(page, "body", "backgroundImage")
        assert_drawn(page)
        assert "Stored page" in page.locator("tinhuyen-banner div").inner_text()
        page.click("text=Trang chủ")
        assert page.title().startswith("Trang chủ") and page.url.startswith(server.replay_url)
        page.get_by_text("record", exact=True).click()
        assert page.url.startswith(f"{server.room_url}/record?")
        page.click("text=the page as captured")
        assert page.title().startswith("Trang chủ")
        chromium.visit(page, f"{server.replay_url}/wayback/2024/http://demo.localhost/ubnd/vi/")
        assert page.url.endswith("/http://demo.localhost/ubnd/vi/news/")  # a redirect
        assert page.title() == "Tin tức"


@pytest.mark.shared
def test_the_pages_of_a_real_cms(shared_data: Path, tmp_path: Path) -> None:
    archive = TestArchive(tmp_path / "archive")
    with NukeVietPortal(shared_data / "nukeviet", drawn=True) as portal:
        archive.declare(portal.site)
        done = archive.scrapy("crawl", "nukeviet")
    assert done.returncode == 0, done.stderr
    articles = archive.open().search(limit=3)
    lists = [f"http://{portal.host}/vi/news/"]
    with replayed(archive) as (server, chromium):
        for url in [*lists, *(article["url"] for article in articles)]:
            page = chromium.open(f"{server.replay_url}/wayback/2024/{url}")
            assert_drawn(page)
            assert "/nen.png" in browser.style(page, "body", "backgroundImage")
            page.close()
        page = chromium.open(f"{server.replay_url}/wayback/2024/{articles[0]['url']}")
        assert page.title().startswith(articles[0]["title"])
        assert browser.style(page, "h1.title", "color") == "rgb(1, 2, 3)"


def test_both_versions_of_a_changed_page(archive: TestArchive) -> None:
    with ChangingPortal(2) as portal:
        archive.declare(portal.table)
        archive.scrapy("crawl", "song")
        portal.edits[1] = 1
        archive.scrapy("crawl", "song")
    url = portal.article_url(1)
    with replayed(archive) as (server, chromium):
        page = chromium.open(f"{server.replay_url}/wayback/{url}")
        assert "Sửa lần 1." in page.inner_text("body")
        page.click("text=earlier")
        assert "Sửa lần 1." not in page.inner_text("body")
        assert page.inner_text("h1") == "Bài viết số 1"
        page.click("text=all captures")
        assert "2 captures" in page.inner_text("body")


def test_a_hostile_page_sees_nothing_and_reaches_nobody(tmp_path: Path) -> None:
    archive = TestArchive(tmp_path / "archive")
    with keeping(archive.folder) as keeper:
        keeper.keep("http://xau.vn/", hostile.page("http://localhost"))
        keeper.keep("http://xau.vn/xau.css", hostile.SHEET, "text/css")
        keeper.keep("http://xau.vn/tot.png", picture("a.png"), "image/png")
        keeper.keep("http://xau.vn/xau.svg", hostile.SVG, "image/svg+xml")
        keeper.keep("http://xau.vn/xau.js", "document.title = 'x'", "text/javascript")
    with replayed(archive) as (server, chromium):
        room = chromium.open(f"{server.room_url}/")
        room.evaluate("document.cookie = 'bi-mat=1'; localStorage.setItem('bi-mat', '1')")
        before = len(chromium.context.cookies())
        asked = len(chromium.requests)
        for address in (
            "2024/http://xau.vn/",
            "2024if_/http://xau.vn/",
            "2024/http://xau.vn/xau.svg",
        ):
            page = chromium.open(f"{server.replay_url}/wayback/{address}")
            page.wait_for_timeout(300)
            assert page.url == f"{server.replay_url}/wayback/{address}"
            assert page.title() in ("Trang xấu", "")
            assert page.evaluate("[document.cookie, localStorage.length]") == ["", 0]
        assert len(chromium.context.cookies()) == before
        assert not any(
            "localhost:" in url and "//replay." not in url for url in chromium.requests[asked:]
        )
        check_links(chromium, server)


def check_links(chromium: Browser, server: Served) -> None:
    """What works of the page works, and wherever it leads is in the archive."""
    page = chromium.open(f"{server.replay_url}/wayback/2024/http://xau.vn/")
    assert browser.style(page, "h1", "color") == "rgb(4, 5, 6)"
    assert page.evaluate("document.getElementById('tot').naturalWidth") == 320
    links = page.evaluate(
        "[...document.querySelectorAll('a')].map(a => new URL(a.href.animVal ?? a.href, location).href)"
    )
    allowed = (f"{server.replay_url}/", "javascript:")
    assert len(links) == 9 and all(link.startswith(allowed) for link in links), links
    for name in ("a1", "a4", "a5", "a6", "a7"):
        page.click(f"#{name}")
        assert page.url.startswith(
            f"{server.replay_url}/wayback/20240301030000/http://live.example/"
        )
        assert "was not kept" in page.inner_text("body")
        page.go_back()
    page.click("#a2")
    with chromium.context.expect_page() as opened:
        page.click("#a3")
    assert "was not kept" in opened.value.inner_text("body")
    page.click("button")
    assert page.url.startswith(f"{server.replay_url}/wayback/")
