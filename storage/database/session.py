"""A connection's session on PostgreSQL: what it is told, and whether it is its own.

Between us and the server may be a pool. PgBouncer refuses settings in a connection's first message,
and in transaction mode gives one session to many in turn: what one has prepared or locked there is
another's then (PgBouncer, "SQL feature map for pooling modes").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

_SET = "SELECT set_config(name, value, %s) FROM unnest(%s::text[], %s::text[]) AS s (name, value)"


def libpq_address(url: str | URL) -> str:
    """The address as PostgreSQL's own programs and drivers take it, with its password."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def begin_session(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> None:
    """Settings of a new connection. Behind a pool it prepares no statement."""
    set_up(connection, settings, transaction=False)
    if is_pooled(connection):
        connection.prepare_threshold = None
    connection.commit()


def set_up(
    connection: psycopg.Connection[Any], settings: Mapping[str, str], *, transaction: bool
) -> None:
    """Settings of the session, or of its transaction only."""
    connection.execute(_SET, (transaction, list(settings), list(settings.values())))


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether it leads through a pool: that tells its clients process numbers of its own."""
    return server_process(connection) != connection.info.backend_pid


def server_process(connection: psycopg.Connection[Any]) -> int:
    """The number of the server's process that answers now."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0
