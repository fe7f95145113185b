"""Captures that could not be read when they came: revisits, and hosts whose family came later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import Connection, Engine

from crawler.acquire.reading import read_donated
from crawler.acquire.tally import Tally
from crawler.sites import Site
from storage import times
from storage.archive import Archive
from storage.database.captures import (
    Pending,
    find_original,
    find_record,
    guess_original,
    pending_donated,
    set_refers_to,
)
from storage.database.connect import writing
from storage.database.pages import Kept, save_pages
from storage.errors import NotFound, WarcError
from storage.records import Failure, FrontierRow, Page, Record
from storage.urls import canonical_url, origin_of
from storage.warc.reader import read_capture
from storage.warc.verify.walk import record_at

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Later:
    """Reads what is pending in donated files."""

    archive: Archive
    engine: Engine
    tally: Tally

    def read(self, site: Site) -> int:
        """Read a site's pending captures of donated files; returns how many."""
        read, last = 0, 0
        while True:
            with writing(self.engine) as tx:
                some = pending_donated(tx, site.id, last, _AT_ONCE)
                self._read_some(tx, site, some)
            if not some:
                return read
            read, last = read + len(some), some[-1].id

    def _read_some(self, tx: Connection, site: Site, pending: Sequence[Pending]) -> None:
        for run, group in groupby(pending, lambda one: one.run):
            kept = [Kept(self._page(tx, site, one), None, one.id) for one in group]
            save_pages(tx, None, site.id, run, kept)

    def _page(self, tx: Connection, site: Site, one: Pending) -> Page:
        row = FrontierRow(0, one.url, origin_of(one.url), "page", 0, "", None, 0)
        record = find_record(tx, one.record_id)
        assert record is not None

        def find(id_: str | None) -> Record:
            found = find_record(tx, id_) if id_ else None
            if found is None:
                raise NotFound(f"nobody has the original of {one.record_id}")
            return found

        try:
            self._find_original(tx, record)
            got = read_capture(
                record, self.archive.folder.file, find, lambda id_: find(find_original(tx, id_))
            )
        except NotFound as error:
            self.tally.note("revisit_without_original", record.file, record.offset, one.url)
            what = Failure("read", "revisit_without_original", str(error))
            return Page(row, failures=(what,), failed=True)
        except WarcError as error:
            what = Failure("read", "bad_record", str(error))
            return Page(row, failures=(what,), failed=True)
        page = read_donated(got, site)
        return replace(page, capture=replace(got, raw_body=b"", unchanged=None), links=())

    def _find_original(self, tx: Connection, record: Record) -> None:
        """The record that names none, or one that nobody has, gets the likeliest."""
        named = find_original(tx, record.record_id)
        if named is not None and find_record(tx, named) is not None:
            return
        with record_at(self.archive.folder.file(record.file), record.offset) as raw:
            if raw is None or raw.type != "revisit":
                return
            url = canonical_url((raw.get("warc-refers-to-target-uri") or "").strip("<> "))
            date = _moment(raw.get("warc-refers-to-date"))
        guess = guess_original(tx, record, url or "", date if url else None)
        if guess is not None:
            set_refers_to(tx, record.record_id, guess)


def _moment(date: str | None) -> str | None:
    try:
        return times.utc_text(times.parse_utc(date)) if date else None
    except ValueError:
        return None
