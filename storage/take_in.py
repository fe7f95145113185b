"""Exchanges read from a WARC file into capture rows: for recovery after a crash, and rebuild."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from storage import http, times
from storage.database.captures import capture_row, insert_captures, known_records
from storage.database.runs import meet_run
from storage.records import Capture, Record
from storage.store.file import WarcFile
from storage.warc import tombstone
from storage.warc.exchange_records import Digests
from storage.warc.members import Member, walk
from storage.warc.writer import Appended

_ROW = {
    "tinhuyen-frontier": "fingerprint",
    "tinhuyen-role": "role",
    "tinhuyen-tries": "tries",
    "hopsFromSeed": "hops",
    "via": "via",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file that means something by itself: warcinfo, a whole exchange, or what
    stands in the place of one that was taken down."""

    start: int
    end: int
    """The first byte after it."""
    record: int
    """Where its last record begins: warcinfo, response or revisit."""
    fields: dict[str, str]
    """That record's named fields, names in lower case."""
    head: http.Head
    """The HTTP head in its block; of status 0 if there is none."""
    told: dict[str, str]
    """What the exchange's metadata record says; empty for all but exchanges."""

    @property
    def record_id(self) -> str:
        """Of its last record."""
        return self.fields["warc-record-id"]

    @property
    def refers_to(self) -> str | None:
        """Record id of the original, of a revisit."""
        return self.fields.get("warc-refers-to")

    @property
    def run(self) -> str | None:
        """The run that fetched it; None for all but exchanges."""
        return self.told.get("tinhuyen-run")


def read_parts(path: WarcFile) -> Iterator[Part]:
    """Every whole part of a file of ours, in order. Raises OSError."""
    start, told = None, dict[str, str]()
    for found in walk(path):
        kind = found.fields.get("warc-type") if isinstance(found, Member) else None
        if isinstance(found, Member):
            if kind == "request":
                start, told = found.offset, {}
                continue
            if kind == "metadata" and start is not None:
                told = _told(found.block)
                continue
            if kind == "warcinfo" or (kind == "metadata" and tombstone.is_one(found)):
                yield _part(found.offset, found, {})
            if kind in ("response", "revisit") and start is not None and told:
                yield _part(start, found, told)
        start, told = None, {}


def fetched_for(path: WarcFile, begin: int, record: int) -> dict[str, str]:
    """What an exchange was made for: its frontier row, as its metadata record says it.

    `begin` is the end of the exchange before it, `record` the offset of its response or revisit.
    Raises OSError.
    """
    told = dict[str, str]()
    for found in walk(path, begin, record):
        told = {}
        if isinstance(found, Member) and found.fields.get("warc-type") == "metadata":
            told = _told(found.block)
    return _frontier_row(told)


def _frontier_row(told: dict[str, str]) -> dict[str, str]:
    return {ours: told[name] for name, ours in _ROW.items() if name in told}


def find_holes(parts: Sequence[Part], size: int = 0) -> Iterator[tuple[int, int]]:
    """Stretches of bytes, start and end, that belong to no whole part.

    Those before the last whole part; with the file's `size` also one behind it.
    """
    end = 0
    for part in parts:
        if part.start > end:
            yield end, part.start
        end = part.end
    if end < size:
        yield end, size


def _part(start: int, last: Member, told: dict[str, str]) -> Part:
    head = http.parse_head(last.block) or http.Head(0, (), 0)
    return Part(start, last.offset + last.length, last.offset, last.fields, head, told)


def _told(block: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in block.decode("utf-8", "replace").splitlines())
    return {name: value.strip() for name, _, value in lines}


def take_in(tx: Connection, site: str, file: str, parts: Sequence[Part]) -> int:
    """Insert the exchanges that the database does not know, to be read; returns how many."""
    exchanges = [part for part in parts if part.run is not None]
    known = known_records(tx, [part.record_id for part in exchanges])
    new = [part for part in exchanges if part.record_id not in known]
    for run, part in {part.run: part for part in reversed(new)}.items():
        assert run is not None
        meet_run(tx, site, run, part.fields["warc-date"])
    insert_captures(tx, [_row(site, file, part) for part in new])
    return len(new)


def _row(site: str, file: str, part: Part) -> dict[str, Any]:
    fields = part.fields
    is_revisit = fields["warc-type"] == "revisit"  # its WARC-Truncated says only that it is one
    capture = Capture(
        url=fields["warc-target-uri"],
        fetched_at=times.parse_utc(fields["warc-date"]),
        status=part.head.status,
        headers=part.head.headers,
        raw_body=b"",
        truncated=None if is_revisit else fields.get("warc-truncated"),  # type: ignore[arg-type]
    )
    record = Record(file, part.record, part.end - part.record, part.record_id)
    digests = Digests(fields["warc-block-digest"], fields.get("warc-payload-digest"), 0)
    assert part.run is not None
    row = capture_row(
        capture,
        Appended(record, fields["warc-type"], digests, fields.get("warc-refers-to")),
        site=site,
        run=part.run,
        ip=fields.get("warc-ip-address"),
        reading="pending",
    )
    return row | {"fetched_for": json.dumps(_frontier_row(part.told))}
