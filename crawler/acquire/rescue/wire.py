"""One request and its answer, byte for byte as it came: what is kept is what was served.

The libraries at hand (requests, aiohttp) give headers and bodies that they have read already; a
WARC record needs the message. A connection serves one request: the delay between two is longer
than a handshake.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import urlsplit

import certifi

from crawler import settings
from storage import http
from storage.errors import DecodeError

MESSAGE_MAX_BYTES = http.DECODED_MAX_BYTES
"""A longer answer is not kept: nothing would read it."""

_PIECE = 1 << 16
_HEAD_MAX_BYTES = 1 << 18
_NO_BODY = (204, 304)  # RFC 9112 §6.3


@dataclass(frozen=True)
class Answer:
    """A response."""

    url: str
    message: bytes
    """Head and body as they came."""
    whole: bool
    """It ended where its own framing says (RFC 9112 §6.3)."""
    why_not_whole: str = ""
    is_too_large: bool = False
    """It is longer than MESSAGE_MAX_BYTES, and the rest was not read."""

    @cached_property
    def _head(self) -> http.Head:
        return http.parse_head(self.message) or http.Head(0, (), 0)

    @property
    def status(self) -> int:
        """0 if no head came."""
        return self._head.status

    @property
    def status_code(self) -> int:
        """The same, by the name that cdx_toolkit knows."""
        return self.status

    @property
    def headers(self) -> http.Headers:
        """As sent, in order."""
        return self._head.headers

    def header(self, name: str) -> str | None:
        """The first value of a header field; None if it was not sent."""
        return http.header(self.headers, name)

    @property
    def payload(self) -> bytes:
        """The body without its transfer coding. Raises DecodeError."""
        body = self.message[self._head.length :]
        return b"".join(http.payload_pieces(self.headers, (body,)))

    @property
    def text(self) -> str:
        """The decoded body; for indexes, which are JSON. Raises DecodeError."""
        return http.decode_body(self.headers, self.message[self._head.length :]).decode(
            "utf-8", "replace"
        )

    @property
    def is_memento(self) -> bool:
        """An archive says that this is what somebody answered once (RFC 7089 §2.1.1)."""
        return self.header("memento-datetime") is not None


def exchange(url: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Ask for an address. Raises OSError (no connection, time-outs, TLS)."""
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    fields = [
        ("Host", parts.netloc), ("User-Agent", settings.USER_AGENT), ("Accept", "*/*"),
        # Codings of the Wayback Machine's own are sometimes unsaid in its answers
        # (edgi-govdata-archiving/web-monitoring-processing#309).
        ("Accept-Encoding", "identity"), ("Connection", "close"), *headers,
    ]  # fmt: skip
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    until = time.monotonic() + settings.DOWNLOAD_TIMEOUT
    with _connect(parts.scheme, parts.hostname or "", parts.port) as connection:
        connection.sendall("\r\n".join(lines).encode("ascii"))
        return _receive(url, connection, until)


def _connect(scheme: str, host: str, port: int | None) -> socket.socket:
    address = (host, port or (443 if scheme == "https" else 80))
    connection = socket.create_connection(address, settings.CONNECT_TIMEOUT_SECONDS)
    if scheme != "https":
        return connection
    return _tls(settings.TLS_ROOTS_FILE).wrap_socket(connection, server_hostname=host)


@lru_cache(maxsize=2)
def _tls(roots: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=roots or certifi.where())


def _receive(url: str, connection: socket.socket, until: float) -> Answer:
    message, framing = bytearray(), _Framing()
    while not framing.ended:
        left = until - time.monotonic()
        if left <= 0:
            return Answer(url, bytes(message), False, "it took too long")
        connection.settimeout(left)
        piece = connection.recv(_PIECE)
        message += piece
        if len(message) > MESSAGE_MAX_BYTES:
            why = f"more than {MESSAGE_MAX_BYTES} bytes"
            return Answer(url, bytes(message), False, why, is_too_large=True)
        try:
            framing.feed(message, piece)
        except DecodeError as error:
            return Answer(url, bytes(message), False, str(error))
        if not piece:
            break
    if not framing.is_whole:
        return Answer(url, bytes(message), False, "the connection was cut")
    return Answer(url, bytes(message[: framing.end or len(message)]), True)


class _Framing:
    """Where a response ends, followed as it comes (RFC 9112 §6.3)."""

    def __init__(self) -> None:
        self.end: int | None = None
        """Bytes of the whole message; None while nobody knows."""
        self.ended = False
        self._head: http.Head | None = None
        self._chunks: http.Chunks | None = None

    @property
    def is_whole(self) -> bool:
        """To be asked when no more comes: a body without a length ends with the connection."""
        return self.ended or (self._head is not None and not self._chunks and self.end is None)

    def feed(self, message: bytearray, piece: bytes) -> None:
        """Take what came last; `message` is everything so far. Raises DecodeError."""
        if self._head is None:
            self._head = http.parse_head(bytes(message))
            if self._head is None:
                if len(message) > _HEAD_MAX_BYTES:
                    raise DecodeError("no head of a response")
                return
            self._begin(self._head)
            piece = bytes(message[self._head.length :])
        if self._chunks is not None:
            self._chunks.feed(piece)
            if self._chunks.done:
                self.end = len(message) - len(self._chunks.rest)
        self.ended = self.end is not None and len(message) >= self.end

    def _begin(self, head: http.Head) -> None:
        stated = (http.header(head.headers, "content-length") or "").strip()
        if head.status in _NO_BODY:
            self.end = head.length
        elif http.is_chunked(head.headers):
            self._chunks = http.Chunks()
        elif stated.isascii() and stated.isdigit() and len(stated) < 16:
            self.end = head.length + int(stated)
