"""How jobs come into the shared queue and out of it again; each step is the caller's transaction.

A job that may begin is handed out. Whoever takes it looks whether there still is something to make:
its lock may have changed, a dead worker's crawl may still run or have answered it, the day's budget
may be spent, its schedule may rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job as Given
from sqlalchemy import Connection

from crawler.schedule import attempts, table
from crawler.schedule.budget import Allowance
from crawler.schedule.locks import locks_of
from crawler.schedule.worker import Bounds
from crawler.sites import Site
from storage import times
from storage.database import jobs
from storage.database.attempts import (
    begin_attempt,
    forgotten_attempts,
    is_answered,
    limits_of,
    running_attempt,
    take_ready,
)
from storage.database.clock import present
from storage.database.jobs import Job
from storage.database.site_lock import is_held
from storage.database.work_queue import QUEUE, hand_out, job_name

TASK = "job"
"""The one task that procrastinate knows of."""
AWAY_SECONDS = 5
"""Between two looks whether the database is back."""
BEATS = 4
"""Heartbeats within the time after which a worker counts as dead."""


class Later(Exception):
    """A job goes back into the queue: until `at`, or at once under another lock."""

    def __init__(self, at: datetime | None = None, lock: str | None = None) -> None:
        super().__init__("not now")
        self.decision = RetryDecision(retry_at=at, lock=lock)


class GoesBack(BaseRetryStrategy):
    """Whatever goes wrong, no job is dropped whose outcome was not written down."""

    def get_retry_decision(self, *, exception: BaseException, job: Given) -> RetryDecision:
        """As procrastinate asks for it."""
        if isinstance(exception, Later):
            return exception.decision
        return RetryDecision(retry_in={"seconds": AWAY_SECONDS})


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that procrastinate gave to this worker."""

    site: str
    mode: str
    due_at: datetime
    tries: int
    lock: str | None
    bound_to: str | None

    @classmethod
    def of(cls, given: Given) -> Taken:
        """What it holds."""
        told: dict[str, Any] = given.task_kwargs
        bound_to = None if given.queue == QUEUE else given.queue
        due_at = times.parse_utc(told["due_at"])
        return cls(told["site"], told["mode"], due_at, told["tries"], given.lock, bound_to)


def hand_out_ready(tx: Connection, sites: Mapping[str, Site]) -> None:
    """What has fallen due becomes jobs, and those that may begin go into the shared queue."""
    now = present(tx)
    table.make_due(tx, now)
    for one in forgotten_attempts(tx):
        if not is_held(tx, one.site):
            attempts.judge_lost(tx, one, now)
    ready = take_ready(tx, now)
    locks = locks_of(tx, sites) if any(one.bound_to is None for one in ready) else {}
    for one in ready:
        lock = locks.get(one.site, f"site {one.site}")
        if one.bound_to is not None:  # commands exclude each other by locks of their own
            lock = f"{one.site} at {one.bound_to}"
        due_at = times.utc_text(one.due_at)
        told = {"site": one.site, "mode": one.mode, "due_at": due_at, "tries": one.tries}
        hand_out(tx, TASK, told, name=job_name(one.site, one.mode), lock=lock, queue=one.bound_to)


def begin(
    tx: Connection, taken: Taken, sites: Mapping[str, Site], worker: str, bounds: Bounds
) -> tuple[Job, Allowance] | None:
    """Its attempt, and what that may take; None if there is nothing to make now. Raises Later."""
    now = present(tx)
    _judge_earlier(tx, taken, sites, now, bounds)
    site, mode, due_at, tries = taken.site, taken.mode, taken.due_at, taken.tries
    if is_answered(tx, site, mode, due_at, attempts.FINAL):
        return None
    limits = limits_of(tx, site, mode)
    until: datetime | Allowance = now
    if limits is not None:  # else its schedule rests, and so does what waits of it
        until = attempts.allowed(tx, site, limits, now, bounds.longest)
    if isinstance(until, Allowance):
        made_by = taken.bound_to or worker
        return begin_attempt(tx, site, mode, due_at, tries, made_by, now), until
    jobs.queue_job(tx, site, mode, due_at, until, tries, taken.bound_to)
    return None


def _judge_earlier(
    tx: Connection, taken: Taken, sites: Mapping[str, Site], now: datetime, bounds: Bounds
) -> None:
    """The queue's lock as it must be by now, and no attempt of the job but the one that begins."""
    if taken.bound_to is None:
        lock = locks_of(tx, sites).get(taken.site, taken.lock)
        if lock != taken.lock:
            raise Later(lock=lock)
    earlier = running_attempt(tx, taken.site, taken.mode)
    if earlier is not None and is_held(tx, taken.site):  # its worker is dead, its crawl is not
        raise Later(at=now + bounds.lease / BEATS)
    if earlier is not None:
        jobs.end_job(tx, earlier.id, attempts.end_of_lost(tx, earlier, now))
