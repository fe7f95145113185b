"""The one thread that keeps: WARC, then journal, then database, then "kept" (DESIGN §5).

    page ──> group ──> append to the WARC file ──> fsync ──> one transaction ──> kept
             16 or 50 ms    journal lines, fsync      a savepoint a page,
                                                      its links queued, its row done,
                                                      the next rows claimed

One thread does all of it, in this order, so there is nothing to coordinate and no way to say
"kept" too early. If the thread dies between two steps, the next start finds whole exchanges that
the database does not know and takes them in (storage.recover).
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from storage import journal, times
from storage.database.captures import find_originals
from storage.database.connect import database_fault, reading_engine, run_transaction
from storage.database.frontier import Frontier
from storage.database.pages import Kept, failure_rows, save_pages
from storage.database.queue import Room
from storage.errors import ArchiveFault, OutOfDisk
from storage.folder import ArchiveFolder
from storage.records import FrontierRow, Page
from storage.warc.exchange_records import NOT_MODIFIED, Digests, Original, digests_of
from storage.warc.writer import WarcWriter, archive_fault

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeeperLimits:
    """How many exchanges share one fsync and one transaction, and how full a disk may get."""

    group_exchanges: int = 16
    group_seconds: float = 0.05
    """How long the first of a group waits for the others."""
    disk_floor_bytes: int = 1 << 30
    """Free bytes on the archive's disk; below, the crawl ends well."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one turn of the keeper did."""

    kept: list[Page]
    claimed: list[FrontierRow]
    """The next rows to fetch, already marked as claimed."""
    next_due: float | None
    """When a waiting row falls due, epoch seconds; None if none waits."""
    fault: ArchiveFault | None = None
    """Nothing of this round was acknowledged, and the keeper has stopped."""
    no_room: OutOfDisk | None = None
    """The disk is nearly full: time to end well, while there is room to."""


class Inbox:
    """What a crawl hands to its keeper."""

    def __init__(self, limits: KeeperLimits) -> None:
        self._limits = limits
        # No SimpleQueue: until Python 3.12 its get waits for ever where a short timeout passes
        # between two of its looks.
        self._items: queue.Queue[Page | _Signal] = queue.Queue()

    def put(self, item: Page | _Signal) -> None:
        """It waits in its order."""
        self._items.put(item)

    def next_group(self) -> tuple[list[Page], bool]:
        """Pages that have arrived, and whether no more will come.

        At least a group, if one comes in time, and whatever else is there.
        """
        items = [self._items.get()]
        until = time.monotonic() + self._limits.group_seconds
        while isinstance(items[-1], Page):
            short = len(items) < self._limits.group_exchanges
            try:
                wait = max(0.0, until - time.monotonic()) if short else 0.0
                items.append(self._items.get(block=wait > 0, timeout=wait))
            except queue.Empty:
                break
        return [item for item in items if isinstance(item, Page)], _STOP in items


class Keeper(threading.Thread):
    """Takes pages from the crawl and reports every round to `report` (called on this thread)."""

    def __init__(
        self,
        folder: ArchiveFolder,
        engine: Engine,
        frontier: Frontier,
        writer: WarcWriter,
        room: Room,
        report: Callable[[Round], None],
        limits: KeeperLimits,
    ) -> None:  # fmt: skip
        # A daemon: a second Ctrl-C ends the process at once, and the next start recovers.
        super().__init__(name=f"keeper of {frontier.site}", daemon=True)
        self._folder, self._engine, self._frontier, self._writer = folder, engine, frontier, writer
        self._site, self._run = frontier.site, frontier.run
        self._room, self._report = room, report
        self._limits = limits
        self._inbox = Inbox(limits)
        self._reader = reading_engine(engine.url.render_as_string(hide_password=False))
        self.rounds = 0

    def keep(self, page: Page) -> None:
        """Hand a page over. It is kept when a round that names it is reported."""
        self._inbox.put(page)

    def claim(self) -> None:
        """Ask for a round even if no page comes: a waiting row has fallen due."""
        self._inbox.put(_CLAIM)

    def stop(self) -> None:
        """Keep what was handed over, then end. The caller joins the thread."""
        self._inbox.put(_STOP)

    def run(self) -> None:
        """The thread's life."""
        while True:
            pages, last = self._inbox.next_group()
            round_ = self._keep(pages)
            self.rounds += 1
            self._report(round_)
            if last or round_.fault:
                return

    def _keep(self, pages: list[Page]) -> Round:
        try:
            kept = [Kept(page, None) for page in pages if page.exchange is None]
            self._note_failures([item.page for item in kept])
            kept += self._write([page for page in pages if page.exchange is not None])
            claimed, due = self._commit(kept)
        except ArchiveFault as fault:
            return Round([], [], None, fault)
        except OSError as error:
            return Round([], [], None, archive_fault(error, "cannot write the journal"))
        except Exception as error:  # noqa: BLE001 a silent end of this thread would hang the crawl
            return Round([], [], None, database_fault(error))
        for page in pages:
            if page.exchange is not None:
                page.exchange.close()
        return Round(pages, claimed, due, no_room=self._no_room())

    def _no_room(self) -> OutOfDisk | None:
        return no_room(self._folder, self._limits.disk_floor_bytes)

    def _write(self, pages: list[Page]) -> list[Kept]:
        """Into the WARC file, and synced; once more into a new file if it could not be."""
        kept = self._append(pages)
        if self._writer.sync():
            return kept
        kept = self._append(pages)
        if self._writer.sync():
            return kept
        raise ArchiveFault(
            "two WARC files in a row could not be synced: the disk fails; nothing more is fetched"
        )

    def _append(self, pages: list[Page]) -> list[Kept]:
        digests = [digests_of(page.exchange) for page in pages if page.exchange is not None]
        originals = self._originals(pages, digests)
        kept = []
        for page, taken in zip(pages, digests, strict=True):
            assert page.exchange is not None
            shared = _may_share(page, taken)
            original = originals.get(taken.payload or "") if shared else _not_modified(page)
            kept.append(Kept(page, self._writer.append(page.exchange, taken, original)))
            if shared and original is None:
                assert taken.payload is not None
                date = times.utc_text(page.exchange.fetched_at)
                originals[taken.payload] = Original(
                    page.exchange.record_id, page.exchange.url, date
                )
        return kept

    def _originals(self, pages: list[Page], digests: list[Digests]) -> dict[str, Original]:
        """Records of payloads kept before on this site."""
        wanted = {
            taken.payload
            for page, taken in zip(pages, digests, strict=True)
            if taken.payload is not None and _may_share(page, taken)
        }
        if not wanted:
            return {}
        return run_transaction(self._reader, lambda tx: find_originals(tx, self._site, wanted))

    def _note_failures(self, pages: list[Page]) -> None:
        """What left no bytes stands in no WARC file: the journal holds it."""
        rows = [row for page in pages for row in failure_rows(self._site, self._run, page)]
        journal.note_failures(self._folder, rows)

    def _commit(self, kept: list[Kept]) -> tuple[list[FrontierRow], float | None]:
        mark = self._frontier.mark()

        def work(tx: Connection) -> tuple[list[FrontierRow], float | None]:
            save_pages(tx, self._frontier, self._site, self._run, kept)
            claimed = self._frontier.claim(tx, self._room, times.steady())
            journal.note_failures(self._folder, self._frontier.barred)
            return claimed, self._frontier.next_due(tx)

        result = run_transaction(self._engine, work, lambda: self._frontier.undo(mark))
        self._frontier.committed()
        return result


def no_room(folder: ArchiveFolder, floor_bytes: int) -> OutOfDisk | None:
    """The reason to stop if the archive's disk has less than this free; None if it has more."""
    free = shutil.disk_usage(folder.root).free
    if free >= floor_bytes:
        return None
    return OutOfDisk(
        f"{folder.root} has {free >> 20:,} MB of room left, less than the {floor_bytes >> 20:,} MB "
        "that DISK_FLOOR_BYTES keeps; make room and run the same command again: it goes on"
    )


class _Signal:
    """Something other than a page in the inbox."""


_CLAIM, _STOP = _Signal(), _Signal()


def _not_modified(page: Page) -> Original | None:
    """The record that a 304 says still holds."""
    unchanged = page.capture.unchanged if page.capture else None
    if unchanged is None or unchanged.record is None:
        return None
    date = times.utc_text(unchanged.fetched_at)
    return Original(unchanged.record.record_id, unchanged.url, date, NOT_MODIFIED)


def _may_share(page: Page, digests: Digests) -> bool:
    """Only whole, non-empty 200s are shared: of an error page the bytes are kept each time."""
    return bool(
        digests.payload and digests.payload_length and page.capture and page.capture.status == 200
    )
