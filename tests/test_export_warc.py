"""WARC subsets: sound, whole exchanges, byte for byte the archive's."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from warcio.archiveiterator import ArchiveIterator

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.export.found import find_all
from storage.export.warc import write_warc
from storage.query.query import Query
from storage.warc.verify.walk import RawRecord, walk
from tests.conftest import TestArchive


def records(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            yield from ArchiveIterator(file, no_record_parse=True)


def ids_of(folder: Path, *kinds: str) -> list[str]:
    return [r.rec_headers["WARC-Record-ID"] for r in records(folder) if r.rec_type in kinds]


def test_a_subset_is_sound_and_has_its_requests(demo_archive: TestArchive, tmp_path: Path) -> None:
    out = tmp_path / "phan"
    done = demo_archive.here("export", "--format", "warc", str(out), "hội nghị", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["articles"] == 45
    captures = ids_of(out, "response", "revisit")
    assert told["captures"] == len(captures) == len(set(captures))
    asked = [r.rec_headers["WARC-Concurrent-To"] for r in records(out) if r.rec_type == "request"]
    assert sorted(asked) == sorted(captures)
    assert len(ids_of(out, "metadata")) == len(captures)
    found = demo_archive.open().search("hội nghị", limit=100)
    assert {one["warc"]["record_id"] for one in found} <= set(captures)
    checked = demo_archive.here("warc", "verify", "--json", *map(str, out.iterdir()))
    verdicts = [json.loads(line) for line in checked.stdout.splitlines()]
    assert checked.returncode == 0 and [one["flaws"] for one in verdicts] == [[]]


def test_what_revisits_repeat_comes_along(living_archive: TestArchive, tmp_path: Path) -> None:
    """And every time of a page; each record is byte for byte the archive's."""
    archive = living_archive.open()
    repeated = {
        one["warc"]["record_id"] for one in archive.search() if one["title"] == "Bài viết số 1"
    }
    with archive.reading() as connection:
        referring = connection.exec_driver_sql(
            "SELECT record_id, refers_to FROM captures WHERE refers_to IS NOT NULL"
        ).fetchall()
    one = next(id_ for id_, _ in referring if id_ in repeated)
    [article] = [a for a in archive.search() if a["warc"]["record_id"] == one]
    out = tmp_path / "phan"
    with find_all(archive, Query()) as found:
        found.keys[:] = type(found.keys)("q", [key_of(archive, article["id"])])
        write_warc(out, found, archive.folder, "một bài")
    captures = ids_of(out, "response", "revisit")
    assert one in captures and dict(map(tuple, referring))[one] in captures
    done = living_archive.here("warc", "verify", *map(str, out.iterdir()))
    assert done.returncode == 0 and "no error" in done.stdout, done.stdout
    kept = b"".join(path.read_bytes() for path in living_archive.warc_files())
    for record in walk(next(out.iterdir())):
        assert isinstance(record, RawRecord)
        data = next(out.iterdir()).read_bytes()[record.offset :][: record.length]
        assert record.offset == 0 or data in kept


def key_of(archive: Archive, id_: str) -> int:
    with archive.reading() as connection:
        query = text("SELECT key FROM article WHERE id = :id")
        return int(connection.execute(query, {"id": id_}).scalar_one())


def test_a_large_subset_is_several_files(demo_archive: TestArchive, tmp_path: Path) -> None:
    archive, out = demo_archive.open(), tmp_path / "phan"
    with find_all(archive, Query()) as found:
        count = write_warc(out, found, archive.folder, "tất cả", roll_bytes=200_000)
    paths = sorted(out.iterdir())
    assert len(paths) > 2 and len(ids_of(out, "response", "revisit")) == count
    done = demo_archive.here("warc", "verify", *map(str, paths))
    assert done.returncode == 0 and f"{len(paths)} file(s) verified: no error" in done.stdout


def test_a_subset_of_plain_files_is_compressed(demo_archive: TestArchive, tmp_path: Path) -> None:
    """As imported archives may be: the same file without gzip, and rows that say so."""
    copy = demo_archive.copy(tmp_path / "archive")
    [path] = copy.warc_files()
    path.write_bytes(gzip.decompress(path.read_bytes()))
    rows = [
        {"at": r.offset, "length": r.length, "id": r.id}
        for r in walk(path)
        if isinstance(r, RawRecord)
    ]
    moved = "UPDATE capture SET warc_offset = :at, warc_length = :length WHERE record_id = :id"
    engine = copy.open().open_for_writing()
    with engine.begin() as tx:
        tx.execute(text(moved), rows)
    engine.dispose()
    done = copy.here("export", "--format", "warc", str(tmp_path / "phan"), "--json")
    assert done.returncode == 0, done.stderr
    assert len(ids_of(tmp_path / "phan", "request")) == json.loads(done.stdout)["captures"]
    checked = copy.here("warc", "verify", *map(str, (tmp_path / "phan").iterdir()))
    assert checked.returncode == 0, checked.stdout


def test_a_file_that_was_moved_away_is_named(demo_archive: TestArchive, tmp_path: Path) -> None:
    archive = demo_archive.copy(tmp_path / "archive").open()
    shutil.rmtree(tmp_path / "archive" / "warc")
    with find_all(archive, Query()) as found, pytest.raises(NotFound, match="was it moved away"):
        write_warc(tmp_path / "phan", found, archive.folder, "tất cả")
    assert not (tmp_path / "phan").exists()
    with find_all(archive, Query()) as found, pytest.raises(UsageError, match="is there already"):
        write_warc(tmp_path / "archive", found, archive.folder, "tất cả")
