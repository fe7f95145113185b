"""Schedules: which site is crawled when. The row is the truth; its next due time stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from storage import times
from storage.database.schema import article, job, reading, schedule, version
from storage.database.work_queue import drop_waiting, job_name


@dataclass(frozen=True, slots=True)
class DayLimits:
    """What a site may be asked for within a day of Asia/Ho_Chi_Minh; None: no limit."""

    quiet_hours: str | None = None
    """Hours in which it is left alone, local: `07:00-17:00`."""
    max_requests: int | None = None
    max_bytes: int | None = None
    """Bytes of WARC response records."""
    max_seconds: int | None = None
    """Seconds in which a crawl of it was under way."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One rhythm of one site; a site may have one for each mode."""

    site: str
    mode: str
    rhythm: str
    """`cron 15 2 * * *`, `every 21600` (seconds) or `adaptive`: see crawler.schedule.rhythm."""
    spread_seconds: int
    """A cron time is moved on by up to so much, by the site's id."""
    due_at: datetime
    """Aware, UTC: the first moment of the rhythm after `counted_from`."""
    counted_from: datetime
    paused: bool = False
    limits: DayLimits = DayLimits()


def save_schedule(tx: Connection, row: Schedule) -> None:
    """A new schedule, or another one in the place of the site's own of this mode."""
    tx.execute(delete(schedule).where(schedule.c.site == row.site, schedule.c.mode == row.mode))
    tx.execute(insert(schedule), as_values(row))


def remove_schedule(tx: Connection, site: str, mode: str) -> None:
    """Nothing more falls due, and what waits in the queue is dropped; what runs goes on."""
    tx.execute(delete(schedule).where(schedule.c.site == site, schedule.c.mode == mode))
    tx.execute(delete(job).where(job.c.site == site, job.c.mode == mode, job.c.state == "queued"))
    drop_waiting(tx, job_name(site, mode))


def find_schedules(tx: Connection, site: str | None = None) -> list[Schedule]:
    """Of one site, or all; the next to fall due first."""
    statement = select(schedule).order_by(schedule.c.due_at, schedule.c.site, schedule.c.mode)
    if site is not None:
        statement = statement.where(schedule.c.site == site)
    return [from_values(dict(row._mapping)) for row in tx.execute(statement)]


def schedules_to_move(tx: Connection, now: datetime) -> list[Schedule]:
    """Those that have fallen due, and those counted from a moment that is yet to come: the clock
    was put back. What falls due while a crawl of it runs stays, until that has ended.

    Locked until the transaction ends, where the database can lock rows.
    """
    statement = (
        select(schedule)
        .where(_is_to_move(now))
        .order_by(schedule.c.due_at, schedule.c.site)
        .with_for_update(skip_locked=True)
    )
    return [from_values(dict(row._mapping)) for row in tx.execute(statement)]


def anything_to_move(connection: Connection, now: datetime) -> bool:
    """Whether there are such; asks without becoming a writer."""
    statement = select(schedule.c.site).where(_is_to_move(now))
    return connection.execute(statement.limit(1)).first() is not None


def _is_to_move(now: datetime) -> ColumnElement[bool]:
    present = times.utc_text(now)
    running = select(job.c.id).where(
        job.c.site == schedule.c.site, job.c.mode == schedule.c.mode, job.c.state == "running"
    )
    return and_(
        schedule.c.paused == 0,
        or_(
            and_(schedule.c.due_at <= present, ~running.exists()),
            schedule.c.counted_from > present,
        ),
    )


def move_schedule(tx: Connection, row: Schedule, due_at: datetime, counted_from: datetime) -> None:
    """Set when it falls due next."""
    tx.execute(
        update(schedule)
        .where(schedule.c.site == row.site, schedule.c.mode == row.mode)
        .values(due_at=times.utc_text(due_at), counted_from=times.utc_text(counted_from))
    )


def publication_days(tx: Connection, site: str, limit: int) -> list[str]:
    """Days (`2023-01-10`, local) on which a site's newest articles were published, newest first.

    Articles without a day are left out; one with several versions counts as last read.
    """
    newest = version.alias()
    later = select(newest.c.id).where(
        newest.c.article == version.c.article, newest.c.number > version.c.number
    )
    statement = (
        select(reading.c.published_at)
        .join(version, version.c.reading == reading.c.id)
        .join(article, article.c.key == version.c.article)
        .where(
            article.c.site == site,
            reading.c.published_precision.in_(("second", "minute", "day")),
            ~later.exists(),
        )
        .order_by(reading.c.published_at.desc())
    )
    return [day[:10] for day in tx.execute(statement.limit(limit)).scalars()]


def as_values(row: Schedule) -> dict[str, Any]:
    """Its row, and its line in the journal."""
    values = {name: value for name, value in asdict(row).items() if name != "limits"}
    return values | asdict(row.limits) | {
        "due_at": times.utc_text(row.due_at),
        "counted_from": times.utc_text(row.counted_from),
        "paused": int(row.paused),
    }  # fmt: skip


def from_values(values: Mapping[str, Any]) -> Schedule:
    """What `as_values` was made from; other keys are passed over."""
    limits = DayLimits(**{name: values[name] for name in DayLimits.__slots__})
    own = [name for name in Schedule.__slots__ if name != "limits"]
    row = Schedule(**{name: values[name] for name in own}, limits=limits)
    return replace(
        row,
        due_at=times.parse_utc(values["due_at"]),
        counted_from=times.parse_utc(values["counted_from"]),
        paused=bool(values["paused"]),
    )
