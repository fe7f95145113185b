"""Captures read again in a process of its own, and compared there with what is stored of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection

from crawler.acquire.reading import read_donated
from crawler.outcome import Limits
from crawler.recover import row_told, stored_capture
from crawler.refusals import PAGES
from crawler.sites import Site
from crawler.steps import read_stored
from storage import times
from storage.archive import Archive
from storage.database.proposals import Given, Reread, given, reread
from storage.errors import NotFound, WarcError
from storage.query.access import Audience
from storage.records import Page, Record
from storage.take_in import fetched_for


@dataclass(frozen=True, slots=True)
class Held:
    """A capture, as far as it takes to read it again."""

    id: int
    run: str
    url: str
    fetched_at: str
    record: Record
    begin: int
    """Where its exchange begins: the end of the one before it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Captures of one file."""

    site: Site
    family: str | None
    """Only pages that are read by this one; None: all."""
    captures: tuple[Held, ...]

    @property
    def where(self) -> str:
        """File and place."""
        first = self.captures[0].record
        return f"{first.file}, from byte {first.offset} on"


Change = tuple[str, Any, Any]
"""A field, what was read in it before, and what is read now."""


@dataclass(slots=True)
class Answer:
    """What became of a batch."""

    site: str
    captures: int
    """Of the batch."""
    read: list[int] = field(default_factory=list)
    """Ids of those that were read again."""
    changed: dict[int, Reread] = field(default_factory=dict)
    changes: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    shown: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Of what is changed: the article's id (or the record's, if there is none) and the address."""
    unreadable: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Address, and why its record cannot be read."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads batches in whatever process: told by its arguments alone."""

    folder: str
    database: str | None

    def __call__(self, batch: Batch) -> Answer:
        """What became of it. Raises what the database raises."""
        return read_batch(_opened(self), batch)


@cache
def _opened(reader: Reader) -> Archive:
    """A process reads one archive, and closes it with its end."""
    return Archive(reader.folder, reader.database)


def read_batch(archive: Archive, batch: Batch) -> Answer:
    """Read what is wanted of a batch and compare. Raises what the database raises."""
    answer = Answer(batch.site.id, len(batch.captures))
    pages: dict[int, Page] = {}
    with archive.reading(Audience.STAFF) as tx:
        for held in batch.captures:
            try:
                page = _read(archive, tx, batch, held)
            except (WarcError, NotFound) as error:
                answer.unreadable[held.id] = (held.url, str(error))
                continue
            if page is not None:
                pages[held.id] = page
        if pages:
            _compare(tx, batch, pages, answer)
    return answer


def _read(archive: Archive, tx: Connection, batch: Batch, held: Held) -> Page | None:
    """The page, on the one road; None if it was fetched as something else, or is not asked for."""
    site, record = batch.site, held.record
    day = times.parse_utc(held.fetched_at).astimezone(times.LOCAL).date()
    if batch.family not in (None, site.layout_on(held.url, day).family):
        return None
    if not record.file.startswith("warc/"):  # what others caught, as import reads it
        page = read_donated(stored_capture(archive, tx, record.record_id), site)
        return page if page.row.role in PAGES else None
    told = fetched_for(archive.folder.file(record.file), held.begin, record.offset)
    row = row_told(held.url, told)
    if row.role not in PAGES:
        return None
    return read_stored(row, stored_capture(archive, tx, record.record_id), site, Limits())


def _compare(tx: Connection, batch: Batch, pages: dict[int, Page], answer: Answer) -> None:
    stored = given(tx, list(pages))
    runs = {held.id: held.run for held in batch.captures}
    for id_, page in pages.items():
        if id_ not in stored:
            continue
        answer.read.append(id_)
        again = reread(page, batch.site.id, runs[id_], id_)
        before, now = stored[id_], again.given(batch.site.id)
        if before != now:
            answer.changed[id_] = again
            answer.changes[id_] = tuple(_changes(before, now))
            record = page.capture.record if page.capture else None
            shown = now.get("id") or before.get("id") or (record.record_id if record else "")
            answer.shown[id_] = (shown, page.row.url)


def _changes(before: Given, now: Given) -> Iterator[Change]:
    """Field by field; where only one of both is an article, that is the change."""
    if "id" in before and "id" in now:
        names = [name for name in now if name not in ("reading", "content_digest")]
    else:
        names = ["absent", "failures"]
        if "id" in before or "id" in now:
            yield "gained" if "id" in now else "lost", before.get("title"), now.get("title")
    for name in names:
        if before[name] != now[name]:
            yield name, _shown(name, before[name]), _shown(name, now[name])


def _shown(name: str, value: Any) -> Any:
    """Of failures what kind they are and what they say."""
    return [f"{kind}: {said}" for _, _, kind, _, said in value] if name == "failures" else value
