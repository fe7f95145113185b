"""An update costs next to nothing, and finds what is new, changed, gone and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from storage.database.schema import article, capture
from storage.urls import article_id
from tests.changing_portal import ChangingPortal
from tests.compare import content_of, differences
from tests.conftest import TestArchive

ARTICLES = 200


@pytest.fixture
def portal() -> Iterator[ChangingPortal]:
    with ChangingPortal(ARTICLES) as one:
        yield one


def crawl(archive: TestArchive, mode: str = "update", *settings: str) -> dict[str, Any]:
    given = [word for one in settings for word in ("-s", one)]
    done = archive.scrapy("crawl", "song", "-s", f"CRAWL_MODE={mode}", *given)
    assert done.returncode == 0, done.stderr
    opened = archive.open()
    try:
        counts: dict[str, Any] = opened.runs("song")[0]["counts"]
        return counts
    finally:
        opened.close()


def states(archive: TestArchive) -> dict[str, str]:
    opened = archive.open()
    with opened.reading() as connection:
        found = {
            url: state for url, state in connection.execute(select(article.c.url, article.c.state))
        }
    opened.close()
    return found


def test_an_update_of_an_unchanged_portal_costs_next_to_nothing(
    archive: TestArchive, portal: ChangingPortal
) -> None:
    archive.declare(portal.table)
    first = crawl(archive, "full")
    assert first["articles"] == ARTICLES
    asked = len(portal.asked)
    again = crawl(archive, "update", "UPDATE_NEWEST_ARTICLES=6", "UPDATE_OTHER_ARTICLES=2")
    assert len(portal.asked) - asked == 1 + 1 + 10 + 8  # robots.txt, the list, categories, sample
    assert again["by_status"] == {"304": 19, "404": 1}
    assert again["articles"] == 8 and again["new_versions"] == 0
    assert again["warc_bytes"] < first["warc_bytes"] / 50


def test_a_304_is_a_revisit_that_reads_as_its_original(
    archive: TestArchive, portal: ChangingPortal
) -> None:
    archive.declare(portal.table)
    crawl(archive, "full")
    crawl(archive)
    opened = archive.open()
    with opened.reading() as connection:
        columns = (capture.c.record_type, capture.c.refers_to, capture.c.payload_digest)
        rows = connection.execute(select(*columns).where(capture.c.status == 304)).all()
        records = set(connection.execute(select(capture.c.record_id)).scalars())
    opened.close()
    assert rows
    assert all(row.record_type == "revisit" and row.refers_to in records for row in rows)
    verified = archive.tinhuyen("warc", "verify", "--all")
    assert verified.returncode == 0, verified.stdout
    assert "finding" not in verified.stdout
    before = content_of(archive.open().database_url)
    assert archive.tinhuyen("rebuild").returncode == 0
    assert not differences(before, content_of(archive.open().database_url))


@pytest.mark.parametrize("marks", [True, False], ids=["etag", "bytes differ on every fetch"])
def test_new_changed_and_vanished_articles_are_found(archive: TestArchive, marks: bool) -> None:
    with ChangingPortal(ARTICLES, marks=marks) as portal:
        archive.declare(portal.table)
        crawl(archive, "full")
        assert crawl(archive)["new_versions"] == 0
        portal.numbers += range(ARTICLES, ARTICLES + 5)
        changed, gone = (199, 197, 190), {198: "404", 196: "soft", 195: "home"}
        portal.edits |= dict.fromkeys(changed, 1)
        portal.gone |= gone
        counts = crawl(archive)
        assert counts["new_versions"] == 8 and counts["gone"] == 3
        found = states(archive)
        assert len(found) == ARTICLES + 5
        assert {url for url, state in found.items() if state == "changed"} == set(
            map(portal.article_url, changed)
        )
        assert {url for url, state in found.items() if state == "gone"} == set(
            map(portal.article_url, gone)
        )
        before = content_of(archive.open().database_url)
        assert archive.tinhuyen("rebuild").returncode == 0
        assert not differences(before, content_of(archive.open().database_url))


def test_what_is_gone_is_shown_so_until_it_is_back(
    archive: TestArchive, portal: ChangingPortal
) -> None:
    archive.declare(portal.table)
    crawl(archive, "full")
    portal.gone[198] = "404"
    crawl(archive)
    id_ = article_id("song", portal.article_url(198))
    shown = archive.tinhuyen("show", id_).stdout
    assert "present on 20" in shown and ", absent on 20" in shown and "(404), record <urn:" in shown
    portal.gone.clear()
    crawl(archive, "update", "UPDATE_NEWEST_ARTICLES=0", "UPDATE_OTHER_ARTICLES=0")
    assert "absent on" not in archive.tinhuyen("show", id_).stdout
    assert states(archive)[portal.article_url(198)] == "live"


@pytest.mark.postgres
def test_postgresql_says_the_same(
    archive: TestArchive, portal: ChangingPortal, postgres_url: str
) -> None:
    archive.declare(portal.table)
    crawl(archive, "full")
    portal.edits[199] = 1
    portal.gone |= {198: "404", 196: "soft"}
    assert crawl(archive)["gone"] == 2
    assert archive.tinhuyen("--database", postgres_url, "rebuild").returncode == 0
    assert not differences(content_of(archive.open().database_url), content_of(postgres_url))
