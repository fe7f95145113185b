"""Sites as data: one TOML file a province, one table a site.

A site's table holds facts only; what has a selector in it is a family (crawler.pages).
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal

from crawler.pages import FAMILIES
from storage.errors import SiteError
from storage.records import ORGANS
from storage.urls import canonical_url, host_of

STATES = ("open", "closed", "moved", "hijacked", "unknown")
MIN_DELAY_SECONDS = 1.0
"""Between two requests to one host, unless every address is the operator's own."""

BUILT_IN = Path(__file__).parent

SITE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_DISTRICT = re.compile(r"\d{3}")


@dataclass(frozen=True, slots=True)
class Layout:
    """A family during a span of dates, on the whole site or under one path."""

    family: str
    until: date | None = None
    """The last day on which it was in use; None: still is."""
    path: str = "/"
    """Only addresses whose path begins so."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A declared portal. Two are the same only if they are one object: there is one for each id."""

    id: str
    name: str
    organ: str
    layouts: tuple[Layout, ...]
    listings: tuple[str, ...] = ()
    """Canonical addresses of pages that list articles; a crawl starts there. Empty: unknown."""
    hosts: tuple[str, ...] = ()
    """Hosts whose pages are the site's: those of the listings, and others that it names."""
    district: str | None = None
    """GSO code; None where a portal carries many districts, or none."""
    district_from: str = "2025-06-30"
    """The day whose codes `district` follows."""
    province: str | None = None
    state: str = "unknown"
    since: str | None = None
    evidence: str | None = None
    delay_seconds: float = MIN_DELAY_SECONDS
    allow_addresses: tuple[str, ...] = ()
    """Networks beyond the global ones that may be asked; for demo and tests."""
    date_order: Literal["DMY", "MDY"] = "DMY"
    sample: bool = False
    """The sample portal of this package, started on loopback when it is crawled."""
    file: str = ""
    """Where it is declared."""

    def layout_on(self, url: str, day: date) -> Layout:
        """The layout that a page captured on this day had."""
        path = "/" + url.split("/", 3)[3] if url.count("/") >= 3 else "/"
        fitting = [layout for layout in self.layouts if path.startswith(layout.path)]
        longest = max((len(layout.path) for layout in fitting), default=0)
        for layout in fitting:
            if len(layout.path) == longest and (layout.until is None or day <= layout.until):
                return layout
        return self.layouts[-1]

    def covers(self, url: str) -> bool:
        """Whether a canonical address is one of the site's own pages."""
        return host_of(url) in self.hosts


def load_sites(own: Path | None = None) -> dict[str, Site]:
    """Every declared site by id: the package's, and those in an archive's own `sites/`.

    Raises SiteError naming file, site and reason: a table that does not say what it must, an id
    declared twice, an address that two sites claim.
    """
    folders = [BUILT_IN] + ([own] if own is not None and own.is_dir() else [])
    sites: dict[str, Site] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        for site in _read_file(path):
            if site.id in sites:
                raise _wrong(site.file, site.id, f"declared already in {sites[site.id].file}")
            sites[site.id] = site
    _check_claims(sites.values())
    return sites


def find_site(sites: Mapping[str, Site], id_: str) -> Site:
    """The site of this id. Raises SiteError with the ids that come near."""
    if id_ in sites:
        return sites[id_]
    from difflib import get_close_matches

    near = get_close_matches(id_, sites, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "`tinhuyen sites list` lists them"
    raise SiteError(f"no site {id_!r} is declared; {hint}")


def _read_file(path: Path) -> list[Site]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: not TOML: {error}") from error
    unknown = set(tables) - {"province", "site"}
    if unknown or not isinstance(tables.get("site", []), list):
        raise SiteError(
            f"{path}: only `province` and [[site]] tables belong here, "
            f"not {unknown or 'this `site`'}"
        )
    return [_read_table(path, tables.get("province"), table) for table in tables.get("site", [])]


def _read_table(path: Path, province: str | None, table: dict[str, Any]) -> Site:
    id_ = str(table.get("id", "(without id)"))

    def wrong(reason: str) -> SiteError:
        return _wrong(str(path), id_, reason)

    allowed = {field.name for field in fields(Site)} - {"file", "province"}
    if unknown := sorted(set(table) - allowed):
        raise wrong(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(allowed))}")
    if missing := sorted({"id", "name", "organ", "layouts"} - set(table)):
        raise wrong(f"{missing[0]!r} is missing")
    _check_types(table, wrong)
    listings = tuple(_address(url, wrong) for url in table.get("listings", ()))
    hosts = dict.fromkeys([*map(host_of, listings), *table.get("hosts", ())])
    values = table | {
        "layouts": _read_layouts(table["layouts"], wrong),
        "listings": listings,
        "hosts": tuple(hosts),
        "allow_addresses": tuple(table.get("allow_addresses", ())),
        "delay_seconds": float(table.get("delay_seconds", MIN_DELAY_SECONDS)),
        "since": str(table["since"]) if "since" in table else None,
    }
    site = Site(**values, province=province, file=str(path))
    _check_site(site, wrong)
    return site


def _check_types(table: dict[str, Any], wrong: Any) -> None:
    for key in (
        "id",
        "name",
        "organ",
        "district",
        "district_from",
        "state",
        "evidence",
        "date_order",
    ):
        if key in table and not isinstance(table[key], str):
            raise wrong(f"{key!r} must be text in quotes, not {table[key]!r}")
    for key in ("listings", "hosts", "allow_addresses", "layouts"):
        if key in table and not isinstance(table[key], list):
            raise wrong(f"{key!r} must be a list, not {table[key]!r}")
    delay = table.get("delay_seconds", 1.0)
    if isinstance(delay, bool) or not isinstance(delay, int | float) or delay < 0:
        raise wrong(f"'delay_seconds' must be a number of seconds, not {delay!r}")


def _address(url: Any, wrong: Any) -> str:
    canonical = canonical_url(url) if isinstance(url, str) else None
    if canonical is None:
        raise wrong(f"{url!r} in 'listings' is no http or https address")
    return canonical


def _read_layouts(tables: list[Any], wrong: Any) -> tuple[Layout, ...]:
    layouts = []
    for table in tables:
        if not isinstance(table, dict) or set(table) - {"family", "until", "path"}:
            raise wrong(f"a layout has family, and perhaps until and path; this is {table!r}")
        if table.get("family") not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise wrong(f"no family {table.get('family')!r}; there are {known}")
        until = table.get("until")
        if until is not None and type(until) is not date:
            raise wrong(f"'until' must be a date like 2022-05-31, not {until!r}")
        layouts.append(Layout(table["family"], until, table.get("path", "/")))
    _check_order(layouts, wrong)
    return tuple(layouts)


def _check_order(layouts: list[Layout], wrong: Any) -> None:
    if not layouts:
        raise wrong("'layouts' is empty; name at least one family")
    for path in {layout.path for layout in layouts}:
        ends = [layout.until for layout in layouts if layout.path == path]
        if None in ends[:-1]:
            raise wrong(f"layouts of path {path!r}: each but the last must have 'until'")
        dated = [end for end in ends if end is not None]
        if dated != sorted(set(dated)):
            raise wrong(f"layouts of path {path!r} must be listed oldest first")


def _check_site(site: Site, wrong: Any) -> None:
    if not SITE_ID.fullmatch(site.id):
        raise wrong("an id has only a-z, 0-9 and -, and begins and ends with a letter or digit")
    for value, known, key in (
        (site.organ, ORGANS, "organ"),
        (site.state, STATES, "state"),
        (site.date_order, ("DMY", "MDY"), "date_order"),
    ):
        if value not in known:
            raise wrong(f"{key} {value!r} is not one of {', '.join(known)}")
    if site.district is not None and not _DISTRICT.fullmatch(site.district):
        raise wrong(f'district {site.district!r} is no GSO code: three digits, like "296"')
    if site.state in ("closed", "moved", "hijacked") and not (site.since and site.evidence):
        raise wrong(f"a site that is {site.state} says since when and by what evidence")
    for network in site.allow_addresses:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise wrong(f"allow_addresses: {error}") from error
    if site.delay_seconds < MIN_DELAY_SECONDS and not site.allow_addresses:
        raise wrong(
            f"delay_seconds {site.delay_seconds} is less than {MIN_DELAY_SECONDS}, which only "
            "sites with 'allow_addresses' may have"
        )


def _check_claims(sites: Iterable[Site]) -> None:
    claimed: dict[str, Site] = {}
    for site in sites:
        for url in site.listings:
            if url in claimed:
                raise _wrong(site.file, site.id, f"{url} is claimed by {claimed[url].id} too")
            claimed[url] = site


def _wrong(file: str, id_: str, reason: str) -> SiteError:
    return SiteError(f"{file}: site {id_}: {reason}")
