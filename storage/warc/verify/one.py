"""One file, looked at by itself: all its flaws, and what other files may need to know of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from storage.store.file import OpenFile, WarcFile, open_binary
from storage.warc.verify.block import check_block
from storage.warc.verify.fields import check_fields
from storage.warc.verify.readers import Seen, compare_readers
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.verify.walk import RawRecord, walk
from storage.warc.verify.whole import Whole


@dataclass(frozen=True, slots=True)
class Place:
    """A record as others may refer to it."""

    offset: int
    length: int
    id: str
    type: str
    url: str
    date: str
    payload: str | None
    block: str | None
    refers_to: str | None
    refers_url: str | None
    refers_date: str | None

    @classmethod
    def of(cls, record: RawRecord) -> Place:
        """What the record says of itself; what it does not say is ''."""
        get = record.get
        return cls(
            record.offset,
            record.length,
            record.id or "",
            record.type,
            (get("warc-target-uri") or "").strip("<>"),
            get("warc-date") or "",
            get("warc-payload-digest"),
            get("warc-block-digest"),
            get("warc-refers-to"),
            get("warc-refers-to-target-uri"),
            get("warc-refers-to-date"),
        )


@dataclass(slots=True)
class Checked:
    """A file after its check."""

    flaws: list[Flaw] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


def check_file(path: WarcFile, *, ours: bool, open_file: OpenFile = open_binary) -> Checked:
    """Everything that can be said of a file without any other.

    `ours`: the archive's own crawls wrote it. Raises OSError.
    """
    checked, seen = Checked(), []
    whole = Whole(path.name, path.stat().st_size, ours)
    for found in walk(path, open_file):
        if isinstance(found, Flaw):
            checked.flaws.append(found)
            continue
        flaws = list(_check_record(found, whole))
        checked.flaws += flaws
        checked.places.append(Place.of(found))
        seen.append((found.offset, _seen(found, flaws)))
    checked.flaws += whole.end()
    checked.flaws += compare_readers(path, open_file, seen, checked.flaws)
    checked.flaws.sort(key=lambda flaw: flaw.offset)
    return checked


def _check_record(record: RawRecord, whole: Whole) -> Iterator[Flaw]:
    yield from check_fields(record)
    if record.whole:
        yield from check_block(record)
    yield from whole.take(record)


_THEY_KNOW = re.compile(r"sha1:[A-Z2-7]{32}|sha256:[0-9a-f]{64}")
"""Digests that all three readers check; of other forms each reads some."""


def _seen(record: RawRecord, flaws: list[Flaw]) -> Seen:
    known = _THEY_KNOW.fullmatch(record.get("warc-block-digest") or "")
    bad = any(flaw.rule is Rule.BAD_BLOCK_DIGEST for flaw in flaws)
    return record.id or "", None if known is None else not bad
