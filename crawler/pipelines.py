"""Scrapy's pipelines: callers of crawler.steps and of the keeper, no logic of their own."""

from __future__ import annotations

from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from crawler.crawl import Crawl, crawl_of
from crawler.steps import add_article, add_image, check_fields
from storage.errors import ArchiveFault
from storage.records import Page


class _Step:
    """A pipeline: Scrapy hands over the item, one function answers."""

    step: Any

    def process_item(self, item: Page) -> Page:
        """Scrapy's call."""
        answer: Page = type(self).step(item)
        return answer


class Normalise(_Step):
    """Found strings to an article."""

    step = add_article


class CheckFields(_Step):
    """Fields that should be there."""

    step = check_fields


class SaveImages(_Step):
    """Image bytes looked at; they are stored with their page."""

    step = add_image


class SaveArticle:
    """Hands the page to the keeper and waits until it is kept."""

    def __init__(self, crawl: Crawl) -> None:
        self._crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SaveArticle:
        """As Scrapy asks for it."""
        return cls(crawl_of(crawler))

    async def process_item(self, item: Page) -> Page:
        """Scrapy's call; returns when the page is kept. Raises DropItem if the archive fails.

        Then the crawl ends, and says once why: Scrapy would show a traceback for every page.
        """
        try:
            await self._crawl.keep(item)
        except ArchiveFault as fault:
            raise DropItem(f"{item.row.url} was not kept: {fault}") from fault
        return Page(item.row)  # nothing below needs the bytes
