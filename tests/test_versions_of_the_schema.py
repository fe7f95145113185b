"""An archive of an earlier or a later version: said, not stumbled over; brought up on request."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from storage.database.connect import open_database
from tests.conftest import ROOT, TestArchive

MIGRATIONS = ROOT / "storage/database/migrations/versions"
REVISIONS = sorted(path.name[:4] for path in MIGRATIONS.glob("[0-9]*.py"))[:-1]


def made_at(revision: str, path: Path) -> None:
    """A database as that version had it, with a site, a run and a capture in it."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage/database/migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in ROWS:
            connection.execute(text(statement))
    engine.dispose()


ROWS = (
    "INSERT INTO site (id, name, organ, hosts, state, origin)"
    " VALUES ('demo', 'Demo', 'other', '[]', 'open', 'declared')",
    "INSERT INTO run (id, site, kind, started_at)"
    " VALUES ('r', 'demo', 'crawl', '2024-03-01T03:00:00.000000Z')",
    "INSERT INTO capture (run, site, url, urlkey, fetched_at, block_digest, warc_file, warc_offset,"
    " warc_length, record_id, record_type, provenance, reading) VALUES ('r', 'demo', 'http://a.vn/',"
    " 'vn,a)/', '2024-03-01T03:00:00.000000Z', 'sha1:A', 'f', 0, 1, 'id', 'response', 'own', 'none')",
)


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_schema_is_migrated_with_its_rows(revision: str, tmp_path: Path) -> None:
    made_at(revision, tmp_path / "a.db")
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT url FROM captures")).scalar() == "http://a.vn/"
        assert connection.execute(text("SELECT count(*) FROM units")).scalar()
    engine.dispose()


def test_readers_of_an_older_archive_are_told_what_to_do(archive: TestArchive) -> None:
    made_at("0001", archive.folder / "archive.db")
    told = archive.tinhuyen("search", "x")
    assert told.returncode == 2 and "`tinhuyen db upgrade`" in told.stderr
    assert archive.tinhuyen("db", "upgrade").returncode == 0
    assert archive.tinhuyen("search", "x").returncode == 0


def test_an_archive_of_a_later_version_is_left_alone(archive: TestArchive) -> None:
    path = archive.folder / "archive.db"
    open_database(f"sqlite:///{path}").dispose()
    with sqlite3.connect(path) as later:
        later.execute("UPDATE alembic_version SET version_num = '9999'")
    later.close()
    for arguments in (("search", "x"), ("db", "upgrade"), ("crawl", "demo")):
        told = archive.tinhuyen(*arguments)
        assert told.returncode == 2 and "by a later version" in told.stderr, told.stderr
        assert "Traceback" not in told.stderr
