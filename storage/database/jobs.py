"""Jobs: crawls that have fallen due. One is open (queued or running) for a site and mode.

    queued ──claim──> running ──end──> done
                         │
                         └──try_again──> done, and another one is queued: its worker died, the
                                         site was busy, the day's budget is spent

A job is one attempt. A running one is its worker's while the lease lasts, which the worker renews.
A lease that ran out says that the worker died; whether the crawl did too, the dispatcher knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, literal_column, or_, select, update

from storage import times
from storage.database.prepared import Prepared, columns
from storage.database.schedules import DayLimits
from storage.database.schema import capture, job, run, schedule

LONGEST_WAIT = timedelta(hours=48)
"""Nothing is put off for longer: a job that seems to be was put off under a wrong clock."""


@dataclass(frozen=True, slots=True)
class Job:
    """A crawl to make, once; or a command (crawler.schedule.commands), which its mode then is."""

    id: int
    site: str
    mode: str
    due_at: datetime
    tries: int
    """How often it failed before."""
    started_at: datetime | None
    lease_until: datetime | None
    limits: DayLimits
    worker: str | None = None
    """Whose it is; while it waits, the machine that it is bound to, if it is to one."""

    @property
    def bound_to(self) -> str | None:
        """The machine that a command (not a crawl, whose mode is one word) is bound to."""
        return self.worker if " " in self.mode else None


def queue_job(
    tx: Connection, site: str, mode: str, due_at: datetime, not_before: datetime, tries: int = 0,
    bound_to: str | None = None,
) -> bool:  # fmt: skip
    """A job for what has fallen due. False if one is open: it answers for this moment too.

    `bound_to`: the machine that has what it needs; None: any may make it.
    """
    values = {
        "site": site,
        "mode": mode,
        "state": "queued",
        "due_at": times.utc_text(due_at),
        "not_before": times.utc_text(not_before),
        "tries": tries,
        "worker": bound_to,
    }
    return bool(_QUEUE.run(tx, values).rowcount)


_LATER = ("lease_until", "started_at", "finished_at", "exit_code", "outcome", "run")
_QUEUE = Prepared(  # who asked first whether one is open could be overtaken by another machine
    lambda insert_: insert_(job).values(columns(job, "id", *_LATER)).on_conflict_do_nothing()
)


def answered_until(
    tx: Connection, site: str, mode: str, due_at: datetime, now: datetime
) -> datetime | None:
    """When a crawl ended after this moment: it began before, and saw the site later.

    None if none did. What fell due after that end nobody has answered.
    """
    ended = select(func.max(job.c.finished_at)).where(
        job.c.site == site,
        job.c.mode == mode,
        job.c.state == "done",
        job.c.finished_at.between(times.utc_text(due_at), times.utc_text(now)),
    )
    last = tx.execute(ended).scalar()
    return times.parse_utc(last) if last else None


def queued_jobs(tx: Connection, now: datetime) -> list[Job]:
    """Those that may begin now, the longest due first; none of a schedule that is paused."""
    soon = times.utc_text(now)
    late = times.utc_text(now + LONGEST_WAIT)
    ready = or_(job.c.not_before <= soon, job.c.not_before > late)
    awake = func.coalesce(schedule.c.paused, 0) == 0
    return _jobs(tx, and_(job.c.state == "queued", _IS_OPEN, ready, awake))


def running_jobs(tx: Connection) -> list[Job]:
    """Those that some worker has claimed."""
    return _jobs(tx, and_(job.c.state == "running", _IS_OPEN))


def lost_jobs(tx: Connection, now: datetime, lease: timedelta) -> list[Job]:
    """Running ones whose lease ran out, or ends later than any that is given: the clock jumped."""
    over = or_(
        job.c.lease_until < times.utc_text(now),
        job.c.lease_until > times.utc_text(now + 2 * lease),
    )
    return _jobs(tx, and_(job.c.state == "running", _IS_OPEN, over))


def find_job(tx: Connection, id_: int) -> Job:
    """The job of this id, which is there."""
    [found] = _jobs(tx, job.c.id == id_)
    return found


_IS_OPEN = job.c.state != literal_column("'done'")
"""Said beside every other state, as a constant: the index of open jobs then serves."""


def _jobs(tx: Connection, where: Any) -> list[Job]:
    on = and_(schedule.c.site == job.c.site, schedule.c.mode == job.c.mode)
    limits = [schedule.c[name] for name in DayLimits.__slots__]
    statement = select(job, *limits).outerjoin(schedule, on).where(where)
    return [_job(row) for row in tx.execute(statement.order_by(job.c.due_at, job.c.id))]


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id,
        row.site,
        row.mode,
        times.parse_utc(row.due_at),
        row.tries,
        times.parse_utc(row.started_at) if row.started_at else None,
        times.parse_utc(row.lease_until) if row.lease_until else None,
        DayLimits(row.quiet_hours, row.max_requests, row.max_bytes, row.max_seconds),
        row.worker,
    )


def claim_job(tx: Connection, id_: int, worker: str, now: datetime, lease: timedelta) -> bool:
    """Take a queued job. False if another worker was faster."""
    taken = tx.execute(
        update(job)
        .where(job.c.id == id_, job.c.state == "queued")
        .values(
            state="running",
            worker=worker,
            started_at=times.utc_text(now),
            lease_until=times.utc_text(now + lease),
        )
    )
    return taken.rowcount == 1


def renew_leases(tx: Connection, ids: Sequence[int], now: datetime, lease: timedelta) -> None:
    """The heartbeat of running jobs."""
    mine = and_(job.c.id.in_(ids), job.c.state == "running")
    tx.execute(update(job).where(mine).values(lease_until=times.utc_text(now + lease)))


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended."""

    at: datetime
    outcome: str
    exit_code: int | None = None
    """None: nobody saw its end."""
    run: str | None = None


def end_job(tx: Connection, id_: int, how: Ended) -> bool:
    """It is done, well or not. False if another worker has ended it."""
    ended = tx.execute(
        update(job)
        .where(job.c.id == id_, job.c.state == "running")
        .values(
            state="done",
            exit_code=how.exit_code,
            outcome=how.outcome,
            run=how.run,
            finished_at=times.utc_text(how.at),
            lease_until=None,
        )
    )
    return ended.rowcount == 1


def try_again(tx: Connection, ended: Job, how: Ended, not_before: datetime, tries: int) -> None:
    """End this attempt; another one, for the same due moment, waits in the queue."""
    if end_job(tx, ended.id, how):
        queue_job(tx, ended.site, ended.mode, ended.due_at, not_before, tries, ended.bound_to)


def put_off(tx: Connection, id_: int, not_before: datetime) -> None:
    """A queued job may not begin before this moment."""
    waits = and_(job.c.id == id_, job.c.state == "queued")
    tx.execute(update(job).where(waits).values(not_before=times.utc_text(not_before)))


@dataclass(frozen=True, slots=True)
class SiteRun:
    """A site's newest crawl in a mode."""

    id: str
    finished_at: datetime | None
    outcome: str | None


def newest_run(tx: Connection, site: str, mode: str) -> SiteRun | None:
    """The crawl that a job of this site and mode began or went on with; None before the first."""
    statement = (
        select(run.c.id, run.c.finished_at, run.c.outcome)
        .where(run.c.site == site, run.c.kind == "crawl", run.c.mode == mode)
        .order_by(run.c.started_at.desc())
    )
    row = tx.execute(statement.limit(1)).first()
    if row is None:
        return None
    finished = times.parse_utc(row.finished_at) if row.finished_at else None
    return SiteRun(row.id, finished, row.outcome)


@dataclass(frozen=True, slots=True)
class Used:
    """What a site was asked for since some moment."""

    requests: int
    bytes: int
    seconds: int


def used_since(tx: Connection, site: str, since: datetime, now: datetime) -> Used:
    """Exchanges kept, their WARC bytes, and how long jobs of the site ran."""
    start = times.utc_text(since)
    requests, size = tx.execute(
        select(func.count(), func.coalesce(func.sum(capture.c.warc_length), 0)).where(
            capture.c.site == site, capture.c.fetched_at >= start
        )
    ).one()
    spans = select(job.c.started_at, job.c.finished_at).where(
        job.c.site == site, job.c.state == "done", job.c.finished_at >= start
    )
    seconds = sum(
        (min(times.parse_utc(end), now) - max(times.parse_utc(begin), since)).total_seconds()
        for begin, end in tx.execute(spans)
        if begin is not None
    )
    return Used(int(requests), int(size), max(0, round(seconds)))


def last_jobs(tx: Connection) -> dict[tuple[str, str], Row[Any]]:
    """By site and mode, the newest job that has begun."""
    newest = (
        select(func.max(job.c.id))
        .where(job.c.started_at.is_not(None))
        .group_by(job.c.site, job.c.mode)
    )
    rows = tx.execute(select(job).where(job.c.id.in_(newest)))
    return {(row.site, row.mode): row for row in rows}


def open_and_last_jobs() -> Select[Any]:
    """Jobs that are not over, and of each site and mode the newest row."""
    newest = select(func.max(job.c.id)).group_by(job.c.site, job.c.mode)
    return select(job).where(or_(job.c.state != "done", job.c.id.in_(newest)))
