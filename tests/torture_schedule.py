"""`python -m tests.torture_schedule --kills 50`: schedulers and their crawls killed at random.

Three portals fall due every few seconds. SIGKILL hits the scheduler, which is started anew at once
while its orphaned crawls go on, or one of the crawls. In the end every due moment must have been
answered by a crawl that ended well after it, and no portal was ever crawled by two processes.
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crawler.schedule import rhythm
from crawler.schedule.dispatch import Children
from crawler.schedule.worker import Bounds, Worker
from storage import times
from storage.archive import Archive
from storage.database import schedules
from storage.database.schedules import Schedule
from storage.database.schema import job
from storage.errors import Exit
from tests.conftest import TestArchive
from tests.portals import portals

SITES = ("p0", "p1", "p2")
EVERY = "every 4"
BOUNDS = Bounds(2, lease=timedelta(seconds=1.5), again=timedelta(seconds=0.2), turn_seconds=0.05)
LONGEST_SECONDS = 2.0
"""Between two kills; a crawl takes about a second. On a busy machine all takes longer."""
FINAL = (Exit.DONE, Exit.INCOMPLETE, Exit.UNAVAILABLE)


@dataclass
class Killed:
    """What the kills came to."""

    schedulers: int = 0
    crawls: int = 0
    due: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    """By how they ended."""
    lost: list[str] = field(default_factory=list)
    """Due moments that no crawl answered."""
    made_twice: list[str] = field(default_factory=list)
    """Due moments that two crawls answered."""
    at_once: set[str] = field(default_factory=set)
    """Sites seen crawled by two processes."""

    def line(self) -> str:
        return (
            f"{self.schedulers + self.crawls} kills ({self.schedulers} of schedulers, "
            f"{self.crawls} of crawls): {self.due} due moments, {sum(self.attempts.values())} "
            f"crawls begun, {len(self.lost)} due moments lost, {len(self.made_twice)} made twice, "
            f"{len(self.at_once)} sites crawled twice at once"
        )


def torture(folder: Path, kills: int, seed: int, longest: float = LONGEST_SECONDS) -> Killed:
    """Kill so often, then let everything come to its end, and count."""
    chance, done, archive = random.Random(seed), Killed(), TestArchive(folder / "archive")
    archive.folder.mkdir(parents=True)
    with portals(archive, len(SITES), articles=4, seconds=0.1), _watched(archive, done):
        start = _schedule(archive)
        scheduler = _start(archive)
        _wait_for_a_job(archive)
        while done.schedulers + done.crawls < kills:
            time.sleep(chance.uniform(0, longest))
            crawls = [pid for pids in crawls_of(archive).values() for pid in pids]
            if crawls and chance.random() < 0.5:
                done.crawls += _kill_group(chance.choice(crawls))
            else:
                scheduler.kill()
                scheduler.wait()
                done.schedulers += 1
                scheduler = _start(archive)
        end = _end_of_due(archive)
        scheduler.terminate()
        scheduler.wait()
        _drain(archive)
    _count(archive, start, end, done)
    return done


def _schedule(archive: TestArchive) -> datetime:
    now = times.now()
    engine = archive.open().open_for_writing()
    with engine.begin() as tx:
        for site in SITES:
            due = rhythm.next_due(EVERY, site, 0, now)
            schedules.save_schedule(tx, Schedule(site, "full", EVERY, 0, due, now))
    engine.dispose()
    return now


def _wait_for_a_job(archive: TestArchive) -> None:
    """Kills that come before a scheduler has even begun would show nothing."""
    until = time.monotonic() + 60
    while not _rows(archive) and time.monotonic() < until:
        time.sleep(0.05)


def _end_of_due(archive: TestArchive) -> dict[str, datetime]:
    """Up to when each site's due moments have been made into jobs."""
    engine = archive.open().open_for_writing()
    with engine.begin() as tx:
        for row in schedules.find_schedules(tx):
            schedules.move_schedule(tx, row, times.now() + timedelta(days=1), row.counted_from)
        end = {row.site: row.counted_from for row in schedules.find_schedules(tx)}
    engine.dispose()
    return end


def _start(archive: TestArchive) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.torture_schedule", "--schedule", str(archive.folder)]
    with (archive.folder.parent / "scheduler.log").open("ab") as log:
        return subprocess.Popen(
            command, env=archive.environment, stdout=log, stderr=log, start_new_session=True
        )


def _drain(archive: TestArchive) -> None:
    """Work until nothing is open, orphans of the last kill included."""
    until = time.monotonic() + 120
    worker = _worker(archive.open())
    while any(row.state != "done" for row in _rows(archive)) and time.monotonic() < until:
        worker.turn()
        time.sleep(0.05)
    worker.stop()
    worker.drain()


def _worker(archive: Archive) -> Worker:
    return Worker(archive, Children(archive), BOUNDS, lambda *_: None)


def _run_scheduler(folder: Path) -> None:
    worker = _worker(Archive(folder))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def _kill_group(pid: int) -> int:
    """A crawl and the timeout(1) over it."""
    with suppress(ProcessLookupError):
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        return 1
    return 0


def crawls_of(archive: TestArchive) -> dict[str, list[int]]:
    """Processes that crawl sites of this archive, by site: not timeout(1), and none that one of
    them has forked to run something else.
    """
    found: dict[str, dict[int, int]] = {}
    ours = f"TINHUYEN_ARCHIVE={archive.folder}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[1:4] == [b"-m", b"scrapy", b"crawl"] and ours in (
                folder / "environ"
            ).read_bytes().split(b"\0"):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(words[4].decode(), {})[int(folder.name)] = parent
    return {
        site: [pid for pid, parent in pids.items() if parent not in pids]
        for site, pids in found.items()
    }


@contextmanager
def _watched(archive: TestArchive, done: Killed) -> Iterator[None]:
    """Whether two processes ever crawl one site, looked at all the time."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            done.at_once |= {
                f"{site}: {pids}" for site, pids in crawls_of(archive).items() if len(pids) > 1
            }

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _rows(archive: TestArchive) -> list[Any]:
    opened = archive.open()
    with opened.reading() as connection:
        found = list(connection.execute(select(job).order_by(job.c.site, job.c.due_at, job.c.id)))
    opened.close()
    return found


def _count(archive: TestArchive, start: datetime, end: dict[str, datetime], done: Killed) -> None:
    rows = _rows(archive)
    done.attempts = Counter(row.outcome or row.state for row in rows)
    answers = [row for row in rows if row.exit_code in FINAL]
    for (site, due), same in groupby(answers, key=lambda row: (row.site, row.due_at)):
        if len(list(same)) > 1:
            done.made_twice.append(f"{site} at {due}")
    for site in SITES:
        spans = [
            (times.parse_utc(row.due_at), times.parse_utc(row.finished_at))
            for row in answers
            if row.site == site
        ]
        moment = rhythm.next_due(EVERY, site, 0, start)
        while moment <= end[site]:
            done.due += 1
            if not any(due <= moment <= finished for due, finished in spans):
                done.lost.append(f"{site} at {moment}")
            moment = rhythm.next_due(EVERY, site, 0, moment)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument(
        "--seconds", type=float, default=LONGEST_SECONDS, help="the longest between two kills"
    )
    arguments.add_argument("--schedule", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.schedule:
        _run_scheduler(given.schedule)
        return 0
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        done = torture(Path(folder), given.kills, given.seed, given.seconds)
    for name in ("lost", "made_twice", "at_once"):
        for what in getattr(done, name):
            print(f"{name}: {what}")
    print(dict(done.attempts))
    print(done.line())
    return 1 if done.lost or done.made_twice or done.at_once else 0


if __name__ == "__main__":
    sys.exit(main())
