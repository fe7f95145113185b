"""The database follows from WARC files, manifest and journal: rebuilt, it is the same."""

from __future__ import annotations

from tests.compare import content_of, differences
from tests.conftest import TestArchive


def content(archive: TestArchive) -> dict[str, list[dict[str, object]]]:
    return content_of(archive.open().database_url)


def rebuild(archive: TestArchive) -> str:
    done = archive.tinhuyen("rebuild")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rebuilt_after_two_crawls_and_an_update_it_is_equal(archive: TestArchive) -> None:
    for mode in ("full", "full", "update"):
        crawled = archive.scrapy("crawl", "demo", "-s", f"CRAWL_MODE={mode}")
        assert crawled.returncode == 0, crawled.stderr
    before = content(archive)
    assert len(before["runs"]) == 3
    assert len(before["articles"]) == 60
    assert len(before["failures"]) > 0

    out = rebuild(archive)

    assert "60 articles, 3 runs of 1 site(s)" in out
    assert not differences(before, content(archive))
    assert (archive.folder / "archive.db.before-rebuild").exists()
