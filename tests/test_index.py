"""Our CDXJ against cdxj-indexer's: the same captures, field for field."""

from __future__ import annotations

import errno
import gc
import heapq
import io
import json
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, redirect_stderr
from pathlib import Path

import pytest
from cdxj_indexer.main import CDXJIndexer

from storage.folder import ArchiveFolder
from storage.urls import urlkey
from storage.warc import index
from storage.warc.cdxj import Lines
from storage.warc.verify.walk import RawRecord, walk
from tests.conftest import TestArchive
from tests.damage.writer import URL, id_of, packed, record, response, sha1, sound
from tests.test_warc import HEAD, Store, exchange


def merged(folder: ArchiveFolder) -> Iterator[str]:
    """All lines of all indexes of an archive, sorted, without line ends."""
    with ExitStack() as stack:
        paths = sorted((folder.root / "cdx").rglob("*.cdxj"))
        files = [stack.enter_context(path.open("rb")) for path in paths]
        yield from (line.decode().rstrip("\n") for line in heapq.merge(*files))


def theirs(path: Path, name: str | None = None) -> list[str]:
    """Their lines; those of a POST with what it sent, as pywb wants them.

    Told to look at requests, they leave out the digests of records that state none: so twice.
    """
    lines = [indexed(path, name, with_posts) for with_posts in (False, True)]
    posts = {offset(line): line for line in lines[1] if "method" in index.as_json(line)}
    return sorted((posts.get(offset(line), line) for line in lines[0]), key=str.encode)


def indexed(path: Path, name: str | None, with_posts: bool) -> list[str]:
    out = io.StringIO()
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", ResourceWarning)  # they leave temporary files open
        CDXJIndexer(
            out, [str(path)], sort=True, post_append=with_posts, filename=name
        ).process_all()
        gc.collect()
    return out.getvalue().splitlines()


def offset(line: str) -> str:
    return index.as_json(line)["offset"]


def test_a_crawl_is_indexed_as_its_files_close(demo_archive: TestArchive) -> None:
    folder = ArchiveFolder(demo_archive.folder)
    kept = list(merged(folder))
    [path] = demo_archive.warc_files()
    assert kept == theirs(path, folder.name_of(path)) and len(kept) > 50
    assert kept == sorted(kept, key=str.encode)


def test_every_capture_row_is_in_the_index(demo_archive: TestArchive) -> None:
    with demo_archive.open().reading() as tx:
        rows = tx.exec_driver_sql("SELECT url, warc_file, warc_offset FROM capture").fetchall()
    lines = {(d["url"], d["filename"], int(d["offset"])) for d in told(demo_archive)}
    assert {tuple(row) for row in rows} == lines


def told(archive: TestArchive) -> list[dict[str, str]]:
    return [index.as_json(line) for line in merged(ArchiveFolder(archive.folder))]


# Files that they cannot read (theirs raises), or read what is no whole record; and one in which
# they take no type in upper case, another with folded fields.
ODD = (
    "clipped", "clueweb-quirk", "wrong-chunks", "bad-non-chunked", "example-trunc", "with-lists",
    "upper-lower-case", "fields-metainfo", "invalid-",
)  # fmt: skip


@pytest.mark.shared
def test_files_of_other_writers_are_indexed_alike(shared_data: Path) -> None:
    paths = [p for p in sorted((shared_data / "warc").rglob("*.w*")) if is_warc(p)]
    paths = [path for path in paths if not any(odd in path.name for odd in ODD)]
    for path in paths:
        assert index.index_file(path, path.name) == theirs(path), path
    assert len(paths) > 30


def is_warc(path: Path) -> bool:
    return path.name.endswith((".warc", ".warc.gz", ".warc.wet.gz", ".warc.wat.gz"))


FORM = b"POST /tim HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b"


def test_posts_are_told_apart_and_revisits_kept(tmp_path: Path) -> None:
    body = b"tu=huyen+uy&trang=2"
    target, with_it = ("WARC-Target-URI", URL), ("WARC-Concurrent-To", id_of(31))
    http = "application/http;msgtype="
    digest = ("WARC-Payload-Digest", sha1(b"co"))
    posted = record(
        "response", 31, response(b"co"), target, ("Content-Type", http + "response"), digest
    )
    form = record(
        "request", 32, FORM % (len(body), body), target, with_it, ("Content-Type", http + "request")
    )
    path = tmp_path / "a.warc.gz"
    path.write_bytes(packed([*sound(), posted, form]))
    lines = index.index_file(path, path.name)
    assert lines == theirs(path)
    fields = [index.as_json(line) for line in lines]
    assert {f["mime"] for f in fields} == {"text/html", "warc/revisit"}
    [post] = [f for f in fields if f.get("method") == "POST"]
    assert post["requestBody"] == "tu=huyen uy&trang=2" and "__wb_method=post" in post["urlkey"]


def test_an_index_that_finds_no_room_is_the_disk_s_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(packed(sound()))
    with closing(Lines(path.name)) as lines, pytest.raises(OSError) as raised:
        lines._rows.execute("PRAGMA max_page_count = 8")
        for _ in range(1000):
            for found in walk(path):
                if isinstance(found, RawRecord):
                    lines.note(found)
    assert raised.value.errno == errno.ENOSPC


BAD_FORMS = {
    "multipart": (b"multipart/form-data; boundary=x", b"khong phai"),
    "amf": (b"application/x-amf", b"\x00\x09"),
    "json": (b"application/json", b"{"),
    "length": (b"application/x-www-form-urlencoded\r\nContent-Length: nhieu", b"a=1"),
    "chunks": (b"text/plain\r\nTransfer-Encoding: chunked", b"khong phai\r\n"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_form_that_is_none_is_indexed_and_said_to_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    kind, body = BAD_FORMS[name]
    made = exchange(HEAD + b"co", URL)
    made.begin()
    made.send(b"POST /tim HTTP/1.1\r\nContent-Type: %b\r\n\r\n%b" % (kind, body))
    made.receive(HEAD + b"co")
    made.finish()
    store = Store(tmp_path)
    store.append(made)
    store.writer.close()
    [line] = merged(store.folder)
    assert index.as_json(line)["method"] == "POST" and capfd.readouterr().out == ""


def test_a_request_before_and_apart_from_its_response_counts(tmp_path: Path) -> None:
    """Our files have the metadata record between them; cdxj-indexer only looks at neighbours."""
    body = b"tu=huyen"
    made = exchange(HEAD + b"co", URL)
    made.begin()
    made.send(FORM % (len(body), body))
    made.receive(HEAD + b"co")
    made.finish()
    store = Store(tmp_path)
    store.append(made)
    store.writer.close()
    [line] = merged(store.folder)
    assert index.as_json(line)["method"] == "POST"


def test_indexes_are_made_once_kept_up_and_dropped(tmp_path: Path) -> None:
    store = Store(tmp_path, roll_bytes=1)
    for number in range(3):
        store.append(exchange(HEAD + bytes([number]), f"http://a.vn/{number}"))
    store.writer.close()
    folder = store.folder
    names = [folder.name_of(path) for path in store.files()]
    assert [d["filename"] for d in map(index.as_json, merged(folder))] == sorted(names)
    assert index.update_all(folder) == []
    index.index_of(folder, names[1]).unlink()
    (folder.root / names[0]).unlink()
    assert index.update_all(folder) == [names[1]]
    assert [d["filename"] for d in map(index.as_json, merged(folder))] == names[1:]


def test_the_command_prints_and_keeps(demo_archive: TestArchive, tmp_path: Path) -> None:
    [path] = demo_archive.warc_files()
    printed = demo_archive.tinhuyen("warc", "index", str(path)).stdout.splitlines()
    assert printed == theirs(path)
    done = demo_archive.tinhuyen("warc", "index", str(path), "--json")
    first = json.loads(done.stdout.splitlines()[0])
    assert first["urlkey"] == urlkey(first["url"]) and len(first["timestamp"]) == 14
    assert demo_archive.tinhuyen("warc", "index").stdout == "0 file(s) indexed\n"
