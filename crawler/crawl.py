"""One crawl of one site: opened, kept going, closed. What Scrapy's components share."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from crawler.demo.portal import SamplePortal
from crawler.outcome import Limits
from crawler.recover import read_pending
from crawler.result import judge_run
from crawler.sites import Site
from storage import times
from storage.archive import Archive
from storage.database.frontier import Frontier, Room
from storage.database.runs import SiteRow, StartedRun, finish_run, save_site, start_run
from storage.errors import ArchiveFault, Exit, SiteUnavailable, TinHuyenError
from storage.keeper import Grouping, Keeper, Round, database_fault
from storage.lines import append_lines
from storage.records import Link, Page
from storage.recover import recover_site
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
        self.limits = _limits(settings)
        self.run: StartedRun | None = None
        self.exit_code = Exit.FAILED
        self.message: str | None = None
        """Why it ended as it did, for people; None if all went well."""
        self.warc_bytes = 0
        self.counts: dict[str, Any] = {}
        """What the run kept (storage.database.runs.count_run); empty before its end."""
        self.connect_to: dict[str, str] = settings.getdict("CONNECT_TO")
        """Where to connect instead, `host:port` to `address:port`."""
        self.on_kept: Callable[[Page], None] = lambda page: None
        """Called for every page kept, on the event loop."""
        self._settings = settings
        self._stack = ExitStack()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._fault: ArchiveFault | None = None
        self._keeper: Keeper | None = None

    def open(self, room: Room, on_round: Callable[[Round], None]) -> None:
        """Lock the site, recover, begin or go on with a run, and start the keeper.

        `on_round` is called on the running event loop. Raises TinHuyenError.
        """
        check_available(self.site)
        if self.site.sample:
            portal = self._stack.enter_context(SamplePortal())
            self.connect_to = self.connect_to | portal.connect_to
        self.archive.folder.root.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(self.archive.folder.site_lock(self.site.id))
        self._engine = self.archive.open_for_writing()
        try:
            self._frontier = self._begin(self._engine)
        except SQLAlchemyError as error:
            raise database_fault(error) from error
        except OSError as error:
            raise archive_fault(
                error, f"cannot open the archive {self.archive.folder.root}"
            ) from error
        self._writer = WarcWriter(
            self.archive.folder, self._warc_info(), self._settings.getint("WARC_ROLL_BYTES")
        )
        self._start_keeper(room, on_round)
        _tune_interpreter()

    def _begin(self, engine: Engine) -> Frontier:
        mode = self._settings.get("CRAWL_MODE", "full")
        with engine.begin() as tx:
            save_site(tx, _site_row(self.site))
        recovered = recover_site(self.archive.folder, engine, self.site.id)
        with engine.begin() as tx:
            self.run = start_run(tx, self.site.id, "crawl", mode)
            frontier = Frontier(self.site.id, self.run.id, update_only=mode == "update")
            seeds = [Link(url, "list") for url in self.site.listings]
            frontier.open(tx, seeds, resumed=self.run.resumed)
        frontier.committed()
        read = read_pending(self.archive, engine, frontier, self.site, self.run.id, self.limits)
        with engine.begin() as tx:
            frontier.hand_back(tx, crashed=True)
        if recovered:
            logger.warning("%s: %s; %d page(s) read", self.site.id, recovered.sentence(), read)
        self._note("run_resumed" if self.run.resumed else "run_started", mode=mode)
        return frontier

    def _start_keeper(self, room: Room, on_round: Callable[[Round], None]) -> None:
        assert self.run is not None
        loop = asyncio.get_running_loop()

        def report(round_: Round) -> None:
            loop.call_soon_threadsafe(self._settle, round_, on_round)

        settings = self._settings
        grouping = Grouping(
            settings.getint("KEEP_GROUP_EXCHANGES"), settings.getfloat("KEEP_GROUP_DELAY_SECONDS")
        )
        self._keeper = Keeper(
            self.archive.folder, self._engine, self._frontier, self._writer,
            room, report, grouping,
        )  # fmt: skip
        self._keeper.start()
        self._keeper.claim()

    def _settle(self, round_: Round, on_round: Callable[[Round], None]) -> None:
        """On the loop: first the new claims, then the waiters; never idle in between."""
        self.warc_bytes = self._writer.written_bytes
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

    def close(self, reason: str) -> None:
        """Keep the rest, hand rows back, close the file, note how it went. Raises: nothing."""
        if self._keeper is None:  # it never began; `failed` has said why
            self._stack.close()
            return
        try:
            self._keeper.stop()
            self._keeper.join()
            self._finish(reason)
        except TinHuyenError as error:
            self.failed(error)
        finally:
            self._engine.dispose()
            self._stack.close()

    def _finish(self, reason: str) -> None:
        assert self.run is not None
        if self._fault is not None:
            raise self._fault
        with self._engine.begin() as tx:
            self._frontier.hand_back(tx, crashed=False)
            left = self._frontier.count_queued(tx)
        self._writer.close()
        self.warc_bytes = self._writer.written_bytes
        if left:
            self.exit_code = Exit.FAILED
            self.message = (
                f"stopped with {left} address(es) still to fetch; run the same command to go on"
            )
            self._note("run_stopped", left=left)
            return
        with self._engine.begin() as tx:
            result = judge_run(tx, self.site, self.run.id)
            self.exit_code, self.message = result.exit_code, result.message
            self.counts = finish_run(tx, self.run.id, result.outcome, result.message)
        self._note(
            "run_finished", outcome=result.outcome, reason=result.message, counts=self.counts
        )

    def failed(self, error: TinHuyenError) -> None:
        """The crawl could not begin, or its archive failed."""
        self.exit_code, self.message = error.exit_code, str(error)

    def _note(self, kind: str, **what: Any) -> None:
        assert self.run is not None
        line = {
            "kind": kind,
            "at": times.utc_text(times.now()),
            "site": self.site.id,
            "run": self.run.id,
        }
        append_lines(self.archive.folder.journal, [line | what])

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


def check_available(site: Site) -> None:
    """Raise SiteUnavailable if there is nothing to crawl: the reason, and what to do instead."""
    if not site.listings:
        raise SiteUnavailable(
            f"{site.id} ({site.name}) has no known address, so it cannot be crawled. What others "
            "captured of it can come in by import or rescue (docs/archivists.md, Import and "
            f"rescue). If you know its address, add it to {site.file}."
        )
    if site.state in ("closed", "moved", "hijacked"):
        raise SiteUnavailable(
            f"{site.id} is {site.state} since {site.since} ({site.evidence}), so it is not "
            f"crawled. If that is wrong, correct its state in {site.file}."
        )


def _site_row(site: Site) -> SiteRow:
    return SiteRow(
        id=site.id,
        name=site.name,
        organ=site.organ,
        hosts=list(site.hosts),
        district=site.district,
        district_from=site.district_from if site.district else None,
        province=site.province,
        family=site.layouts[-1].family,
        state=site.state,
        since=site.since,
        evidence=site.evidence,
        origin="declared",
    )


def _limits(settings: BaseSettings) -> Limits:
    return Limits(
        max_tries=settings.getint("MAX_TRIES"),
        retry_seconds=settings.getfloat("RETRY_SECONDS"),
        retry_after_max_seconds=settings.getfloat("RETRY_AFTER_MAX_SECONDS"),
        max_redirects=settings.getint("MAX_REDIRECTS"),
        max_depth=settings.getint("MAX_DEPTH"),
    )
