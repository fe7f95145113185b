"""One crawl of one site: opened, kept going, closed. What Scrapy's components share."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings
from sqlalchemy import Engine

from crawler.availability import check_available, decided_about, pause_site
from crawler.capture.certificates import Certificates
from crawler.demo.portal import PORTAL, SamplePortal
from crawler.frontier.pace import Pace
from crawler.frontier.sample import articles_to_look_at
from crawler.limits import bounds_of, connect_to_of, limits_of, pace_limits_of
from crawler.recover import Reader, close_files
from crawler.result import judge_run
from crawler.site_rows import meet_sites, row_of
from crawler.sites import Site
from storage import journal
from storage.archive import Archive
from storage.database.clock import present
from storage.database.connect import writing
from storage.database.frontier import Frontier
from storage.database.queue import Room
from storage.database.runs import LAST_CHANCE, StartedRun, finish_run, note_reason, start_run
from storage.database.turns import end_turns, take_turn
from storage.errors import ArchiveFault, Exit, OutOfDisk, TinHuyenError
from storage.handed_out import HandedOut
from storage.keeper import Keeper, KeeperLimits, Round, no_room
from storage.records import FrontierRow, Link, Page
from storage.warc.info import WarcInfo
from storage.warc.writer import WarcWriter, archive_fault

logger = logging.getLogger(__name__)

_crawls: WeakKeyDictionary[Crawler, Crawl] = WeakKeyDictionary()


def crawl_of(crawler: Crawler) -> Crawl:
    """The crawl that a Scrapy crawler runs; made when first asked for."""
    if crawler not in _crawls:
        _crawls[crawler] = Crawl(crawler.spidercls.site, crawler.settings)  # type: ignore[attr-defined]
    return _crawls[crawler]


class Crawl:
    """A site's run, with its files, its keeper and its outcome."""

    def __init__(self, site: Site, settings: BaseSettings) -> None:
        self.site = site
        self.archive = Archive(settings.get("ARCHIVE"), settings.get("DATABASE"))
        self.limits = limits_of(settings)
        self.is_last_chance = settings.get("CRAWL_MODE") == LAST_CHANCE
        """Whether the site is dying: what no longer answers is then left for the next start."""
        self.run: StartedRun | None = None
        self.exit_code = Exit.FAILED
        self.message: str | None = None
        """Why it ended as it did, for people; None if all went well."""
        self.warc_bytes = 0
        self.pace = Pace(pace_limits_of(settings), self._take_turn, site.hosts)
        self.cap: str | None = None
        """The cap on a run that ended this one early; None if none did."""
        self.counts: dict[str, Any] = {}
        """What the run kept (storage.database.runs.count_run); empty before its end."""
        self.connect_to: dict[str, str] = {}
        """Where to connect instead, `host:port` to `address:port`."""
        self.on_kept: Callable[[Page], None] = lambda page: None
        """Called for every page kept, on the event loop."""
        self._settings = settings
        self._stack = ExitStack()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._fault: ArchiveFault | None = None
        self._no_room: OutOfDisk | None = None
        self._keeper: Keeper | None = None
        self._handed_out = HandedOut(self.archive.folder.warc(site.id))

    def open(self, room: Room, on_round: Callable[[Round], None]) -> None:
        """Lock the site, recover, begin or go on with a run, and start the keeper.

        `on_round` is called on the running event loop. Raises TinHuyenError.
        """
        check_available(self.site, decided_about(self.archive, self.site.id))
        Certificates(self._settings.get("TLS_ROOTS_FILE"))  # not at the first request
        self.connect_to = connect_to_of(self._settings)
        if self.site.sample and PORTAL not in self.connect_to:
            portal = self._stack.enter_context(SamplePortal())
            self.connect_to |= portal.connect_to
        try:
            self._check_room()
            lock = self.archive.site_lock(self.site.id, self.site.hosts)
            self._engine = self._stack.enter_context(lock)
            self._turns = self._second_engine() if self.archive.is_shared else self._engine
            self._frontier = self._begin(self._engine)
        except OSError as error:
            raise archive_fault(
                error, f"cannot open the archive {self.archive.folder.root}"
            ) from error
        self._writer = WarcWriter(
            self.archive.folder, self._warc_info(), self._settings.getint("WARC_ROLL_BYTES")
        )
        self._start_keeper(room, on_round)
        _tune_interpreter()

    def _second_engine(self) -> Engine:
        """For what is written beside the keeper, whose connection is the only one of its engine."""
        engine = self.archive.open_for_writing()
        self._stack.callback(engine.dispose)
        return engine

    def _begin(self, engine: Engine) -> Frontier:
        """Recover, then begin a run or go on with one."""
        site = self.site
        meet_sites(self.archive, engine, [row_of(site)])
        recovered = close_files(self.archive, engine, site, self._handed_out)
        self.run, frontier = self._start_run(engine)
        if self.run.resumed:
            self.pace.resume()
        read = Reader(self.archive, engine, frontier, site, self.limits).read_pending(
            self._handed_out
        )
        if recovered:
            logger.warning("%s: %s; %d page(s) read", site.id, recovered.sentence(), read)
        return frontier

    def _start_run(self, engine: Engine) -> tuple[StartedRun, Frontier]:
        mode = self._settings.get("CRAWL_MODE", "full")
        with writing(engine) as tx:
            run = start_run(tx, self.site.id, "crawl", mode)
            if run.superseded is not None:
                journal.note_finished(self.archive.folder, self.site.id, run.superseded)
            frontier = Frontier(
                self.site.id, run.id, update_only=mode == "update",
                last_chance=self.is_last_chance, bounds=bounds_of(self._settings),
            )  # fmt: skip
            seeds = [Link(url, "list") for url in self.site.listings]
            if mode == "update" and not run.resumed:
                folder, settings = self.archive.folder, self._settings
                seeds += articles_to_look_at(tx, self.site.id, run.id, folder, settings)
            frontier.open(tx, seeds, resumed=run.resumed)
        frontier.committed()
        journal.note_begun(self.archive.folder, self.site.id, run)
        return run, frontier

    def _start_keeper(self, room: Room, on_round: Callable[[Round], None]) -> None:
        assert self.run is not None
        loop = asyncio.get_running_loop()

        def report(round_: Round) -> None:
            loop.call_soon_threadsafe(self._settle, round_, on_round)

        settings = self._settings
        limits = KeeperLimits(
            settings.getint("KEEP_GROUP_EXCHANGES"),
            settings.getfloat("KEEP_GROUP_DELAY_SECONDS"),
            settings.getint("DISK_FLOOR_BYTES"),
        )
        self._keeper = Keeper(
            self.archive.folder, self._engine, self._frontier, self._writer,
            room, report, limits,
        )  # fmt: skip
        self._keeper.start()
        self._keeper.claim()

    def _settle(self, round_: Round, on_round: Callable[[Round], None]) -> None:
        """On the loop: first the new claims, then the waiters; never idle in between."""
        self.warc_bytes = self._writer.written_bytes
        self._no_room = self._no_room or round_.no_room
        on_round(round_)
        if round_.fault is not None:
            self._fault = round_.fault
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(round_.fault)
        for page in round_.kept:
            self.on_kept(page)
            waiting = self._waiting.pop(page.row.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    async def keep(self, page: Page) -> None:
        """Returns when the page is kept for good. Raises ArchiveFault."""
        if self._fault is not None:
            raise self._fault
        assert self._keeper is not None
        future = asyncio.get_running_loop().create_future()
        self._waiting[page.row.id] = future
        self._keeper.keep(page)
        await future

    def claim(self) -> None:
        """Ask the keeper for rows that have fallen due."""
        if self._fault is None and self._keeper is not None:
            self._keeper.claim()

    def crawl_delay(self, origin: str) -> float | None:
        """Seconds between two requests that the origin's robots.txt asks for; None: it does not."""
        return self._frontier.rules.crawl_delay(origin)

    async def _take_turn(self, keys: list[str], seconds: float) -> float:
        """Have these hosts and addresses to ourselves; returns in how many seconds from now."""
        return await asyncio.to_thread(self._take_turn_now, keys, seconds)

    def _take_turn_now(self, keys: list[str], seconds: float) -> float:
        assert self.run is not None
        with writing(self._turns) as tx:
            return take_turn(tx, keys, self.run.id, present(tx).timestamp(), seconds)

    def hand_out(self, row: FrontierRow) -> None:
        """The row is about to be fetched: if the process dies, it may be the reason."""
        self._handed_out.add(row.id)

    def close(self, reason: str) -> None:
        """Keep the rest, hand rows back, close the file, note how it went. Raises: nothing."""
        try:
            if self._keeper is not None:  # else it never began, and `failed` has said why
                self._keeper.stop()
                self._keeper.join()
                self._finish()
        except TinHuyenError as error:
            self.failed(error)
        except OSError as error:
            self.failed(archive_fault(error, "cannot write the journal"))
        finally:
            self._nothing_killed_it()
            self._keeper = None
            self._stack.close()

    def _nothing_killed_it(self) -> None:
        """What was handed out is not to blame for the end of this process."""
        if self._keeper is not None:
            with contextlib.suppress(OSError):
                self._handed_out.clear()

    def broken_off(self) -> None:
        """Said where the process ends without `close`, for a second signal came.

        The keeper may be in the middle of a group: its locks go with the process, not before.
        """
        if self._keeper is not None:
            self.message = f"broken off at once; {self._resume} makes the archive whole and goes on"
            self._nothing_killed_it()

    @property
    def _resume(self) -> str:
        return f"`tinhuyen crawl {self.site.id}{' --last-chance' if self.is_last_chance else ''}`"

    def _finish(self) -> None:
        assert self.run is not None
        if self._fault is not None:
            raise self._fault
        with writing(self._engine) as tx:
            delay = self._settings.getfloat("DOWNLOAD_DELAY")
            end_turns(tx, self.run.id, present(tx).timestamp() + delay)
            self._frontier.hand_back(tx)
            left = self._frontier.count_queued(tx)
        self._writer.close()
        self.warc_bytes = self._writer.written_bytes
        if left:
            self._stopped(left)
            return
        folder, run = self.archive.folder, self.run.id
        with self.archive.reading() as connection:
            result = judge_run(connection, self.site, run, self.archive.capture)
        with writing(self._engine) as tx:
            if result.pausing:
                result = pause_site(folder, tx, self.site.id, run, result)
            ended = finish_run(tx, run, result.outcome, result.message, result.findings)
            journal.note_finished(folder, self.site.id, ended)
        self.counts = ended.counts
        self.exit_code, self.message = result.exit_code, result.message

    def _stopped(self, left: int) -> None:
        """The run stays open: a cap reached is no failure, and what is left is not lost."""
        assert self.run is not None
        why = "out of room" if self._no_room else self.cap
        at = f" at {why}" if why else ""
        reason = f"stopped{at} with {left} address(es) still to fetch"
        with writing(self._engine) as tx:
            note_reason(tx, self.run.id, reason)
        run = {"left": left, "reason": reason}
        journal.note(self.archive.folder, "run_stopped", self.site.id, self.run.id, **run)
        if self._no_room is not None:
            raise self._no_room
        self.exit_code = Exit.INCOMPLETE if self.cap else Exit.FAILED
        if self.pace.turned_away:
            self.exit_code = Exit.UNAVAILABLE
        self.message = f"{reason}; {self._resume} goes on"

    def _check_room(self) -> None:
        self.archive.folder.root.mkdir(parents=True, exist_ok=True)
        lacking = no_room(self.archive.folder, self._settings.getint("DISK_FLOOR_BYTES"))
        if lacking is not None:
            raise lacking

    def failed(self, error: TinHuyenError) -> None:
        """The crawl could not begin, or its archive failed."""
        self.exit_code, self.message = error.exit_code, str(error)

    def _warc_info(self) -> WarcInfo:
        assert self.run is not None
        settings = self._settings
        return WarcInfo(
            site=self.site.id,
            run=self.run.id,
            software=f"tinhuyen/{settings['VERSION']}",
            user_agent=settings["USER_AGENT"],
            contact=settings["CONTACT"],
        )


def _tune_interpreter() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again (a tenth)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
