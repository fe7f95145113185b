"""Takes jobs from the queue, has each made, and says how it ended.

One turn: crawls that ended are written down; leases are renewed; jobs of dead workers go back to
the queue; jobs that fit begin. A turn that is killed anywhere loses nothing: a claim is committed
before its crawl begins, and a claim whose lease ran out is another worker's to judge.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from crawler.schedule import attempts, table
from crawler.schedule.budget import Allowance
from crawler.schedule.dispatch import Dispatch, Over
from crawler.sites import Site, load_sites
from storage import times
from storage.archive import Archive
from storage.database import jobs
from storage.database.jobs import Job
from storage.database.schedules import anything_to_move

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is done at once, and for how long."""

    at_once: int = 8
    longest: timedelta = timedelta(hours=24)
    """For one crawl; one that is ended by it goes on in the next."""
    lease: timedelta = timedelta(seconds=60)
    """A job whose worker gave no sign for so long has lost it."""
    again: timedelta = timedelta(minutes=5)
    """Before the second try; doubled before the third, and so on, up to LONGEST_AGAIN."""
    turn_seconds: float = 1.0
    """Between two looks at the queue."""


class Worker:
    """A worker of this process. `say` is told of every crawl that began or ended."""

    def __init__(
        self, archive: Archive, dispatch: Dispatch, bounds: Bounds, say: Callable[[Job, str], None]
    ) -> None:  # fmt: skip
        """Raises SiteError, ArchiveFault."""
        self._archive, self._dispatch, self._bounds, self._say = archive, dispatch, bounds, say
        self._sites = load_sites(archive.folder.sites)
        self._engine: Engine = archive.open_for_writing()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._mine: set[int] = set()
        self._renewed = time.monotonic()
        self._stop = threading.Event()

    def stop(self) -> None:
        """Begin nothing more and end what runs. May be called by a signal's handler."""
        self._stop.set()

    def drain(self) -> None:
        """Make what is due into jobs, and work until none is left that may begin now."""
        self.make_due()
        while not self._stop.is_set() and self.turn():
            self._stop.wait(self._bounds.turn_seconds)
        self._wind_down()

    def run(self) -> None:
        """Work, and make what falls due into jobs, until `stop`."""
        while not self._stop.is_set():
            self.make_due()
            self.turn()
            self._stop.wait(self._bounds.turn_seconds)
        self._wind_down()

    def make_due(self) -> None:
        """What has fallen due becomes jobs."""
        with self._archive.reading() as connection:
            if not anything_to_move(connection, times.now()):
                return
        self._sites = table.sites_now(self._archive, self._sites)
        with self._engine.begin() as tx:
            table.make_due(tx, times.now())

    def turn(self) -> bool:
        """One turn. False if nothing runs and nothing may begin now."""
        for over in self._dispatch.ended():
            self._write_down(over)
        self._renew()
        self._judge_lost()
        with self._archive.reading() as connection:
            queued = jobs.queued_jobs(connection, times.now())
        if queued and not self._stop.is_set():
            self._begin()
        return bool(self._mine or queued)

    def _wind_down(self) -> None:
        self._dispatch.stop()
        while self._mine:
            for over in self._dispatch.ended():
                self._write_down(over)
            self._renew()
            time.sleep(0.05)
        self._engine.dispose()
        self._archive.close()

    def _renew(self) -> None:
        if self._mine and time.monotonic() - self._renewed > self._bounds.lease.total_seconds() / 4:
            with self._engine.begin() as tx:
                jobs.renew_leases(tx, list(self._mine), times.now(), self._bounds.lease)
            self._renewed = time.monotonic()

    def _begin(self) -> None:
        """Claim what fits, then have it begun; looks first without becoming a writer."""
        now = times.now()
        with self._archive.reading() as connection:
            if not self._fitting(connection, now):
                return
        claimed = []
        with self._engine.begin() as tx:
            for job, allowed in self._fitting(tx, now):
                if not isinstance(allowed, Allowance):
                    jobs.put_off(tx, job.id, allowed)
                elif jobs.claim_job(tx, job.id, self._name, now, self._bounds.lease):
                    claimed.append((replace(job, started_at=now), allowed))
        for job, allowance in claimed:
            self._mine.add(job.id)
            self._dispatch.start(job, allowance)
            self._say(job, "begun")

    def _fitting(self, tx: Connection, now: datetime) -> list[tuple[Job, Allowance | datetime]]:
        """A bounded number at once, one a host; what each may take, or until when it must wait."""
        running = jobs.running_jobs(tx)
        taken = {host for job in running for host in self._hosts(job.site)}
        free = self._bounds.at_once - len(running)
        fitting: list[tuple[Job, Allowance | datetime]] = []
        for job in jobs.queued_jobs(tx, now):
            hosts = self._hosts(job.site)
            if free <= 0 or taken & hosts:
                continue
            allowed = attempts.allowed(tx, job.site, job.limits, now, self._bounds.longest)
            fitting.append((job, allowed))
            if isinstance(allowed, Allowance):
                taken |= hosts
                free -= 1
        return fitting

    def _hosts(self, site: str) -> set[str]:
        """The site's hosts, and its id, so that its full and its update exclude each other."""
        declared: Site | None = self._sites.get(site)
        return {f"site {site}", *(declared.hosts if declared else ())}

    def _write_down(self, over: Over) -> None:
        self._mine.remove(over.job.id)
        with self._engine.begin() as tx:
            outcome = attempts.end(
                tx, over, times.now(), self._bounds.again, stopped=self._stop.is_set()
            )
        self._say(over.job, outcome)

    def _judge_lost(self) -> None:
        """Jobs of workers that are gone: their crawl goes on, has ended, or must begin again."""
        with self._archive.reading() as connection:
            lost = self._lost(connection)
        if not lost:
            return
        for job in lost:
            if not self._dispatch.is_running(job.site):
                with self._engine.begin() as tx:
                    if job.id in {still.id for still in self._lost(tx)}:
                        attempts.judge_lost(tx, job, times.now())

    def _lost(self, tx: Connection) -> list[Job]:
        lost = jobs.lost_jobs(tx, times.now(), self._bounds.lease)
        return [job for job in lost if job.id not in self._mine]
