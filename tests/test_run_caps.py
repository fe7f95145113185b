"""A run that has had what it may have ends cleanly, says why, and is gone on with."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import TestArchive
from tests.misbehaving import MisbehavingServer, article, page
from tests.test_faults import declare, options

PAGES = 12
ONE_AT_A_TIME = {"CONCURRENT_REQUESTS": 1}


def rows(archive: TestArchive, sql: str) -> list[Any]:
    with archive.open().open_for_writing().begin() as tx:
        return list(tx.execute(text(sql)).all())


@pytest.mark.parametrize(
    ("cap", "value"), [("RUN_MAX_REQUESTS", 5), ("RUN_MAX_BYTES", 4 * len(article("x")))]
)
def test_a_capped_run_goes_on_where_it_stopped(archive: TestArchive, cap: str, value: int) -> None:
    with MisbehavingServer() as server:
        server.pages["/"] = page("Mười hai bài", *[f"/page/{n}" for n in range(PAGES)])
        declare(archive, f"{server.url}/")
        first = archive.scrapy("crawl", "bad", *options(**{cap: value}, **ONE_AT_A_TIME))
        assert first.returncode == 4, first.stderr
        assert f"stopped at {cap} = {value} with" in first.stderr
        assert 4 <= len(server.requests) <= 6
        [run] = rows(archive, "SELECT id, finished_at, reason FROM run")
        assert run.finished_at is None
        assert run.reason.startswith(f"stopped at {cap} = {value}")
        second = archive.scrapy("crawl", "bad")
    assert second.returncode == 0, second.stderr
    [(id_, outcome, reason)] = rows(archive, "SELECT id, outcome, reason FROM run")
    assert (id_, outcome, reason) == (run.id, "finished", None)
    assert len(server.requests) == len({asked.path for asked in server.requests}) == PAGES + 2
    assert rows(archive, "SELECT count(*) FROM article") == [(PAGES,)]


def test_a_site_that_turns_us_away_is_left_alone_for_now(archive: TestArchive) -> None:
    with MisbehavingServer() as server:
        server.pages["/"] = page("Quá tải", *[f"/busy/{n}" for n in range(30)])
        declare(archive, f"{server.url}/")
        settings = options(BUSY_ANSWERS_MAX=5, SLOWEST_DELAY_SECONDS=0.01, RETRY_SECONDS=0.01)
        crawled = archive.scrapy("crawl", "bad", *settings, *options(**ONE_AT_A_TIME))
    assert crawled.returncode == 5, crawled.stderr
    assert "which turns us away" in crawled.stderr
    assert 5 <= server.count("/busy/0") + sum(server.count(f"/busy/{n}") for n in range(1, 30)) < 10
    assert rows(archive, "SELECT finished_at FROM run") == [(None,)]


def test_a_cut_capture_neither_replaces_a_sound_one_nor_is_shared(archive: TestArchive) -> None:
    """Three crawls: whole, cut, and the same cut again."""
    body = article("nguyên vẹn")
    with MisbehavingServer() as server:
        server.pages |= {"/": page("Một bài", "/page/1"), "/page/1": body}
        declare(archive, f"{server.url}/")
        assert archive.scrapy("crawl", "bad").returncode == 0
        del server.pages["/page/1"]
        server.cut["/page/1"] = body[:-200]
        for _ in range(2):
            cut = archive.scrapy("crawl", "bad", *options(MAX_TRIES=1))
            assert cut.returncode == 4, cut.stderr
    found = (
        "SELECT record_type, truncated, payload_digest IS NULL FROM capture WHERE url LIKE '%/1'"
    )
    whole, *others = rows(archive, f"{found} ORDER BY id")
    assert tuple(whole) == ("response", None, 0)
    assert [tuple(other) for other in others] == [("response", "disconnect", 1)] * 2
    versions = "SELECT r.text FROM version v JOIN reading r ON r.id = v.reading"
    [(kept,)] = rows(archive, versions)
    assert len(kept) > len(body) / 2
