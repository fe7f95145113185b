"""The spider of every site: an exchange becomes a page item; links never become requests here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Spider
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from crawler.capture.handler import FetchFailed
from crawler.crawl import crawl_of
from crawler.frontier.pace import NotYet
from crawler.frontier.scheduler import FrontierScheduler
from crawler.outcome import no_exchange, read_exchange
from crawler.sites import Site
from storage.records import Page
from storage.urls import host_of


class DistrictSpider(Spider):
    """Lists -> articles -> images, attachments, page requisites; the frontier decides the order."""

    site: Site

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """The site's own delay."""
        super().update_settings(settings)
        settings.set("DOWNLOAD_DELAY", cls.site.delay_seconds, priority="spider")

    async def start(self) -> AsyncIterator[Any]:
        """Nothing: the listings are rows of the frontier."""
        rows: tuple[Any, ...] = ()
        for row in rows:
            yield row

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Page]:
        """An exchange came to its end."""
        request = response.request
        assert request is not None
        row, exchange = request.meta["row"], request.meta["exchange"]
        self._scheduler.landed(row, exchange.received)
        crawl = crawl_of(self.crawler)
        page = read_exchange(row, exchange, self.site, crawl.limits, request.meta["last"])
        assert page.capture is not None
        crawl.pace.answered(host_of(row.url), page.capture.status, page.retry_seconds)
        yield page

    def failed(self, failure: Failure) -> Iterator[Page]:
        """Not one byte came."""
        row, reason = failure.request.meta["row"], failure.value  # type: ignore[attr-defined]
        if isinstance(reason, NotYet):
            self._scheduler.put_back(row)
            return
        self._scheduler.landed(row, 0)
        kind = reason.kind if isinstance(reason, FetchFailed) else type(reason).__name__
        crawl = crawl_of(self.crawler)
        if crawl.is_last_chance and row.tries == 0 and kind != "forbidden_address":
            crawl.pace.let_down(host_of(row.url))
        yield no_exchange(row, kind, str(reason), crawl.limits)

    @property
    def _scheduler(self) -> FrontierScheduler:
        scheduler: Any = self.crawler.engine.scheduler
        assert isinstance(scheduler, FrontierScheduler)
        return scheduler
