"""Connections to servers: made, kept for the next request, given up."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from crawler.capture.connection import Connection
from storage.exchange import Exchange

_IDLE_SECONDS = 30.0
_OLD_SERVERS = getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a request goes."""

    scheme: str
    host: str
    port: int


ConnectTo = Callable[[Server], tuple[str, int]]
"""The address and port to connect to for a server: its own, or where the operator sends it."""


def any_tls() -> ssl.SSLContext:
    """TLS as lenient as it gets: portals of 2010 are still on the air, and are to be kept.

    Certificates are not checked here: an archive wants what a reader would see after a warning.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.options |= _OLD_SERVERS
    return context


class Pool:
    """Fetches exchanges over connections of its own."""

    def __init__(self, connect_to: ConnectTo, connect_seconds: float, max_bytes: int) -> None:
        self._connect_to, self._connect_seconds = connect_to, connect_seconds
        self._max_bytes = max_bytes
        self._tls = any_tls()
        self._idle: defaultdict[Server, list[tuple[float, Connection]]] = defaultdict(list)

    async def fetch(self, server: Server, exchange: Exchange, request: bytes) -> None:
        """Fetch over a kept connection, or a new one.

        A kept one that the server has meanwhile closed answers nothing: then a new one is
        made. Raises OSError (ssl.SSLError, socket.gaierror, TimeoutError …) if none can be.
        """
        kept = self._take(server)
        if kept is not None:
            await self._use(kept, server, exchange, request)
            if exchange.received:
                return
            exchange.truncated = None
        await self._use(await self._connect(server), server, exchange, request)

    async def _use(
        self, connection: Connection, server: Server, exchange: Exchange, request: bytes
    ) -> None:
        await connection.fetch(exchange, request, self._max_bytes)
        if connection.reusable:
            self._idle[server].append((time.monotonic(), connection))

    def _take(self, server: Server) -> Connection | None:
        idle = self._idle[server]
        while idle:
            since, connection = idle.pop()
            if not connection.is_closing and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self, server: Server) -> Connection:
        address, port = self._connect_to(server)
        secure = server.scheme == "https"
        async with asyncio.timeout(self._connect_seconds):
            _, connection = await asyncio.get_running_loop().create_connection(
                Connection,
                address,
                port,
                ssl=self._tls if secure else None,
                server_hostname=server.host if secure else None,
                happy_eyeballs_delay=0.25,
            )
        return connection

    def close(self) -> None:
        """Hang up everywhere."""
        for idle in self._idle.values():
            for _, connection in idle:
                connection.close()
        self._idle.clear()
