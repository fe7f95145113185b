"""Whose page an address is: a declared site's, or that of a host that nobody declared."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sqlalchemy import Engine, select

from crawler.site_rows import meet_sites, row_of, site_of
from crawler.sites import Layout, Site
from storage.archive import Archive
from storage.database.donations import IMPORTS
from storage.database.runs import SiteRow
from storage.database.schema import site as site_table
from storage.urls import host_of

PREFIX = "host-"


class Hosts:
    """Sites by host, of an archive. New hosts are met as they come."""

    def __init__(
        self, archive: Archive, engine: Engine, sites: dict[str, Site], *, known: bool = False
    ) -> None:
        """`sites`: by id; a declared one goes before what import made up.

        `known`: the database and the journal know them all already (a rebuild).
        """
        self._archive, self._engine = archive, engine
        made_up = [site for site in sites.values() if site.id.startswith(PREFIX)]
        declared = [site for site in sites.values() if not site.id.startswith(PREFIX)]
        self._by_host = {host: one for one in (*made_up, *declared) for host in one.hosts}
        self._met = set(sites) if known else set()
        self._new: dict[str, Site] = {}
        self.unread: Counter[str] = Counter()
        """Captures of hosts that are not read, by site."""

    def site_of(self, url: str) -> Site:
        """The site of a canonical address. What came of it may be saved after `meet`."""
        host = host_of(url)
        site = self._by_host.get(host)
        if site is None:
            site = self._by_host[host] = made_up_site(host)
        if site.id not in self._met:
            self._new[site.id] = site
        return site

    def meet(self) -> None:
        """The database and the journal know every site that was asked for, from now on."""
        if self._new:
            meet_sites(self._archive, self._engine, map(_row_of, self._new.values()))
            self._met |= self._new.keys()
            self._new.clear()

    def is_read(self, site: Site) -> bool:
        """Whether pages of the site are read: it is declared, or was given a family."""
        return site.layouts[-1].family != NOT_READ

    def all(self) -> list[Site]:
        """Every site, met or not: a killed import may have left captures of any to be read."""
        found = {site.id: site for site in self._by_host.values()}
        return [found[id_] for id_ in sorted(found)]

    def give_family(self, site: Site, family: str) -> Site:
        """From now on pages of the host are read by this family."""
        read = replace(site, layouts=(Layout(family),))
        for host in site.hosts:
            self._by_host[host] = read
        self._new[read.id] = read
        self.meet()
        return read


NOT_READ = "none"
"""The family of a host whose pages are kept and not read."""


def made_up_site(host: str) -> Site:
    """The site of a host that nobody declared, not read."""
    id_ = PREFIX + host.replace(":", "-").strip("[]")
    return Site(id_, host, "other", (Layout(NOT_READ),), hosts=(host,))


def _row_of(site: Site) -> SiteRow:
    """As the database keeps it: an undeclared host without a family while it is not read."""
    if not site.id.startswith(PREFIX):
        return row_of(site)
    family = site.layouts[-1].family
    return _row(site.id, site.name, list(site.hosts), None if family == NOT_READ else family)


def imports_row() -> SiteRow:
    """The site that import runs stand under."""
    return _row(IMPORTS, "Imported files, of many sites", [], None)


def _row(id_: str, name: str, hosts: list[str], family: str | None) -> SiteRow:
    return SiteRow(
        id=id_, name=name, organ="other", hosts=hosts, district=None, district_from=None,
        province=None, family=family, state="unknown", since=None, evidence=None, origin="import",
    )  # fmt: skip


def known_hosts(engine: Engine) -> dict[str, Site]:
    """The hosts that earlier imports met, by the ids of their sites."""
    with engine.connect() as connection:
        query = select(site_table).where(site_table.c.id.startswith(PREFIX))
        rows = [dict(row._mapping) for row in connection.execute(query)]
    return {row["id"]: host_site(row) for row in rows}


def host_site(row: dict[str, object]) -> Site:
    """The site of a host's row."""
    return site_of(row | {"family": row["family"] or NOT_READ})
