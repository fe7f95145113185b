"""Saving and searching on a real PostgreSQL: the same crawl gives what SQLite gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from crawler.rebuild import rebuild
from storage.archive import Archive
from storage.copy.rows import digest_of
from storage.database.views import VIEWS
from tests.conftest import TestArchive

pytestmark = pytest.mark.postgres

WORDS = ("", "huyen uy binh giang", "Huyện ủy", "Huyện uỷ", "dang bo", "năm", '"thi đua khen thưởng"',
         "đảng -xyz", "nghị quyết 2022-2025", "!!", "a' b\\ c:* & | <->")  # fmt: skip
VOLATILE = {"captured_at", "warc"}


@pytest.fixture
def other(postgres_url: str, archive: TestArchive) -> Archive:
    done = archive.scrapy("crawl", "demo", "-s", f"DATABASE={postgres_url}")
    assert done.returncode == 0, done.stderr
    return Archive(archive.folder, postgres_url)


def lasting(articles: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in article.items() if k not in VOLATILE} for article in articles]


def test_a_crawl_into_postgresql(other: Archive, demo_archive: TestArchive) -> None:
    embedded = demo_archive.open()
    assert not other.is_embedded and not (other.folder.root / "archive.db").exists()
    everything = other.search(limit=1000)
    assert lasting(everything) == lasting(embedded.search(limit=1000))
    for words in WORDS:
        found = {article["id"] for article in other.search(words, limit=1000)}
        assert found == {a["id"] for a in embedded.search(words, limit=1000)}, words
    since = {"since": "2022-01-01", "until": "2022-12-31", "site": "demo"}
    assert lasting(other.search(**since)) == lasting(embedded.search(**since))  # type: ignore[arg-type]
    assert other.runs()[0]["counts"]["articles"] == 60
    sha256 = everything[0]["images"][0]["sha256"]
    assert other.image(sha256) == embedded.image(sha256)
    for archive in (other, embedded):
        archive.close()


def test_the_same_views_on_both(other: Archive, demo_archive: TestArchive) -> None:
    rows = "SELECT article_id, version, position, url, caption, sha256, width FROM article_images"
    answers = []
    for archive in (other, demo_archive.open()):
        with archive.reading() as connection:
            answers.append(sorted(map(tuple, connection.execute(text(rows))), key=str))
        archive.close()
    assert answers[0] == answers[1]


def test_rebuilt_on_the_other_side_every_view_has_the_same_digest(
    other: Archive, tmp_path: Path
) -> None:
    """The same WARC files, manifest and journal: nothing is left out, clocks included."""
    folder = Path(shutil.copytree(other.folder.root, tmp_path / "rebuilt"))
    rebuilt = Archive(folder)
    rebuild(rebuilt)
    digests = []
    for archive in (other, rebuilt):
        with archive.reading() as connection:
            names = {view: inspect(connection).get_columns(view) for view in VIEWS}
            digests.append(
                {
                    view: digest_of(connection, view, [column["name"] for column in columns]).hex
                    for view, columns in names.items()
                }
            )
        archive.close()
    assert digests[0] == digests[1]
    assert len(set(digests[0].values())) > 6  # the demo has no donations, notes or decisions
