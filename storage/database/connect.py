"""Opens the database: SQLite in the archive's folder, or PostgreSQL."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from storage.database import donations  # noqa: F401 its table is part of the schema
from storage.database.session import begin_session
from storage.database.units import load_units
from storage.database.views import create_views, drop_views
from storage.errors import ArchiveFault, NotFound, OutOfDisk, TinHuyenError, UsageError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_BUSY_SECONDS = 30
_RETRY_SECONDS = (0.1, 1.0, 5.0)
"""Before the second try of a transaction, and so on; then it has failed."""


def open_database(url: str) -> Engine:
    """An engine whose schema is the newest; older ones are migrated on the way.

    Every transaction begins as a writer's (BEGIN IMMEDIATE on SQLite): a deferred one that
    first reads and then writes fails at once when another writes in between.
    Raises UsageError for an address that names no database, or one that a later version has
    written; ArchiveFault if it cannot be opened.
    """
    engine = engine_of(url)
    if _revision(engine) != newest_revision():
        with _opening(engine):
            upgrade(engine)
    return engine


def open_for_reading(url: str) -> Engine:
    """An engine for readers, its schema this version's; it waits for no writer.

    Raises NotFound if nothing was ever kept there, UsageError if its schema is an older or a later
    one, or the address names no database; ArchiveFault if it cannot be opened.
    """
    engine = reading_engine(url)
    try:
        _check_revision(engine)
    except TinHuyenError:
        engine.dispose()
        raise
    return engine


def holds_archive(url: str) -> bool:
    """Whether anything was ever kept there: a server's database is made before its tables are.

    Raises UsageError, ArchiveFault as `open_for_reading` does.
    """
    engine = reading_engine(url)
    try:
        return _revision(engine) is not None
    finally:
        engine.dispose()


def _check_revision(engine: Engine) -> None:
    revision = _revision(engine)
    if revision is None:
        raise NotFound(f"{engine.url!r} holds no archive yet; `tinhuyen crawl SITE` begins one")
    if revision < newest_revision():
        raise UsageError(
            "this archive was last written by an older version of tinhuyen; `tinhuyen db upgrade` "
            "brings its database up to date (as the next crawl would)"
        )


def reading_engine(url: str) -> Engine:
    """An engine for readers, unlooked at: for whoever has just opened the database to write."""
    return engine_of(url, read_only=True)


def is_sqlite(url: str) -> bool:
    """Whether an address names a file of SQLite's; of one that names no database: no."""
    return url.startswith("sqlite")


def engine_of(
    url: str, *, read_only: bool = False, session: Mapping[str, str] = {}, **options: Any
) -> Engine:
    """An engine as all of ours are, unlooked at. Raises UsageError.

    `session`: settings of each of its sessions on PostgreSQL; `options`: create_engine's.
    """
    if not is_sqlite(url):  # a server may have been started anew meanwhile
        options = {"pool_pre_ping": True} | options
    try:
        engine = create_engine(url, json_serializer=_to_json, **options)
    except (ArgumentError, ModuleNotFoundError) as error:  # another driver
        raise UsageError(
            f"{url!r} is no database; write postgresql+psycopg://user@host/name"
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, read_only)
    else:
        # Compiling our long conditions (storage.query.access) would take seconds, running them
        # takes milliseconds; and the planner thinks them dear enough to compile.
        given = {"jit": "off", **session}
        event.listen(engine, "connect", lambda connection, _: begin_session(connection, given))
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
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")  # pages; images fill 1000 in no time

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _use_wal(connection: Any) -> None:
    """The switch asks for the file alone, and SQLite does not wait for it: so we do."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def run_transaction(
    engine: Engine, work: Callable[[Connection], T], undo: Callable[[], None] = lambda: None
) -> T:
    """Run `work` in a transaction of its own; the whole of it again where that may help.

    It may where another writer held the database for too long, where PostgreSQL ended one of two
    transactions that got in each other's way, and where the connection was lost before COMMIT was
    sent: nothing of it lasts then, and `undo` puts back what `work` changed elsewhere. A
    connection lost during COMMIT leaves open what lasts: that is raised, and the next start finds
    out. Raises what the database raises.
    """
    for wait in (*_RETRY_SECONDS, None):
        committing = False
        try:
            with engine.connect() as connection, connection.begin():
                result = work(connection)
                committing = True
            return result
        except database_errors(engine) as error:
            undo()
            may_help = _may_help(error, lost_is_safe=not committing)
            if wait is None or not may_help:
                raise
            logger.warning("the database could not take a transaction, trying again: %s", error)
        time.sleep(wait)
    raise AssertionError("the last try returned or raised")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction whose failure is the archive's. Raises OutOfDisk or ArchiveFault."""
    try:
        with engine.begin() as tx:
            yield tx
    except database_errors(engine) as error:
        raise database_fault(error) from error


def database_fault(error: Exception) -> ArchiveFault:
    """The fault that a failed transaction stands for."""
    reason = str(getattr(error, "orig", None) or error) or repr(error)
    logger.debug("the database failed", exc_info=error)
    if "disk is full" in reason or "No space left" in reason:
        return OutOfDisk("the database has no room left; make room and run the same command again")
    if _is_lost(error):
        return ArchiveFault(
            f"the database cannot be reached: {reason.strip()}; see that it runs, and run the same "
            "command again"
        )
    return ArchiveFault(f"the database failed: {reason}")


def database_errors(engine: Engine) -> tuple[type[Exception], ...]:
    """SQLAlchemy's own, and the driver's bare ones (storage.database.prepared)."""
    driver: Any = engine.dialect.dbapi
    return DBAPIError, driver.Error


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection of a reader's. Raises ArchiveFault if the database has gone away."""
    try:
        with engine.connect() as connection:
            yield connection
    except database_errors(engine) as error:
        if _is_lost(error):
            raise database_fault(error) from error
        raise


def _may_help(error: Exception, *, lost_is_safe: bool) -> bool:
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _is_busy(cause)
    if getattr(cause, "sqlstate", None) in ("40001", "40P01"):  # serialization_failure, deadlock
        return True
    return lost_is_safe and _is_lost(error)


def _is_lost(error: Exception) -> bool:
    """Whether PostgreSQL has gone away, or was not there."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return False
    state = getattr(cause, "sqlstate", None)
    return type(cause).__name__ == "OperationalError" if state is None else state[:3] in _LOST


def _cause(error: Exception) -> Any:
    return error.orig if isinstance(error, DBAPIError) else error


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


_LOST = ("57P", "080")  # the server was shut down; the connection failed (PostgreSQL, Appendix A)


def _revision(engine: Engine) -> str | None:
    """The number of the last migration that was made; None if none was."""
    with _opening(engine), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found > newest_revision():
        raise UsageError(
            "this archive was written by a later version of tinhuyen; read it with that one"
        )
    return found


@contextmanager
def _opening(engine: Engine) -> Iterator[None]:
    try:
        yield
    except database_errors(engine) as error:
        fault = database_fault(error)
        if isinstance(fault, OutOfDisk) or _is_lost(error):
            raise fault from error
        reason = getattr(error, "orig", None) or error
        raise ArchiveFault(f"cannot open the database {engine.url!r}: {reason}") from error


def newest_revision() -> str:
    """The newest migration's number, read from its file's name."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest form; data stays. Raises what the database raises."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every plug-in
    from alembic import command
    from alembic.config import Config

    from storage.database.work_queue import upgrade_queue

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        readers = drop_views(connection)
        command.upgrade(config, "head")
        create_views(connection, readers)
        load_units(connection)
    upgrade_queue(engine)
