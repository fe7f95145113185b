"""Scrapy's download handler for http and https: fetches a frontier row as an Exchange.

Whatever came back is kept, cut short or not: as soon as one byte came, the request succeeds, and
the exchange says how it ended. Only a fetch without a byte fails.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from crawler.capture.certificates import Certificates
from crawler.capture.guard import ForbiddenAddress, Guard
from crawler.capture.pool import Peer, Pool, Server
from crawler.crawl import crawl_of
from storage.errors import DecodeError
from storage.exchange import Exchange
from storage.records import FrontierRow
from storage.urls import host_of

_PORTS = {"http": 80, "https": 443}


class FetchFailed(Exception):
    """Not one byte came back. `kind` is a short constant, the message the reason."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class CapturingHandler(BaseDownloadHandler):
    """Fetches rows of the frontier, and what `scrapy shell` and `scrapy fetch` ask for."""

    lazy = True  # made for the first request, when the crawl is open and its settings are checked

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings, self._crawl = crawler.settings, crawl_of(crawler)
        self._guard = Guard(self._crawl.site.allow_addresses, settings.getfloat("DNS_TIMEOUT"))
        self._seconds = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._pool = Pool(
            settings.getfloat("CONNECT_TIMEOUT_SECONDS"),
            settings.getint("RESPONSE_MAX_BYTES"),
            Certificates(settings.get("TLS_ROOTS_FILE")),
        )
        self._headers = Headers(
            {**settings["DEFAULT_REQUEST_HEADERS"], "User-Agent": settings["USER_AGENT"]}
        )
        self._header_lines = self._headers.to_string() + b"\r\n"

    async def download_request(self, request: Request) -> Response:
        """Fetch; a row's exchange is in `request.meta["exchange"]`. Raises FetchFailed, NotYet."""
        row: FrontierRow | None = request.meta.get("row")
        if row is None:
            return await self._fetch_foreign(request)
        via = row.via if row.via != row.url else None
        exchange = Exchange(
            row.url, via=via, hops=row.hops, row=request.meta["fingerprint"],
            role=row.role, tries=row.tries,
        )  # fmt: skip
        await self._fetch(exchange, request)
        request.meta["exchange"] = exchange
        head = exchange.head()
        return Response(request.url, status=head.status if head else 599)  # for Scrapy's log only

    async def _fetch_foreign(self, request: Request) -> Response:
        """On the same road as rows, past the same guard; nothing of it is kept."""
        exchange = Exchange(request.url)
        await self._fetch(exchange, request)
        capture = exchange.to_capture()
        exchange.close()
        try:
            body = capture.body()
        except DecodeError as error:
            raise FetchFailed("undecodable", str(error)) from error
        headers = Headers([field for field in capture.headers if field[0].lower() not in _CODINGS])
        class_ = responsetypes.from_args(headers, request.url, body=body)
        return class_(request.url, status=capture.status or 599, headers=headers, body=body)

    async def _fetch(self, exchange: Exchange, request: Request) -> None:
        server, message = self._message(request)
        failed: FetchFailed | None = None
        try:
            peer = await self._find(server)
            await self._wait_for_turn(request, peer)
            async with asyncio.timeout(self._seconds):
                await self._pool.fetch(server, peer, exchange, message)
        except TimeoutError:
            exchange.cut("time")
            failed = FetchFailed("timeout", "no answer in time")
        except OSError as error:
            failed = _failure(error)
        if exchange.received == 0:
            exchange.close()
            raise failed or FetchFailed("disconnect", "the server hung up without an answer")

    async def _find(self, server: Server) -> Peer:
        """What to connect to; CONNECT_TO may send a server elsewhere, as curl's --connect-to."""
        elsewhere = self._crawl.connect_to.get(f"{server.host}:{server.port}")
        if elsewhere is None:
            return Peer(await self._guard.addresses(server.host), server.port)
        address, _, port = elsewhere.rpartition(":")
        return Peer(await self._guard.addresses(address.strip("[]")), int(port))

    async def _wait_for_turn(self, request: Request, peer: Peer) -> None:
        if "row" in request.meta:
            own = all(map(self._guard.is_own, peer.addresses))
            await self._crawl.pace.turn(host_of(request.url), peer.addresses, own=own)

    def _message(self, request: Request) -> tuple[Server, bytes]:
        """The request as it will be written: host first, our headers, the request's own."""
        parts = urlsplit(request.url)
        assert parts.hostname is not None
        server = Server(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode("ascii")
        own = request.headers.to_string() + b"\r\n" if request.headers else b""
        return server, head + self._header_lines + own + b"\r\n"

    async def close(self) -> None:
        """Scrapy: the engine has stopped."""
        self._pool.close()


_CODINGS = ("content-encoding", "transfer-encoding", "content-length")


def _failure(error: OSError) -> FetchFailed:
    """Why no connection could be made."""
    if isinstance(error, ForbiddenAddress):
        return FetchFailed("forbidden_address", str(error))
    if isinstance(error, socket.gaierror):
        return FetchFailed("dns", f"the host's name is not known: {error.strerror}")
    if isinstance(error, ssl.SSLError):
        return FetchFailed("tls", f"no TLS connection could be made: {error.reason or error}")
    if isinstance(error, ConnectionRefusedError):
        return FetchFailed("refused", "the server refused the connection")
    return FetchFailed("connection", f"no connection could be made: {error}")
