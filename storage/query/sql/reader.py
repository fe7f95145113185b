"""Makes the PostgreSQL login that the SQL door asks with: it may read the views, nothing else."""

from __future__ import annotations

import secrets

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from storage.database.connect import writing
from storage.database.session import libpq_address
from storage.database.views import VIEWS, grant_views
from storage.errors import UsageError
from storage.query.sql.postgres import too_much

READER = "tinhuyen_reader"
_SETTINGS = {"default_transaction_read_only": "on", "statement_timeout": "30s"}
"""For whoever uses the login without the door; the door sets its own."""
TEMP_FILES = "1GB"
"""What one of its queries may put on the server's disk while it sorts (temp_file_limit)."""


def make_reader(engine: Engine) -> URL:
    """Make the login, or give it a new password; returns its address, for TINHUYEN_SQL_DATABASE.

    Raises UsageError with the statements for an administrator where our own login may not, and
    where the login could do more than read the views.
    """
    password = secrets.token_urlsafe(18)
    with writing(engine) as tx:
        _make_login(tx, password)
        grant_views(tx, READER)
        quoted = tx.dialect.identifier_preparer.quote(str(engine.url.database))
        tx.execute(text(f"GRANT CONNECT ON DATABASE {quoted} TO {READER}"))
        tx.execute(text(f"GRANT USAGE ON SCHEMA public TO {READER}"))
    address = engine.url.set(username=READER, password=password)
    what = _tried(address)
    if what is not None:
        raise UsageError(f"{READER} {what}; take that from it (REVOKE), then run this again")
    return address


def _tried(address: URL) -> str | None:
    """What the login can do that it should not; None if nothing. Raises UsageError."""
    try:
        with psycopg.connect(libpq_address(address)) as connection:
            return too_much(connection)
    except psycopg.OperationalError as error:
        raise UsageError(
            f"{READER} was made and cannot log in: {error}. The server's pg_hba.conf says who may"
        ) from error


def _make_login(tx: Connection, password: str) -> None:
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :name")
    verb = "ALTER" if tx.execute(known, {"name": READER}).first() else "CREATE"
    login = f"{verb} ROLE {READER} LOGIN PASSWORD '{password}'"  # of letters, digits, - and _
    try:
        with tx.begin_nested():
            tx.execute(text(login))
            for setting, value in _SETTINGS.items():
                tx.execute(text(f"ALTER ROLE {READER} SET {setting} = '{value}'"))
    except DBAPIError as error:
        grants = f"GRANT SELECT ON {', '.join(VIEWS)} TO {READER};"
        raise UsageError(
            f"your login may not make others ({error.orig}). Have an administrator of PostgreSQL "
            f"run:\n  {verb} ROLE {READER} LOGIN PASSWORD '…';\n  ALTER ROLE {READER} SET "
            f"temp_file_limit = '{TEMP_FILES}';\nthen run, with your own login:\n  {grants}\n"
            f"and set TINHUYEN_SQL_DATABASE=postgresql+psycopg://{READER}:…@host/database"
        ) from error
    _limit_temp_files(tx)


def _limit_temp_files(tx: Connection) -> None:
    """Only a superuser may; without it, the time-out alone bounds what a query writes."""
    try:
        with tx.begin_nested():
            tx.execute(text(f"ALTER ROLE {READER} SET temp_file_limit = '{TEMP_FILES}'"))
    except DBAPIError:
        return
