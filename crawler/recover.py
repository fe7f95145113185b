"""Makes a site whole after a crash: files closed, what they hold taken in and read, rows queued.

Captures that recovery (or rebuild) took in go the same road as live ones; what they were fetched
for stands in their own metadata record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from crawler.outcome import Limits
from crawler.sites import Site
from crawler.steps import read_stored
from storage import journal
from storage.archive import Archive
from storage.database import crashes
from storage.database.captures import Pending, find_record, pending_captures
from storage.database.connect import writing
from storage.database.frontier import Frontier
from storage.database.pages import Kept, save_pages
from storage.errors import NotFound, NotHere, WarcError
from storage.handed_out import HandedOut
from storage.records import Capture, Failure, FrontierRow, Page, Record
from storage.recover import Recovered, recover_site
from storage.urls import fingerprint, origin_of
from storage.warc.reader import read_capture as read_record

logger = logging.getLogger(__name__)


def close_files(archive: Archive, engine: Engine, site: Site, handed_out: HandedOut) -> Recovered:
    """First half: what the last process left open is closed, and its crash counted."""
    with writing(engine) as tx:
        crashes.count_crash(tx, site.id, handed_out.read())
    handed_out.clear()
    return recover_site(archive.folder, engine, site.id)


@dataclass(slots=True)
class Reader:
    """Second half: reads what is pending, in a run whose frontier is open."""

    archive: Archive
    engine: Engine
    frontier: Frontier
    site: Site
    limits: Limits

    def read_pending(self, handed_out: HandedOut) -> int:
        """Read a site's pending captures one by one, then queue what was claimed; returns how many.

        One by one, because a page may end this process too: the row that it was fetched for is
        handed out first, and not read any more after too many crashes. What lies on another
        machine that shares the database is left to that one.
        """
        site, run = self.site.id, self.frontier.run
        with writing(self.engine) as tx:
            pending, guilty = pending_captures(tx, site), crashes.guilty_rows(tx, site)
        for one in pending:
            self._read([one], guilty, handed_out.add)
        with writing(self.engine) as tx:
            if run:
                journal.note_failures(self.archive.folder, crashes.set_aside(tx, site, run))
            self.frontier.hand_back(tx)
        handed_out.clear()
        return len(pending)

    def read_all(self, pending: Sequence[Pending], at_once: int) -> Iterator[int]:
        """Read these, so many a transaction; yields how many after each."""
        for start in range(0, len(pending), at_once):
            group = pending[start : start + at_once]
            self._read(group, set(), lambda row_id: None)
            yield len(group)

    def _read(
        self, pending: Sequence[Pending], guilty: set[int], begin: Callable[[int], None]
    ) -> None:
        with writing(self.engine) as tx:
            tried = [(one, _row_of(tx, self.frontier, one)) for one in pending]
            for run, group in _groups(tried):
                kept = []
                for one, row in group:
                    begin(row.id)
                    page = self._set_aside(row) if row.id in guilty else self._page(tx, row, one)
                    if page is not None:
                        kept.append(Kept(page, None, one.id))
                save_pages(tx, self.frontier, self.site.id, run, kept)
        self.frontier.committed()

    def _set_aside(self, row: FrontierRow) -> Page:
        what = Failure("read", "crashes", "reading it ended the process again and again")
        return Page(row, failures=(what,), failed=True)

    def _page(self, tx: Connection, row: FrontierRow, pending: Pending) -> Page | None:
        try:
            capture = stored_capture(self.archive, tx, pending.record_id)
        except (WarcError, NotFound) as error:
            if isinstance(error, NotHere) and self.archive.is_shared:
                return None
            logger.warning("%s cannot be read: %s", pending.record_id, error)
            return Page(row, failures=(Failure("read", "bad_record", str(error)),), failed=True)
        return read_stored(row, capture, self.site, self.limits)


def stored_capture(archive: Archive, tx: Connection, record_id: str) -> Capture:
    """What a record holds, by this connection's database. Raises NotFound, WarcError."""

    def find(id_: str) -> Record:
        record = find_record(tx, id_)
        if record is None:
            raise NotFound(f"the database knows no record {id_}")
        return record

    return read_record(find(record_id), archive.folder.file, find)


_Tried = tuple[Pending, FrontierRow]


def _groups(tried: Sequence[_Tried]) -> Iterator[tuple[str, list[_Tried]]]:
    """What may be saved at once: captures of one run, and of each row one try."""
    group: list[_Tried] = []
    for one, row in tried:
        if group and (one.run != group[0][0].run or row.id in {row.id for _, row in group}):
            yield group[0][0].run, group
            group = []
        group.append((one, row))
    if group:
        yield group[0][0].run, group


def _row_of(tx: Connection, frontier: Frontier, pending: Pending) -> FrontierRow:
    row = row_told(pending.url, pending.fetched_for)
    print_ = bytes.fromhex(pending.fetched_for.get("fingerprint", "")) or fingerprint(row.url, "")
    return frontier.meet(tx, row, print_)


def row_told(url: str, told: Mapping[str, str]) -> FrontierRow:
    """The row as it was when it was fetched, by its metadata record; its id is 0."""
    hops, role = told.get("hops", ""), told.get("role", "page")
    return FrontierRow(
        id=0,
        url=url,
        origin=origin_of(url),
        role=role,  # type: ignore[arg-type]
        depth=hops.count("L"),
        hops=hops,
        via=told.get("via") or (url if role == "robots" else None),  # whose rules it brings
        tries=int(told.get("tries", 0)),
    )
