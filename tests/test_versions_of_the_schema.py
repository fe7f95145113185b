"""An archive of an earlier or a later version: said, not stumbled over; brought up on request."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    JSON,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    create_engine,
    insert,
    select,
    sql,
    text,
)

from storage.database.connect import open_database
from storage.database.schema import metadata
from tests.conftest import ROOT, TestArchive

MIGRATIONS = ROOT / "storage/database/migrations/versions"
REVISIONS = sorted(path.name[:4] for path in MIGRATIONS.glob("[0-9]*.py"))[:-1]


def made_at(revision: str, url: str) -> dict[str, dict[str, Any]]:
    """A database as that version had it, with a row in every table; returns the rows."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage/database/migrations"))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        there = MetaData()
        there.reflect(connection, only=lambda name, _: name in metadata.tables)
        rows = {
            table.name: {column.name: _value(column) for column in table.columns}
            for table in there.sorted_tables
            if not table.name.startswith("unit")
        }
        for name, row in rows.items():
            connection.execute(insert(sql.table(name, *map(sql.column, row))), row)
    engine.dispose()
    return rows


def _value(column: Column[Any]) -> object:
    """The same for the same kind, so that what refers to a row finds it."""
    if isinstance(column.type, LargeBinary):
        return b"0123456789abcdef"
    if isinstance(column.type, Integer | Float):
        return 1
    if isinstance(column.type, JSON) or column.name == "published_flags":
        return "[]"
    return (
        "2024-03-01T03:00:00.000000Z" if column.name.endswith("_at") else "b1a6"
    )  # hex, as ids of articles are


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_schema_is_migrated_with_its_rows(revision: str, url: str) -> None:
    """What stood in any table stands there still, and the article is found."""
    before = made_at(revision, url)
    engine = open_database(url)
    with engine.connect() as connection:
        for name, row in before.items():
            still = [column for column in row if column in metadata.tables[name].c]
            [found] = connection.execute(select(sql.table(name, *map(sql.column, still))))
            assert {k: _plain(v) for k, v in found._mapping.items()} == {k: row[k] for k in still}
        assert connection.execute(text("SELECT url FROM captures")).scalar() == "b1a6"
        assert connection.execute(text("SELECT count(*) FROM units")).scalar()
    engine.dispose()


def _plain(value: object) -> object:
    return "[]" if value == [] else value  # psycopg reads JSON


@pytest.mark.postgres
def test_numbers_may_be_large(postgres_url: str) -> None:
    """An offset in a donated file of 5 GB; the four billionth link."""
    made_at("0001", postgres_url)
    engine = open_database(postgres_url)
    with engine.begin() as tx:
        tx.execute(text("UPDATE capture SET warc_offset = 5000000000"))
        tx.execute(text("SELECT setval('frontier_id_seq', 4000000000)"))
        tx.execute(
            text(
                "INSERT INTO frontier (site, url, fingerprint, origin, role, state, priority, depth,"
                " hops, tries, crashes, due) SELECT site, url, 'x', origin, role, state, priority,"
                " depth, hops, tries, crashes, due FROM frontier"
            )
        )
        assert tx.execute(text("SELECT max(id) FROM frontier")).scalar() == 4_000_000_001
        assert tx.execute(text("SELECT warc_offset FROM captures")).scalar() == 5_000_000_000
    engine.dispose()


@pytest.mark.embedded("begins with an empty file")
def test_readers_of_an_older_archive_are_told_what_to_do(archive: TestArchive) -> None:
    made_at("0001", archive.open().database_url)
    told = archive.tinhuyen("search", "x")
    assert told.returncode == 2 and "`tinhuyen db upgrade`" in told.stderr
    assert archive.tinhuyen("db", "upgrade").returncode == 0
    assert archive.tinhuyen("search", "x").returncode == 0


@pytest.mark.embedded("writes into its file")
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
