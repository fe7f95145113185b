"""Records that no offset leads to, written again into a WARC file of our own beside their source.

ARC files, zstd and lz4, several records in one gzip member: readers of an archive find a record by
file and offset, so these are transcribed, block by block as they are, and each says where it came
from. The donated file stays the truth (docs/decisions/0802).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

from crawler.acquire.tally import Tally
from crawler.acquire.unpack import Kind, unpack
from storage.database.donations import Donation
from storage.store.file import WarcFile
from storage.warc.arc import BEGIN, ArcRecord, Gap, walk_arc
from storage.warc.foreign import made_id
from storage.warc.record import Fields, member, sha1_digest, warc_fields
from storage.warc.verify.walk import Block, RawRecord, walk

Out = Callable[[bytes], None]
_NO_ADDRESS = ("0.0.0.0", "-")  # noqa: S104 how ARC says that it is unknown
_OURS = ("content-length", "tinhuyen-source-file", "tinhuyen-source-offset")


def transcribe(
    source: WarcFile, one: Donation, kind: Kind, scratch: Path, out: Out, tally: Tally
) -> None:
    """Write every record of a file that cannot be reached in it. Raises OSError.

    `scratch` is a place for the source unpacked. The same file gives the same bytes again.
    """
    name = one.file
    out(warcinfo(one, "its records, transcribed so that each can be reached by its offset"))
    if kind == "warc":
        for record in unreachable(source):
            _write(record, name, out)
        return
    try:
        with scratch.open("w+b") as unpacked:
            unpack(source, kind, unpacked, lambda at, why: tally.note("bad_frame", name, at, why))
            unpacked.seek(0)
            is_arc = kind in ("arc", "arc.gz") or unpacked.read(len(BEGIN)) == BEGIN
            if is_arc:
                _transcribe_arc(unpacked, name, out, tally)
        if not is_arc:
            _transcribe_warc(scratch, name, out, tally)
    finally:
        scratch.unlink(missing_ok=True)


def warcinfo(one: Donation, what: str) -> bytes:
    """The record that a file made of a donated one begins with."""
    told = f"Made of {one.file}: {what}."
    block = warc_fields([("format", "WARC File Format 1.1"), ("description", told)])
    fields: Fields = [
        ("WARC-Type", "warcinfo"),
        ("WARC-Record-ID", made_id("warcinfo", one.file, one.given_at)),
        ("WARC-Date", one.given_at),
        ("Content-Type", "application/warc-fields"),
        ("WARC-Block-Digest", sha1_digest([block])),
    ]
    return b"".join(member(fields, [block], len(block)))


def unreachable(path: WarcFile) -> Iterator[RawRecord]:
    """Records behind the first of a gzip member."""
    last = -1
    for found in walk(path):
        if isinstance(found, RawRecord):
            if found.offset == last:
                yield found
            last = found.offset


def _transcribe_warc(unpacked: Path, name: str, out: Out, tally: Tally) -> None:
    for found in walk(unpacked):
        if isinstance(found, RawRecord):
            _write(found, name, out)
        else:
            tally.note_flaw(found.rule, name, found.offset, found.detail)


def _write(record: RawRecord, name: str, out: Out) -> None:
    fields = kept_fields(record) + _source(name, record.offset)
    for piece in member(fields, record.block.pieces(), record.block.length):
        out(piece)


def kept_fields(record: RawRecord, told_anew: Collection[str] = ()) -> Fields:
    """Named fields of a foreign record that stay; `told_anew`: those that we say ourselves."""
    ours = (*_OURS, *told_anew)
    fields: Fields = [pair for pair in record.fields if pair[0].lower() not in ours]
    if not record.whole and record.get("warc-truncated") is None:
        fields.append(("WARC-Truncated", "unspecified"))
    return fields


def _source(name: str, offset: int) -> Fields:
    return [("Tinhuyen-Source-File", name), ("Tinhuyen-Source-Offset", str(offset))]


def _transcribe_arc(unpacked: IO[bytes], name: str, out: Out, tally: Tally) -> None:
    size = unpacked.seek(0, 2)
    for found in walk_arc(unpacked, size):
        if isinstance(found, Gap):
            last = found.offset + found.length == size
            kind = "trailing_garbage" if last else "garbage_between"
            tally.note(kind, name, found.offset, f"{found.length} bytes: {found.start!r}")
            continue
        if not found.whole:
            tally.note("torn_tail", name, found.offset, found.url)
        _write_arc(found, Block(unpacked, found.start, found.length), name, out)


def _write_arc(record: ArcRecord, block: Block, name: str, out: Out) -> None:
    """Its block as it is; a `response` if it is an HTTP message, else a `resource`."""
    is_http = block.beginning(5) == b"HTTP/"
    digest = sha1_digest(block.pieces())
    kind = "response" if is_http else "resource"
    fields: Fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", made_id(kind, record.url, record.date, digest)),
        ("WARC-Date", record.date or None),
        ("WARC-Target-URI", record.url),
        ("WARC-IP-Address", record.ip if record.ip not in _NO_ADDRESS else None),
        ("WARC-Block-Digest", digest),
        ("WARC-Truncated", None if record.whole else "unspecified"),
        ("Content-Type", "application/http;msgtype=response" if is_http else record.mime),
        *_source(name, record.offset),
    ]
    for piece in member(fields, block.pieces(), block.length):
        out(piece)
