"""Verbs of the schedule: `tinhuyen schedule …`, `tinhuyen work`, `tinhuyen plan`."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage import logs, times
from storage.cli import Json, archive_of
from storage.output import console, escape, print_json, print_table

if TYPE_CHECKING:
    from crawler.schedule.machines import MachineWorker
    from crawler.schedule.worker import Bounds, Worker
    from storage.archive import Archive
    from storage.database.jobs import Job
    from storage.database.schedules import Schedule

logger = logging.getLogger(__name__)

commands = typer.Typer()
schedule = typer.Typer(help="When which site is crawled.", no_args_is_help=True)
commands.add_typer(schedule, name="schedule")

SiteId = Annotated[str | None, typer.Argument(help="A site's id.")]
Province = Annotated[
    str | None, typer.Option(help="Every site of this province, with or without its marks.")
]
All = Annotated[bool, typer.Option("--all", help="Every site that can be crawled.")]
AtOnce = Annotated[int, typer.Option(min=1, help="Crawls at the same time.")]
TimeLimit = Annotated[str, typer.Option(help="For one crawl: 30m, 6h, 2d.")]


@schedule.command()
def add(  # noqa: PLR0913, PLR0917 a command has the options that it has
    context: typer.Context,
    site: SiteId = None,
    province: Province = None,
    all_: All = False,
    cron: Annotated[
        str | None, typer.Option(help='Five fields, Asia/Ho_Chi_Minh: "15 2 * * *".')
    ] = None,
    every: Annotated[str | None, typer.Option(help="30m, 6h, 2d.")] = None,
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="About as often as the portal publishes.")
    ] = False,
    mode: Annotated[
        str, typer.Option(help="update: lists until known ground; full: everything.")
    ] = "update",
    quiet: Annotated[
        str | None, typer.Option(help="Hours in which the site is left alone: 07:00-17:00.")
    ] = None,
    max_requests: Annotated[int | None, typer.Option(min=1, help="Requests a day.")] = None,
    max_mb: Annotated[int | None, typer.Option(min=1, help="Megabytes kept a day.")] = None,
    max_hours: Annotated[float | None, typer.Option(min=0.1, help="Hours a day.")] = None,
    json: Json = False,
) -> None:
    """Have sites crawled again and again; `schedule run` does it.

    A site has one schedule for each mode; a new one takes the place of the old.
    """
    from crawler.schedule import budget, rhythm, table
    from storage.database.schedules import DayLimits
    from storage.errors import UsageError

    if mode not in ("full", "update"):
        raise UsageError(f"no mode {mode!r}; there are full and update")
    limits = DayLimits(
        budget.read_quiet_hours(quiet) if quiet else None,
        max_requests,
        max_mb and max_mb * 10**6,
        round(max_hours * 3600) if max_hours else None,
    )
    read = rhythm.read_rhythm(cron, every, adaptive)
    archive = archive_of(context)
    sites = table.sites_to_crawl(archive, site, province, all_)
    _show(table.add(archive, sites, mode, read, limits), "scheduled", json)


@schedule.command()
def pause(
    context: typer.Context,
    site: SiteId = None,
    province: Province = None,
    all_: All = False,
    off: Annotated[bool, typer.Option("--off", help="End the pause; nothing is made up.")] = False,
    json: Json = False,
) -> None:
    """Let schedules rest."""
    from crawler.schedule import table

    archive = archive_of(context)
    sites = table.scheduled_ids(archive, site, province, all_)
    rows = table.pause(archive, sites, paused=not off)
    _show(rows, "goes on" if off else "paused", json)


@schedule.command()
def remove(
    context: typer.Context,
    site: SiteId = None,
    province: Province = None,
    all_: All = False,
    json: Json = False,
) -> None:
    """Take schedules away; what was crawled stays."""
    from crawler.schedule import table

    archive = archive_of(context)
    sites = table.scheduled_ids(archive, site, province, all_)
    _show(table.remove(archive, sites), "removed", json)


def _show(rows: Iterable[Schedule], what: str, json: bool) -> None:
    from storage.database.schedules import as_values

    if json:
        print_json(as_values(row) for row in rows)
        return
    for row in rows:
        next_ = f", next {_local(row.due_at)}" if what in ("scheduled", "goes on") else ""
        console.print(escape(f"{row.site} ({row.mode}): {what}{next_}"))


@schedule.command("list")
def list_schedules(context: typer.Context, json: Json = False) -> None:
    """List schedules: when each runs next, how its last crawl ended, and how late that began."""
    from crawler.schedule.table import list_rows

    rows = list_rows(archive_of(context))
    if json:
        print_json(rows)
        return
    print_table(
        ("site", "mode", "rhythm", "next run", "last run", "outcome", "began late by"),
        [_row(row) for row in rows],
    )


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    due = "paused" if row["paused"] else _local(times.parse_utc(row["due_at"]))
    began = row["last_started_at"] and _local(times.parse_utc(row["last_started_at"]))
    late = None if row["drift_seconds"] is None else f"{row['drift_seconds']} s"
    return row["site"], row["mode"], row["shown"], due, began, row["last_outcome"], late


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(times.LOCAL):%Y-%m-%d %H:%M}"


@schedule.command()
def run(context: typer.Context, at_once: AtOnce = 8, time_limit: TimeLimit = "24h") -> None:
    """Crawl what falls due, and send digests, in the foreground, until Ctrl-C or SIGTERM.

    Crawls under way are then told to end; the next start goes on with them.
    """
    from crawler.schedule.digests import digests_sent

    logs.begin()
    _say("Crawling by schedule until Ctrl-C; `tinhuyen schedule list` shows what is due.")
    _work(context, at_once, time_limit, _tell, digests_sent(archive_of(context), _say))


@commands.command()
def work(
    context: typer.Context,
    at_once: AtOnce = 8,
    time_limit: TimeLimit = "24h",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for more, until Ctrl-C or SIGTERM.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Only list what waits, what runs and what failed last.")
    ] = False,
    json: Json = False,
) -> None:
    """Crawl what is due now, and end: for a timer of your own in the place of `schedule run`.

    With --wait it goes on. On PostgreSQL any number of machines may work at the same time.
    """
    if list_:
        _list_jobs(context, json)
        return

    logs.begin()

    def say(job: Job, what: str) -> None:
        if json:
            print_json([{"job": job.id, "site": job.site, "mode": job.mode, "what": what}])
        else:
            _tell(job, what)

    _work(context, at_once, time_limit, say, nullcontext() if wait else None)


def _list_jobs(context: typer.Context, json: bool) -> None:
    from crawler.schedule.table import list_jobs

    rows = list_jobs(archive_of(context))
    if json:
        print_json(rows)
        return
    print_table(
        ("site", "job", "state", "since", "worker", "outcome"),
        [
            (*(row[name] for name in ("site", "mode", "state")),
             row["since"] and _local(times.parse_utc(row["since"])), row["worker"], row["outcome"])
            for row in rows
        ],
    )  # fmt: skip
    for state in ("runs", "waits", "failed"):
        console.print(f"{state}: {sum(row['state'] == state for row in rows)}")


def _tell(job: Job, what: str) -> None:
    _say(f"{job.site} ({job.mode}): {what}", job=job.id, site=job.site, mode=job.mode, what=what)


def _say(text: str, **facts: Any) -> None:
    """A line with its time, or an object in the log."""
    if logs.are_json():
        logger.info(text, extra=logs.facts(**facts))
    else:
        console.print(escape(f"{_local(times.now())}  {text}"))


def _work(
    context: typer.Context,
    at_once: int,
    time_limit: str,
    say: Callable[[Job, str], None],
    for_ever: AbstractContextManager[None] | None = None,
) -> None:
    """`for_ever`: until told to end, within this; None: until nothing more is due."""
    from sqlalchemy.exc import SQLAlchemyError

    from crawler.schedule.rhythm import read_duration
    from crawler.schedule.worker import Bounds
    from storage.database.connect import database_fault

    bounds = Bounds(at_once, read_duration(time_limit))
    archive = archive_of(context)
    worker = _worker_of(archive, bounds, say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stop())
    try:
        if for_ever is None:
            worker.drain()
        else:
            with for_ever:
                worker.run()
    except SQLAlchemyError as error:  # crawls under way go on; the next start finds them
        raise database_fault(error) from error


def _worker_of(
    archive: Archive, bounds: Bounds, say: Callable[[Job, str], None]
) -> Worker | MachineWorker:
    if archive.is_shared:
        from crawler.schedule.machines import MachineWorker

        return MachineWorker(archive, bounds, say)
    from crawler.schedule.dispatch import Children
    from crawler.schedule.worker import Worker

    return Worker(archive, Children(archive), bounds, say)


@commands.command()
def plan(
    context: typer.Context,
    sites: Annotated[int, typer.Option(min=1, help="How many sites.")] = 696,
    rate: Annotated[str, typer.Option(help="Requests to one server: 1/s, 30/m.")] = "1/s",
    at_once: AtOnce = 8,
    json: Json = False,
) -> None:
    """What crawling so many sites costs on one machine: requests, hours, disk.

    Counted from what crawls of this archive took; where there were none, from assumptions, which
    are named.
    """
    from dataclasses import asdict

    from crawler.schedule import plan as plans

    figures = plans.measure(archive_of(context))
    rows = plans.plan(figures, sites, plans.read_rate(rate), at_once)
    if json:
        print_json(row | {"figures": asdict(figures)} for row in rows)
        return
    print_table(
        ("servers", "number", "crawl", "requests", "hours", "bound by", "disk"),
        [_plan_row(row) for row in rows],
    )
    for name, requests in (("full", figures.full_requests), ("update", figures.update_requests)):
        of = figures.measured.get(name)
        source = f"measured, newest crawls of {of} site(s)" if of else "assumed"
        console.print(f"{name}: {requests:,.0f} requests a site ({source})")
    source = "measured" if figures.bytes_measured else "assumed"
    console.print(f"disk: {figures.bytes_per_request:,.0f} bytes a request ({source})")
    console.print(f"{at_once} crawls at once, {rate} to a server")


def _plan_row(row: dict[str, Any]) -> tuple[object, ...]:
    requests, hours = f"{row['requests']:,}", f"{row['hours']:,}"
    disk = _size(row["bytes"])
    return row["servers"], row["number"], row["crawl"], requests, hours, row["bound_by"], disk


def _size(count: float) -> str:
    unit = next(unit for unit in ("TB", "GB", "MB", "kB") if count >= _BYTES[unit] or unit == "kB")
    return f"{count / _BYTES[unit]:,.1f} {unit}"


_BYTES = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3}
