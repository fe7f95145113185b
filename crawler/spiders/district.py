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
from crawler.outcome import no_exchange, read_exchange
from crawler.sites import Site
from storage.records import FrontierRow, Page


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
        row = self._landed(request.meta["row"])
        limits = crawl_of(self.crawler).limits
        yield read_exchange(row, request.meta["exchange"], self.site, limits)

    def failed(self, failure: Failure) -> Iterator[Page]:
        """Not one byte came."""
        row = self._landed(failure.request.meta["row"])  # type: ignore[attr-defined]
        reason = failure.value
        kind = reason.kind if isinstance(reason, FetchFailed) else type(reason).__name__
        yield no_exchange(row, kind, str(reason), crawl_of(self.crawler).limits)

    def _landed(self, row: FrontierRow) -> FrontierRow:
        scheduler: Any = self.crawler.engine.scheduler
        scheduler.landed(row)
        return row
