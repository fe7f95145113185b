"""Scrapy doing nothing but download the addresses of a file: the yardstick of `make bench`.

With our settings, or with `--middlewares` with those middlewares that Scrapy has by default.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

from crawler import settings

_SAME = (
    "USER_AGENT",
    "DEFAULT_REQUEST_HEADERS",
    "CONCURRENT_REQUESTS",
    "CONCURRENT_REQUESTS_PER_DOMAIN",
    "DOWNLOADER_MIDDLEWARES_BASE",
    "SPIDER_MIDDLEWARES_BASE",
    "COOKIES_ENABLED",
    "TELNETCONSOLE_ENABLED",
    "REMOTE_CONTROL_ENABLED",
    "CONCURRENT_ITEMS",
    "WARN_ON_GENERATOR_RETURN_VALUE",
)


class OnlyDownload(Spider):
    name = "only_download"

    async def start(self) -> AsyncIterator[Any]:
        for url in Path(sys.argv[1]).read_text().split():
            yield Request(url, dont_filter=True)

    def parse(self, response: Response, **_: Any) -> None:
        return None


if __name__ == "__main__":
    values: dict[str, Any] = {name: getattr(settings, name) for name in _SAME}
    values |= {"DOWNLOAD_DELAY": 0, "LOG_LEVEL": "ERROR", "EXTENSIONS_BASE": {}}
    if "--middlewares" in sys.argv:
        del values["DOWNLOADER_MIDDLEWARES_BASE"], values["SPIDER_MIDDLEWARES_BASE"]
    process = AsyncCrawlerProcess(values)
    process.crawl(OnlyDownload)
    process.start()
