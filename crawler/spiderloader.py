"""Every declared site is a spider: `scrapy list`, `scrapy crawl demo`."""

from __future__ import annotations

import builtins
import sys

from scrapy import Request, Spider
from scrapy.settings import BaseSettings

from crawler.sites import Site, find_site, load_sites
from crawler.spiders.district import DistrictSpider
from storage.archive import Archive
from storage.errors import Exit, SiteError
from storage.urls import canonical_url


class SiteSpiderLoader:
    """Scrapy's spider loader protocol over the site tables."""

    def __init__(self, settings: BaseSettings) -> None:
        archive = Archive(settings.get("ARCHIVE"), settings.get("DATABASE"))
        self._sites = load_sites(archive.folder.sites)

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> SiteSpiderLoader:
        """As Scrapy asks for it. A wrong declaration ends the command with its reason."""
        try:
            return cls(settings)
        except SiteError as error:
            print(error, file=sys.stderr)
            raise SystemExit(Exit.USAGE) from error

    def load(self, spider_name: str) -> type[Spider]:
        """A spider class for a site. Raises KeyError, as Scrapy expects."""
        try:
            return spider_for(find_site(self._sites, spider_name))
        except SiteError as error:
            raise KeyError(str(error)) from error

    def list(self) -> list[str]:
        """Ids of all sites."""
        return sorted(self._sites)

    def find_by_request(self, request: Request) -> builtins.list[str]:
        """Ids of the sites that a request's address belongs to."""
        url = canonical_url(request.url)
        return [site.id for site in self._sites.values() if url and site.covers(url)]


def spider_for(site: Site) -> type[DistrictSpider]:
    """The spider class of one site."""
    return type(
        f"{site.id.title().replace('-', '')}Spider",
        (DistrictSpider,),
        {"name": site.id, "site": site},
    )
