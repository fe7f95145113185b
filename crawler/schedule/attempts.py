"""One attempt at a job: what it may take, how it ended, and whether there is another after it.

What every worker holds to, wherever its crawls are made; within the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from crawler.schedule.budget import Allowance, allow, day_start, next_day
from crawler.schedule.dispatch import TIME_IS_UP, Over
from storage.database import jobs
from storage.database.jobs import Ended, Job, SiteRun, Used
from storage.database.schedules import DayLimits
from storage.errors import Exit

LONGEST_AGAIN = timedelta(hours=6)
"""However often a crawl has failed, it is tried again after this."""
FINAL = (Exit.DONE, Exit.INCOMPLETE, Exit.UNAVAILABLE, Exit.USAGE)
"""Trying again at once would end the same way."""
_OUTCOMES = {
    "finished": Exit.DONE,
    "incomplete": Exit.INCOMPLETE,
    "unavailable": Exit.UNAVAILABLE,
}
_STOPPED, _TIME_IS_UP = "stopped with the scheduler", "time is up"
_SPENT = "the day's budget is spent"
_NAMES: dict[int, str] = {
    Exit.DONE: "done",
    Exit.INCOMPLETE: "incomplete",
    Exit.UNAVAILABLE: "unavailable",
    Exit.USAGE: "wrong declaration",
    Exit.OUT_OF_DISK: "out of disk",
    Exit.BUSY: "busy: somebody else crawls it",
}


def allowed(
    tx: Connection, site: str, limits: DayLimits, now: datetime, longest: timedelta
) -> Allowance | datetime:
    """What a crawl that begins now may take; or, if nothing, until when it must wait."""
    used = Used(0, 0, 0)
    if (limits.max_requests, limits.max_bytes, limits.max_seconds) != (None, None, None):
        used = jobs.used_since(tx, site, day_start(now), now)
    return allow(limits, used, now, longest)


def end(tx: Connection, over: Over, now: datetime, again: timedelta, *, stopped: bool) -> str:
    """Write down how an attempt ended, and queue another where that is due; returns its outcome.

    `again`: before the second try. `stopped`: its worker was told to end.
    """
    run = jobs.newest_run(tx, over.job.site, over.job.mode)
    how = _finished(over.job, run) or Ended(
        now, _outcome(over, run, stopped=stopped), over.exit_code, run.id if run else None
    )
    wait, tries = _what_next(over, how, now, again)
    if wait is None:
        jobs.end_job(tx, over.job.id, how)
    else:
        jobs.try_again(tx, over.job, how, wait, tries)
    return how.outcome


def judge_lost(tx: Connection, job: Job, now: datetime) -> None:
    """An attempt whose worker is gone, and whose crawl runs no more: its end, and another try."""
    how = end_of_lost(tx, job, now)
    if how.exit_code is not None:
        jobs.end_job(tx, job.id, how)
    else:
        jobs.try_again(tx, job, how, now, job.tries)


def end_of_lost(tx: Connection, job: Job, now: datetime) -> Ended:
    """How it ended: as its run tells; if that tells nothing, it is lost and has no exit code."""
    run = jobs.newest_run(tx, job.site, job.mode)
    last_sign = min(now, job.lease_until or now)
    return _finished(job, run) or Ended(last_sign, "lost: its scheduler was killed")


def _finished(job: Job, run: SiteRun | None) -> Ended | None:
    """The end that the crawl's own run tells of, whatever became of its process; None if none."""
    if run is None or run.finished_at is None or run.outcome not in _OUTCOMES:
        return None
    if job.started_at is None or run.finished_at < job.started_at:
        return None
    code = _OUTCOMES[run.outcome]
    return Ended(run.finished_at, _NAMES[code], code, run.id)


def _outcome(over: Over, run: SiteRun | None, *, stopped: bool) -> str:
    if stopped and over.exit_code not in FINAL:
        return _STOPPED
    if over.exit_code in TIME_IS_UP:
        return _TIME_IS_UP
    if over.exit_code == Exit.INCOMPLETE and run is not None and run.finished_at is None:
        return _SPENT
    if over.exit_code < 0:
        return f"killed by signal {-over.exit_code}"
    return _NAMES.get(over.exit_code, "failed")


def _what_next(
    over: Over, how: Ended, now: datetime, again: timedelta
) -> tuple[datetime | None, int]:
    """When the same job is tried again, and how many failed tries it then has; None: it is not."""
    tries = over.job.tries
    if how.outcome in (_STOPPED, _TIME_IS_UP):
        return now, tries
    if how.outcome == _SPENT:
        return next_day(now), tries
    if how.exit_code == Exit.BUSY:
        return now + again, tries
    if how.exit_code in FINAL:
        return None, tries
    return now + min(again * 2 ** min(tries, 16), LONGEST_AGAIN), tries + 1
