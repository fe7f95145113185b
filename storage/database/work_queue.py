"""The queue that machines share: procrastinate's, in a PostgreSQL schema of its own.

Here: its schema, and what goes into it. Who takes out of it: crawler.schedule.machines. What it is
for, and what `job` is for beside it: docs/decisions/0902.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, text

from storage.database.connect import writing
from storage.database.session import libpq_address

SCHEMA = "procrastinate"
QUEUE = "tinhuyen"


def job_name(site: str, mode: str) -> str:
    """Of a site's job in the queue, its queueing lock: one of this name waits there at a time."""
    return f"{site} {mode}"


def connection_arguments(url: str) -> dict[str, Any]:
    """What procrastinate's connector for workers wants to be told of a database."""
    return {"conninfo": libpq_address(url), "configure": _look_in_schema}


async def _look_in_schema(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute("SELECT set_config('search_path', %s, false)", (SCHEMA,))
    await connection.commit()


def upgrade_queue(engine: Engine) -> None:
    """Make the schema, or apply procrastinate's own migrations that it lacks; SQLite has no queue.

    The newest that it has stands in the schema's comment: procrastinate itself keeps no note.
    Safe to call at any time, and by many at once. Raises ArchiveFault.
    """
    more = engine.dialect.name != "sqlite"
    while more:
        with writing(engine) as tx:  # each its own: a new value of an enum must be committed first
            more = _one_step(tx)


def _one_step(tx: Connection) -> bool:
    """False if there was nothing to do."""
    from procrastinate.schema import SchemaManager

    tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('tinhuyen queue', 0))"))
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    known = _newest_applied(tx)
    if known is None:
        tx.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        name, statements = files[-1].name, str(SchemaManager.get_schema())
    else:
        missing = [path for path in files if path.name > known]
        if not missing:
            return False
        name, statements = missing[0].name, missing[0].read_text(encoding="utf-8")
    with queue_path(tx):
        _driver(tx).execute(statements)
    tx.execute(text(f"COMMENT ON SCHEMA {SCHEMA} IS '{name}'"))
    return True


def _newest_applied(tx: Connection) -> str | None:
    """The newest of procrastinate's migrations that was applied; None if there is no schema."""
    comment = text("SELECT coalesce(obj_description(to_regnamespace(:name), 'pg_namespace'), '')")
    there = text("SELECT to_regnamespace(:name) IS NOT NULL")
    if not tx.execute(there, {"name": SCHEMA}).scalar_one():
        return None
    return str(tx.execute(comment, {"name": SCHEMA}).scalar_one())


@contextmanager
def queue_path(tx: Connection) -> Iterator[None]:
    """Names are looked up in the queue's schema first, within this transaction."""
    before = tx.execute(text("SELECT current_setting('search_path')")).scalar_one()
    search = text("SELECT set_config('search_path', :path, true)")
    tx.execute(search, {"path": f"{SCHEMA}, {before}"})
    yield
    tx.execute(search, {"path": before})  # where a statement failed, the rollback does it


def _driver(tx: Connection) -> Any:
    """psycopg's own connection, within SQLAlchemy's transaction."""
    return tx.connection.driver_connection


def hand_out(
    tx: Connection, task: str, values: dict[str, Any], *, name: str, lock: str, queue: str | None
) -> bool:
    """Put a job into the queue, when this transaction is committed.

    `name`: its queueing lock. `lock`: nothing else of this lock is made beside it. `queue`: of one
    machine; None: any may take it. False if a job of this name waits already.
    """
    from procrastinate.exceptions import AlreadyEnqueued
    from procrastinate.jobs import Job
    from procrastinate.manager import JobManager
    from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

    job = Job(
        id=None,
        queue=queue or QUEUE,
        task_name=task,
        task_kwargs=values,
        lock=lock,
        queueing_lock=name,
    )
    try:
        with tx.begin_nested(), queue_path(tx):
            JobManager(SyncPsycopgConnector()).defer_job(job, connection=_driver(tx))
    except AlreadyEnqueued:
        return False
    return True


def drop_waiting(tx: Connection, name: str) -> None:
    """Take the job of this name out of the queue, if it waits there; what runs goes on."""
    if tx.dialect.name != "sqlite" and _newest_applied(tx) is not None:
        with queue_path(tx):
            tx.execute(_DROP, {"name": name})


_DROP = text("DELETE FROM procrastinate_jobs WHERE queueing_lock = :name AND status = 'todo'")
_OPEN = text(
    "SELECT id, queue_name, args, status, lock, scheduled_at, "
    "(SELECT max(at) FROM procrastinate.procrastinate_events e WHERE e.job_id = j.id) AS since "
    "FROM procrastinate.procrastinate_jobs j "
    "WHERE status IN ('todo', 'doing') ORDER BY status DESC, id"
)


def open_jobs(tx: Connection) -> list[dict[str, Any]]:
    """What waits and what is being made, the latter first; empty where nothing was ever queued."""
    if tx.dialect.name == "sqlite" or _newest_applied(tx) is None:
        return []
    return [dict(row._mapping) for row in tx.execute(_OPEN)]


def count_waiting(tx: Connection) -> int:
    """How many wait; none where nothing was ever queued."""
    if tx.dialect.name == "sqlite" or _newest_applied(tx) is None:
        return 0
    return int(tx.execute(_WAITING).scalar_one())


_WAITING = text("SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE status = 'todo'")
