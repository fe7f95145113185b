"""Old articles that change or vanish are found where the portal gives it away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.read import read_page
from crawler.sites import Layout, Site
from crawler.vanished import vanished
from storage.records import Capture
from storage.times import utc_text
from tests.changing_portal import ChangingPortal
from tests.conftest import TestArchive
from tests.test_update import crawl, states

ARTICLES = 120
NO_SAMPLE = ("UPDATE_NEWEST_ARTICLES=0", "UPDATE_OTHER_ARTICLES=0")
AT = datetime(2024, 3, 1, 3, tzinfo=UTC)
SITE = Site(
    id="a",
    name="A",
    organ="other",
    layouts=(Layout("plain"),),
    listings=("http://a.vn/",),
    hosts=("a.vn",),
)


def test_a_sitemap_tells_of_old_articles_that_changed(archive: TestArchive) -> None:
    with ChangingPortal(ARTICLES, marks=False, sitemap=True) as portal:
        archive.declare(portal.table)
        assert crawl(archive, "full")["articles"] == ARTICLES
        portal.edit(3, 77)
        asked = len(portal.asked)
        counts = crawl(archive, "update", *NO_SAMPLE)
        assert counts["changed"] == counts["new_versions"] == 2
        articles = [path for path in portal.asked[asked:] if path.endswith(".html")]
        assert len(articles) == 2
        asked = len(portal.asked)
        assert crawl(archive, "update", *NO_SAMPLE)["new_versions"] == 0
        articles = [path for path in portal.asked[asked:] if path.endswith(".html")]
        assert len(articles) <= 2, "lastmod has whole seconds, so they may be asked once more"


def test_an_article_that_a_list_passes_over_is_asked_for(archive: TestArchive) -> None:
    """101 stands tenth in its category's list, far behind the newest twenty."""
    with ChangingPortal(ARTICLES, marks=False) as portal:
        archive.declare(portal.table)
        crawl(archive, "full")
        portal.gone |= {101: "404", 57: "soft"}
        portal.numbers += [ARTICLES, ARTICLES + 1, ARTICLES + 2]
        asked = len(portal.asked)
        counts = crawl(archive, "update", *NO_SAMPLE)
        assert counts["gone"] == 2 and counts["new_versions"] == 3
        articles = [path for path in portal.asked[asked:] if path.endswith(".html")]
        assert len(articles) == 5, "what moved to the next page is not asked for"
        gone = {url for url, state in states(archive).items() if state == "gone"}
        assert gone == {portal.article_url(101), portal.article_url(57)}


def test_last_modified_alone_is_enough(archive: TestArchive) -> None:
    with ChangingPortal(ARTICLES, dates=True) as portal:
        archive.declare(portal.table)
        first = crawl(archive, "full")
        again = crawl(archive)
        assert again["by_status"].get("200", 0) == 0 and again["by_status"]["304"] >= 25
        assert again["warc_bytes"] < first["warc_bytes"] / 15
        portal.edit(ARTICLES - 1)
        assert crawl(archive)["changed"] == 1


def test_a_server_without_marks_is_looked_at_less(archive: TestArchive) -> None:
    with ChangingPortal(ARTICLES, marks=False) as portal:
        archive.declare(portal.table)
        crawl(archive, "full")
        asked = len(portal.asked)
        crawl(archive)
        articles = [path for path in portal.asked[asked:] if path.endswith(".html")]
    assert len(articles) == 12
    assert set(map(portal._path, range(ARTICLES - 10, ARTICLES))) < set(articles)


def page(body: str, mime: str = "text/html", at: datetime = AT) -> Capture:
    headers = (("Content-Type", f"{mime}; charset=utf-8"),)
    return Capture("http://a.vn/", at, 200, headers, body.encode())


def listing(*numbers: int) -> Capture:
    links = (f'<a href="/bai-{n}">Hội nghị tổng kết công tác năm, bài số {n}</a>' for n in numbers)
    return page("<html><body>" + " ".join(links) + "</body></html>")


@pytest.mark.parametrize(
    ("before", "now", "asked"),
    [
        ((5, 4, 3, 2, 1), (5, 4, 2, 1), [3]),
        ((5, 4, 3, 2, 1), (6, 5, 4, 2), [3]),
        ((5, 4, 3, 2, 1), (4, 3, 2, 1), [5]),
        ((5, 4, 3, 2, 1), (7, 6, 5, 4, 3), []),
        ((5, 4, 3, 2, 1), (9, 8, 7, 6, 0), []),
        ((5, 4, 3, 2, 1), (5, 4, 3, 2, 1), []),
        (tuple(range(30, 0, -1)), (30, 1), []),
    ],
    ids=["between", "between, with a new one", "the first", "moved on", "all new", "same", "another list"],
)  # fmt: skip
def test_what_a_list_passes_over(before: Any, now: Any, asked: list[int]) -> None:
    found = vanished(read_page(listing(*now), SITE), listing(*before), SITE)
    assert [link.url for link in found] == [f"http://a.vn/bai-{n}" for n in asked]
    assert all(link.role == "article" and link.news_at == utc_text(AT) for link in found)


def sitemap(*entries: tuple[int, str]) -> Capture:
    inside = "".join(
        f"<url><loc>http://a.vn/bai-{n}</loc><lastmod>{when}</lastmod></url>" for n, when in entries
    )
    return page(f"<urlset>{inside}</urlset>", "application/xml")


@pytest.mark.parametrize(
    ("lastmod", "news_at"),
    [
        ("2024-02-01T10:00:00+07:00", "2024-02-01T03:00:00.000000Z"),
        ("2024-02-01T10:00:00", "2024-02-01T03:00:00.000000Z"),
        ("2024-02-01", "2024-02-01T17:00:00.000000Z"),
        ("2024-03-01", utc_text(AT)),
        ("2031-01-01", utc_text(AT)),
        ("9999-12-31", None),
        ("0001-01-01T00:00:00+07:00", None),
        ("2024-13-01", None),
        ("yesterday", None),
    ],
)
def test_lastmod_is_read_as_it_is_meant(lastmod: str, news_at: str | None) -> None:
    [link] = read_page(sitemap((1, lastmod)), SITE).links
    assert (link.url, link.role, link.news_at) == ("http://a.vn/bai-1", "article", news_at)


def test_a_sitemap_that_dates_all_of_its_pages_alike_is_not_believed() -> None:
    today = [(n, "2024-03-01T02:59:00Z") for n in range(20)]
    assert {link.news_at for link in read_page(sitemap(*today), SITE).links} == {None}
    days = [(n, utc_text(AT - timedelta(days=n))) for n in range(1, 20)]
    assert None not in {link.news_at for link in read_page(sitemap(*days), SITE).links}


def test_a_sitemap_of_sitemaps_leads_to_them() -> None:
    index = "<sitemapindex><sitemap><loc>http://a.vn/tin.xml</loc><lastmod>2024-02-01</lastmod></sitemap></sitemapindex>"
    [link] = read_page(page(index, "application/xml"), SITE).links
    assert (link.url, link.role, link.news_at) == ("http://a.vn/tin.xml", "feed", None)
