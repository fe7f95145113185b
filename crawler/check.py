"""Does an article's row still follow from its record? Read again, on the one road, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from crawler.normalise import normalise
from crawler.read import read_page
from crawler.sites import find_site, load_sites
from storage.archive import Archive
from storage.database.articles import ReadCapture, read_fields
from storage.database.captures import find_record
from storage.errors import DecodeError, NotFound
from storage.query.access import Audience
from storage.query.records import load_reading
from storage.records import Article, Record
from storage.urls import article_id
from storage.warc.verify.block import check_block
from storage.warc.verify.walk import record_at


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """One field as it is stored and as it is read now."""

    name: str
    stored: Any
    read: Any

    @property
    def follows(self) -> bool:
        """Whether both are the same."""
        return bool(self.stored == self.read)


@dataclass(frozen=True, slots=True)
class Check:
    """What became of reading an article's record again."""

    article: str
    version: int
    record: Record
    extractor: str
    """What read the stored row."""
    read_by: str | None
    """What reads it now; None if it was not read."""
    problems: tuple[str, ...]
    """Why the record could not be read, or cannot be trusted."""
    fields: tuple[FieldCheck, ...]
    """Empty if it could not be read."""

    @property
    def follows(self) -> bool:
        """Whether the row follows from its record in every field."""
        return not self.problems and all(field.follows for field in self.fields)

    def lines(self) -> Iterator[str]:
        """The check for people."""
        yield f"{self.article}, version {self.version}, read by {self.extractor}"
        yield f"  from {self.record.file}, offset {self.record.offset}"
        for problem in self.problems:
            yield f"  record  {problem}"
        for field in self.fields:
            yield f"  {field.name:<20}  {'follows' if field.follows else 'DIFFERS'}"
            if not field.follows:
                yield f"      row     {field.stored!r}"
                yield f"      record  {field.read!r}"
        yield self._sentence()

    def _sentence(self) -> str:
        if self.follows:
            return "The record is sound, and the row follows from it."
        if self.problems:
            return "The row cannot be proven: `tinhuyen warc verify` says more of the file."
        if self.extractor != self.read_by:
            return (
                f"The row does not follow: it was read by {self.extractor}, not {self.read_by}. "
                "`tinhuyen reextract` shows what is read otherwise now."
            )
        return "The row does not follow from its record: `tinhuyen reextract` reads it again."

    def as_json(self) -> dict[str, Any]:
        """The check for programs."""
        record = self.record
        return {
            "article": self.article,
            "version": self.version,
            "file": record.file,
            "offset": record.offset,
            "record_id": record.record_id,
            "extractor": self.extractor,
            "read_by": self.read_by,
            "follows": self.follows,
            "problems": list(self.problems),
            "fields": {
                field.name: {"follows": True}
                if field.follows
                else {"follows": False, "stored": field.stored, "read": field.read}
                for field in self.fields
            },
        }


def check_article(archive: Archive, id_: str, version: int | None = None) -> Check:
    """Read the record of an article's version (the newest if None) again, and compare.

    Raises NotFound, UsageError, SiteError.
    """
    with archive.reading(Audience.STAFF) as tx:
        row = load_reading(tx, id_, version)
    record = Record(row.warc_file, row.warc_offset, row.warc_length, row.record_id)
    problems = list(_record_problems(archive, record, row.payload_digest))
    read = None
    if not problems:  # what is damaged would only differ
        try:
            read = _read(archive, record, row.site)
        except (DecodeError, NotFound) as error:
            problems.append(str(error))
    fields = _compare(row, read) if read else ()
    extractor = read.extractor if read else None
    return Check(
        row.article_id, row.number, record, row.extractor, extractor, tuple(problems), fields
    )


def _record_problems(archive: Archive, record: Record, payload: str | None) -> Iterator[str]:
    """Why the record is not the one that was read; a revisit's original is looked at too."""
    try:
        path = archive.folder.file(record.file)
    except NotFound as error:
        yield str(error)
        return
    where = f"{record.file}, offset {record.offset}"
    with record_at(path, record.offset) as raw:
        if raw is None or not raw.whole:
            yield f"{where}: no whole record stands there"
            return
        if raw.id != record.record_id:
            yield f"{where}: another record stands there ({raw.id})"
        if raw.get("warc-payload-digest") != payload:
            yield f"{where}: its payload digest is not the one of the row ({payload})"
        for flaw in check_block(raw):
            if flaw.rule.severity == "error":
                yield f"{where}: {flaw.rule.meaning}"
        original = raw.get("warc-refers-to")
    if original is not None:
        yield from _original_problems(archive, original, payload)


def _original_problems(archive: Archive, id_: str, payload: str | None) -> Iterator[str]:
    with archive.reading() as tx:
        record = find_record(tx, id_)
    if record is None:
        yield f"the database knows no record {id_}, which holds the payload"
    else:
        yield from _record_problems(archive, record, payload)


def _read(archive: Archive, record: Record, site: str) -> Article:
    """The article in a record. Raises NotFound if it is read as something else, DecodeError."""
    capture = archive.capture(record, Audience.STAFF)
    found = read_page(capture, find_site(load_sites(archive.folder.sites), site))
    if found.kind != "article":
        raise NotFound(f"the page is now read as {found.kind}, not as an article")
    return normalise(found)


def _compare(row: Row[Any], read: Article) -> tuple[FieldCheck, ...]:
    """As saving would write it now, beside what it wrote then."""
    now = read_fields(ReadCapture(row.capture, row.url, row.fetched_at, read))
    del now["extractor"]  # of what read it the verdict speaks
    fields = [FieldCheck("id", row.article_id, article_id(row.site, read.url))]
    return (*fields, *(FieldCheck(name, row._mapping[name], now[name]) for name in now))
