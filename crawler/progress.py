"""What a crawl is doing, while it does it: one line on a terminal."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from crawler.crawl import Crawl, crawl_of
from storage import logs
from storage.records import Page

_REFRESH_SECONDS = 0.25


class Progress:
    """Shows pages, articles, images, bytes and speed on standard error."""

    def __init__(self, crawl: Crawl) -> None:
        self._crawl = crawl
        self._began = time.monotonic()
        self._pages = self._articles = self._images = self._failed = 0
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Progress:
        """Only where it was asked for and people look on (`tinhuyen crawl` on a terminal)."""
        shown = crawler.settings.getbool("SHOW_PROGRESS") and not logs.are_json()
        if not shown or not sys.stderr.isatty():
            raise NotConfigured
        progress = cls(crawl_of(crawler))
        crawler.signals.connect(progress.opened, signals.spider_opened)
        crawler.signals.connect(progress.closed, signals.spider_closed)
        crawler.signals.connect(progress.count, signals.response_received)
        progress._crawl.on_kept = progress.kept
        return progress

    def opened(self, **_: Any) -> None:
        """The crawl begins."""
        self._live.start()
        self._task = asyncio.ensure_future(self._refresh())

    def closed(self, **_: Any) -> None:
        """The crawl is over."""
        if self._task is not None:
            self._task.cancel()
        self._live.stop()

    def count(self, **_: Any) -> None:
        """A response came."""
        self._pages += 1

    def kept(self, page: Page) -> None:
        """A page is kept for good."""
        self._articles += page.article is not None
        self._images += page.image is not None
        self._failed += page.failed

    async def _refresh(self) -> None:
        while True:
            self._live.update(Text(self._line()), refresh=True)
            await asyncio.sleep(_REFRESH_SECONDS)

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        return (
            f"{self._crawl.site.id}: {self._pages} responses ({self._pages / seconds:.1f}/s), "
            f"{self._articles} articles, {self._images} images, {self._failed} failed, "
            f"{self._crawl.warc_bytes / 1e6:.1f} MB of WARC"
        )
