"""A WACZ file written: WARC files, index, page lists, and the digests of them all.

Source: WACZ 1.1.1; the compressed index is pywb's ZipNum (index.idx names the blocks of
index.cdx.gz), so that a reader fetches the lines it needs and not the whole index.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import IO, Any

from cdxj_indexer.main import CompressedWriter
from sqlalchemy import Connection

from storage import times
from storage.archive import Archive
from storage.errors import NotFound
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.wacz import pages, records
from storage.warc.wacz.shelf import Shelf

_FIXED = (1980, 1, 1, 0, 0, 0)  # the same captures give the same bytes
# wabac 2.27 takes an entry without extra fields in the directory to have none before its data
# either; zip64 entries below 4 GB have them there alone. An empty field (JAR's mark) in both helps.
_EMPTY_FIELD = b"\xfe\xca\x00\x00"

OnRecord = Callable[[], None]
"""Called after each capture that was copied or left behind."""


@dataclass(slots=True)
class Packed:
    """What a package holds, and what it should hold and could not."""

    captures: int = 0
    files: int = 0
    pages: int = 0
    """Versions of articles, listed with title and text."""
    bytes: int = 0
    """Of the whole package."""
    flaws: list[tuple[str, Flaw]] = field(default_factory=list)
    """By WARC file of the archive: records that are damaged or missing, and were left out."""


class Package:
    """A package in the making. Everything goes straight into it; what is listed is digested."""

    def __init__(self, out: IO[bytes], title: str, on_record: OnRecord) -> None:
        self._zip = zipfile.ZipFile(out, "w")
        self._title, self._on_record = title, on_record
        self._resources: list[dict[str, Any]] = []
        self.packed = Packed()

    def fill(self, archive: Archive, connection: Connection, shelf: Shelf) -> None:
        """Write all of it. Raises OSError."""
        for name in shelf.files():
            self._add_records(archive, name, shelf)
        self._add_index(shelf.lines())
        with self._entry("pages/pages.jsonl", zipfile.ZIP_DEFLATED) as entry:
            self.packed.pages = _write_lines(entry, pages.article_pages(connection, shelf)) - 1
        with self._entry("pages/extraPages.jsonl", zipfile.ZIP_DEFLATED) as entry:
            _write_lines(entry, pages.other_pages(connection, shelf))
        self._add_description()
        self._zip.close()

    def _add_records(self, archive: Archive, name: str, shelf: Shelf) -> None:
        chosen = shelf.records(name)
        try:
            path, places = archive.folder.file(name), records.places_of(archive.folder, name)
        except NotFound:
            self._leave(shelf, name, [Flaw(at, Rule.ROW_WITHOUT_RECORD) for at in chosen])
            return
        as_named = self._free_name(name)
        lines, flaws = [], []
        with self._entry(f"archive/{as_named}") as entry:
            for part in records.parts(path, places, chosen):
                if part.flaw:
                    flaws.append(part.flaw)
                    continue
                start = entry.bytes
                entry.write_all(records.member(path, part))
                if part.place:
                    lines.append(_moved(part.place.line, as_named, start, entry.bytes - start))
                    self._on_record()
        shelf.add_lines(lines)
        self._leave(shelf, name, flaws)
        self.packed.captures += len(lines)
        self.packed.files += 1

    def _leave(self, shelf: Shelf, name: str, flaws: list[Flaw]) -> None:
        for flaw in flaws:
            shelf.drop(name, flaw.offset)
            self.packed.flaws.append((name, flaw))
            self._on_record()

    def _free_name(self, name: str) -> str:
        """A file's own name; a number before it where another folder's file has it too."""
        own = name.rpartition("/")[2]
        own = own if own.endswith(".gz") else own + ".gz"
        taken = {one["name"] for one in self._resources}
        return own if own.lower() not in taken else f"{len(taken)}-{own}"

    def _add_index(self, lines: Iterator[str]) -> None:
        blocks = io.StringIO()  # a line for 300 lines of the index
        with self._entry("indexes/index.cdx.gz") as entry:
            writer = CompressedWriter(
                blocks, entry, data_out_name="index.cdx.gz", digest_records=True
            )
            for line in lines:
                writer.write(line + "\n")
            if writer.block:
                writer.flush()
        with self._entry("indexes/index.idx", zipfile.ZIP_DEFLATED) as entry:
            entry.write(blocks.getvalue().encode())

    def _add_description(self) -> None:
        """The package as Frictionless Data has it, and the digest that covers it all."""
        described = {
            "profile": "data-package",
            "wacz_version": "1.1.1",
            "title": self._title,
            "created": times.utc_text(times.now())[:19] + "Z",
            "software": f"tinhuyen {version('tinhuyen')}",
            "resources": self._resources,
        }
        data = json.dumps(described, ensure_ascii=False, indent=1).encode()
        digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
        self._zip.writestr(_info("datapackage.json", zipfile.ZIP_DEFLATED), data)
        self._zip.writestr(
            _info("datapackage-digest.json", zipfile.ZIP_DEFLATED), json.dumps(digest)
        )

    @contextmanager
    def _entry(self, path: str, compressed: int = zipfile.ZIP_STORED) -> Iterator[_Entry]:
        info = _info(path, compressed)
        info.extra = _EMPTY_FIELD
        with self._zip.open(info, "w", force_zip64=True) as stream:
            entry = _Entry(stream)
            yield entry
        self._resources.append(
            {
                "name": path.rpartition("/")[2].lower(),  # Frictionless: a-z, 0-9, `-._/`
                "path": path,
                "hash": f"sha256:{entry.digest.hexdigest()}",
                "bytes": entry.bytes,
            }
        )


class _Entry:
    """A file within the package, digested as it is written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.digest, self.bytes = stream, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self.digest.update(data)
        self.bytes += len(data)

    def write_all(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.write(piece)


def _write_lines(entry: _Entry, lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        entry.write(line.encode() + b"\n")
        count += 1
    return count


def _info(path: str, compressed: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, _FIXED)
    info.compress_type = compressed
    return info


def _moved(line: str, name: str, offset: int, length: int) -> str:
    """A line of the index for a record that now lies elsewhere."""
    key, stamp, fields = line.split(" ", 2)
    place = {"filename": name, "offset": str(offset), "length": str(length)}
    return f"{key} {stamp} {json.dumps(json.loads(fields) | place)}"
