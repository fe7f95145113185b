"""One HTTP/1.1 connection whose every byte, sent and received, goes to an Exchange.

It parses no more than it must to know where a response ends (RFC 9112 §6.3), and as leniently as
browsers do: what a portal's server sends is to be kept, not judged.
"""

from __future__ import annotations

import asyncio
from typing import Any

from storage import http
from storage.errors import DecodeError
from storage.exchange import Exchange

_HEAD_MAX_BYTES = 1 << 18


class Connection(asyncio.Protocol):
    """Carries one exchange at a time; afterwards it can be used again if `reusable`."""

    def __init__(self) -> None:
        self.reusable = False
        """The last exchange ended in good order, and the server keeps the connection."""
        self.certificate: str | None = None
        """What is to be said of the server's certificate; None without TLS."""
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._ended: asyncio.Future[None] | None = None
        self._max_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Asyncio: the connection (with TLS, its handshake) stands."""
        self._transport = transport

    async def fetch(self, exchange: Exchange, request: bytes, max_bytes: int) -> None:
        """Send the request; returns when the response ended, one way or another.

        What came is in the exchange, and so is whether it is whole. Raises nothing but
        CancelledError.
        """
        assert self._transport is not None
        self.reusable = False
        self._exchange, self._max_bytes = exchange, max_bytes
        self._head: http.Head | None = None
        self._start = b""
        self._ended = asyncio.get_running_loop().create_future()
        exchange.begin()
        self._note_connection(exchange, self._transport)
        if self._transport.is_closing():
            self._end()
        else:
            exchange.send(request)
            self._transport.write(request)
        try:
            await self._ended
        finally:
            self._exchange = None
            if not self.reusable:
                self._transport.abort()

    def _note_connection(self, exchange: Exchange, transport: asyncio.Transport) -> None:
        peer = transport.get_extra_info("peername")
        exchange.ip = peer[0] if peer else None
        exchange.certificate = self.certificate
        cipher = transport.get_extra_info("cipher")
        if cipher is not None:
            tls = transport.get_extra_info("ssl_object")
            exchange.cipher, exchange.tls_version = cipher[0], tls.version()

    def data_received(self, data: bytes) -> None:
        """Asyncio: bytes came. Noted first, then followed."""
        exchange = self._exchange
        if exchange is None:  # nobody asked: not a connection to be used again
            self.close()
            return
        room = self._max_bytes - exchange.received
        exchange.receive(data[:room] if len(data) > room else data)
        if len(data) > room:
            exchange.cut("length")
            self._end()
        else:
            self._follow(exchange, data)

    def _follow(self, exchange: Exchange, data: bytes) -> None:
        if self._head is not None:
            self._follow_body(exchange, data)
            return
        self._start += data
        head = http.parse_head(self._start)
        if head is not None:
            rest, self._start = self._start[head.length :], b""
            self._begin_body(exchange, head, rest)
        elif len(self._start) > _HEAD_MAX_BYTES or not _may_be_http(self._start):
            exchange.cut("unspecified")
            self._end()

    def _begin_body(self, exchange: Exchange, head: http.Head, rest: bytes) -> None:
        if 100 <= head.status < 200:  # an interim response: no part of the record
            exchange.drop_interim(len(rest))
            if rest:
                self._follow(exchange, rest)
            return
        self._head = head
        self._chunks = http.Chunks() if http.is_chunked(head.headers) else None
        self._left = 0 if head.status in (204, 304) else _content_length(head.headers)
        if self._chunks is not None and self._left != 0:
            self._left = None
        self._follow_body(exchange, rest)

    def _follow_body(self, exchange: Exchange, data: bytes) -> None:
        """Find the end: by chunks, by length, or (neither given) when the connection closes."""
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self._finish(exchange, unparsed=-self._left)
        elif self._chunks is not None:
            try:
                self._chunks.feed(data)
            except DecodeError:
                exchange.cut("unspecified")
                self._end()
                return
            if self._chunks.done:
                self._finish(exchange, unparsed=len(self._chunks.rest))

    def _finish(self, exchange: Exchange, unparsed: int) -> None:
        assert self._head is not None
        exchange.finish(unparsed)
        connection = (http.header(self._head.headers, "connection") or "").lower()
        keeps = "keep-alive" in connection if self._head.is_http_1_0 else "close" not in connection
        self.reusable = keeps and unparsed == 0
        self._end()

    def eof_received(self) -> None:
        """Asyncio: the server has closed its side in good order."""
        exchange = self._exchange
        until_close = self._head is not None and self._left is None and self._chunks is None
        if exchange is not None and until_close and not exchange.body_complete:
            exchange.finish()

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio: the connection is gone. A body that was to go on was cut."""
        self.reusable = False
        if self._exchange is not None and not self._exchange.body_complete:
            self._exchange.cut("disconnect")
        self._end()

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    @property
    def is_closing(self) -> bool:
        """Whether it can carry nothing more."""
        return self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def _may_be_http(start: bytes) -> bool:
    return start[:5] == b"HTTP/"[: len(start)]


def _content_length(headers: http.Headers) -> int | None:
    """The body's length; None if none is stated, or several that differ."""
    stated = {value.strip() for name, value in headers if name.lower() == "content-length"}
    value = stated.pop() if len(stated) == 1 else ""
    return int(value) if value.isascii() and value.isdigit() else None
