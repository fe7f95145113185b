"""A transaction that another one kept from its end is run again, as a whole, and not for ever."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from storage.database import connect
from storage.database.connect import open_database, run_transaction
from storage.errors import ArchiveFault
from tests.conftest import TestArchive
from tests.crawling import crawl
from tests.databases import without_schema


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(connect, "_BUSY_SECONDS", 0)
    monkeypatch.setattr(connect, "_RETRY_SECONDS", (0.0, 0.0))
    engine = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE t (n integer)"))
    yield engine
    engine.dispose()


def add(tx: Connection) -> None:
    tx.execute(text("INSERT INTO t VALUES (1)"))


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM t")).scalar_one())


@pytest.fixture
def other(database: Engine) -> Iterator[sqlite3.Connection]:
    """Another process's connection, which writes."""
    connection = sqlite3.connect(str(database.url.database), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_it_is_run_again_when_the_other_has_ended(
    database: Engine, other: sqlite3.Connection
) -> None:
    undone = []

    def undo() -> None:
        undone.append(True)
        other.execute("COMMIT")

    run_transaction(database, add, undo)

    assert (count(database), undone) == (1, [True])


def test_it_is_not_run_for_ever(database: Engine, other: sqlite3.Connection) -> None:
    undone = []
    with pytest.raises(Exception, match="database is locked"):
        run_transaction(database, add, lambda: undone.append(True))
    assert len(undone) == 3
    other.execute("ROLLBACK")
    assert count(database) == 0


def test_an_error_that_trying_again_cannot_help_is_raised_at_once(database: Engine) -> None:
    undone = []

    def work(tx: Connection) -> None:
        add(tx)
        tx.execute(text("INSERT INTO no_table VALUES (1)"))

    with pytest.raises(Exception, match="no such table"):
        run_transaction(database, work, lambda: undone.append(True))
    assert (len(undone), count(database)) == (1, 0)


@pytest.fixture
def server_database(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(connect, "_RETRY_SECONDS", (0.0, 0.0))
    engine = open_database(postgres_url)
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE t (n integer)"))
    yield engine
    engine.dispose()


@pytest.mark.postgres
def test_a_connection_lost_before_the_commit_is_made_again(server_database: Engine) -> None:
    tries = []

    def work(tx: Connection) -> None:
        add(tx)
        tries.append(True)
        if len(tries) == 1:
            tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    run_transaction(server_database, work)
    assert (len(tries), count(server_database)) == (2, 1)


@pytest.mark.postgres
def test_a_serialization_failure_is_run_again(server_database: Engine) -> None:
    """Two transactions that each count what the other inserts (PostgreSQL manual, 13.2.3)."""
    serializable = server_database.execution_options(isolation_level="SERIALIZABLE")
    tries = []

    def work(tx: Connection) -> None:
        tries.append(tx.execute(text("SELECT count(*) FROM t")).scalar_one())
        add(tx)
        if len(tries) == 1:
            with serializable.begin() as between:
                between.execute(text("SELECT count(*) FROM t")).scalar_one()
                add(between)

    run_transaction(serializable, work)
    assert (tries, count(server_database)) == ([0, 1], 2)


def test_a_database_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(ArchiveFault, match="cannot open the database"):
        open_database(f"sqlite:///{path}")


@pytest.mark.parametrize("statement", [5, 30])
def test_a_migration_that_is_killed_is_made_by_the_next_start(
    archive: TestArchive, statement: int
) -> None:
    without_schema(archive.folder)
    before = (
        "import os\n"
        "from sqlalchemy import Engine, event\n"
        "seen = []\n"
        "@event.listens_for(Engine, 'before_cursor_execute')\n"
        "def count(connection, cursor, statement, *rest):\n"
        "    seen.append('CREATE' in statement)\n"
        f"    if sum(seen) == {statement}: os.kill(os.getpid(), 9)\n"
    )
    assert crawl(archive, before=before).returncode == -signal.SIGKILL
    assert archive.scrapy("crawl", "demo").returncode == 0
