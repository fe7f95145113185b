"""Heads parsed and bodies decoded, in whatever pieces and state they came."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from storage import http
from storage.errors import DecodeError

CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Data in pieces of these sizes, and the rest."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def in_chunks(body: bytes, sizes: list[int]) -> bytes:
    chunks = [piece for piece in cut(body, sizes) if piece]
    return b"".join(b"%x;a=b\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\nX-T: 1\r\n\r\n"


SIZES = st.lists(st.integers(1, 50), max_size=6)


@given(st.binary(max_size=300), st.sampled_from(sorted(CODERS)), SIZES, SIZES, st.booleans())
def test_what_was_coded_is_decoded(
    body: bytes, coding: str, chunk_sizes: list[int], piece_sizes: list[int], chunked: bool
) -> None:
    headers: http.Headers = (("content-ENCODING", coding),)
    raw = CODERS[coding](body)
    if chunked:
        headers += (("Transfer-Encoding", "Chunked"),)
        raw = in_chunks(raw, chunk_sizes)
    assert b"".join(http.decoded_pieces(headers, cut(raw, piece_sizes))) == body


@given(st.binary(max_size=200), st.sampled_from([*sorted(CODERS), "", "compress", "gzip, br"]))
def test_any_bytes_give_a_body_or_a_decode_error(raw: bytes, coding: str) -> None:
    try:
        http.decode_body((("Content-Encoding", coding),), raw)
    except DecodeError as error:
        assert str(error)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_head_or_none(raw: bytes) -> None:
    head = http.parse_head(raw)
    assert head is None or head.length <= len(raw)


def test_a_cut_body_gives_what_is_there() -> None:
    text = "Huyện uỷ Bình Giang ".encode() * 500
    for coding in ("gzip", "deflate", "br"):
        raw = CODERS[coding](text)
        part = http.decode_body((("Content-Encoding", coding),), raw[: len(raw) // 2])
        assert text.startswith(part)


def test_what_only_claims_to_be_gzip_is_taken_as_it_is() -> None:
    assert http.decode_body((("Content-Encoding", "gzip"),), b"<html>") == b"<html>"


def test_raw_deflate_is_read_as_browsers_read_it() -> None:
    packer = zlib.compressobj(wbits=-15)
    raw = packer.compress(b"abc") + packer.flush()
    assert http.decode_body((("Content-Encoding", "deflate"),), raw) == b"abc"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped(coding: str) -> None:
    bomb = CODERS[coding](bytes(http.DECODED_MAX_BYTES + 1))
    with pytest.raises(DecodeError, match="decodes to more than"):
        http.decode_body((("Content-Encoding", coding),), bomb)


def test_heads_as_odd_servers_send_them() -> None:
    head = http.parse_head(b"HTTP/1.0 200\nA: 1\n  2\nno colon\nA:3 \nX:\n\nbody")
    assert head is not None
    assert head.headers == (("A", "1 2"), ("A", "3"), ("X", "")) and head.is_http_1_0
    assert http.header(head.headers, "a") == "1 2"
    assert http.parse_head(b"ICY 200 OK\r\n\r\n") is None
    assert http.parse_head(b"HTTP/1.1 200 OK\r\nA: 1\r\n") is None
