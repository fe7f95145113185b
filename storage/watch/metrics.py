"""Figures of an archive for Prometheus, counted when they are asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric

from storage.archive import Archive
from storage.disk import floor_bytes
from storage.query.site_figures import SiteFigures, open_jobs, site_figures
from storage.times import parse_utc

Samples = Iterable[tuple[tuple[str, ...], float | None]]


class ArchiveFigures:
    """A collector over one archive. All are gauges: a rebuild or a takedown may lower them."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def describe(self) -> list[Metric]:
        """Nothing: so that to register it asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything, of one moment."""
        with self._archive.reading() as connection:
            figures, jobs = site_figures(connection), open_jobs(connection)
        for name, (help_, labels, samples) in _OF_SITES.items():
            found = (
                ((id_, *more), value)
                for id_, one in sorted(figures.items())
                for more, value in samples(one)
            )
            yield _gauge(name, help_, ("site", *labels), found)
        yield _gauge("jobs", "Crawls by schedule that wait or run.", ("state",), _each(jobs))
        free = shutil.disk_usage(self._archive.folder.root).free
        yield _gauge("disk_free_bytes", "Room on the archive's disk.", (), [((), free)])
        yield _gauge("disk_floor_bytes", "What crawls leave of it.", (), [((), floor_bytes())])


def registry_of(archive: Archive) -> CollectorRegistry:
    """For `prometheus_client.generate_latest` and `write_to_textfile`."""
    registry = CollectorRegistry()
    registry.register(ArchiveFigures(archive))
    return registry


def _gauge(name: str, help_: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    gauge = GaugeMetricFamily(f"tinhuyen_{name}", help_, labels=labels)
    for values, value in samples:
        if value is not None:
            gauge.add_metric(values, value)
    return gauge


def _each(counts: dict[str, int]) -> Iterator[tuple[tuple[str, ...], float | None]]:
    for name, count in sorted(counts.items()):
        yield (name,), count


def _seconds(text: str | None) -> float | None:
    return parse_utc(text).timestamp() if text else None


_OF_SITES: dict[str, tuple[str, tuple[str, ...], Callable[[SiteFigures], Samples]]] = {
    "site_info": ("The site's state.", ("state",), lambda one: [((one.state or "",), 1)]),
    "captures": ("Exchanges kept.", (), lambda one: [((), one.captures)]),
    "warc_bytes": ("Bytes of WARC response records.", (), lambda one: [((), one.warc_bytes)]),
    "articles": ("Articles.", ("state",), lambda one: _each(one.articles)),
    "runs": ("Runs.", ("outcome",), lambda one: _each(one.runs)),
    "findings": (
        "What the checks of the newest run found.",
        ("check",),
        lambda one: [((name,), 1) for name in one.findings],
    ),
    "failures": (
        "Addresses that were not fetched or not read, over all runs.",
        ("kind",),
        lambda one: _each(one.failures),
    ),
    "queued": ("Addresses still to be fetched.", (), lambda one: [((), one.queued)]),
    "last_good_capture_timestamp_seconds": (
        "When the site last answered soundly.",
        (),
        lambda one: [((), _seconds(one.last_good_at))],
    ),
    "next_crawl_timestamp_seconds": (
        "When the schedule crawls it next; in the past: nobody does.",
        (),
        lambda one: [((), _seconds(one.next_due))],
    ),
}
