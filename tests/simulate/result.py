"""What a simulation came to."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.many_portals import Asked, Portal, at_once, never_served, smallest_gap, too_soon
from tests.simulate.load import Peaks

_PAGES = "/vi/news/"


@dataclass(frozen=True)
class Result:
    """One number of workers. Times in seconds; a page is an article or a list."""

    workers: int
    portals: int
    delay: float
    seconds: float
    """From when all were due to when all were answered, or to when time was up."""
    pages: int
    requests: int
    cpu_seconds: float
    """User and system, of workers and crawls."""
    database_cpu_seconds: float
    answered: int
    """Sites whose crawl came to its end."""
    begun: int
    """Sites that had their turn."""
    longest_wait: float
    """From when all were due to a site's first request; of those that had none, to the end."""
    longest_free_wait: float
    """The same without the time in which another site of its server's address was crawled: for so
    long it could have been, and waited for a worker with a place free."""
    median_wait: float
    longest_pause: float
    """Between two requests of one site's crawl."""
    smallest_gap: float
    """Between two requests to one host or shared address."""
    too_soon: list[str]
    at_once: list[str]
    never_served: list[str]
    """Articles of answered sites."""
    kept_twice: list[str]
    """Articles that one run kept twice."""
    peaks: Peaks
    database: Mapping[str, Any]
    outcomes: Mapping[str, int]

    @property
    def is_well(self) -> bool:
        """Polite, one crawl a site at a time, and where one has ended nothing left out; no article
        kept twice.
        """
        return not (self.too_soon or self.at_once or self.never_served or self.kept_twice)

    def as_json(self) -> dict[str, Any]:
        figures = {
            "pages_per_second": round(self.pages / self.seconds, 2),
            "cpu_ms_a_page": round(self.cpu_seconds / max(1, self.pages) * 1000, 1),
            "transactions_per_second": round(self.database["transactions"] / self.seconds, 1),
        }
        return asdict(self) | figures | {"is_well": self.is_well}


COLUMNS = (
    "workers", "answered", "pages/s", "CPU ms a page", "longest wait", "of it free", "pause", "gap",
    "impolite", "RSS", "PSS", "connections", "transactions/s", "database CPU", "database",
)  # fmt: skip


def row(result: Result) -> tuple[object, ...]:
    """For the table."""
    figures = result.as_json()
    return (
        result.workers,
        f"{result.answered} of {result.portals} in {result.seconds:.0f} s",
        figures["pages_per_second"],
        figures["cpu_ms_a_page"],
        f"{result.longest_wait:.0f} s",
        f"{result.longest_free_wait:.0f} s",
        f"{result.longest_pause:.1f} s",
        f"{result.smallest_gap:.3f} s",
        len(result.too_soon) + len(result.at_once),
        f"{result.peaks.rss_mb:,.0f} MB",
        f"{result.peaks.pss_mb:,.0f} MB",
        result.peaks.connections,
        figures["transactions_per_second"],
        f"{result.database_cpu_seconds:.0f} s",
        f"{result.database['bytes'] / 1e6:,.0f} MB",
    )


def waits(
    log: Sequence[Asked], portals: Sequence[Portal], due: float, end: float
) -> list[tuple[float, float]]:
    """How long each site waited for its first request, to the end if there was none; and how much
    of that no other site of its address was crawled.
    """
    crawled: dict[str, tuple[float, float]] = {}
    for asked in log:
        first, last = crawled.get(asked.host, (asked.start, asked.end))
        crawled[asked.host] = first, max(last, asked.end)
    beside = defaultdict(list)
    for portal in portals:
        if portal.host in crawled:
            beside[portal.address].append(crawled[portal.host])
    waited = []
    for portal in portals:
        begun = crawled.get(portal.host, (end, end))[0]
        waited.append((begun - due, begun - due - _covered(beside[portal.address], due, begun)))
    return waited


def _covered(spans: Sequence[tuple[float, float]], since: float, until: float) -> float:
    """How much of the time between lies within one of the spans."""
    covered, reached = 0.0, since
    for first, last in sorted(spans):
        begin, reached_now = max(first, reached), min(last, until)
        covered += max(0.0, reached_now - begin)
        reached = max(reached, reached_now)
    return covered


def longest_pause(log: Sequence[Asked]) -> float:
    """Between two requests to one host."""
    last: dict[str, float] = {}
    longest = 0.0
    for asked in log:
        longest = max(longest, asked.start - last.get(asked.host, asked.start))
        last[asked.host] = asked.start
    return longest


def from_log(
    log: Sequence[Asked], portals: Sequence[Portal], delay: float, due: float, end: float
) -> dict[str, Any]:
    """What the portals' own log says. `due`, `end`: of the monotonic clock."""
    waited = waits(log, portals, due, end)
    of_all = [whole for whole, _ in waited]
    asked = {one.host for one in log}
    return {
        "portals": len(portals),
        "pages": sum(one.status == 200 and one.path.startswith(_PAGES) for one in log),
        "requests": len(log),
        "begun": sum(portal.host in asked for portal in portals),
        "longest_wait": max(of_all),
        "median_wait": statistics.median(of_all),
        "longest_free_wait": max(free for _, free in waited),
        "longest_pause": longest_pause(log),
        "smallest_gap": smallest_gap(log),
        "too_soon": too_soon(log, delay),
        "at_once": at_once(log),
    }


def left_out(log: Sequence[Asked], portals: Sequence[Portal], answered: set[str]) -> list[str]:
    """Articles of sites whose crawl has ended that were never sent whole."""
    return never_served(log, [portal for portal in portals if portal.id in answered])
