"""Finishes what recovery took in: reads pending captures on the same road as live ones."""

from __future__ import annotations

from functools import reduce

from sqlalchemy import Connection, Engine

from crawler.outcome import Limits, read_capture
from crawler.sites import Site
from crawler.steps import STEPS
from storage.archive import Archive
from storage.database.captures import find_record, pending_captures
from storage.database.frontier import Frontier
from storage.database.pages import Kept, save_pages
from storage.errors import NotFound
from storage.records import FrontierRow, Page, Record
from storage.urls import fingerprint, origin_of
from storage.warc.reader import read_capture as read_stored


def read_pending(
    archive: Archive, engine: Engine, frontier: Frontier, site: Site, run: str, limits: Limits
) -> int:
    """Read every pending capture of a site, each in a transaction of its own; returns how many."""
    with engine.begin() as tx:
        pending = pending_captures(tx, site.id)
    for capture_id, record_id in pending:
        with engine.begin() as tx:
            page = _read(archive, tx, frontier, site, record_id, limits)
            save_pages(tx, frontier, site.id, run, [Kept(page, None, capture_id)])
        frontier.committed()
    return len(pending)


def _read(
    archive: Archive, tx: Connection, frontier: Frontier, site: Site, record_id: str, limits: Limits
) -> Page:
    def find(id_: str) -> Record:
        record = find_record(tx, id_)
        if record is None:
            raise NotFound(f"the database knows no record {id_}")
        return record

    capture = read_stored(find(record_id), archive.folder.file, find)
    row = _row_of(tx, frontier, capture.url)
    page = read_capture(row, capture, site, limits)
    return reduce(lambda read, step: step(read), STEPS, page)


def _row_of(tx: Connection, frontier: Frontier, url: str) -> FrontierRow:
    """The row that the capture was fetched for; one like it if the frontier has moved on."""
    origin = origin_of(url)
    for subject in ("", f"robots of {origin}"):
        row = frontier.find(tx, fingerprint(url, subject))
        if row is not None:
            return row
    return FrontierRow(0, url, origin, "page", 0, "", None, 0)
