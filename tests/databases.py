"""Which database the tests' archives have: each folder its own SQLite file or, asked for with
`pytest --database postgresql`, each folder a database on a PostgreSQL server of the tests' own.

A database is made when its folder is first asked for, from a template whose schema is the newest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from storage.archive import Archive
from storage.database.connect import engine_of, open_database

_TEMPLATE = "newest_schema"


class Databases:
    """Databases on a server, one an archive's folder."""

    def __init__(self, server: str) -> None:
        self._base = server.rpartition("/")[0]
        self._admin: Engine = create_engine(server, isolation_level="AUTOCOMMIT")
        self._made: dict[Path, str] = {}
        self._run(f"CREATE DATABASE {_TEMPLATE}")
        open_database(f"{self._base}/{_TEMPLATE}").dispose()

    def of(self, folder: Path) -> str:
        """The database of an archive's folder."""
        return f"{self._base}/{self._made.get(folder) or self._make(folder, _TEMPLATE)}"

    def copy(self, folder: Path, to: Path) -> None:
        """What a copied folder has of its own: the rows as they are."""
        self.of(folder)
        self._let_go(self._made[folder])
        self._make(to, self._made[folder])

    def renew(self, folder: Path) -> None:
        """An empty one again, under its name."""
        self._make(folder, _TEMPLATE)

    def bare(self, folder: Path) -> None:
        """One that nobody has opened yet."""
        self._make(folder, "template1")

    def drop_within(self, folder: Path) -> None:
        """A test has ended, and its folder with it."""
        for one in [one for one in self._made if one.is_relative_to(folder)]:
            self._run(f"DROP DATABASE {self._made.pop(one)} WITH (FORCE)")

    def end(self) -> None:
        self._admin.dispose()

    def _make(self, folder: Path, template: str) -> str:
        name = "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # the folder was made again
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made[folder] = name
        return name

    def _let_go(self, name: str) -> None:
        """A template may have no connections: pools keep some that nobody uses."""
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        with self._admin.connect() as connection:
            connection.execute(text(end), {"name": name})

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


_given: list[Databases] = []
_connected: set[Engine] = set()


def database_of(folder: Path) -> str | None:
    """The address of a folder's database on the server; None: it has its SQLite file."""
    return _given[0].of(folder.absolute()) if _given else None


def on_server() -> bool:
    """Whether the tests run on PostgreSQL."""
    return bool(_given)


def copy_database(folder: Path, to: Path) -> None:
    """The rows of a copied folder, where they do not stand in it."""
    if _given:
        _given[0].copy(folder.absolute(), to.absolute())


def empty_for_rebuild(folder: Path) -> None:
    """A rebuild swaps SQLite's file; on a server it fills an empty database."""
    if _given:
        _given[0].renew(folder.absolute())


def without_schema(folder: Path) -> None:
    """The folder's archive was never opened, as its SQLite file is not there yet."""
    if _given:
        _given[0].bare(folder.absolute())


def change(folder: Path, statement: str, **values: Any) -> Any:
    """Run one statement behind the archive's back; the first row of what it returns, or None."""
    engine = engine_of(Archive(folder).database_url)
    try:
        with engine.begin() as tx:
            done = tx.execute(text(statement), values)
            return done.first() if done.returns_rows else None
    finally:
        engine.dispose()


def end_connections() -> None:
    """What a test left open: SQLite's connections close by themselves, psycopg's complain."""
    while _connected:
        _connected.pop().dispose()


def drop_within(folder: Path) -> None:
    if _given:
        _given[0].drop_within(folder)


def _note(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # what is in memory would be gone
        _connected.add(connection.engine)


@contextmanager
def all_on(server: str) -> Iterator[None]:
    """Every archive that names a folder and no database has one on this server meanwhile."""
    _given.append(Databases(server))
    patch = pytest.MonkeyPatch()
    begin = Archive.__init__

    def init(self: Archive, folder: Any = None, database: str | None = None) -> None:
        begin(self, folder, database or (database_of(Path(folder)) if folder else None))

    patch.setattr(Archive, "__init__", init)
    event.listen(Engine, "engine_connect", _note)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", _note)
        end_connections()
        patch.undo()
        _given.pop().end()
