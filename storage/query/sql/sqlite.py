"""The door on SQLite. mode=ro and query_only are not enough: ATTACH and VACUUM INTO write files.

A statement is compiled twice. First against a twin: an empty database that has views of these
names and columns and nothing else, so that it can name nothing else. (The authorizer alone cannot
tell: within `WITH articles AS (SELECT … FROM image)` SQLite says that `image` is read from within
`articles`, as it does for the view.) Then against the archive, where an authorizer lets it read
what the views themselves read, column by column, and call harmless functions.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from urllib.parse import quote

from storage.database.views import VIEWS
from storage.query.sql.refused import ONLY_VIEWS, OutOfTime, Refused
from storage.query.sql.statement import SQLITE_FUNCTIONS, check_begins

_BUSY_SECONDS = 10
_HEAP_BYTES = 512 << 20
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 16 << 20,  # bytes of a string or row: a giant is never made
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,  # %a%a%a… costs its length in powers
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})

_Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]
_Read = tuple[str | None, str | None]


def run(url: str, statement: str, seconds: float) -> Generator[Sequence[object]]:
    """The names of the columns, then the rows as they come. Raises Refused, OutOfTime.

    For a process of its own: SQLite's memory is capped for all of it.
    """
    until = time.monotonic() + seconds
    check_begins(statement)
    with closing(_open(url.removeprefix("sqlite:///"))) as archive:
        _compile_on_twin(archive, statement)
        archive.set_authorizer(_guard(archive, _what_views_read(archive)))
        archive.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
        try:
            with closing(archive.execute(statement)) as cursor:
                yield [column[0] for column in cursor.description]
                yield from cursor
        except sqlite3.Error as error:
            raise _why(error) from error


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None)
    for pragma in (
        f"busy_timeout={_BUSY_SECONDS * 1000}",
        "query_only=ON",
        "trusted_schema=OFF",
        "temp_store=MEMORY",  # what is sorted fills no disk
        f"hard_heap_limit={_HEAP_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    _limit(connection)
    return connection


def _limit(connection: sqlite3.Connection) -> None:
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    for function in _TABLE_FUNCTIONS:  # made known now: later that would look like a write
        connection.execute(f"SELECT 1 FROM {function}('[]')")  # noqa: S608


def _what_views_read(archive: sqlite3.Connection) -> frozenset[_Read]:
    """Every table and column that the stable views read, as SQLite tells when it compiles them."""
    read: set[_Read] = set()

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ:
            read.update({(table, column), (table, "ROWID")})
        return sqlite3.SQLITE_OK

    archive.set_authorizer(note)
    for view in VIEWS:
        archive.execute(f"SELECT * FROM {view} LIMIT 0")  # noqa: S608
    archive.set_authorizer(None)
    return frozenset(read)


def _compile_on_twin(archive: sqlite3.Connection, statement: str) -> None:
    twin = sqlite3.connect(":memory:", isolation_level=None)
    named = set()
    for view in VIEWS:
        columns = archive.execute(f"SELECT * FROM {view} LIMIT 0").description  # noqa: S608
        listed = ", ".join(f'NULL AS "{column[0]}"' for column in columns)
        twin.execute(f"CREATE VIEW {view} AS SELECT {listed}")
        named |= {(view, name) for name in ("ROWID", *(column[0] for column in columns))}
    _limit(twin)
    twin.set_authorizer(_guard(twin, frozenset(named)))
    try:
        twin.execute(f"EXPLAIN {statement}")
    except sqlite3.Error as error:
        raise _why(error) from error
    finally:
        twin.close()


def _guard(connection: sqlite3.Connection, allowed: frozenset[_Read]) -> _Authorizer:
    """SELECT, reading these columns, recursion, and functions of the list; nothing else.

    Where only rows are counted SQLite names no column, nor does it say whether the name is one
    that the statement itself has made (WITH); what SQLite makes tables of by itself is none.
    """
    modules = {name for (name,) in connection.execute("PRAGMA module_list")} - _TABLE_FUNCTIONS

    def guard(action: int, one: str | None, two: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ:
            own = (one or "").lower().startswith(("sqlite_", "pragma_")) or one in modules
            may = (one, two) in allowed or one in _TABLE_FUNCTIONS or (two == "" and not own)
        elif action == sqlite3.SQLITE_FUNCTION:
            may = (two or "").lower() in SQLITE_FUNCTIONS
        else:
            may = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
        return sqlite3.SQLITE_OK if may else sqlite3.SQLITE_DENY

    return guard


def _why(error: sqlite3.Error) -> Exception:
    """What to say, or OutOfTime, or MemoryError."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return OutOfTime()
    if code == sqlite3.SQLITE_NOMEM:
        return MemoryError()
    if code == sqlite3.SQLITE_TOOBIG:
        most = _LIMITS[sqlite3.SQLITE_LIMIT_LENGTH] >> 20
        return Refused(f"a value or row would be larger than {most} MB")
    return Refused(f"{str(error).rstrip('.')}. {ONLY_VIEWS}.")
