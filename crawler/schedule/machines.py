"""A worker of one machine among many that share a PostgreSQL database.

procrastinate hands out the jobs, keeps two of one lock apart, and knows by heartbeats which worker
is dead. Each job is made by a child process, as on one machine, and its end written into `job`
(docs/decisions/0902).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from crawler.schedule import attempts, table
from crawler.schedule.budget import Allowance
from crawler.schedule.dispatch import Children, Over
from crawler.schedule.handing import (
    AWAY_SECONDS,
    BEATS,
    TASK,
    GoesBack,
    Taken,
    begin,
    hand_out_ready,
)
from crawler.schedule.worker import Bounds
from crawler.sites import load_sites
from storage.archive import Archive
from storage.database import crashes, jobs, work_queue
from storage.database.attempts import forgotten_attempts
from storage.database.clock import present
from storage.database.connect import run_transaction, writing
from storage.database.jobs import Job
from storage.database.schedules import anything_to_move
from storage.database.site_lock import check_own_session, is_held
from storage.errors import Exit
from storage.handed_out import HandedOut

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1


class MachineWorker:
    """A worker of this process. `say` is told of every crawl that began or ended."""

    def __init__(self, archive: Archive, bounds: Bounds, say: Callable[[Job, str], None]) -> None:
        """Raises SiteError, ArchiveFault, UsageError."""
        self._archive, self._bounds, self._say = archive, bounds, say
        self._children = Children(archive)
        self._sites = load_sites(archive.folder.sites)
        check_own_session(archive.database_url)
        self._engine = archive.open_for_writing()
        work_queue.upgrade_queue(self._engine)
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._machine = archive.folder.machine
        self._running = 0
        self._stop, self._ending = threading.Event(), False
        self._looked_for_dead = 0.0
        logging.getLogger("procrastinate").setLevel(logging.WARNING)

    def stop(self) -> None:
        """Begin nothing more and end what runs. May be called by a signal's handler."""
        self._stop.set()

    def drain(self) -> None:
        """Make what is due into jobs, and work until none is left that may begin now."""
        self._work(until_empty=True)

    def run(self) -> None:
        """Work, and make what falls due into jobs, until `stop`."""
        self._work(until_empty=False)

    def _work(self, *, until_empty: bool) -> None:
        """However often the database goes away: it is waited for."""
        self._recover()
        try:
            while True:
                try:
                    asyncio.run(self._serve(until_empty=until_empty))
                    return
                except (ConnectorException, psycopg.OperationalError, OperationalError) as error:
                    if isinstance(error.__cause__, (psycopg.DataError, psycopg.ProgrammingError)):
                        raise  # no wait would mend it
                    logger.warning("the database is away, waiting for it: %s", error)
                    self._engine.dispose()
                    if self._stop.wait(AWAY_SECONDS):
                        return
        finally:
            self._engine.dispose()
            self._archive.close()

    def _recover(self) -> None:
        """What this machine left open when it died, others have gone on with: it is taken in."""
        child = self._children.begin_recovery()
        while child is not None and child.poll() is None:
            if self._stop.wait(_POLL_SECONDS):
                child.send_signal(signal.SIGTERM)
        if child is not None and child.returncode and not self._stop.is_set():
            log = self._archive.folder.root / "logs" / "recovery.log"
            logger.warning("what was left open is not all recovered: %s says why", log)

    async def _serve(self, *, until_empty: bool) -> None:
        arguments = work_queue.connection_arguments(self._archive.database_url)
        app = App(connector=PsycopgConnector(min_size=1, max_size=4, **arguments))
        app.task(name=TASK, pass_context=True, retry=GoesBack())(self._make)
        lease = self._bounds.lease.total_seconds()
        async with app.open_async():
            self._ending = False
            worker = asyncio.create_task(
                app.run_worker_async(
                    name=self._name,
                    queues=[work_queue.QUEUE, self._machine],
                    concurrency=self._bounds.at_once,
                    fetch_job_polling_interval=self._bounds.turn_seconds,
                    update_heartbeat_interval=lease / BEATS,
                    stalled_worker_timeout=lease,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            try:
                await self._look_after(app, worker, until_empty=until_empty)
            finally:
                self._ending = True  # crawls that still run are told to end
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker

    async def _look_after(
        self, app: App, worker: asyncio.Task[None], *, until_empty: bool
    ) -> None:  # fmt: skip
        """Everything but the jobs themselves, for as long as there is something to do."""
        calm = 0  # a job that was just handed out is nowhere to be seen for a moment
        while not (self._stop.is_set() or worker.done() or (until_empty and calm == 2)):
            await self._take_back_from_dead(app)
            busy = await asyncio.to_thread(self._turn)
            if until_empty and not busy:
                busy = await asyncio.to_thread(self._something_waits)
            calm = 0 if busy or self._running else calm + 1
            await asyncio.sleep(self._bounds.turn_seconds)

    async def _take_back_from_dead(self, app: App) -> None:
        """Jobs of workers whose heartbeat has stopped go back into the queue."""
        lease = self._bounds.lease.total_seconds()
        if time.monotonic() - self._looked_for_dead < lease / BEATS:
            return
        self._looked_for_dead = time.monotonic()
        connector: Any = app.connector
        async with connector.pool.connection() as alone:  # or one could be taken back twice
            await alone.execute("SELECT pg_advisory_xact_lock(hashtextextended('stalled', 0))")
            for given in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=lease):
                await app.job_manager.retry_job(given)

    def _turn(self) -> bool:
        """Hand out what may begin. False if there was nothing."""
        with self._engine.connect() as tx:
            now = present(tx)
            ready = anything_to_move(tx, now) or jobs.queued_jobs(tx, now) or forgotten_attempts(tx)
        if not ready:
            return False
        self._sites = table.sites_now(self._archive, self._sites)
        run_transaction(self._engine, lambda tx: hand_out_ready(tx, self._sites))
        return True

    def _something_waits(self) -> bool:
        """Whether a job was handed out that this worker may begin with now."""
        with self._engine.connect() as tx:
            now = present(tx)
            return any(self._may_take(one, now) for one in work_queue.open_jobs(tx))

    def _may_take(self, handed_out: dict[str, Any], now: datetime) -> bool:
        """Whether a job of the shared queue waits, and this worker may begin with it."""
        at, queue = handed_out["scheduled_at"], handed_out["queue_name"]
        is_ours = queue in (work_queue.QUEUE, self._machine)
        return is_ours and handed_out["status"] == "todo" and (at is None or at <= now)

    async def _make(self, context: JobContext, /, **_: Any) -> None:
        """procrastinate's task: one job, from its beginning to its end."""
        self._running += 1
        try:
            begun = await asyncio.to_thread(self._begin, Taken.of(context.job))
            if begun is not None:
                job, allowance = begun
                self._say(job, "begun")
                code = await self._exit_code(job, allowance)
                self._say(job, await asyncio.to_thread(self._write_down, Over(job, code)))
        finally:
            self._running -= 1

    def _begin(self, taken: Taken) -> tuple[Job, Allowance] | None:
        with self._engine.begin() as tx:
            return begin(tx, taken, self._sites, self._name, self._bounds)

    async def _exit_code(self, job: Job, allowance: Allowance) -> int:
        child = self._children.begin(job, allowance)
        if isinstance(child, Exit):
            return child
        told = False
        while (code := child.poll()) is None:
            if (self._stop.is_set() or self._ending) and not told:
                child.send_signal(signal.SIGTERM)  # timeout(1) passes it on, and sees to its end
                told = True
            await asyncio.sleep(_POLL_SECONDS)
        return code

    def _write_down(self, over: Over) -> str:
        stopped = self._stop.is_set() or self._ending
        if over.exit_code < 0:
            self._count_crash(over.job.site)

        def end(tx: Connection) -> str:
            return attempts.end(tx, over, present(tx), self._bounds.again, stopped=stopped)

        return run_transaction(self._engine, end)

    def _count_crash(self, site: str) -> None:
        """The crawl died on this machine, and may go on elsewhere: what it had in hand, it had."""
        handed_out = HandedOut(self._archive.folder.warc(site))
        with writing(self._engine) as tx:
            if is_held(tx, site):  # only its timeout(1) was killed
                return
            crashes.count_crash(tx, site, handed_out.read())
        handed_out.clear()
