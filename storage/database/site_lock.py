"""Who may write to a site, between machines: PostgreSQL's session-level advisory locks.

They are held by the connection that commits, and it is the only one its engine ever makes: so no
commit can happen without them, and they fall with the process, its machine or its network
(PostgreSQL, Explicit Locking, Advisory Locks; docs/decisions/0902).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event, text

from storage.database.connect import database_errors, database_fault, engine_of
from storage.database.session import is_pooled, libpq_address, server_process
from storage.errors import ArchiveBusy, ArchiveFault, UsageError

_KEY = "hashtextextended('tinhuyen ' || CAST(:name AS text), 0)"
_TRY = text(f"SELECT pg_try_advisory_lock({_KEY})")
_HOLDER = text(
    "SELECT coalesce(nullif(application_name, ''), 'process ' || pid) FROM pg_locks "  # noqa: S608
    "JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    f"AND ((classid::bigint << 32) | objid::bigint) = {_KEY}"
)

_ROUNDS = 3
"""Others use a pool too, so one look can miss what it does."""
_SECONDS = 30
"""A peer that was silent for so long is asked whether it is there."""
_ALIVE: Mapping[str, Any] = {
    "keepalives_idle": _SECONDS, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 2 * _SECONDS * 1000,
}  # fmt: skip
_SERVER_ALIVE = {
    "tcp_keepalives_idle": str(_SECONDS), "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3", "tcp_user_timeout": str(2 * _SECONDS * 1000),
}  # fmt: skip
"""Both ends find out within about a minute that the other lost its power or its network."""


@contextmanager
def held_sites(url: str, sites: Collection[str], hosts: Collection[str] = ()) -> Iterator[Engine]:
    """An engine of one connection, which holds the sites, and each host for them.

    Where that connection is lost no other is made: ArchiveFault. Raises ArchiveBusy if somebody
    else, on any machine, has a site or a host; UsageError behind a pool that shares sessions;
    ArchiveFault.
    """
    check_own_session(url)
    holder = f"process {os.getpid()} on {socket.gethostname()}, for {' '.join(sites)}"[:63]
    given = {**_ALIVE, "application_name": holder}
    engine = engine_of(url, session=_SERVER_ALIVE, connect_args=given, pool_size=1, max_overflow=0)
    try:
        try:
            with engine.connect() as connection:
                for name, what in _names(sites, hosts):
                    _take(connection, name, what)
        except database_errors(engine) as error:
            raise database_fault(error) from error
        event.listen(engine, "do_connect", _refuse)
        yield engine
    finally:
        engine.dispose()


def check_own_session(url: str) -> None:
    """Raises UsageError where a pool gives a session to others between two transactions.

    A lock of the session is nobody's there. Raises ArchiveFault, and UsageError where the address
    names no database.
    """
    engine_of(url).dispose()  # which says so of an address
    try:
        with _looking(url) as one:
            if is_pooled(one) and _is_shared(one, url):
                raise UsageError(
                    "the database's address leads through a pool that gives one session to many, "
                    "where no site can be held; give PostgreSQL's own address, or set the pool to "
                    "session mode"
                )
    except psycopg.Error as error:
        raise database_fault(error) from error


def _is_shared(one: psycopg.Connection[Any], url: str) -> bool:
    """Whether it is answered by another process now and then, or by that of another connection."""
    with _looking(url) as other:
        looks = [
            (server_process(one), server_process(one), server_process(other))
            for _ in range(_ROUNDS)
        ]
    return any(first != again or again == of_other for first, again, of_other in looks)


def _looking(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(libpq_address(url), autocommit=True, prepare_threshold=None)


def _names(sites: Collection[str], hosts: Collection[str]) -> Iterator[tuple[str, str]]:
    for site in sites:
        yield f"site {site}", site
    for host in sorted(hosts):
        yield f"host {host}", f"its host {host}"


def _take(connection: Connection, name: str, what: str) -> None:
    if not connection.execute(_TRY, {"name": name}).scalar_one():
        holder = connection.execute(_HOLDER, {"name": name}).scalar() or "another process"
        raise ArchiveBusy(f"{what} is held by {holder}; wait for it or stop it")


def _refuse(*_: object) -> None:
    raise ArchiveFault(
        "the database's connection was lost, and with it the hold on the site: somebody else may "
        "go on with it. Nothing more was acknowledged; run the same command again"
    )


def is_held(connection: Connection, site: str) -> bool:
    """Whether somebody, on any machine, has a site now."""
    return connection.execute(_HOLDER, {"name": f"site {site}"}).first() is not None
