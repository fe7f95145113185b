"""A plain writer of small WARC files, sound or not. Shares no code with the one it puts to test."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

DATE = "2024-03-01T03:00:00.000000Z"
URL = "http://a.vn/tin"
PAGE = "<html><h1>Huyện uỷ Bình Giang</h1><p>Thứ Ba 10/01/2023 16:33</p></html>".encode() * 3


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def id_of(number: int) -> str:
    return f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"


@dataclass(frozen=True)
class Rec:
    """A record: its fields as (name, value), its block, and how it begins and ends."""

    fields: tuple[tuple[str, str], ...]
    block: bytes
    version: str = "WARC/1.1"
    end: bytes = b"\r\n\r\n"
    length: int | None = None
    """Content-Length as stated; None: the truth; -1: left out."""
    line_end: str = "\r\n"

    def set(self, name: str, value: str) -> Rec:
        """With this field instead of the one it has, or besides the others."""
        there = any(key == name for key, _ in self.fields)
        fields = tuple((key, value if key == name else old) for key, old in self.fields)
        return replace(self, fields=fields if there else (*fields, (name, value)))

    def add(self, name: str, value: str) -> Rec:
        return replace(self, fields=(*self.fields, (name, value)))

    def drop(self, name: str) -> Rec:
        return replace(self, fields=tuple(pair for pair in self.fields if pair[0] != name))

    def with_block(self, block: bytes) -> Rec:
        """Another block, its digest right."""
        return replace(self, block=block).set("WARC-Block-Digest", sha1(block))

    def data(self) -> bytes:
        length = len(self.block) if self.length is None else self.length
        fields = [*self.fields, *([("Content-Length", str(length))] if length >= 0 else [])]
        lines = [self.version, *(f"{name}: {value}" for name, value in fields), "", ""]
        return self.line_end.join(lines).encode() + self.block + self.end


def record(kind: str, number: int, block: bytes, *more: tuple[str, str]) -> Rec:
    fields = (
        ("WARC-Type", kind),
        ("WARC-Record-ID", id_of(number)),
        ("WARC-Date", DATE),
        *more,
        ("WARC-Block-Digest", sha1(block)),
    )
    return Rec(fields, block)


def response(body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", "Content-Type: text/html", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def sound(name: str = "thu-20240301030000-00000-may.warc.gz", first: int = 1) -> list[Rec]:
    """warcinfo, request, metadata, response, request, revisit: six records, nothing wrong."""
    info = b"software: thu/1\r\nformat: WARC File Format 1.1\r\n"
    asked = b"GET /tin HTTP/1.1\r\nHost: a.vn\r\n\r\n"
    told = b"fetchTimeMs: 12\r\n"
    page = response(PAGE, f"Content-Length: {len(PAGE)}")
    head = response(b"", f"Content-Length: {len(PAGE)}")
    target, http = ("WARC-Target-URI", URL), "application/http;msgtype="
    ask = (target, ("Content-Type", http + "request"))
    answer = (target, ("Content-Type", http + "response"), ("WARC-Payload-Digest", sha1(PAGE)))
    return [
        record("warcinfo", first, info, ("WARC-Filename", name), ("Content-Type", "application/warc-fields")),
        record("request", first + 1, asked, *ask, ("WARC-Concurrent-To", id_of(first + 3))),
        record("metadata", first + 2, told, target, ("WARC-Concurrent-To", id_of(first + 3)),
               ("Content-Type", "application/warc-fields")),
        record("response", first + 3, page, *answer),
        record("request", first + 4, asked, *ask, ("WARC-Concurrent-To", id_of(first + 5))),
        record("revisit", first + 5, head, *answer,
               ("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"),
               ("WARC-Refers-To", id_of(first + 3)), ("WARC-Refers-To-Target-URI", URL),
               ("WARC-Refers-To-Date", DATE), ("WARC-Truncated", "length")),
    ]  # fmt: skip


def member(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def packed(records: list[Rec]) -> bytes:
    return b"".join(member(one.data()) for one in records)


def plain(records: list[Rec]) -> bytes:
    return b"".join(one.data() for one in records)


def offset(records: list[Rec], index: int, pack: Callable[[list[Rec]], bytes] = packed) -> int:
    """Where the record of this index begins."""
    return len(pack(records[:index]))


@dataclass(frozen=True)
class Damaged:
    """A damaged file and what must be said of it."""

    data: bytes
    rule: str
    offset: int
    name: str = "thu-20240301030000-00000-may.warc.gz"
    others: dict[str, bytes] = field(default_factory=dict)
    """Files verified before it."""
