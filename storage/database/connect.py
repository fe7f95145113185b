"""Opens the database: SQLite in the archive's folder, or PostgreSQL."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from storage.database.units import load_units
from storage.database.views import recreate_views
from storage.errors import ArchiveFault, UsageError

_BUSY_SECONDS = 30


def open_database(url: str, *, create: bool = True) -> Engine:
    """An engine whose schema is the newest; older ones are migrated on the way.

    Every transaction begins as a writer's (BEGIN IMMEDIATE on SQLite): a deferred one that
    first reads and then writes fails at once when another writes in between.
    Raises UsageError for an address that names no database, ArchiveFault if it cannot be opened.
    """
    engine = _engine(url)
    try:
        if create and not _is_newest(engine):
            upgrade(engine)
    except OperationalError as error:
        raise ArchiveFault(f"cannot open the database {engine.url!r}: {error.orig}") from error
    return engine


def reading_engine(url: str) -> Engine:
    """An engine for readers, that waits for no writer and changes nothing."""
    return _engine(url, read_only=True)


def _engine(url: str, *, read_only: bool = False) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise UsageError(
            f"{url!r} is no database; write postgresql+psycopg://user@host/name"
        ) from error
    engine = create_engine(address, json_serializer=_to_json)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, read_only)
    return engine


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _prepare_sqlite(engine: Engine, read_only: bool) -> None:
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
            return
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")  # pages; images fill 1000 in no time

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _is_newest(engine: Engine) -> bool:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return bool(current == newest_revision())


def newest_revision() -> str:
    """The newest migration's number, read from its file's name."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest form; data stays. Raises what the database raises."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every plug-in
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        recreate_views(connection)
        load_units(connection)
