"""Exchanges written and read again: by us, and by readers that others wrote."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from storage import times
from storage.exchange import SPOOL_BYTES, Exchange
from storage.folder import ArchiveFolder
from storage.lines import read_lines
from storage.records import Record
from storage.warc.exchange_records import Original, digests_of
from storage.warc.info import WarcInfo
from storage.warc.reader import read_capture
from storage.warc.writer import Appended, WarcWriter

INFO = WarcInfo("thu", "thu-run", "tinhuyen/test", "tinhuyen/test (a@b.vn)", "a@b.vn")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a.vn\r\n\r\n"


def exchange(response: bytes, url: str = "http://a.vn/", cut: Any = None) -> Exchange:
    made = Exchange(url, via="http://a.vn/muc/", hops="LE", row=b"\x01" * 16)
    made.begin()
    made.ip = "127.0.0.1"
    made.send(REQUEST)
    made.receive(response)
    if cut:
        made.cut(cut)
    else:
        made.finish()
    return made


class Store:
    """A writer over a folder."""

    def __init__(self, root: Path, roll_bytes: int = 10**9) -> None:
        self.folder = ArchiveFolder(root)
        self.writer = WarcWriter(self.folder, INFO, roll_bytes)
        self.records: dict[str, Record] = {}

    def append(self, made: Exchange, original: Original | None = None) -> Appended:
        appended = self.writer.append(made, digests_of(made), original)
        self.writer.sync()
        self.records[appended.record.record_id] = appended.record
        return appended

    def read(self, appended: Appended) -> Any:
        return read_capture(appended.record, self.folder.file, self.records.__getitem__)

    def files(self) -> list[Path]:
        return sorted(self.folder.warc("thu").glob("*.warc.gz"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def fields_of(path: Path) -> Iterator[tuple[dict[str, str], bytes]]:
    with path.open("rb") as file:
        for record in WarcioIterator(file, no_record_parse=True):
            yield dict(record.rec_headers.headers), record.raw_stream.read()


BODIES = st.binary(max_size=400)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(BODIES, st.sampled_from([None, "length", "time", "disconnect"]))
def test_what_is_written_is_read(store: Store, body: bytes, cut: Any) -> None:
    made = exchange(HEAD + body, cut=cut)
    capture = store.read(store.append(made))
    live = made.to_capture()
    assert (capture.url, capture.status, capture.headers) == (live.url, 200, live.headers)
    assert capture.raw_body == live.raw_body == body
    assert capture.fetched_at == live.fetched_at and capture.truncated == cut


def test_an_exchange_is_request_metadata_response_in_this_order(store: Store) -> None:
    made = exchange(HEAD + b"<p>Tin")
    store.append(made)
    store.writer.close()
    [path] = store.files()
    info, request, metadata, response = fields_of(path)
    assert info[0]["WARC-Type"] == "warcinfo" and info[0]["WARC-Filename"] == path.name
    assert b"conformsTo" in info[1] and b"thu-run" in info[1]
    assert request[1] == REQUEST and response[1] == HEAD + b"<p>Tin"
    assert request[0]["WARC-Concurrent-To"] == response[0]["WARC-Record-ID"] == made.record_id
    assert {f["WARC-IP-Address"] for f in (request[0], response[0])} == {"127.0.0.1"}
    told = dict(line.split(": ", 1) for line in metadata[1].decode().splitlines())
    assert told["via"] == "http://a.vn/muc/" and told["hopsFromSeed"] == "LE"
    assert told["tinhuyen-site"] == "thu" and told["tinhuyen-run"] == "thu-run"
    assert told["tinhuyen-frontier"] == "01" * 16


def test_digests_are_those_of_the_specification(store: Store) -> None:
    """§6.3.2: the payload is the body without its transfer coding, with its content coding."""
    packed = gzip.compress(b"Huy\xe1\xbb\x87n")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    response = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    appended = store.append(exchange(response))
    assert appended.digests.payload == sha1(packed)
    assert appended.digests.block == sha1(response)
    assert store.read(appended).body() == "Huyện".encode()


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def test_a_revisit_keeps_its_head_and_borrows_its_body(store: Store) -> None:
    first = exchange(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    original = store.append(first)
    known = Original(first.record_id, first.url, times.utc_text(first.fetched_at))
    again = exchange(b"HTTP/1.1 200 OK\r\nX-Again: yes\r\n\r\nabc", "http://a.vn/b")
    revisit = store.append(again, known)
    capture = store.read(revisit)
    assert capture.body() == b"abc" and capture.header("x-again") == "yes"
    assert capture.url == "http://a.vn/b" and capture.truncated is None
    store.writer.close()
    fields = [fields for fields, _ in fields_of(store.files()[0])][-1]
    assert fields["WARC-Type"] == "revisit" and fields["WARC-Truncated"] == "length"
    assert fields["WARC-Refers-To"] == original.record.record_id
    assert fields["WARC-Refers-To-Target-URI"] == "http://a.vn/"
    assert fields["WARC-Refers-To-Date"] == times.utc_text(first.fetched_at)
    assert fields["WARC-Profile"].endswith("/1.1/revisit/identical-payload-digest")


def test_a_large_body_is_spooled_and_comes_back_whole(store: Store) -> None:
    body = bytes(range(256)) * (SPOOL_BYTES // 100)
    made = exchange(HEAD + body)
    assert store.read(store.append(made)).raw_body == body
    made.close()


def test_files_roll_are_renamed_and_listed(tmp_path: Path) -> None:
    store = Store(tmp_path, roll_bytes=2000)
    for number in range(6):
        store.append(exchange(HEAD + hashlib.sha512(bytes([number])).digest() * 5))
        store.writer.sync()
    assert len(list(store.folder.warc("thu").glob("*.open"))) == 1
    store.writer.close()
    listed = {line["file"]: line for line in read_lines(store.folder.manifest)}
    files = {store.folder.name_of(path): path for path in store.files()}
    assert files.keys() == listed.keys() and len(files) > 1
    for name, path in files.items():
        data = path.read_bytes()
        assert listed[name]["bytes"] == len(data)
        assert listed[name]["sha256"] == hashlib.sha256(data).hexdigest()
        assert next(iter(fields_of(path)))[0]["WARC-Type"] == "warcinfo"


def test_every_record_is_a_gzip_member_of_its_own(store: Store) -> None:
    appended = [store.append(exchange(HEAD + bytes([n]) * 50)) for n in range(3)]
    store.writer.close()
    data = store.files()[0].read_bytes()
    for one in appended:
        record = one.record
        member = data[record.offset : record.offset + record.length]
        whole = gzip.decompress(member)
        assert whole.startswith(b"WARC/1.1\r\n") and record.record_id.encode() in whole
        for read in ArchiveIterator(io.BytesIO(member), parse_http=False):
            assert read.verify_block_digest()
