"""Other people's readers over a WARC file: what each of them says of every record."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdxj_indexer.main import CDXJIndexer
from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

CHUNKED = b"transfer-encoding: chunked"


@dataclass(frozen=True)
class Verdict:
    """What a reader says of one record."""

    record_id: str
    kind: str
    chunked: bool
    """Its payload digest is over the dechunked body, as WARC/1.1 §6.3.2 means it."""
    block: bool
    payload: bool


def warcio_verdicts(path: Path) -> Iterator[Verdict]:
    with path.open("rb") as file:
        for record in WarcioIterator(file, check_digests=True):
            record.content_stream().read()
            headers = record.http_headers.to_ascii_bytes().lower() if record.http_headers else b""
            wrong = record.digest_checker.problems
            yield Verdict(
                record.rec_headers.get_header("WARC-Record-ID"),
                record.rec_type,
                CHUNKED in headers,
                block=not any("block" in problem for problem in wrong),
                payload=not any("payload" in problem for problem in wrong),
            )


def fastwarc_verdicts(path: Path) -> Iterator[Verdict]:
    with path.open("rb") as file:
        for record in ArchiveIterator(file, WarcRecordType.any_type, parse_http=False):
            record.freeze()
            block = record.verify_block_digest()
            kind, id_ = record.headers["WARC-Type"], record.headers["WARC-Record-ID"]
            chunked, payload = False, True
            if kind == "response" and "WARC-Payload-Digest" in record.headers:
                record.parse_http()
                headers = record.http_headers
                coding = headers.get("Transfer-Encoding") if headers is not None else None
                chunked = (coding or "").lower() == "chunked"
                payload = record.verify_payload_digest()
            yield Verdict(id_, kind, chunked, block, payload)


def indexed(path: Path) -> list[dict[str, str]]:
    """The captures that cdxj-indexer finds."""
    out = io.StringIO()
    CDXJIndexer(out, [str(path)], sort=True).process_all()
    lines = out.getvalue().splitlines()
    return [
        {"urlkey": line.split(" ", 2)[0], **json.loads(line.split(" ", 2)[2])} for line in lines
    ]


def assert_sound(path: Path) -> None:
    """All three accept the file, but for the payload verdict on chunked bodies, record by record."""
    warcio, fastwarc = list(warcio_verdicts(path)), list(fastwarc_verdicts(path))
    assert [one.kind for one in warcio] == [one.kind for one in fastwarc]
    for one in (*warcio, *fastwarc):
        assert one.block, one
        assert one.payload or (one.chunked and one.kind == "response"), one
    captures = [one for one in warcio if one.kind in ("response", "revisit")]
    assert len(indexed(path)) == len(captures)
