"""What an import reads of every archive of SHARED_DATA, beside warcio and FastWARC.

`python -m tests.bench.imported_files [FOLDER]`: a line a file, with the sound records that each
reader finds and what the import says; ends with 1 if the import reads fewer in any file.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crawler.acquire.run import import_files
from crawler.acquire.sources import Source
from storage.archive import Archive
from storage.database.donations import donation
from storage.store.file import WarcFile
from storage.warc.verify.walk import RawRecord, walk

ENDINGS = (".warc", ".gz", ".arc", ".lz4", ".zst", ".wacz", ".bad", ".wat", ".wet")


@dataclass(frozen=True)
class Counted:
    """Records of a file by reader; -1 where a reader refuses it."""

    path: Path
    ours: int
    warcio: int
    fastwarc: int
    captures: int
    exit_code: int
    findings: dict[str, int]


def archives(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.name.endswith(ENDINGS))


def count(path: Path, archive: Archive) -> Counted:
    """Import one file, and read it with the others."""
    done = import_files(archive, [Source(path, path.name, True)], donor="shared", terms="test")
    found = {one["check"]: one["numbers"]["count"] for one in done.findings}
    ours = _records_held(archive, done.files)
    captures = done.counts["captures"]
    return Counted(path, ours, *by_others(path), captures, int(done.exit_code), found)


def _records_held(archive: Archive, files: list[str]) -> int:
    """Records of the files through which an import reaches them: each counted once."""
    made = files
    with archive.reading() as connection:
        while made:
            query = select(donation.c.file).where(donation.c.made_of.in_(made))
            made = list(connection.execute(query).scalars())
            files = files + made
    total = 0
    for file in files:
        if not file.endswith((".warc", ".warc.gz")) and not _has_records(archive.folder.file(file)):
            continue
        ours = file.endswith(".records.warc.gz")
        records = [one for one in walk(archive.folder.file(file)) if isinstance(one, RawRecord)]
        if ours:
            total += len(records) - 1  # without the warcinfo that is ours
        else:
            total += len({one.offset for one in records})
    return total


def _has_records(path: WarcFile) -> bool:
    with path.open("rb") as file:
        start = file.read(4)
    return start[:2] == b"\x1f\x8b" or start == b"WARC"


def by_others(path: Path) -> tuple[int, int]:
    """Sound records that warcio and FastWARC find; -1: it is no file for them."""
    if path.suffix == ".wacz":
        return -1, -1
    return _warcio(path), _fastwarc(path)


def _warcio(path: Path) -> int:
    from warcio.archiveiterator import ArchiveIterator

    found = 0
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for record in ArchiveIterator(file, no_record_parse=True):
                data = record.raw_stream.read()
                named = record.rec_headers
                stated = named.get_header("Content-Length") or named.get_header("length") or ""
                found += stated.strip() == str(len(data))  # else it was cut, or is no record
        except Exception:  # noqa: BLE001 whatever it stumbles over
            return found or -1
    return found


def _fastwarc(path: Path) -> int:
    from fastwarc.warc import ArchiveIterator

    found = 0
    try:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=False):
                data = record.reader.read()
                found += len(data) == record.content_length
    except Exception:  # noqa: BLE001 whatever it stumbles over
        return found or -1
    return found


def count_all(folder: Path) -> list[Counted]:
    with tempfile.TemporaryDirectory() as made:
        archive = Archive(Path(made) / "archive")
        try:
            return [count(path, archive) for path in archives(folder)]
        finally:
            archive.close()


def main() -> None:
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SHARED_DATA", "")
    rows = count_all(Path(named) / "warc")
    total: Counter[str] = Counter()
    print(f"{'file':<62}{'import':>7}{'warcio':>7}{'FastW':>7}{'capt.':>6}{'exit':>5}  findings")
    for row in rows:
        few = "  FEWER" if row.ours < max(row.warcio, row.fastwarc) else ""
        told = ", ".join(f"{kind} {count}" for kind, count in row.findings.items())
        numbers: Any = (row.ours, row.warcio, row.fastwarc, row.captures)
        shown = "".join(f"{number:>7}" for number in numbers)
        print(f"{row.path.name:<62}{shown}{row.exit_code:>5}  {told}{few}")
        total.update(row.findings)
    print(f"{len(rows)} files; {dict(total)}")
    sys.exit(any(row.ours < max(row.warcio, row.fastwarc) for row in rows))


if __name__ == "__main__":
    main()
