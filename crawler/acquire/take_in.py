"""A kept file's captures taken in: walked, read in several processes, saved in this one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine

from crawler.acquire.hosts import Hosts
from crawler.acquire.keep import Advance
from crawler.acquire.reading import Raw, Raws, Taken, read_raws
from crawler.acquire.tally import Tally
from crawler.processes import Processes
from crawler.sites import Site
from storage import times
from storage.database.captures import find_same, known_places, known_records
from storage.database.connect import writing
from storage.database.pages import Kept, save_pages
from storage.http import DECODED_MAX_BYTES
from storage.store.file import WarcFile
from storage.urls import canonical_url, urlkey
from storage.warc.cdxj import Lines
from storage.warc.foreign import CAPTURES, made_id
from storage.warc.record import sha1_digest
from storage.warc.verify.walk import RawRecord, walk

_AT_ONCE = 64  # records a piece of work
_BYTES_AT_ONCE = 8 << 20
_SAVED_AT_ONCE = 512  # captures a transaction
_HEAD_BYTES = 1 << 20


@dataclass(slots=True)
class Intake:
    """Takes files in for one run."""

    engine: Engine
    run: str
    hosts: Hosts
    tally: Tally
    processes: Processes
    _waiting: list[tuple[Site, Taken]] = field(default_factory=list)
    _bytes: int = 0
    """Of images that wait."""

    def take_in(
        self, path: WarcFile, name: str, lines: Lines, advance: Advance = lambda done: None
    ) -> bool:
        """Every capture of a WARC file that the database does not hold, read and saved.

        `name`: what the archive calls it; `lines` gets its index; `advance` is told of bytes.
        Returns whether some records of it are reached by no offset. Raises OSError, ArchiveFault.
        """
        raws = _Walk(path, name, self.tally, lines, advance)
        pieces = filter(None, map(self._new_ones, _batches(raws)))
        for piece, taken in self.processes.in_order(read_raws, pieces):
            self._finish(piece, taken)
            if len(self._waiting) >= _SAVED_AT_ONCE or self._bytes >= _BYTES_AT_ONCE:
                self._save(name)
        self._save(name)
        return raws.unreachable

    def take(self, raw: Raw) -> None:
        """One capture as it comes, read and saved. Raises ArchiveFault."""
        piece = self._new_ones([raw])
        if piece is not None:
            self._finish(piece, read_raws(piece))
        self._save(raw.file)

    def _new_ones(self, raws: list[Raw]) -> Raws | None:
        """The very records that were taken in before a kill are not read again; None: all were."""
        ids = [raw.fields["warc-record-id"] for raw in raws if "warc-record-id" in raw.fields]
        with self.engine.connect() as connection:
            known = known_places(connection, ids)
        here = [raw for raw in raws if (raw.file, raw.offset) not in known]
        sites = [self._site(raw) for raw in here]
        self.hosts.meet()
        are_read = [site is not None and self.hosts.is_read(site) for site in sites]
        return Raws(here, sites, are_read) if here else None

    def _site(self, raw: Raw) -> Site | None:
        url = canonical_url(raw.fields.get("warc-target-uri", "").strip("<> "))
        return self.hosts.site_of(url) if url is not None else None

    def _finish(self, piece: Raws, done: list[Taken]) -> None:
        for raw, site, taken in zip(piece.records, piece.sites, done, strict=True):
            for kind, what in taken.findings:
                self.tally.note(kind, raw.file, taken.raw_offset, what)
            if taken.kept is not None and site is not None:
                self._waiting.append((site, taken))
                image = taken.kept.page.image
                self._bytes += len(image.data) if image is not None else 0

    def _save(self, file: str) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        with writing(self.engine) as tx:
            by_site: defaultdict[str, list[Kept]] = defaultdict(list)
            for site, kept in self._new(tx, waiting, file):
                by_site[site.id].append(kept)
                if not self.hosts.is_read(site):
                    self.hosts.unread[site.id] += 1
            for id_, pages in sorted(by_site.items()):
                save_pages(tx, None, id_, self.run, pages)

    def _new(
        self, tx: Connection, waiting: Sequence[tuple[Site, Taken]], file: str
    ) -> Iterator[tuple[Site, Kept]]:
        """Those that are not held yet; one whose id is another's gets one of its own."""
        keys = [_key(taken) for _, taken in waiting]
        held = find_same(tx, keys)
        ids = set(known_records(tx, [taken.record_id for _, taken in waiting]))
        for (site, taken), key in zip(waiting, keys, strict=True):
            assert taken.kept is not None
            if key in held:
                self.tally.note("known_capture", file, taken.raw_offset, key[0])
                continue
            kept = taken.kept
            if taken.record_id in ids:
                kept = _with_id(kept, made_id(taken.record_id, *key))
                self.tally.note("same_id", file, taken.raw_offset, taken.record_id)
            held.add(key)
            ids.add(taken.record_id)
            yield site, kept


def _batches(raws: Iterator[Raw]) -> Iterator[list[Raw]]:
    """Pieces of work, bounded in records and in bytes: large files need no more memory."""
    batch: list[Raw] = []
    size = 0
    for raw in raws:
        batch.append(raw)
        size += len(raw.block)
        if len(batch) >= _AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _key(taken: Taken) -> tuple[str, str, str]:
    """What makes two captures one: address, moment and bytes."""
    assert taken.kept is not None and taken.kept.page.capture is not None
    assert taken.kept.appended is not None
    capture = taken.kept.page.capture
    block = taken.kept.appended.digests.block
    return urlkey(capture.url), times.utc_text(capture.fetched_at), block


def _with_id(kept: Kept, record_id: str) -> Kept:
    assert kept.appended is not None and kept.page.capture is not None
    record = replace(kept.appended.record, record_id=record_id)
    capture = replace(kept.page.capture, record=record)
    appended = replace(kept.appended, record=record)
    return replace(kept, page=replace(kept.page, capture=capture), appended=appended)


class _Walk:
    """The records of a file that may be captures; what else there is goes into the tally."""

    def __init__(
        self, path: WarcFile, name: str, tally: Tally, lines: Lines, advance: Advance
    ) -> None:
        self._found, self._lines = walk(path), lines
        self._name, self._tally, self._advance = name, tally, advance
        self._at = -1
        self.unreachable = False

    def __iter__(self) -> Iterator[Raw]:
        return self

    def __next__(self) -> Raw:
        for found in self._found:
            if not isinstance(found, RawRecord):
                self._tally.note_flaw(found.rule, self._name, found.offset, found.detail)
                continue
            self._lines.note(found)
            self._advance(max(0, found.offset - max(self._at, 0)))
            behind_another, self._at = found.offset == self._at, found.offset
            if behind_another:
                self.unreachable = True
            elif found.type in CAPTURES:
                return raw_of(found, self._name)
        raise StopIteration


def raw_of(record: RawRecord, name: str) -> Raw:
    """A record as it is read; of a block too large to be read the beginning."""
    block, large = record.block, record.block.length > DECODED_MAX_BYTES
    data = block.beginning(_HEAD_BYTES) if large else b"".join(block.pieces())
    digest = sha1_digest(block.pieces()) if large else None
    place = (name, record.offset, record.length)
    return Raw(*place, record.named, data, record.whole, digest)
