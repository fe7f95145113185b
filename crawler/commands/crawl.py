"""`scrapy crawl SITE`, ending with the exit codes of storage.errors.Exit."""

from __future__ import annotations

import argparse
import sys

from scrapy import Spider
from scrapy.commands.crawl import Command as ScrapyCommand
from scrapy.crawler import Crawler

from crawler.attachments.read import read_after_crawl
from crawler.crawl import crawl_of
from storage import logs
from storage.errors import Exit


class Command(ScrapyCommand):
    """Scrapy's own crawl command; only its end is ours."""

    _made: Crawler | None = None

    def _create_crawler(self, spidercls: type[Spider] | str) -> Crawler:
        self._made = super()._create_crawler(spidercls)
        return self._made

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """The log begins before Scrapy has anything to say."""
        super().process_options(args, opts)
        assert self.settings is not None
        logs.begin(self.settings.get("LOG_LEVEL"))

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Crawl, then say how it ended."""
        try:
            super().run(args, opts)
        except KeyError as error:  # the spider loader's answer to an unknown site
            print(error.args[0], file=sys.stderr)
            self.exitcode = Exit.USAGE
        if self._made is not None:
            crawl = crawl_of(self._made)
            crawl.broken_off()
            self.exitcode = crawl.exit_code
            read_after_crawl(crawl.archive, [crawl.site.id] if crawl.counts else [])
            if crawl.message:
                logs.complain(crawl.message)
