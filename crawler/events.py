"""What a crawl does, as lines of the JSON log: begun, what failed, ended."""

from __future__ import annotations

import logging
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from crawler.crawl import Crawl, crawl_of
from storage import logs
from storage.records import Page

logger = logging.getLogger(__name__)


class Events:
    """Tells of one crawl, if the log is of JSON lines; people are shown the end by other means."""

    def __init__(self, crawl: Crawl) -> None:
        self._crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Events:
        """As Scrapy asks for it."""
        if not logs.are_json():
            raise NotConfigured
        events = cls(crawl_of(crawler))
        crawler.signals.connect(events.opened, signals.spider_opened)
        crawler.signals.connect(events.closed, signals.spider_closed)
        events._crawl.on_kept = events.kept
        return events

    def opened(self, **_: Any) -> None:
        """The crawl has begun, or could not."""
        run = self._crawl.run
        if run is not None:
            self._tell("goes on" if run.resumed else "begun", mode=run.mode)

    def kept(self, page: Page) -> None:
        """A page is kept; what failed on it is told at once."""
        for failure in page.failures:
            url, kind = failure.url or page.row.url, failure.kind
            what = "skipped" if failure.skipped else "failed"
            self._tell(f"{what}: {kind}", url=url, kind=kind, reason=failure.message)

    def closed(self, **_: Any) -> None:
        """The crawl is over."""
        crawl = self._crawl
        outcome = crawl.message or "finished"
        self._tell(outcome, exit_code=int(crawl.exit_code), counts=crawl.counts)

    def _tell(self, what: str, **facts: Any) -> None:
        site, run = self._crawl.site.id, self._crawl.run.id if self._crawl.run else None
        logger.info("%s: %s", site, what, extra=logs.facts(site=site, run=run, **facts))
