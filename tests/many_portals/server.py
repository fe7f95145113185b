"""Answers for many portals in one process, told apart by Host, and writes down who asked what when.

The process ends with the one that started it. When a request came is the kernel's word
(SO_TIMESTAMPNS, socket(7)): that this process was busy just then changes nothing about it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TextIO

from crawler.processes import end_with
from tests.many_portals.drawn import Portal, connect_to, tables
from tests.many_portals.pages import HTML, answer

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
_SPACE = socket.CMSG_SPACE(16)
_REASONS = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Served:
    """Portals that are up."""

    portals: Sequence[Portal]
    log: Path
    """One line a request (tests.many_portals.log)."""
    connect_to: dict[str, str]
    """The setting CONNECT_TO."""
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """For the processes that crawl."""
        return {"TINHUYEN_CONNECT_TO": json.dumps(self.connect_to)}

    def declare(self, archive: Path, delay: float) -> None:
        """Their tables, in the archive's own folder. `delay`: seconds between two requests."""
        sites = archive / "sites"
        sites.mkdir(parents=True, exist_ok=True)
        for name, content in tables(self.portals, delay).items():
            (sites / name).write_text(content, encoding="utf-8")


@contextmanager
def served(portals: Sequence[Portal], folder: Path) -> Iterator[Served]:
    """Runs while the context lasts. The log is `requests.tsv` in the folder."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    log = folder / "requests.tsv"
    process = context.Process(target=_run, args=(portals, log, there, os.getpid()), daemon=True)
    process.start()
    try:
        there.close()
        ports = here.recv()
        assert process.pid is not None
        yield Served(portals, log, connect_to(portals, ports), process.pid)
    finally:
        process.terminate()
        process.join()
        process.close()


def _run(portals: Sequence[Portal], log: Path, parent: Pipe, of: int) -> None:
    end_with(of)
    asyncio.run(_serve(portals, log, parent))


async def _serve(portals: Sequence[Portal], log: Path, parent: Pipe) -> None:
    with log.open("a", buffering=1, encoding="utf-8") as out:
        server = _Server(portals, out)
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        parent.send({address: server.listen(address) for address in server.addresses})
        await over.wait()


class _Server:
    """What the connections share."""

    def __init__(self, portals: Sequence[Portal], log: TextIO) -> None:
        self.addresses = sorted({portal.address for portal in portals})
        self._portals = {portal.host: portal for portal in portals}
        self._began, self._log = time.monotonic(), log
        self._met: set[tuple[str, str]] = set()
        self._connections = 0
        self._loop = asyncio.get_running_loop()

    def listen(self, address: str) -> int:
        """Begin to answer there; returns the port."""
        listener = socket.create_server((address, 0), backlog=512)
        listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept, listener, address)
        port: int = listener.getsockname()[1]
        return port

    def _accept(self, listener: socket.socket, address: str) -> None:
        self._connections += 1
        _Connection(self, self._loop, listener.accept()[0], address, self._connections)

    def portal(self, host: str) -> Portal | None:
        return self._portals.get(host)

    def answer(self, portal: Portal, path: str) -> tuple[int, str, list[bytes]]:
        """Whom it meets for the first time it may turn away."""
        first = (portal.host, path) not in self._met
        self._met.add((portal.host, path))
        if first and portal.is_busy(path):
            return 503, HTML, [b"<h1>503</h1>"]
        return answer(portal, path, self._published(portal))

    def _published(self, portal: Portal) -> int:
        if not portal.day_seconds:
            return portal.articles
        return portal.articles + int((time.monotonic() - self._began) / portal.day_seconds)

    def note(self, *fields: object) -> None:
        self._log.write("\t".join(map(str, fields)) + "\n")


class _Connection:
    """One client's; asks one thing after the other."""

    def __init__(
        self,
        server: _Server,
        loop: asyncio.AbstractEventLoop,
        peer: socket.socket,
        address: str,
        number: int,
    ) -> None:
        self._server, self._loop, self._peer = server, loop, peer
        self._address, self._number = address, number
        self._head, self._unsent = b"", b""
        self._asked: tuple[float, str, str, str] | None = None
        """When, host, path, User-Agent of what is being answered."""
        self._status = 0
        peer.setblocking(False)
        loop.add_reader(peer, self._read)

    def _read(self) -> None:
        try:
            data, ancillary, _, _ = self._peer.recvmsg(1 << 16, _SPACE)
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._close()
            return
        self._head += data
        if self._head.endswith(b"\r\n\r\n"):
            self._ask(_came(ancillary))

    def _ask(self, at: float) -> None:
        lines = self._head.decode("latin-1").split("\r\n")
        self._head = b""
        fields = dict(line.partition(": ")[::2] for line in lines[1:])
        path, host = lines[0].split(" ")[1], fields.get("Host", "")
        self._asked = (at, host, path, fields.get("User-Agent", ""))
        portal = self._server.portal(host)
        seconds = portal.answer_seconds if portal else 0
        self._loop.call_later(seconds, self._answer, portal, path)

    def _answer(self, portal: Portal | None, path: str) -> None:
        if self._asked is None:  # it has hung up meanwhile
            return
        unknown = (404, HTML, [b"no such portal"])
        self._status, mime, body = self._server.answer(portal, path) if portal else unknown
        head = (
            f"HTTP/1.1 {self._status} {_REASONS[self._status]}\r\nContent-Type: {mime}\r\n"
            f"Content-Length: {sum(map(len, body))}\r\n\r\n"
        )
        self._unsent = b"".join([head.encode(), *body])
        self._send()

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._peer.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._close()
            return
        if self._unsent:
            self._loop.add_writer(self._peer, self._send)
            return
        self._loop.remove_writer(self._peer)
        self._note(self._status)

    def _note(self, status: int) -> None:
        if self._asked is not None:
            at, host, path, agent = self._asked
            end = time.monotonic()
            self._server.note(
                f"{at:.6f}", f"{end:.6f}", self._address, host, path, status, self._number, agent
            )
            self._asked = None

    def _close(self) -> None:
        """The client has hung up; what it did not get whole has status 0."""
        self._note(0)
        self._loop.remove_reader(self._peer)
        self._loop.remove_writer(self._peer)
        self._peer.close()


def _came(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When the bytes came, by the monotonic clock, which all processes of a machine share."""
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", value)
            ago = time.time() - (seconds + nanoseconds / 1e9)
            return float(time.monotonic() - max(0.0, ago))
    return time.monotonic()
