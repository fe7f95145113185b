"""What crawling many sites costs on one machine: requests, hours, disk, from measured figures."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from storage.archive import Archive
from storage.errors import UsageError
from storage.query.figures import bytes_per_request, crawl_figures

OLD_PROVINCES = 63
"""Before 1 July 2025; one server often carried all portals of a province."""

ASSUMED_FULL_REQUESTS = 8000.0
"""A portal of 2,000 articles: each a page, two images and its share of lists and requisites."""
ASSUMED_UPDATE_SHARE = 0.03
"""Of a full crawl's requests."""
ASSUMED_BYTES = 60_000.0
"""A request: pages of 37 KB and images of 53 KB (means of a test site), with index and text."""
MACHINE_REQUESTS_PER_SECOND = 100.0
"""What two cores keep and read; `make bench` measures it."""

_RATE = re.compile(r"(\d+(?:\.\d+)?)/([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the plan counts with."""

    full_requests: float
    update_requests: float
    bytes_per_request: float
    measured: dict[str, int]
    """`full`, `update`: of how many sites' crawls it is the mean; absent: assumed."""
    bytes_measured: bool


def read_rate(text: str) -> float:
    """`1/s`, `30/m` -> requests a second. Raises UsageError."""
    match = _RATE.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"{text!r} is no rate; write it like 1/s or 30/m")
    return float(match[1]) / _SECONDS[match[2]]


def measure(archive: Archive) -> Figures:
    """The archive's own figures; the assumed ones where it has none."""
    if not archive.exists:
        full = ASSUMED_FULL_REQUESTS
        return Figures(full, full * ASSUMED_UPDATE_SHARE, ASSUMED_BYTES, {}, False)
    with archive.reading() as connection:
        full_crawls = crawl_figures(connection, "full")
        updates = crawl_figures(connection, "update")
        size = bytes_per_request(connection, archive.folder)
    full = full_crawls.requests if full_crawls.sites else ASSUMED_FULL_REQUESTS
    update = updates.requests if updates.sites else full * ASSUMED_UPDATE_SHARE
    measured = {"full": full_crawls.sites, "update": updates.sites}
    named = {name: number for name, number in measured.items() if number}
    return Figures(full, update, size or ASSUMED_BYTES, named, size is not None)


def plan(figures: Figures, sites: int, rate: float, at_once: int) -> list[dict[str, Any]]:
    """A full crawl and an update of so many sites, for one server each and for one a province.

    `rate`: requests a second to one server; `at_once`: crawls at the same time.
    """
    layouts = {"one server per host": sites, "one server per old province": OLD_PROVINCES}
    crawls = {"full": figures.full_requests, "update": figures.update_requests}
    return [
        {"servers": layout, "number": min(servers, sites), "crawl": crawl}
        | _cost(sites, requests, min(servers, sites), rate, at_once)
        | {"bytes": round(sites * requests * figures.bytes_per_request)}
        for layout, servers in layouts.items()
        for crawl, requests in crawls.items()
    ]


def _cost(sites: int, requests: float, servers: int, rate: float, at_once: int) -> dict[str, Any]:
    """The hours are those of the slowest: one server after its sites, the crawls that are made at
    once, the machine itself."""
    everything = sites * requests
    seconds = {
        "the busiest server": math.ceil(sites / servers) * requests / rate,
        "crawls at once": everything / (min(at_once, servers) * rate),
        "the machine": everything / MACHINE_REQUESTS_PER_SECOND,
    }
    slowest = max(seconds, key=seconds.__getitem__)
    hours = round(seconds[slowest] / 3600, 1)
    return {"requests": round(everything), "hours": hours, "bound_by": slowest}
