"""The schedule table: what archivists put into it, and how due rows become jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row

from crawler.availability import check_available
from crawler.schedule import rhythm as rhythms
from crawler.sites import Site, find_site, load_sites
from storage import times
from storage.archive import Archive
from storage.database import schedules
from storage.database.jobs import answered_until, last_jobs, open_and_last_jobs, queue_job
from storage.database.schedules import DayLimits, Schedule
from storage.database.work_queue import open_jobs
from storage.errors import Exit, NotFound, SiteError, SiteUnavailable, UsageError
from storage.lines import append_lines
from storage.query.folding import fold

logger = logging.getLogger(__name__)

SPREAD_SECONDS = 3600
"""Sites that are given one cron time together begin within this."""


def sites_now(archive: Archive, before: dict[str, Site]) -> dict[str, Site]:
    """Sites by id, as their tables are by now; as they were `before` where a table is wrong."""
    try:
        return load_sites(archive.folder.sites)
    except SiteError as error:  # the crawls will say so; nobody else's schedule stops for it
        logger.warning("site tables as they were before: %s", error)
        return before


def sites_to_crawl(
    archive: Archive, site: str | None, province: str | None, all_: bool
) -> list[Site]:
    """The one site, those of a province (with or without its marks), or all.

    Of a province or all, those that cannot be crawled and the sample are left out.
    Raises UsageError, SiteError, SiteUnavailable.
    """
    found = []
    for one in _named_sites(archive, site, province, all_):
        try:
            check_available(one)
            found.append(one)
        except SiteUnavailable:
            if site is not None:
                raise
    found = [one for one in found if one.id == site or not one.sample]
    if not found:
        raise UsageError("no site with a known address is declared there; see `sites list`")
    return found


def scheduled_ids(
    archive: Archive, site: str | None, province: str | None, all_: bool
) -> list[str]:
    """The same for schedules that are there, whatever became of their sites. Raises UsageError."""
    if site is not None and not (province or all_):
        return [site]
    return [one.id for one in _named_sites(archive, site, province, all_)]


def _named_sites(
    archive: Archive, site: str | None, province: str | None, all_: bool
) -> list[Site]:
    if sum((site is not None, province is not None, all_)) != 1:
        raise UsageError("name a site, or --province NAME, or --all")
    declared = load_sites(archive.folder.sites)
    if site is not None:
        return [find_site(declared, site)]
    wanted = fold(province or "")
    return [
        one
        for one in declared.values()
        if all_ or (one.province is not None and fold(one.province) == wanted)
    ]


def add(
    archive: Archive, sites: Sequence[Site], mode: str, rhythm: str, limits: DayLimits
) -> list[Schedule]:
    """Schedule these sites; each one's earlier schedule of this mode is replaced."""
    spread = SPREAD_SECONDS if len(sites) > 1 and rhythm.startswith("cron ") else 0
    now = times.now()
    with _engine_of(archive) as engine:
        with engine.begin() as tx:
            rows = [
                _moved(tx, Schedule(site.id, mode, rhythm, spread, now, now, limits=limits), now)
                for site in sites
            ]
        _decide(archive, engine, rows)
    return rows


def pause(archive: Archive, sites: Iterable[str], *, paused: bool) -> list[Schedule]:
    """Let these sites' schedules rest, or go on from now: nothing is made up. Raises NotFound."""
    now = times.now()
    with _engine_of(archive) as engine:
        with engine.begin() as tx:
            rows = [replace(_moved(tx, row, now), paused=paused) for row in _of(tx, sites)]
        _decide(archive, engine, rows)
    return rows


def remove(archive: Archive, sites: Iterable[str]) -> list[Schedule]:
    """Take these sites' schedules away. Raises NotFound."""
    with _engine_of(archive) as engine:
        with engine.begin() as tx:
            rows = _of(tx, sites)
        lines = [_line("schedule_removed", {"site": row.site, "mode": row.mode}) for row in rows]
        append_lines(archive.folder.journal, lines)
        with engine.begin() as tx:
            for row in rows:
                schedules.remove_schedule(tx, row.site, row.mode)
    return rows


@contextmanager
def _engine_of(archive: Archive) -> Iterator[Engine]:
    engine = archive.open_for_writing()
    try:
        yield engine
    finally:
        engine.dispose()


def _of(tx: Connection, sites: Iterable[str]) -> list[Schedule]:
    rows = [row for site in sites for row in schedules.find_schedules(tx, site)]
    if not rows:
        raise NotFound("there is no such schedule; `tinhuyen schedule list` lists them")
    return rows


def _decide(archive: Archive, engine: Engine, rows: Sequence[Schedule]) -> None:
    """A schedule is a decision: it stands in the journal before it counts."""
    lines = [_line("schedule", schedules.as_values(row)) for row in rows]
    append_lines(archive.folder.journal, lines)
    with engine.begin() as tx:
        for row in rows:
            schedules.save_schedule(tx, row)


def _line(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "at": times.utc_text(times.now())} | values


def make_due(tx: Connection, now: datetime) -> list[Schedule]:
    """Turn what has fallen due into jobs, each once however often it was missed.

    In the same transaction each moves on to its first moment after now. What fell due while a
    crawl of it ran is answered by that crawl, up to its end.

    Where the clock was put back behind the moment that a schedule was counted from, that moment
    still holds, so that nothing is made twice; but no further ahead than a period, or a clock that
    was once a year ahead would stop the schedule for a year.
    """
    made = []
    for row in schedules.schedules_to_move(tx, now):
        if row.due_at <= now:
            ended = answered_until(tx, row.site, row.mode, row.due_at, now)
            missed = row if ended is None else _moved(tx, row, ended)
            if missed.due_at <= now:
                queue_job(tx, row.site, row.mode, missed.due_at, now)
                made.append(row)
            moved = _moved(tx, row, now)
        else:
            ahead = now + rhythms.period(_fixed(tx, row, now), row.site, now)
            moved = _moved(tx, row, min(row.counted_from, ahead))
        schedules.move_schedule(tx, row, moved.due_at, moved.counted_from)
    return made


def _moved(tx: Connection, row: Schedule, after: datetime) -> Schedule:
    rhythm = _fixed(tx, row, after)
    due = rhythms.next_due(rhythm, row.site, row.spread_seconds, after)
    return replace(row, due_at=due, counted_from=after)


def _fixed(tx: Connection, row: Schedule, now: datetime) -> str:
    """The rhythm; for `adaptive`, the one that the site's own articles give today."""
    if row.rhythm != rhythms.ADAPTIVE:
        return row.rhythm
    days = schedules.publication_days(tx, row.site, rhythms.PUBLICATIONS)
    length = rhythms.adaptive_length(days, now.astimezone(times.LOCAL).date())
    return f"every {int(length.total_seconds())}"


def list_rows(archive: Archive) -> list[dict[str, Any]]:
    """Every schedule with its last job: keys of `as_values`, `shown` (the rhythm for people),
    `last_started_at`, `last_outcome`, `last_run`, `drift_seconds` (how late it began).
    """
    with archive.reading() as connection:
        last = last_jobs(connection)
        return [
            schedules.as_values(row)
            | {"shown": _say(connection, row)}
            | _of_job(last.get((row.site, row.mode)))
            for row in schedules.find_schedules(connection)
        ]


def _say(tx: Connection, row: Schedule) -> str:
    said = rhythms.say_rhythm(_fixed(tx, row, times.now()))
    return f"adaptive, now {said}" if row.rhythm == rhythms.ADAPTIVE else said


def _of_job(last: Row[Any] | None) -> dict[str, Any]:
    if last is None:
        return dict.fromkeys(("last_started_at", "last_outcome", "last_run", "drift_seconds"))
    late = times.parse_utc(last.started_at) - times.parse_utc(last.due_at)
    return {
        "last_started_at": last.started_at,
        "last_outcome": last.outcome or "under way",
        "last_run": last.run,
        "drift_seconds": round(late.total_seconds()),
    }


def list_jobs(archive: Archive) -> list[dict[str, Any]]:
    """Jobs that wait, run, or whose last attempt failed: `site`, `mode`, `state` (`waits`, `runs`,
    `failed`), `since` (UTC text; of one that waits: when it may begin), `worker`, `outcome`.
    """
    with archive.reading() as connection:
        rows = connection.execute(open_and_last_jobs()).all()
        handed_out = open_jobs(connection)
    found = [
        {
            "site": row.site, "mode": row.mode, "worker": row.worker, "outcome": row.outcome,
            "state": _STATES.get(row.state, "failed"),
            "since": {"queued": row.not_before, "running": row.started_at}.get(
                row.state, row.finished_at
            ),
        }
        for row in rows
        if row.state != "done" or row.exit_code not in _WELL
    ]  # fmt: skip
    found += [
        {"site": one["args"]["site"], "mode": one["args"]["mode"], "worker": None, "outcome": None,
         "state": "waits", "since": times.utc_text(one["since"])}
        for one in handed_out if one["status"] == "todo"
    ]  # fmt: skip
    return sorted(found, key=lambda row: (_ORDER.index(row["state"]), row["site"], row["mode"]))


_STATES = {"queued": "waits", "running": "runs"}
_ORDER = ("runs", "waits", "failed")
_WELL = (Exit.DONE, Exit.INCOMPLETE)
