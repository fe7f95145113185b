"""Connections to servers: made, kept for the next request, given up."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from crawler.capture.certificates import Certificates
from crawler.capture.connection import Connection
from storage.exchange import Exchange

_IDLE_SECONDS = 30.0
_ADDRESSES_TRIED = 4
_OLD_SERVERS = getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a request goes."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Peer:
    """What to connect to for a server: its own addresses, or where the operator sends it."""

    addresses: Sequence[str]
    """IP addresses as the guard let them through; tried in this order."""
    port: int


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

    def __init__(self, connect_seconds: float, max_bytes: int, certificates: Certificates) -> None:
        self._connect_seconds, self._max_bytes = connect_seconds, max_bytes
        self._certificates = certificates
        self._tls = any_tls()
        self._idle: defaultdict[Server, list[tuple[float, Connection]]] = defaultdict(list)

    async def fetch(self, server: Server, peer: Peer, exchange: Exchange, request: bytes) -> None:
        """Fetch over a kept connection, or a new one.

        A kept one that the server has meanwhile closed answers nothing: then a new one is
        made. Raises OSError (ssl.SSLError, TimeoutError …) if none can be.
        """
        kept = self._take(server)
        if kept is not None:
            await self._use(kept, server, exchange, request)
            if exchange.received:
                return
            exchange.truncated = None
        await self._use(await self._connect(server, peer), server, exchange, request)

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

    async def _connect(self, server: Server, peer: Peer) -> Connection:
        *others, last = peer.addresses[:_ADDRESSES_TRIED]
        for address in others:
            try:
                return await self._connect_at(address, server, peer.port)
            except OSError:  # the next one may answer
                continue
        return await self._connect_at(last, server, peer.port)

    async def _connect_at(self, address: str, server: Server, port: int) -> Connection:
        secure = server.scheme == "https"
        async with asyncio.timeout(self._connect_seconds):
            transport, connection = await asyncio.get_running_loop().create_connection(
                Connection,
                address,
                port,
                ssl=self._tls if secure else None,
                server_hostname=server.host if secure else None,
            )
        if secure:
            tls = transport.get_extra_info("ssl_object")
            connection.certificate = self._certificates.judge(server.host, tls)
        return connection

    def close(self) -> None:
        """Hang up everywhere."""
        for idle in self._idle.values():
            for _, connection in idle:
                connection.close()
        self._idle.clear()
