"""PostgreSQL through PgBouncer: in session mode everything, in transaction mode reading only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from crawler.schedule.machines import MachineWorker
from storage.archive import Archive
from storage.errors import UsageError
from tests.conftest import TestArchive
from tests.kept import article, keep
from tests.pgbouncer import pooled
from tests.test_machines import SOON, Machine

pytestmark = pytest.mark.postgres
MANY = 12
"""More than the questions after which the driver has the server prepare one (5)."""


def says(machine: Machine, *arguments: str) -> str:
    done = machine.tinhuyen(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def by_session(archive: TestArchive, postgres_url: str) -> Iterator[Machine]:
    with pooled(postgres_url, "session") as url:
        yield Machine(archive.folder, url)


@pytest.fixture
def by_transaction(archive: TestArchive, postgres_url: str) -> Iterator[Machine]:
    kept = Archive(archive.folder, postgres_url)
    keep(kept, [article(1, "Bình Giang"), article(2, "Cẩm Giàng")])
    kept.close()
    with pooled(postgres_url, "transaction") as url:
        yield Machine(archive.folder, url)


def test_a_pool_of_sessions_serves_crawls_workers_and_readers(by_session: Machine) -> None:
    crawled = by_session.scrapy("crawl", "demo")
    assert crawled.returncode == 0, crawled.stderr
    says(by_session, "reextract", "--site", "demo", "--queue")
    assert "done" in says(by_session, "work")
    assert "site" in says(by_session, "search", "giang")
    assert "no error" in says(by_session, "warc", "verify", "--all")


def test_a_lock_behind_a_pool_falls_with_its_connection(by_session: Machine) -> None:
    one, other = (Archive(by_session.folder.parent / name, by_session.url) for name in "ab")
    for _ in range(2):
        with one.site_lock("tin"), other.site_lock("khac"):
            pass


def test_where_sessions_are_shared_nothing_is_crawled(
    by_transaction: Machine, postgres_url: str
) -> None:
    crawled = by_transaction.tinhuyen("crawl", "demo")
    assert crawled.returncode == UsageError.exit_code, crawled.stderr
    assert "session mode" in crawled.stderr
    with pytest.raises(UsageError, match="session mode"):
        MachineWorker(Archive(by_transaction.folder, by_transaction.url), SOON, lambda *_: None)
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        locks = connection.execute(text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
        assert locks.all() == []
    engine.dispose()


def test_readers_may_share_sessions(by_transaction: Machine) -> None:
    """Two at a time, so that what one had prepared would be the other's."""
    two = [Archive(by_transaction.folder, by_transaction.url) for _ in range(2)]
    for _ in range(MANY):
        for one in two:
            assert [found["title"] for found in one.search("binh")] == ["Bình Giang"]
    for one in two:
        one.close()
