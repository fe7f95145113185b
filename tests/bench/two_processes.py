"""`python -m tests.bench.two_processes`: the same portals crawled by one process, and by two at once.

Eight portals of one size without a delay: all by one `tinhuyen crawl`, then four each by two of
them into the same archive; on SQLite and on PostgreSQL (its server's own CPU apart). Prints CPU ms
a page (user and system, their start included) and pages a second, the two processes' divided by
the one's. Rounds alternate; the better of each counts. A page is an article or a list.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.many_portals import Portal, Served, draw_portals, read_log, served
from tests.postgres import server

PORTALS = 8
_CRAWL = [sys.executable, "-W", "ignore", "-c", "from crawler.cli import main; main()"]


@dataclass(frozen=True)
class Crawled:
    """One way, once."""

    pages: int
    seconds: float
    cpu_seconds: float

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds / self.pages * 1000

    @property
    def speed(self) -> float:
        return self.pages / self.seconds


def measure(articles: int, rounds: int, postgres: str | None) -> tuple[Crawled, Crawled]:
    """The best round of one process and of two. `postgres`: a server; None: SQLite."""
    portals = [
        replace(portal, articles=articles, images=1, missing=0, answer_seconds=0, page_bytes=35_000)
        for portal in draw_portals(PORTALS, seed=7)
    ]
    one, two = [], []
    for _ in range(rounds):
        one.append(_crawl(portals, [portals], postgres))
        two.append(_crawl(portals, [portals[::2], portals[1::2]], postgres))
    return min(one, key=_cpu_ms), min(two, key=_cpu_ms)


def _cpu_ms(crawled: Crawled) -> float:
    return crawled.cpu_ms


def _crawl(
    portals: Sequence[Portal], shares: Sequence[Sequence[Portal]], postgres: str | None
) -> Crawled:
    """Each share by a process of its own, all at once."""
    with (
        tempfile.TemporaryDirectory(prefix="tinhuyen-bench-") as name,
        _database(postgres) as database,
        served(portals, Path(name)) as site,
    ):
        site.declare(Path(name) / "archive", 0)
        environment = _environment(Path(name), database, site)
        subprocess.run(
            [*_CRAWL, "db", "upgrade"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        before, start = _used(), time.monotonic()
        crawls = [
            subprocess.Popen(
                [*_CRAWL, "crawl", *(portal.id for portal in share)],
                env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for share in shares
        ]  # fmt: skip
        codes = [crawl.wait() for crawl in crawls]
        seconds, cpu = time.monotonic() - start, _used() - before
        pages = sum(
            asked.status == 200 and asked.path.startswith("/vi/news/")
            for asked in read_log(site.log)
        )
    if any(codes) or pages < sum(portal.articles for portal in portals):
        raise SystemExit(f"the crawl is not complete: exit {codes}, {pages} pages")
    return Crawled(pages, seconds, cpu)


def _environment(folder: Path, database: str | None, site: Served) -> dict[str, str]:
    own = {"TINHUYEN_ARCHIVE": str(folder / "archive")}
    own |= {"TINHUYEN_DATABASE": database} if database else {}
    return os.environ | site.environment | own


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _database(postgres: str | None) -> Iterator[str | None]:
    """A new one on the server; None without a server."""
    if postgres is None:
        yield None
        return
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS two WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE two"))
    engine.dispose()
    yield f"{postgres.rsplit('/', 1)[0]}/two"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=600, help="of each portal")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    given = parser.parse_args()
    for name in [given.only] if given.only else ["sqlite", "postgresql"]:
        with server(durable=True) if name == "postgresql" else nullcontext() as postgres:
            one, two = measure(given.articles, given.rounds, postgres)
        for label, crawled in (("one process", one), ("two processes", two)):
            print(
                f"{name:<11} {label:<14} {crawled.pages:6} pages  {crawled.cpu_ms:6.2f} ms CPU a page"
                f"  {crawled.speed:6.1f} pages/s"
            )
        print(
            f"{name:<11} two/one: CPU a page {two.cpu_ms / one.cpu_ms:.2f},"
            f" pages/s {two.speed / one.speed:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
