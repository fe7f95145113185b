"""`job` on PostgreSQL: what waits for its time, and the attempts; procrastinate has the queue.

queued ──take_ready──> procrastinate: todo ──its worker──> doing
                                                             │ begin_attempt
                                              done <──end── running
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text

from storage import times
from storage.database.jobs import Job, find_job, queued_jobs
from storage.database.schedules import DayLimits
from storage.database.schema import job, schedule


def take_ready(tx: Connection, now: datetime) -> list[Job]:
    """Take those that may begin now off the table: the caller hands them out, or rolls back."""
    ready = queued_jobs(tx, now)
    return [
        one
        for one in ready
        if tx.execute(delete(job).where(job.c.id == one.id, job.c.state == "queued")).rowcount
    ]


def running_attempt(tx: Connection, site: str, mode: str) -> Job | None:
    """The attempt whose end nobody has written down."""
    mine = (job.c.site == site) & (job.c.mode == mode) & (job.c.state == "running")
    id_ = tx.execute(select(job.c.id).where(mine)).scalar()
    return None if id_ is None else find_job(tx, id_)


def is_answered(
    tx: Connection, site: str, mode: str, due_at: datetime, final: Collection[int]
) -> bool:
    """Whether a crawl came to an end of its own (these exit codes) after this moment."""
    ended = select(job.c.id).where(
        job.c.site == site,
        job.c.mode == mode,
        job.c.state == "done",
        job.c.exit_code.in_([int(code) for code in final]),
        job.c.finished_at >= times.utc_text(due_at),
    )
    return tx.execute(ended.limit(1)).first() is not None


def limits_of(tx: Connection, site: str, mode: str) -> DayLimits | None:
    """What the schedule of a job allows it: everything if it has none; None where that rests."""
    mine = (schedule.c.site == site) & (schedule.c.mode == mode)
    columns = [schedule.c[name] for name in DayLimits.__slots__]
    row = tx.execute(select(schedule.c.paused, *columns).where(mine)).first()
    if row is None:
        return DayLimits()
    return None if row.paused else DayLimits(*row[1:])


def begin_attempt(
    tx: Connection, site: str, mode: str, due_at: datetime, tries: int, worker: str, now: datetime
) -> Job:
    """Write down that a worker begins with a job; it answers for what waits of the same."""
    waits = (job.c.site == site) & (job.c.mode == mode) & (job.c.state == "queued")
    tx.execute(delete(job).where(waits))
    moment = times.utc_text(now)
    values: dict[str, Any] = {
        "site": site, "mode": mode, "state": "running", "due_at": times.utc_text(due_at),
        "not_before": moment, "started_at": moment, "tries": tries, "worker": worker,
    }  # fmt: skip
    id_ = tx.execute(insert(job).values(values).returning(job.c.id)).scalar_one()
    return find_job(tx, id_)


_LOST = text(
    "SELECT id FROM job WHERE state = 'running' AND state <> 'done' AND NOT EXISTS (SELECT FROM "
    "procrastinate.procrastinate_jobs j WHERE status IN ('todo', 'doing') "
    "AND queueing_lock = job.site || ' ' || job.mode)"
)


def forgotten_attempts(tx: Connection) -> list[Job]:
    """Attempts that the queue knows nothing of: the database was copied, or put back."""
    return [find_job(tx, id_) for id_ in tx.execute(_LOST).scalars()]
