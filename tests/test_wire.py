"""The byte proof: what the server sent and received is what the records hold, every byte."""

from __future__ import annotations

import gzip
import ssl
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
import trustme
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from tests.conftest import TestArchive
from tests.wire_server import Script, WireServer, page

OK = b"HTTP/1.1 200 OK\r\n"


def text(name: str) -> bytes:
    """A body of its own for every path, or they would become revisits of each other."""
    return f"{name}: Huyện uỷ Bình Giang tổ chức hội nghị. ".encode() * 400


def sized(body: bytes, head: bytes = b"", status: bytes = OK) -> Script:
    return Script((b"%b%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body),))


def chunked(body: bytes, head: bytes = b"") -> bytes:
    half = len(body) // 2
    chunks = b"%x;ten=gia tri\r\n%b\r\n%X\r\n%b\r\n" % (
        half,
        body[:half],
        len(body) - half,
        body[half:],
    )
    return (
        OK
        + head
        + b"Transfer-Encoding: chunked\r\nTrailer: X-Cuoi\r\n\r\n"
        + chunks
        + b"0\r\nX-Cuoi: xong\r\n\r\n"
    )


SCRIPTS = {
    "/odd-case": sized(text("odd-case"), b"x-ODD-case:  padded \r\nSERVER:odd\r\ncontent-TYPE: text/plain\r\n"),
    "/duplicate": sized(text("duplicate"), b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: 1\r\nX-A: 2\r\n"),
    "/folded": sized(text("folded"), b"X-Folded: one\r\n  two\r\n\tthree\r\nContent-Type: text/plain\r\n"),
    "/bad-line": sized(text("bad-line"), b"this line has no colon\r\nContent-Type: text/plain\r\n"),
    "/latin-1": sized(text("latin-1"), b"X-Ten: Hu\xe9 \xff\r\n"),
    "/custom-reason": sized(text("custom-reason"), status=b"HTTP/1.1 200 Rat Tot\r\n"),
    "/no-reason": sized(text("no-reason"), status=b"HTTP/1.1 200\r\n"),
    "/lf-only": Script((b"HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: %d\n\n%b" % (len(text("lf-only")), text("lf-only")),)),
    "/gzip": sized(gzip.compress(text("gzip")), b"Content-Encoding: gzip\r\n"),
    "/br": sized(brotli.compress(text("br")), b"Content-Encoding: br\r\n"),
    "/zstd": sized(zstandard.compress(text("zstd")), b"Content-Encoding: zstd\r\n"),
    "/chunked": Script((chunked(text("chunked")),)),
    "/chunked-slowly": Script(tuple(chunked(text("chunked-slowly"))[i : i + 1000] for i in range(0, len(chunked(text("chunked-slowly"))), 1000))),
    "/gzip-chunked": Script((chunked(gzip.compress(text("gzip-chunked")), b"Content-Encoding: gzip\r\n"),)),
    "/early-hints": Script((b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", *sized(text("early-hints")).pieces), interim=1),
    "/early-hints-glued": Script((b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + sized(text("early-hints-glued")).response,)),
    "/302": Script((b"HTTP/1.1 302 Found\r\nLocation: /target\r\nContent-Length: 0\r\n\r\n",)),
    "/target": sized(text("target")),
    "/304": Script((b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",)),
    "/204": Script((b"HTTP/1.1 204 No Content\r\n\r\n",)),
    "/404": sized(b"khong thay", status=b"HTTP/1.1 404 Khong Tim Thay\r\n"),
    "/http-1.0": Script((b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", text("http-1.0")), close=True),
    "/until-close": Script((OK + b"Connection: close\r\n\r\n", text("until-close")), close=True),
    "/cut-body": Script((OK + b"Content-Length: 99999\r\n\r\n" + text("cut-body"),), close=True),
    "/cut-chunk": Script((OK + b"Transfer-Encoding: chunked\r\n\r\n4000\r\n" + text("cut-chunk")[:500],), close=True),
    "/cut-by-reset": Script((OK + b"Content-Length: 99999\r\n\r\n", text("cut-by-reset")[:1000]), reset=True),
    "/empty": sized(b""),
    "/large": sized(text("large") * 200),
}  # fmt: skip
GLUED_INTERIM = len(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
CUT = ("/cut-body", "/cut-chunk", "/cut-by-reset")


def sent(path: str) -> bytes:
    """What the server sent of the final response."""
    response = SCRIPTS[path].response
    return response[GLUED_INTERIM:] if path == "/early-hints-glued" else response


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_every_byte_is_in_the_records(archive: TestArchive, secure: bool) -> None:
    with WireServer(SCRIPTS | {"/": page(*SCRIPTS)}, server_tls() if secure else None) as server:
        archive.declare(_site(server.url))
        crawled = archive.scrapy("crawl", "odd", "-s", "RETRY_SECONDS=0.01")
    assert crawled.returncode == 4, crawled.stderr  # what was cut off three times was missed
    requests, responses = _blocks(archive.warc_files(), server.url)
    for path in SCRIPTS:
        assert requests[path] == server.received[path], path
        tries = 3 if path in CUT else 1
        blocks = [block for _, block in responses[path]]
        if path == "/cut-by-reset":  # a reset may overtake what was sent before it
            assert len(blocks) == tries and all(sent(path).startswith(block) for block in blocks)
        else:
            assert blocks == [sent(path)] * tries, path
        for fields, _ in responses[path]:
            assert fields.get("WARC-Truncated") == ("disconnect" if path in CUT else None), path
            assert fields["WARC-IP-Address"] == "127.0.0.1"
            assert ("tls/" in fields["WARC-Protocol"]) is secure
            assert ("WARC-Cipher-Suite" in fields) is secure


def _site(url: str) -> str:
    return f"""
id = "odd"
name = "Odd server"
organ = "other"
listings = ["{url}/"]
layouts = [{{ family = "plain" }}]
delay_seconds = 0
allow_addresses = ["127.0.0.0/8"]
"""


def _records(files: list[Path]) -> Iterator[WarcRecord]:
    for path in files:
        with path.open("rb") as file:
            yield from ArchiveIterator(file, WarcRecordType.any_type, parse_http=False)


Found = dict[str, list[tuple[dict[str, str], bytes]]]


def _blocks(files: list[Path], url: str) -> tuple[dict[str, list[bytes]], Found]:
    """Blocks of request and response records by path, in order, read by an independent reader."""
    requests: dict[str, list[bytes]] = defaultdict(list)
    responses: Found = defaultdict(list)
    for record in _records(files):
        target = (record.headers.get("WARC-Target-URI") or "").removeprefix(url)
        fields: dict[str, str] = {}
        for name, value in record.headers.items():
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        if record.record_type is WarcRecordType.request:
            requests[target].append(record.reader.read())
        elif record.record_type is WarcRecordType.response:
            responses[target].append((fields, record.reader.read()))
        elif record.record_type is WarcRecordType.revisit:
            raise AssertionError(f"{target} became a revisit: every path has its own payload")
    return requests, responses
