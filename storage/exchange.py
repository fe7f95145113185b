"""One exchange as it passes over the wire: what was sent, what came back, how it ended."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from storage import http, times
from storage.records import Capture, Role, Truncated

SPOOL_BYTES = 1 << 20
"""A response beyond this goes to a temporary file: memory stays flat."""

_PIECE_BYTES = 1 << 18
_HEAD_MAX_BYTES = 1 << 18


class Exchange:
    """Collects the bytes of one request and its response, exactly as they passed.

    The connection calls `begin`, `send`, `receive`, `drop_interim`, `finish` and `cut`, and sets
    `ip`, `tls_version`, `cipher` and `certificate`; all others read. Interim (1xx) responses are
    left out.
    """

    def __init__(
        self,
        url: str,
        *,
        via: str | None = None,
        hops: str = "",
        row: bytes = b"",
        role: Role = "page",
        tries: int = 0,
    ) -> None:  # fmt: skip
        self.url = url
        self.via = via
        self.hops = hops
        self.fingerprint = row
        self.role = role
        self.tries = tries
        self.record_id = f"<urn:uuid:{uuid.uuid4()}>"
        self.truncated: Truncated | None = None
        self.body_complete = False
        self.ip: str | None = None
        self.tls_version: str | None = None
        self.cipher: str | None = None
        self.certificate: str | None = None
        """What a reader's browser would say of the server's certificate: `valid`, `expired` …"""
        self.begin()

    def begin(self) -> None:
        """A request goes out on a connection; what an earlier attempt left is forgotten."""
        self.fetched_at: datetime = times.now()
        self._started = time.monotonic()
        self.elapsed_ms = 0
        self._sent: list[bytes] = []
        self._pieces: list[bytes] = []
        self._spool: BinaryIO | None = None
        self._size = 0
        self._start, self._end = 0, None
        self._head: http.Head | None = None

    _end: int | None

    def send(self, data: bytes) -> None:
        """Bytes that went out."""
        self._sent.append(data)

    def receive(self, data: bytes) -> None:
        """Bytes that came in."""
        self._size += len(data)
        if self._spool is not None:
            self._spool.write(data)
            return
        self._pieces.append(data)
        if self._size > SPOOL_BYTES:
            self._spool = tempfile.TemporaryFile(prefix="tinhuyen-")  # noqa: SIM115 closed by close()
            self._spool.writelines(self._pieces)
            self._pieces = []

    @property
    def received(self) -> int:
        """Bytes that came in so far, interim responses and all."""
        return self._size

    def drop_interim(self, unparsed: int) -> None:
        """An interim response ended `unparsed` bytes before the last one that came in."""
        self._start = self._size - unparsed

    def finish(self, unparsed: int = 0) -> None:
        """The response is whole; it ended `unparsed` bytes before the last one that came in."""
        self._end = self._size - unparsed
        self.body_complete = self.truncated is None
        self._ended()

    def cut(self, why: Truncated) -> None:
        """The response ended before its end. The first reason stands."""
        if not self.body_complete and self.truncated is None:
            self.truncated = why
            self._ended()

    def _ended(self) -> None:
        self.elapsed_ms = round((time.monotonic() - self._started) * 1000)
        self._pieces = [b"".join(self._pieces)]

    @property
    def request(self) -> bytes:
        """The request as sent."""
        return b"".join(self._sent)

    @property
    def length(self) -> int:
        """Bytes of the response as received, without interim responses."""
        end = self._size if self._end is None else self._end
        return max(0, end - self._start)

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """The response as received, from byte `start` on."""
        left = self.length - start
        if self._spool is None:
            first = self._start + start
            yield b"".join(self._pieces)[first : first + left]
            return
        self._spool.seek(self._start + start)
        while left > 0 and (piece := self._spool.read(min(_PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
        self._spool.seek(0, 2)

    def head(self) -> http.Head | None:
        """The response's head; None if no whole one came."""
        if self._head is None:
            self._head = http.parse_head(self._start_bytes())
        return self._head

    def _start_bytes(self) -> bytes:
        start = b""
        for piece in self.pieces():
            start += piece
            if len(start) >= _HEAD_MAX_BYTES:
                break
        return start

    def to_capture(self, *, with_body: bool = True) -> Capture:
        """The response as everything above reads it.

        Without a whole head the status is 0, and all bytes are the body.
        """
        head = self.head() or http.Head(0, (), 0)
        return Capture(
            url=self.url,
            fetched_at=self.fetched_at,
            status=head.status,
            headers=head.headers,
            raw_body=b"".join(self.pieces(head.length)) if with_body else b"",
            truncated=self.truncated,
        )

    def close(self) -> None:
        """Let the temporary file go."""
        if self._spool is not None:
            self._spool.close()
