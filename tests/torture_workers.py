"""`python -m tests.torture_workers --workers 4 --sites 40 --kills 100`: machines killed at random.

Each worker is a machine: a process with a folder of its own, and all share one PostgreSQL. SIGKILL
hits a worker, a worker with all its crawls, or one crawl; a machine comes back at once or after a
while. In the end every site must be complete, no page may have been asked for after the database
said that it was done, no host may have been crawled by two at a time, and no two requests may have
come to a host or a shared address within the delay: by the portals' own log.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, func, select, text

from crawler.schedule.machines import MachineWorker
from crawler.schedule.worker import Bounds
from storage import times
from storage.archive import Archive
from storage.database import jobs
from storage.database.schema import article, run
from tests.many_portals import Portal, Served, at_once, draw_portals, read_log, served, too_soon
from tests.many_portals.log import Asked, never_served
from tests.many_portals.pages import articles_of
from tests.postgres import server
from tests.torture.checks import Findings, check_files
from tests.waiting import wait_for

BOUNDS = Bounds(2, lease=timedelta(seconds=4), again=timedelta(seconds=0.05), turn_seconds=0.2)
"""Waiting doubles with every kill of a site's crawl: ten are a minute, not nine."""
DELAY = 0.4
"""Seconds between two requests to a host. Shorter than a crawl takes to start, so that it is the
crawls' own doing whenever it is kept."""
LONGEST_SECONDS = 2.0
"""Between two kills."""
PATIENCE_SECONDS = 300
_LATE = 0.05
"""Seconds: a request may have been on its way when its row was looked at."""


@dataclass
class Killed:
    """What the kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    """By who was hit: `worker`, `machine` (with its crawls), `crawl`."""
    sites: int = 0
    requests: int = 0
    acknowledged: int = 0
    """Pages that were seen to be done before their run was over."""
    again: int = 0
    """Addresses fetched more than once in a run, for nobody had acknowledged them."""
    attempts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)
    """What is not as it must be, by what it is."""

    def line(self) -> str:
        hit = ", ".join(f"{count} of a {who}" for who, count in sorted(self.kills.items()))
        wrong = ", ".join(f"{len(of)} {name}" for name, of in self.findings.items())
        return (
            f"{self.kills.total()} kills ({hit}): {self.sites} sites, {self.attempts.total()} "
            f"attempts, {self.requests} requests, {self.acknowledged} pages seen acknowledged, "
            f"{self.again} fetched again unacknowledged; {wrong}"
        )


@dataclass
class Machine:
    """A worker's process, and where it works."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    back_at: float = 0.0
    """When it comes back, of the monotonic clock."""

    def start(self) -> None:
        words = [sys.executable, "-W", "ignore", "-m", "tests.torture_workers", "--work", "."]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*words[:-1], str(self.folder)], env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def crawls(self) -> list[int]:
        """Process groups of its crawls, of earlier workers too."""
        ours, found = f"TINHUYEN_ARCHIVE={self.folder}".encode(), set()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"crawl" in words and ours in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(os.getpgid(int(folder.name)))
        return sorted(found)


def torture(
    folder: Path, *, workers: int, sites: int, kills: int, seed: int, longest: float
) -> Killed:
    """Kill so often, then let everything come to its end, and count."""
    chance, done = random.Random(seed), Killed(sites=sites)
    portals = draw_portals(sites, seed, articles=6, answer_seconds=0.02)
    with server() as url, served(portals, folder) as up:
        engine = _queue(folder, url, portals)
        machines = [_machine(folder / f"machine-{number}", url, up) for number in range(workers)]
        with _acknowledged(engine) as pages:
            try:
                _kill(machines, engine, done, kills, chance, longest)
                _wait_until_complete(machines, engine, sites)
            finally:
                _end(machines)
        _recover(machines)
        _count(done, up, engine, pages, machines)
        engine.dispose()
    return done


def _queue(folder: Path, url: str, portals: Sequence[Portal]) -> Engine:
    """A full crawl of each is due."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = Archive(folder / "queue", url).open_for_writing()
    with engine.begin() as tx:
        for portal in portals:
            jobs.queue_job(tx, portal.id, "full", times.now(), times.now())
    engine.dispose()
    return create_engine(url)


def _machine(folder: Path, url: str, up: Served) -> Machine:
    up.declare(folder, DELAY)
    own = {
        "TINHUYEN_ARCHIVE": str(folder), "TINHUYEN_DATABASE": url,
        "TINHUYEN_DISK_FLOOR_BYTES": str(64 << 20), "TINHUYEN_CONTACT": folder.name,
    }  # fmt: skip
    return Machine(folder, os.environ | up.environment | own)


def _kill(
    machines: list[Machine], engine: Engine, done: Killed, kills: int, chance: random.Random,
    longest: float,
) -> None:  # fmt: skip
    """One at a time, once crawls have begun; some machines stay away for a while."""
    _bring_back(machines)
    wait_for(
        lambda: _finished(engine) > 0 or any(one.crawls() for one in machines), PATIENCE_SECONDS
    )
    patience = time.monotonic() + PATIENCE_SECONDS
    while done.kills.total() < kills:
        if _finished(engine) == done.sites:
            raise AssertionError(f"every site was complete after {done.kills.total()} kills")
        assert time.monotonic() < patience, f"nobody to kill for minutes; {_unfinished(engine)}"
        until = time.monotonic() + chance.uniform(0, longest)
        while time.monotonic() < until:
            _bring_back(machines)
            time.sleep(0.02)
        one = chance.choice([one for one in machines if one.process] or machines)
        crawls, who = one.crawls(), chance.choice(("worker", "machine", "crawl"))
        if not crawls or one.process is None:
            continue  # nothing would be hit
        if who != "crawl":
            one.kill()
            one.back_at = time.monotonic() + chance.choice((0, 0, 2 * longest))
        for group in crawls if who == "machine" else [chance.choice(crawls)]:
            with suppress(ProcessLookupError):
                if who != "worker":
                    os.killpg(group, signal.SIGKILL)
        done.kills[who] += 1
        patience = time.monotonic() + PATIENCE_SECONDS


def _bring_back(machines: list[Machine]) -> None:
    for one in machines:
        if one.process is None and time.monotonic() >= one.back_at:
            one.start()


def _wait_until_complete(machines: list[Machine], engine: Engine, sites: int) -> None:
    """For as long as one page after the other is done."""
    done, until = -1, 0.0
    while (finished := _finished(engine)) < sites:
        _bring_back(machines)
        if (now := _pages_done(engine)) > done:
            done, until = now, time.monotonic() + PATIENCE_SECONDS
        assert time.monotonic() < until, f"{finished} sites of {sites}; {_unfinished(engine)}"
        time.sleep(0.5)


def _pages_done(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(_PAGES_DONE).scalar_one())


def _unfinished(engine: Engine) -> list[str]:
    """Jobs that are open, and what the queue has of them."""
    with engine.connect() as connection:
        return [str(tuple(row)) for row in connection.execute(_OPEN)]


def _finished(engine: Engine) -> int:
    """Sites whose crawl is over."""
    over = select(func.count(run.c.site.distinct())).where(run.c.finished_at.is_not(None))
    with engine.connect() as connection:
        return int(connection.execute(over).scalar_one())


def _end(machines: list[Machine]) -> None:
    """SIGTERM to the workers, which end their crawls; orphans end too."""
    for one in machines:
        if one.process is not None:
            one.process.terminate()
    for one in machines:
        if one.process is not None:
            one.process.wait(PATIENCE_SECONDS)
    wait_for(lambda: not any(one.crawls() for one in machines), PATIENCE_SECONDS)


def _recover(machines: list[Machine]) -> None:
    """Every machine has come back, and found nothing to do but to make its folder whole."""
    for one in machines:
        one.start()
        assert one.process is not None
        wait_for(lambda folder=one.folder: not list(folder.glob("warc/*/*.open")), PATIENCE_SECONDS)  # type: ignore[misc]
        one.process.terminate()
        one.process.wait(PATIENCE_SECONDS)


Pages = dict[tuple[str, str], float]
"""By run and address: since when, of the monotonic clock, the page is seen to be done."""
_DONE = text(
    "SELECT r.id, f.url FROM frontier f JOIN run r ON r.site = f.site "
    "WHERE f.state = 'done' AND r.finished_at IS NULL AND r.kind = 'crawl'"
)


@contextmanager
def _acknowledged(engine: Engine) -> Iterator[Pages]:
    """Looked at all the time: the frontier's rows that are done, of runs that go on."""
    pages, over = Pages(), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            with engine.connect() as connection:
                rows = connection.execute(_DONE).all()
            now = time.monotonic()
            for id_, url in rows:
                pages.setdefault((id_, url), now)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield pages
    finally:
        over.set()
        thread.join()


def _count(
    done: Killed, up: Served, engine: Engine, pages: Pages, machines: Sequence[Machine]
) -> None:
    log = read_log(up.log)
    done.requests, done.acknowledged = len(log), len(pages)
    files = Findings()
    for one in machines:
        check_files(one.folder, files)
    with engine.connect() as tx:
        done.attempts = _tally(tx.execute(_ATTEMPTS).all())
        done.again = int(tx.execute(_AGAIN).scalar_one())
        have = _tally(tx.execute(select(article.c.site, func.count()).group_by(article.c.site)))
        runs = Counter(tx.execute(select(run.c.site)).scalars())
    done.findings = {
        "articles lost": never_served(log, up.portals) + _lacking(up.portals, have),
        "sites with two runs": [site for site, count in runs.items() if count > 1],
        "pages asked for after they were done": _after(log, pages),
        "hosts crawled by two at once": at_once(log),
        "requests too soon": too_soon(log, DELAY),
        "files unsound": files.invalid,
    }


def _tally(rows: Iterable[Any]) -> Counter[str]:
    return Counter({str(row[0]): int(row[1]) for row in rows})


_PAGES_DONE = text("SELECT count(*) FROM frontier WHERE state = 'done'")
_OPEN = text(
    "SELECT q.queueing_lock, q.status, q.lock, q.scheduled_at, q.attempts, q.worker_id, j.id, "
    "j.site, j.state, j.tries, j.worker, j.not_before, j.outcome "
    "FROM procrastinate.procrastinate_jobs q FULL JOIN (SELECT * FROM job WHERE state <> 'done') j "
    "ON q.queueing_lock = j.site || ' ' || j.mode"
)
_ATTEMPTS = text("SELECT coalesce(outcome, state), count(*) FROM job GROUP BY 1")
_AGAIN = text(
    "SELECT count(*) FROM (SELECT FROM capture GROUP BY run, url HAVING count(*) > 1) AS again"
)


def _lacking(portals: Sequence[Portal], have: dict[str, int]) -> list[str]:
    wanted = {portal.id: len(articles_of(portal, portal.articles)) for portal in portals}
    return [
        f"{site}: {have.get(site, 0)} articles of {count}"
        for site, count in wanted.items()
        if have.get(site, 0) != count
    ]


def _after(log: Sequence[Asked], pages: Pages) -> list[str]:
    """Requests for a page after it was seen to be done: there is one run of each site."""
    since = {url: at for (_, url), at in pages.items()}
    return [
        f"{url} {asked.start - since[url]:.2f} s after"
        for asked in log
        if (url := f"http://{asked.host}{asked.path}") in since and asked.start > since[url] + _LATE
    ]


def _work(folder: Path) -> None:
    worker = MachineWorker(Archive(folder), BOUNDS, lambda job, what: print(job.site, what))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--workers", type=int, default=4)
    arguments.add_argument("--sites", type=int, default=40)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument(
        "--seconds", type=float, default=LONGEST_SECONDS, help="the longest between two kills"
    )
    arguments.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.work:
        _work(given.work)
        return 0
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        done = torture(
            Path(folder), workers=given.workers, sites=given.sites, kills=given.kills,
            seed=given.seed, longest=given.seconds,
        )  # fmt: skip
    for name, found in done.findings.items():
        for what in found:
            print(f"{name}: {what}")
    print(dict(done.attempts))
    print(done.line())
    return 1 if any(done.findings.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
