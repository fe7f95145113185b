"""Capture rows: one for each response or revisit record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from storage import times
from storage.database.prepared import Prepared, columns, listed
from storage.database.schema import capture
from storage.records import Capture, Record
from storage.urls import urlkey
from storage.warc.exchange_records import Original
from storage.warc.writer import Appended

_AT_ONCE = 500

_INSERT = Prepared(
    insert(capture).values(columns(capture, "id")).returning(capture.c.record_id, capture.c.id)
)
_ORIGINALS = Prepared(
    select(capture.c.payload_digest, capture.c.record_id, capture.c.url, capture.c.fetched_at)
    .where(
        capture.c.site == bindparam("site"),
        capture.c.payload_digest.in_(listed("digests")),
        capture.c.record_type == literal_column("'response'"),  # literal: the index is partial
        capture.c.truncated.is_(None),
    )
    .order_by(capture.c.id.desc())
)
_LEADING_TO = Prepared(
    select(capture.c.url).where(
        capture.c.site == bindparam("site"), capture.c.location.in_(listed("locations"))
    )
)
_SET_READING = Prepared(
    update(capture)
    .where(capture.c.id == bindparam("capture"))
    .values(reading=bindparam("reading"), body_sha256=bindparam("body_sha256"), fetched_for=null())
)


def capture_row(
    capture_: Capture,
    appended: Appended,
    *,
    site: str,
    run: str,
    ip: str | None,
    reading: str,
    body_sha256: str | None = None,
) -> dict[str, Any]:
    """A capture as a row. `reading`: done, pending, failed, or none (nothing in it to read)."""
    record = appended.record
    return {
        "run": run,
        "site": site,
        "url": capture_.url,
        "urlkey": urlkey(capture_.url),
        "fetched_at": times.utc_text(capture_.fetched_at),
        "status": capture_.status or None,
        "mime": capture_.mime or None,
        "location": capture_.location,
        "payload_digest": appended.digests.payload,
        "block_digest": appended.digests.block,
        "warc_file": record.file,
        "warc_offset": record.offset,
        "warc_length": record.length,
        "record_id": record.record_id,
        "record_type": appended.record_type,
        "refers_to": appended.refers_to,
        "ip": ip,
        "truncated": capture_.truncated,
        "provenance": "own",
        "body_sha256": body_sha256,
        "reading": reading,
        "fetched_for": None,
    }


def insert_captures(tx: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert rows of `capture_row`; returns their ids by record id."""
    return dict(_INSERT.insert(tx, rows))


def find_originals(tx: Connection, site: str, digests: Iterable[str]) -> dict[str, Original]:
    """The first sound response of this site for each of these payloads that it has kept."""
    found = _ORIGINALS.rows(tx, {"site": site, "digests": list(digests)})
    return {digest: Original(*original) for digest, *original in found}


def find_record(tx: Connection, record_id: str) -> Record | None:
    """Where a record lies; None if the database does not know it."""
    row = tx.execute(
        select(
            capture.c.warc_file, capture.c.warc_offset, capture.c.warc_length, capture.c.record_id
        ).where(capture.c.record_id == record_id)
    ).first()
    return Record(*row) if row else None


def known_records(tx: Connection, record_ids: Sequence[str]) -> dict[str, str]:
    """Those of these records that the database knows, and the file of each."""
    known: dict[str, str] = {}
    for start in range(0, len(record_ids), _AT_ONCE):
        some = record_ids[start : start + _AT_ONCE]
        found = select(capture.c.record_id, capture.c.warc_file)
        rows = tx.execute(found.where(capture.c.record_id.in_(some)))
        known |= {row.record_id: row.warc_file for row in rows}
    return known


def known_places(tx: Connection, record_ids: Sequence[str]) -> set[tuple[str, int]]:
    """File and offset of those of these records that the database knows."""
    found = select(capture.c.warc_file, capture.c.warc_offset)
    rows = tx.execute(found.where(capture.c.record_id.in_(record_ids)))
    return {(row.warc_file, row.warc_offset) for row in rows}


def known_end(tx: Connection, file: str) -> int:
    """Where the last record of a file that the database knows ends; 0 if it knows none."""
    end = func.max(capture.c.warc_offset + capture.c.warc_length)
    return int(tx.execute(select(end).where(capture.c.warc_file == file)).scalar() or 0)


def set_reading(tx: Connection, capture_id: int, state: str, body_sha256: str | None) -> None:
    """Note how reading a pending capture ended."""
    values = {"capture": capture_id, "reading": state, "body_sha256": body_sha256}
    _SET_READING.run(tx, values)


def addresses_leading_to(tx: Connection, site: str, urls: Iterable[str]) -> set[str]:
    """These addresses, and those whose captures redirect to them, directly or in steps."""
    reached = set(urls)
    steps = reached
    while steps:
        found = _LEADING_TO.rows(tx, {"site": site, "locations": list(steps)})
        steps = {url for (url,) in found} - reached
        reached = reached | steps
    return reached


@dataclass(frozen=True, slots=True)
class Pending:
    """A capture that nobody has read yet."""

    id: int
    record_id: str
    run: str
    url: str
    fetched_for: dict[str, str]
    """What its metadata record says of its frontier row; empty if nothing."""


def pending_captures(tx: Connection, site: str, run: str | None = None) -> list[Pending]:
    """Captures of our own files (of a run) that nobody has read yet, in the order they came in."""
    query = _pending(site).where(~_OF_DONATED)
    rows = tx.execute(query if run is None else query.where(capture.c.run == run))
    return [_as_pending(row) for row in rows]


def pending_donated(tx: Connection, site: str, after: int, limit: int) -> list[Pending]:
    """The next captures of donated files that nobody has read yet: those with ids above `after`."""
    query = _pending(site).where(_OF_DONATED, capture.c.id > after).limit(limit)
    return [_as_pending(row) for row in tx.execute(query)]


_OF_DONATED = capture.c.warc_file.startswith("donated/")


def _pending(site: str) -> Select[Any]:
    columns_ = (capture.c.record_id, capture.c.run, capture.c.url, capture.c.fetched_for)
    mine = (capture.c.site == site) & (capture.c.reading == literal_column("'pending'"))
    return select(capture.c.id, *columns_).where(mine).order_by(capture.c.id)


def _as_pending(row: Any) -> Pending:
    return Pending(row.id, row.record_id, row.run, row.url, row.fetched_for or {})


_SAME = Prepared(
    select(capture.c.urlkey, capture.c.fetched_at, capture.c.block_digest).where(
        capture.c.urlkey.in_(listed("urlkeys")), capture.c.fetched_at.in_(listed("moments"))
    )
)


def find_same(tx: Connection, keys: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of these captures (sort key, moment, block digest) those that are held, whatever their id."""
    wanted = set(keys)
    if not wanted:
        return set()
    values = {"urlkeys": [key for key, _, _ in wanted], "moments": [at for _, at, _ in wanted]}
    return wanted & {tuple(row) for row in _SAME.rows(tx, values)}


_OF_ADDRESSES = Prepared(
    select(capture.c.url, capture.c.fetched_at).where(capture.c.urlkey.in_(listed("urlkeys")))
)


def find_held(tx: Connection, urls: Iterable[str]) -> set[tuple[str, str]]:
    """Every capture of these addresses: address, and its second as 14 digits, as indexes have it.

    Addresses that share a sort key (http and https) may be among them.
    """
    rows = _OF_ADDRESSES.rows(tx, {"urlkeys": list({urlkey(url) for url in urls})})
    return {(url, at[:19].translate(_DIGITS_ONLY)) for url, at in rows}


_DIGITS_ONLY = str.maketrans("", "", "-:T")


def mark_pending(tx: Connection, site: str) -> None:
    """Everything of a site that nobody read is to be read: its family is known now."""
    unread = (capture.c.site == site) & (capture.c.reading == literal_column("'none'"))
    tx.execute(update(capture).where(unread).values(reading="pending"))


def find_original(tx: Connection, record_id: str) -> str | None:
    """Id of the record that a revisit refers to; None if it is none, or its original is unknown."""
    found = select(capture.c.refers_to).where(capture.c.record_id == record_id)
    return tx.execute(found).scalar()


def guess_original(tx: Connection, revisit: Record, url: str, date: str | None) -> str | None:
    """Id of the record whose payload a revisit without a usable reference stands for.

    `url` and `date` are what it says of its original. That very capture, or else the nearest
    earlier one of the same payload digest; None if nobody has it.
    """
    of = tx.execute(
        select(capture.c.payload_digest, capture.c.fetched_at, capture.c.site).where(
            capture.c.record_id == revisit.record_id
        )
    ).one()
    whole = capture.c.record_type.in_(("response", "resource")) & capture.c.truncated.is_(None)
    if date is not None:
        same = (capture.c.urlkey == urlkey(url)) & (capture.c.fetched_at == date)
        found = tx.execute(select(capture.c.record_id).where(whole, same).limit(1)).scalar()
        if found is not None:
            return str(found)
    if of.payload_digest is None:
        return None
    same = (capture.c.site == of.site) & (capture.c.payload_digest == of.payload_digest)
    by_time = (capture.c.fetched_at > of.fetched_at, capture.c.fetched_at.desc())
    query = select(capture.c.record_id).where(whole, same).order_by(*by_time, capture.c.record_id)
    return tx.execute(query.limit(1)).scalar()


def set_refers_to(tx: Connection, record_id: str, original: str) -> None:
    """A revisit's original is found."""
    values = {"refers_to": original}
    tx.execute(update(capture).where(capture.c.record_id == record_id).values(**values))
