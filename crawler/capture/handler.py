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
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response

from crawler.capture.pool import Pool, Server
from crawler.crawl import crawl_of
from storage.exchange import Exchange
from storage.records import FrontierRow

_PORTS = {"http": 80, "https": 443}


class FetchFailed(Exception):
    """Not one byte came back. `kind` is a short constant, the message the reason."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class CapturingHandler(BaseDownloadHandler):
    """Fetches rows of the frontier; other requests (scrapy shell, scrapy fetch) as Scrapy does."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        self._seconds = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._pool = Pool(
            self._connect_to,
            settings.getfloat("CONNECT_TIMEOUT_SECONDS"),
            settings.getint("RESPONSE_MAX_BYTES"),
        )
        self._headers = Headers(
            {**settings["DEFAULT_REQUEST_HEADERS"], "User-Agent": settings["USER_AGENT"]}
        )
        self._header_lines = self._headers.to_string() + b"\r\n"
        self._plain: HTTP11DownloadHandler | None = None

    async def download_request(self, request: Request) -> Response:
        """Fetch; the exchange is in `request.meta["exchange"]`. Raises FetchFailed."""
        row: FrontierRow | None = request.meta.get("row")
        if row is None:
            return await self._download_plainly(request)
        via = row.via if row.via != row.url else None
        exchange = Exchange(
            row.url, via=via, hops=row.hops, row=request.meta["fingerprint"],
            role=row.role, tries=row.tries,
        )  # fmt: skip
        await self._fetch(exchange, request)
        request.meta["exchange"] = exchange
        head = exchange.head()
        return Response(request.url, status=head.status if head else 599)  # for Scrapy's log only

    async def _fetch(self, exchange: Exchange, request: Request) -> None:
        server, message = self._message(request)
        failed: FetchFailed | None = None
        try:
            async with asyncio.timeout(self._seconds):
                await self._pool.fetch(server, exchange, message)
        except TimeoutError:
            exchange.cut("time")
            failed = FetchFailed("timeout", "no answer in time")
        except OSError as error:
            failed = _failure(error)
        if exchange.received == 0:
            exchange.close()
            raise failed or FetchFailed("disconnect", "the server hung up without an answer")

    def _message(self, request: Request) -> tuple[Server, bytes]:
        """The request as it will be written: host first, our headers, the request's own."""
        parts = urlsplit(request.url)
        assert parts.hostname is not None
        server = Server(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode("ascii")
        own = request.headers.to_string() + b"\r\n" if request.headers else b""
        return server, head + self._header_lines + own + b"\r\n"

    def _connect_to(self, server: Server) -> tuple[str, int]:
        """CONNECT_TO may send a server elsewhere, as curl's --connect-to does."""
        elsewhere = crawl_of(self.crawler).connect_to.get(f"{server.host}:{server.port}")
        if elsewhere is None:
            return server.host, server.port
        address, _, port = elsewhere.rpartition(":")
        return address, int(port)

    async def _download_plainly(self, request: Request) -> Response:
        if self._plain is None:
            self._plain = HTTP11DownloadHandler(self.crawler)
        for name, values in self._headers.items():
            request.headers.setdefault(name, values)
        return await self._plain.download_request(request)

    async def close(self) -> None:
        """Scrapy: the engine has stopped."""
        self._pool.close()
        if self._plain is not None:
            await self._plain.close()


def _failure(error: OSError) -> FetchFailed:
    """Why no connection could be made."""
    if isinstance(error, socket.gaierror):
        return FetchFailed("dns", f"the host's name is not known: {error.strerror}")
    if isinstance(error, ssl.SSLError):
        return FetchFailed("tls", f"no TLS connection could be made: {error.reason or error}")
    if isinstance(error, ConnectionRefusedError):
        return FetchFailed("refused", "the server refused the connection")
    return FetchFailed("connection", f"no connection could be made: {error}")
