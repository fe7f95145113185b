"""The door on PostgreSQL: a login of its own, whose rights end at the views.

SET ROLE from the operator's own login would not hold: any SELECT may call set_config('role', …)
and be back. So `tinhuyen db reader` makes a login (storage.query.sql.reader), and before every
answer it is looked at whether that login can do no more than it should.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.types.string import TextLoader

from storage.database.session import set_up
from storage.database.views import VIEWS
from storage.query.sql.refused import ONLY_VIEWS, OutOfTime, Refused
from storage.query.sql.statement import check_begins, check_postgres

_CONNECT_SECONDS = 10
_SETTINGS = {
    "standard_conforming_strings": "on",  # statement.py reads strings so
    "search_path": "public",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "lock_timeout": "5s",
}
_TOO_MUCH = """
    SELECT 'is a superuser' FROM pg_roles
     WHERE rolname = session_user AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)
     UNION ALL
    SELECT 'is a member of ' || m.roleid::regrole FROM pg_auth_members m
     WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = session_user)
     UNION ALL
    SELECT 'may read ' || c.oid::regclass
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_'
       AND n.nspname <> 'information_schema' AND NOT (n.nspname = 'public' AND c.relname = ANY(%s))
       AND has_schema_privilege(n.oid, 'USAGE')
       AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
     UNION ALL
    SELECT 'may write ' || c.oid::regclass
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v')
       AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
     LIMIT 1"""


def run(url: str, statement: str, seconds: float) -> Generator[Sequence[Any]]:
    """The names of the columns, then the rows as they come. Raises Refused, OutOfTime."""
    check_begins(statement)
    check_postgres(statement)
    try:
        with closing(_connect(url)) as connection:
            _begin(connection, seconds)
            what = too_much(connection)
            if what is not None:
                raise Refused(
                    f"the login of TINHUYEN_SQL_DATABASE {what}, so nothing is asked with it; "
                    "`tinhuyen db reader` makes one that reads the views only"
                )
            yield _columns(connection, statement)
            yield from connection.cursor().stream(statement.encode())  # one by one as they come
    except psycopg.Error as error:
        raise _why(error) from error


def _begin(connection: psycopg.Connection[Any], seconds: float) -> None:
    """The transaction that everything is asked in, whose settings end with it.

    A pool may give the session to others afterwards, and takes no settings as one connects.
    """
    connection.execute("BEGIN READ ONLY")
    timeout = {"statement_timeout": str(int(seconds * 1000))}
    set_up(connection, _SETTINGS | timeout, transaction=True)


def _columns(connection: psycopg.Connection[Any], statement: str) -> list[str]:
    """As the server describes them before it runs anything. It prepares one statement only."""
    session = connection.pgconn
    for result in (session.prepare(b"", statement.encode()), session.describe_prepared(b"")):
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise error_from_result(result, encoding="utf-8")
    if result.nfields == 0:  # PostgreSQL takes SELECT alone for a statement
        raise Refused(f"the statement asks for no column. {ONLY_VIEWS}.")
    return [(result.fname(number) or b"").decode() for number in range(result.nfields)]


def _why(error: psycopg.Error) -> Exception:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return OutOfTime()
    if "out of memory" in str(error) or isinstance(error, psycopg.errors.ProgramLimitExceeded):
        return MemoryError()
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return Refused(f"PostgreSQL cannot be asked with TINHUYEN_SQL_DATABASE: {error}")
    return Refused(f"{error.diag.message_primary or error}. {ONLY_VIEWS}.")


def _connect(url: str) -> psycopg.Connection[Any]:
    connection = psycopg.connect(
        url,
        connect_timeout=_CONNECT_SECONDS,
        autocommit=True,  # we say BEGIN ourselves
        client_encoding="utf8",
        prepare_threshold=None,  # a pool may give the session to others afterwards
    )
    for json in ("json", "jsonb"):  # as text, as on SQLite
        connection.adapters.register_loader(json, TextLoader)
    return connection


def too_much(connection: psycopg.Connection[Any]) -> str | None:
    """What a login can do that it should not (`may read image`); None if nothing."""
    row = connection.execute(_TOO_MUCH, [list(VIEWS)]).fetchone()
    return row[0] if row else None
