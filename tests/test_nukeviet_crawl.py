"""The real pages of a real CMS, crawled live from loopback, against its own database."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TestArchive
from tests.nukeviet_portal import NukeVietPortal

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def crawled(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[NukeVietPortal, TestArchive]:
    archive = TestArchive(tmp_path_factory.mktemp("nukeviet") / "archive")
    with NukeVietPortal(shared_data / "nukeviet") as portal:
        archive.declare(portal.site)
        done = archive.scrapy("crawl", "nukeviet")
    assert done.returncode == 0, done.stderr
    return portal, archive


def by_id(archive: TestArchive) -> dict[int, dict[str, Any]]:
    found = archive.open().search(limit=1000)
    ids = [int(article["url"].rsplit("-", 1)[1].removesuffix(".html")) for article in found]
    assert len(ids) == len(set(ids)), "an article is there twice"
    return dict(zip(ids, found, strict=True))


def test_every_article_once_with_title_date_and_author(
    crawled: tuple[NukeVietPortal, TestArchive],
) -> None:
    portal, archive = crawled
    found = by_id(archive)
    truth = {article["id"]: article for article in portal.truth if article["id"] < 14}
    assert found.keys() == truth.keys()
    for id_, article in found.items():
        true = truth[id_]
        assert article["title"] == true["title"]
        assert article["published_at"][:16] == true["published"][:16], id_
        assert article["published_precision"] == "minute"
        assert article["author"] == (true["author"] or None), id_
        urls = {article["url"], *article["other_urls"]}
        assert urls == {f"http://{portal.host}{url}" for url in true["urls"]}, id_


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def test_the_body_is_the_body(crawled: tuple[NukeVietPortal, TestArchive]) -> None:
    portal, archive = crawled
    found = by_id(archive)
    recalls, precisions = [], []
    for true in portal.truth[:13]:
        article = found[true["id"]]
        read = words(f"{article['lead'] or ''} {article['text'] or ''}")
        plain = html.unescape(re.sub(r"<[^>]+>", " ", true["body_html"]))
        wanted = words(f"{html.unescape(true['lead'])} {plain}")
        shared = (read & wanted).total()
        recalls.append(shared / wanted.total())
        precisions.append(shared / read.total())
        print(true["id"], round(recalls[-1], 4), round(precisions[-1], 4))
    assert sum(recalls) / 13 >= 0.98 and sum(precisions) / 13 >= 0.98


def test_redirects_off_the_site_are_stored_as_such(
    crawled: tuple[NukeVietPortal, TestArchive],
) -> None:
    portal, archive = crawled
    [run] = archive.open().runs()
    assert run["findings"] == []
    failures = archive.open().run(run["id"])["failures"]
    gone = {f["url"] for f in failures if f["kind"] == "redirect_off_site"}
    assert gone == {
        f"http://{portal.host}{url}" for true in portal.truth[13:] for url in true["urls"]
    }
