"""The kinds of damage, by name."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

from tests.damage.writer import (
    PAGE,
    Damaged,
    Rec,
    id_of,
    member,
    offset,
    packed,
    plain,
    response,
    sha1,
    sound,
)

INFO, REQUEST, METADATA, RESPONSE, _, REVISIT = range(6)
PLAIN_NAME = "thu-20240301030000-00000-may.warc"


def changed(index: int, change: Callable[[Rec], Rec], rule: str, at: int | None = None) -> Damaged:
    """A sound file with one record changed; the flaw is said at `at` (None: that record)."""
    records = sound()
    records[index] = change(records[index])
    return Damaged(packed(records), rule, offset(records, index if at is None else at))


def with_page(block: bytes, rule: str, **fields: str) -> Damaged:
    """The response with another block, and no revisit to it; digests right but for `fields`."""
    records = sound()[: RESPONSE + 1]
    page = records[RESPONSE]
    for name, value in fields.items():
        page = page.set(name.replace("_", "-"), value)
    records[RESPONSE] = page.with_block(block)
    return Damaged(packed(records), rule, offset(records, RESPONSE))


def in_bytes(
    change: Callable[[bytearray, int, int], None], rule: str, index: int = RESPONSE
) -> Damaged:
    """Bytes of a packed file changed, between the start and the end of one member."""
    records = sound()
    data, start, end = (
        bytearray(packed(records)),
        offset(records, index),
        offset(records, index + 1),
    )
    change(data, start, end)
    return Damaged(bytes(data), rule, start)


def flip(at: int) -> Callable[[bytearray, int, int], None]:
    """One bit, so many bytes from the member's start (or, below zero, its end)."""

    def change(data: bytearray, start: int, end: int) -> None:
        data[(start if at >= 0 else end) + at] ^= 0x10

    return change


def torn() -> Damaged:
    records = sound()
    return Damaged(packed(records)[:-20], "torn_tail", offset(records, REVISIT))


def torn_then_appended() -> Damaged:
    """What a writer does that appends without recovery."""
    records = sound()
    cut = packed(records)[:-20]
    more = packed(sound(first=20)[1:])
    return Damaged(cut + more, "bad_gzip", offset(records, REVISIT))


def one_stream() -> Damaged:
    return Damaged(gzip.compress(plain(sound()), mtime=0), "one_gzip_stream", 0)


def behind(garbage: bytes, rule: str = "trailing_garbage") -> Damaged:
    data = packed(sound())
    return Damaged(data + garbage, rule, len(data))


def between(garbage: bytes) -> Damaged:
    records = sound()
    at = offset(records, RESPONSE)
    data = packed(records)
    return Damaged(data[:at] + garbage + data[at:], "garbage_between", at)


def plain_changed(index: int, change: Callable[[Rec], Rec], rule: str) -> Damaged:
    records = [r.set("WARC-Filename", PLAIN_NAME) if n == 0 else r for n, r in enumerate(sound())]
    records[index] = change(records[index])
    return Damaged(plain(records), rule, offset(records, index, plain), PLAIN_NAME)


def plain_torn() -> Damaged:
    records = sound()
    return Damaged(plain(records)[:-30], "torn_tail", offset(records, REVISIT, plain), PLAIN_NAME)


def plain_between() -> Damaged:
    records = sound()
    at = offset(records, RESPONSE, plain)
    data = plain(records)
    return Damaged(data[:at] + b"rac\r\n\r\n" + data[at:], "garbage_between", at, PLAIN_NAME)


def without(index: int, rule: str, at: int) -> Damaged:
    records = sound()
    del records[index]
    return Damaged(packed(records), rule, offset(records, at))


def twice() -> Damaged:
    records = sound()
    return Damaged(packed([*records, records[METADATA]]), "duplicate_id", len(packed(records)))


def warcinfo_twice() -> Damaged:
    records = sound()
    return Damaged(packed([*records, records[INFO]]), "repeated_warcinfo", len(packed(records)))


def twice_in_the_store() -> Damaged:
    others = {"thu-20240301020000-00000-may.warc.gz": packed(sound(first=6))}
    return Damaged(packed(sound()), "duplicate_id", offset(sound(), REVISIT), others=others)


def as_text(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


PACKED = gzip.compress(PAGE, mtime=0)
SIZE = f"{len(PAGE):x}\r\n"

KINDS: dict[str, Callable[[], Damaged]] = {
    "empty file": lambda: Damaged(b"", "empty_file", 0),
    "no WARC at all": lambda: Damaged(b"%PDF-1.4 khong phai WARC" * 20, "not_warc", 0),
    "torn last member": torn,
    "torn member, then appended to": torn_then_appended,
    "bit flip in a member": lambda: in_bytes(flip(60), "bad_gzip"),
    "bit flip in a member's CRC": lambda: in_bytes(flip(-6), "bad_gzip"),
    "bit flip in a member's length": lambda: in_bytes(flip(-2), "bad_gzip"),
    "bit flip in a member's magic number": lambda: in_bytes(flip(0), "garbage_between"),
    "one gzip stream for all": one_stream,
    "zeros behind the end": lambda: behind(bytes(512)),
    "text behind the end": lambda: behind(b"het roi\n" * 9),
    "garbage between members": lambda: between(b"rac" * 30),
    "empty member": lambda: behind(member(b""), "empty_member"),
    "no line breaks behind a record": lambda: changed(RESPONSE, lambda r: replace(r, end=b""), "no_record_end"),
    "length too short": lambda: changed(RESPONSE, lambda r: replace(r, length=len(r.block) - 9), "length_lies"),
    "length too long": lambda: changed(RESPONSE, lambda r: replace(r, length=len(r.block) + 9), "length_lies"),
    "no length": lambda: changed(RESPONSE, lambda r: replace(r, length=-1), "missing_field"),
    "no version line": lambda: changed(RESPONSE, lambda r: replace(r, version="WARD/1.1"), "bad_header"),
    "unknown version": lambda: changed(RESPONSE, lambda r: replace(r, version="WARC/3.0"), "bad_version"),
    "line breaks of a text transfer": lambda: changed(RESPONSE, lambda r: replace(r, line_end="\n", end=b"\n\n"), "bare_lf"),
    "line without a colon": lambda: changed(RESPONSE, lambda r: r.add("Khong co hai cham\r\nX", "1"), "bad_field"),
    "folded field": lambda: changed(RESPONSE, lambda r: r.add("X-Dai", "mot\r\n hai"), "folded_field"),
    "no type": lambda: changed(METADATA, lambda r: r.drop("WARC-Type"), "missing_field"),
    "no record id": lambda: changed(RESPONSE, lambda r: r.drop("WARC-Record-ID"), "missing_field"),
    "no date": lambda: changed(RESPONSE, lambda r: r.drop("WARC-Date"), "missing_field"),
    "no address": lambda: changed(RESPONSE, lambda r: r.drop("WARC-Target-URI"), "missing_field"),
    "no profile": lambda: changed(REVISIT, lambda r: r.drop("WARC-Profile"), "missing_field"),
    "a date that is none": lambda: changed(RESPONSE, lambda r: r.set("WARC-Date", "01/03/2024"), "bad_field"),
    "the 30th of February": lambda: changed(RESPONSE, lambda r: r.set("WARC-Date", "2024-02-30T00:00:00Z"), "bad_field"),
    "an id that is none": lambda: changed(RESPONSE, lambda r: r.set("WARC-Record-ID", "<so 4>"), "bad_field"),
    "address in angle brackets": lambda: changed(RESPONSE, lambda r: r.set("WARC-Target-URI", "<http://a.vn/tin>"), "loose_field"),
    "address with a space": lambda: changed(RESPONSE, lambda r: r.set("WARC-Target-URI", "http://a.vn/tin tuc"), "loose_field"),
    "field twice": lambda: changed(RESPONSE, lambda r: r.add("WARC-Date", "2023-01-01T00:00:00Z"), "repeated_field"),
    "field where it may not be": lambda: changed(RESPONSE, lambda r: r.add("WARC-Refers-To", id_of(2)), "forbidden_field"),
    "IP address on a warcinfo": lambda: changed(INFO, lambda r: r.add("WARC-IP-Address", "10.0.0.1"), "forbidden_field"),
    "unknown type": lambda: changed(METADATA, lambda r: r.set("WARC-Type", "ghi-chu"), "unknown_type"),
    "unknown reason of a cut": lambda: changed(RESPONSE, lambda r: r.add("WARC-Truncated", "mang cham"), "bad_truncated"),
    "block changed": lambda: changed(RESPONSE, lambda r: replace(r, block=r.block.replace(b"2023", b"2024")), "bad_block_digest"),
    "payload digest of something else": lambda: changed(RESPONSE, lambda r: r.set("WARC-Payload-Digest", sha1(b"x")), "bad_payload_digest"),
    "payload digest over the chunks": lambda: with_page(
        response(chunks := SIZE.encode() + PAGE + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        "payload_digest_otherwise", WARC_Payload_Digest=sha1(chunks)),
    "padded digest": lambda: changed(RESPONSE, lambda r: r.set("WARC-Block-Digest", sha1(r.block) + "===="), "unknown_digest"),
    "no block digest": lambda: changed(RESPONSE, lambda r: r.drop("WARC-Block-Digest"), "no_block_digest"),
    "decoded body under Content-Encoding": lambda: with_page(
        response(PAGE, "Content-Encoding: gzip", f"Content-Length: {len(PAGE)}"), "coding_differs"),
    "gzip body cut short": lambda: with_page(
        response(PACKED[:20], "Content-Encoding: br"), "coding_differs", WARC_Payload_Digest=sha1(PACKED[:20])),
    "dechunked body under Transfer-Encoding": lambda: with_page(
        response(PAGE, "Transfer-Encoding: chunked"), "coding_differs"),
    "last chunk missing": lambda: with_page(
        response(SIZE.encode() + PAGE + b"\r\n", "Transfer-Encoding: chunked"), "http_length_differs"),
    "body shorter than HTTP says": lambda: with_page(
        response(PAGE, f"Content-Length: {len(PAGE) + 100}"), "http_length_differs"),
    "no HTTP head": lambda: with_page(b"<html>", "no_http_head"),
    "a cookie in the request": lambda: changed(
        REQUEST, lambda r: r.with_block(r.block[:-2] + b"Cookie: phien=1\r\n\r\n"), "secret"),
    "response without request": lambda: without(REQUEST, "no_request", 2),
    "no warcinfo": lambda: without(INFO, "no_warcinfo", 0),
    "warcinfo without software": lambda: changed(INFO, lambda r: r.with_block(b"format: WARC\r\n"), "thin_warcinfo"),
    "file renamed": lambda: replace(Damaged(packed(sound()), "renamed", 0), name="khac-20240301030000-00000-may.warc.gz"),
    "odd name": lambda: replace(Damaged(packed(sound()), "odd_name", 0), name="tin.warc.gz"),
    "id twice in a file": twice,
    "id twice in the store": twice_in_the_store,
    "warcinfo twice": warcinfo_twice,
    "a record that ends as Heritrix ended it": lambda: changed(METADATA, lambda r: replace(r.with_block(b""), end=b"\r\n"), "short_end"),
    "a field that readers read differently": lambda: changed(
        RESPONSE, lambda r: r.set("WARC-Record-ID", "\x0b" + id_of(4)), "readers_disagree"),
    "dangling revisit": lambda: changed(REVISIT, lambda r: r.set("WARC-Refers-To", id_of(99)).drop("WARC-Refers-To-Date"), "original_elsewhere"),
    "revisit of another payload": lambda: changed(REVISIT, lambda r: r.set("WARC-Payload-Digest", sha1(b"x")), "revisit_differs"),
    "revisit without an original": lambda: changed(
        REVISIT, lambda r: r.drop("WARC-Refers-To").drop("WARC-Refers-To-Target-URI"), "revisit_without_original"),
    "revisit not said to be cut": lambda: changed(REVISIT, lambda r: r.drop("WARC-Truncated"), "revisit_not_truncated"),
    "revisit of an unknown profile": lambda: changed(REVISIT, lambda r: r.set("WARC-Profile", "http://a.vn/"), "revisit_profile"),
    "plain file, torn": plain_torn,
    "plain file, length too short": lambda: plain_changed(RESPONSE, lambda r: replace(r, length=len(r.block) - 9), "length_lies"),
    "plain file, length too long": lambda: plain_changed(RESPONSE, lambda r: replace(r, length=len(r.block) + 9), "length_lies"),
    "plain file, no line breaks": lambda: plain_changed(RESPONSE, lambda r: replace(r, end=b""), "no_record_end"),
    "plain file, no version line": lambda: plain_changed(RESPONSE, lambda r: replace(r, version="WARD/1.1"), "bad_header"),
    "plain file, garbage between": plain_between,
}  # fmt: skip
