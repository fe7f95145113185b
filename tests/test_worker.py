"""Jobs made by real child processes: side by side, within bounds, and past every kind of death."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import insert, select

from crawler.schedule import table
from crawler.schedule.budget import Allowance
from crawler.schedule.dispatch import Children, Over
from crawler.schedule.worker import Bounds, Worker
from crawler.sites import load_sites
from storage import times
from storage.archive import Archive
from storage.database import jobs
from storage.database.connect import open_database
from storage.database.jobs import Job
from storage.database.schedules import DayLimits, Schedule, find_schedules, save_schedule
from storage.database.schema import job
from storage.errors import Exit
from tests.conftest import TestArchive
from tests.job_rows import queue, rows
from tests.portals import portals

SOON = Bounds(
    at_once=2, lease=timedelta(seconds=2), again=timedelta(seconds=0.2), turn_seconds=0.05
)
UNTIL_SECONDS = 60


def outcomes(archive: TestArchive) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for row in rows(archive):
        told.setdefault(row.site, []).append(row.outcome or row.state)
    return told


@contextmanager
def worker(
    archive: TestArchive, bounds: Bounds = SOON, dispatch: Callable[[Archive], Any] = Children
) -> Iterator[Worker]:
    opened = archive.open()
    made = Worker(opened, dispatch(opened), bounds, lambda *_: None)
    try:
        yield made
    finally:
        made.stop()
        made.drain()


def turn_until(made: Worker, met: Callable[[], bool]) -> None:
    until = time.monotonic() + UNTIL_SECONDS
    while not met():
        assert time.monotonic() < until, "it never came to that"
        made.turn()
        time.sleep(0.02)


def children(archive: TestArchive, site: str) -> list[int]:
    """Processes (not timeout(1)) that crawl a site of this archive."""
    found = []
    ours = f"TINHUYEN_ARCHIVE={archive.folder}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[1:5] == [b"-m", b"scrapy", b"crawl", site.encode()] and ours in (
                folder / "environ"
            ).read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def test_a_queue_is_drained_and_each_ends_in_its_own_way(archive: TestArchive) -> None:
    """One is unreachable, one declared wrongly by now, one has no address: none touches another."""
    with portals(archive, 3):
        archive.declare(
            'id = "hong"\nname = "Hỏng"\norgan = "other"\nlistings = ["http://127.0.0.9:1/"]\n'
            'layouts = [{ family = "plain" }]\ndelay_seconds = 0\nallow_addresses = ["127.0.0.0/8"]'
        )
        queue(archive, "p0", "binhgiang", "p1", "hong", "khong-co", "p2", "../ngoai", "--help")
        done = archive.tinhuyen("work", "--json")
    assert done.returncode == 0, done.stderr
    assert outcomes(archive) == {
        "p0": ["done"], "p1": ["done"], "p2": ["done"], "hong": ["unavailable"],
        "binhgiang": ["unavailable"], "khong-co": ["wrong declaration"],
        "../ngoai": ["wrong declaration"], "--help": ["wrong declaration"],
    }  # fmt: skip
    assert {row.exit_code for row in rows(archive) if row.site == "p0"} == {Exit.DONE}
    assert done.stdout.count('"what": "done"') == 3
    assert len(archive.open().search(limit=100)) == 9
    [run] = archive.open().runs("p1")
    assert {row.run for row in rows(archive) if row.site == "p1"} == {run["id"]}
    log = (archive.folder / "logs" / "binhgiang.log").read_text(encoding="utf-8")
    assert "has no known address" in log and not (archive.folder / "ngoai.log").exists()


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def test_after_a_day_without_a_scheduler_each_site_is_crawled_once(
    database: str, archive: TestArchive, request: pytest.FixtureRequest
) -> None:
    embedded = archive.open().database_url
    url = embedded if database == "sqlite" else request.getfixturevalue("postgres_url")
    options = () if database == "sqlite" else ("--database", url)
    yesterday = times.now() - timedelta(days=1)
    engine = open_database(url)
    with engine.begin() as tx:
        for site in ("p0", "p1"):  # four times missed
            row = Schedule(site, "update", "every 21600", 0, yesterday, yesterday)
            save_schedule(tx, row)
    with portals(archive, 2):
        for expected in (["p0", "p1"], []):
            done = archive.tinhuyen(*options, "work", "--json")
            assert done.returncode == 0, done.stderr
            told = [json.loads(line) for line in done.stdout.splitlines()]
            assert sorted(one["site"] for one in told if one["what"] == "done") == expected
    with engine.connect() as tx:
        assert all(row.due_at > times.now() for row in find_schedules(tx))
        assert len(list(tx.execute(select(job)))) == 2
    engine.dispose()


class Recorder:
    """Takes everything that it is given, and ends it when it is told to."""

    def __init__(self, archive: Archive) -> None:
        self.running: list[tuple[Job, Allowance]] = []
        self.over: list[Over] = []

    def start(self, job: Job, allowance: Allowance) -> None:
        self.running.append((job, allowance))

    def end(self, site: str, code: int) -> None:
        [one] = [one for one in self.running if one[0].site == site]
        self.running.remove(one)
        self.over.append(Over(one[0], code))

    def ended(self) -> list[Over]:
        over, self.over = self.over, []
        return over

    def is_running(self, site: str) -> bool:
        return any(job.site == site for job, _ in self.running)

    def stop(self) -> None:
        for one, _ in list(self.running):
            self.end(one.site, Exit.FAILED)


def test_a_bounded_number_at_once_and_one_a_host(archive: TestArchive) -> None:
    """Another engine takes the children's place: two sites of one host wait for each other."""
    with portals(archive, 3):
        pass
    [listing] = load_sites(archive.folder / "sites")["p0"].listings
    archive.declare(
        f'id = "p0-b"\nname = "Cùng máy"\norgan = "other"\nlistings = ["{listing}khac"]\n'
        'layouts = [{ family = "plain" }]\ndelay_seconds = 0\nallow_addresses = ["127.0.0.0/8"]'
    )
    queue(archive, "p0", "p0-b", "p1", "p2")
    made: list[Recorder] = []

    def record(opened: Archive) -> Recorder:
        made.append(Recorder(opened))
        return made[0]

    with worker(archive, dispatch=record) as one:
        [recorder] = made
        seen = []
        while one.turn():
            sites = [job.site for job, _ in recorder.running]
            seen.append(sites)
            if sites:
                recorder.end(sites[0], Exit.DONE)
    assert seen[:4] == [["p0", "p1"], ["p1", "p0-b"], ["p0-b", "p2"], ["p2"]]
    assert all(told == ["done"] for told in outcomes(archive).values())


MINUTE = timedelta(minutes=1)
AGAIN = {
    (Exit.FAILED, 0): ("failed", 5 * MINUTE), (Exit.FAILED, 1): ("failed", 10 * MINUTE),
    (Exit.FAILED, 50): ("failed", 360 * MINUTE), (Exit.OUT_OF_DISK, 0): ("out of disk", 5 * MINUTE),
    (-9, 2): ("killed by signal 9", 20 * MINUTE), (124, 0): ("time is up", 0 * MINUTE),
    (137, 9): ("time is up", 0 * MINUTE), (Exit.BUSY, 3): ("busy: somebody else crawls it", 5 * MINUTE),
    (Exit.DONE, 0): ("done", None), (Exit.INCOMPLETE, 0): ("incomplete", None),
    (Exit.UNAVAILABLE, 0): ("unavailable", None), (Exit.USAGE, 0): ("wrong declaration", None),
}  # fmt: skip


@pytest.mark.parametrize("case", AGAIN)
def test_how_it_ended_says_when_it_is_tried_again(
    case: tuple[int, int], archive: TestArchive
) -> None:
    (code, tries), (outcome, wait) = case, AGAIN[case]
    engine = archive.open().open_for_writing()
    with engine.begin() as tx:
        jobs.queue_job(tx, "demo", "full", times.now(), times.now(), tries)
    engine.dispose()
    with worker(archive, Bounds(), dispatch=Recorder) as one, time_machine.travel(NOON, tick=False):
        one.turn()
        recorder = one._dispatch
        assert isinstance(recorder, Recorder)
        recorder.end("demo", code)
        one.turn()
    ended, *again = rows(archive)[:2]  # one that may begin at once has begun, and is stopped
    assert ended.outcome == outcome and ended.exit_code == code
    assert [times.parse_utc(row.not_before) - NOON for row in again] == (
        [] if wait is None else [wait]
    )


NOON = datetime(2030, 3, 4, 12, 0, tzinfo=times.LOCAL)


def test_what_is_left_of_the_day_goes_to_the_child(archive: TestArchive) -> None:
    with portals(archive, 1):
        pass
    sites = [load_sites(archive.folder / "sites")["p0"]]
    limits = DayLimits(max_requests=50, max_bytes=10**6)
    opened = archive.open()
    table.add(opened, sites, "full", "every 3600", limits)
    queue(archive, "p0")
    made = Children(opened)
    with opened.reading() as connection:
        [one] = jobs.queued_jobs(connection, times.now())
    command = made._command(one, Allowance(3600, 50, 10**6))
    assert command[1:3] == ["--kill-after=60", "3600"]
    assert command[-6:] == [
        "-s",
        "CRAWL_MODE=full",
        "-s",
        "RUN_MAX_REQUESTS=50",
        "-s",
        "RUN_MAX_BYTES=1000000",
    ]
    assert one.limits == limits


def test_a_child_that_is_killed_touches_no_other_and_is_made_again(archive: TestArchive) -> None:
    with portals(archive, 2, open_=False) as gate, worker(archive) as one:
        queue(archive, "p0", "p1")
        turn_until(one, lambda: len(children(archive, "p0") + children(archive, "p1")) == 2)
        os.kill(children(archive, "p0")[0], signal.SIGKILL)
        turn_until(one, lambda: len(rows(archive)) == 3)
        gate.set()
        turn_until(one, lambda: not one.turn())
    assert outcomes(archive) == {"p0": ["killed by signal 9", "done"], "p1": ["done"]}
    assert [run["outcome"] for run in archive.open().runs("p0")] == ["finished"]


def test_a_crawl_ends_when_its_time_is_up_and_goes_on(archive: TestArchive) -> None:
    short = Bounds(2, timedelta(seconds=3), SOON.lease, SOON.again, 0.05)
    with portals(archive, 1, articles=400, seconds=0.2):
        with worker(archive, short) as one:
            queue(archive, "p0")
            turn_until(one, lambda: len(rows(archive)) == 2)
        with worker(archive) as one:
            turn_until(one, lambda: not one.turn())
    told = outcomes(archive)["p0"]
    assert told[0] == "time is up" and told[-1] == "done"
    [run] = archive.open().runs("p0")
    assert run["counts"]["articles"] == 400


def test_a_site_that_somebody_else_crawls_is_waited_for(archive: TestArchive) -> None:
    with portals(archive, 1), worker(archive) as one:
        queue(archive, "p0")
        with archive.open().folder.site_lock("p0"):
            turn_until(one, lambda: len(rows(archive)) == 2)
        turn_until(one, lambda: rows(archive)[-1].state == "done")
    told = outcomes(archive)["p0"]
    assert told[0].startswith("busy") and told[-1] == "done"
    assert rows(archive)[-1].tries == 0


def test_the_scheduler_ends_its_crawls_and_goes_on_with_them(archive: TestArchive) -> None:
    with portals(archive, 1, articles=400, seconds=0.2):
        queue(archive, "p0")
        command = [sys.executable, "-c", "from crawler.cli import main; main()", "schedule", "run"]
        with subprocess.Popen(
            command, env=archive.environment, stdout=subprocess.DEVNULL
        ) as process:
            until = time.monotonic() + UNTIL_SECONDS
            while not list(archive.folder.glob("warc/p0/*.open")):
                assert time.monotonic() < until
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(UNTIL_SECONDS) == 0
        assert not children(archive, "p0")
        assert outcomes(archive) == {"p0": ["stopped with the scheduler", "queued"]}
        assert archive.tinhuyen("work").returncode == 0
    assert outcomes(archive) == {"p0": ["stopped with the scheduler", "done"]}
    assert len(archive.open().runs("p0")) == 1


KILLED_BEFORE = """
import os, signal, sys
from crawler.schedule.worker import Worker, Bounds
from crawler.schedule.dispatch import Children
from storage.archive import Archive
from datetime import datetime, timedelta
from pathlib import Path
archive = Archive()
class Killed(Children):
    def start(self, job, allowance):
        if sys.argv[1] == "after":
            super().start(job, allowance)
        os.kill(os.getpid(), signal.SIGKILL)
worker = Worker(archive, Killed(archive), Bounds(lease=timedelta(seconds=2)), lambda *_: None)
worker.turn()
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_scheduler_killed_around_the_start_of_a_child(when: str, archive: TestArchive) -> None:
    """Claimed and never begun: made anew. Begun and orphaned: waited for, and its end believed."""
    with portals(archive, 1, open_=False) as gate:
        queue(archive, "p0")
        subprocess.run([sys.executable, "-c", KILLED_BEFORE, when], env=archive.environment)
        assert outcomes(archive) == {"p0": ["running"]}
        with worker(archive) as one:
            if when == "after":
                time.sleep(SOON.lease.total_seconds() + 0.2)  # the lease is over, the crawl is not
                for _ in range(5):
                    one.turn()
                assert outcomes(archive) == {"p0": ["running"]}
            gate.set()
            turn_until(one, lambda: rows(archive)[-1].state == "done")
    expected = ["done"] if when == "after" else ["lost: its scheduler was killed", "done"]
    assert outcomes(archive) == {"p0": expected}
    assert len(archive.open().runs("p0")) == 1


def test_only_open_jobs_are_alone(archive: TestArchive) -> None:
    """Whoever inserts a job row, the web view too, cannot queue a site twice."""
    from sqlalchemy.exc import IntegrityError

    queue(archive, "p0")
    engine = archive.open().open_for_writing()
    values = {
        "site": "p0", "mode": "full", "state": "queued", "tries": 0,
        "due_at": times.utc_text(times.now()), "not_before": times.utc_text(times.now()),
    }  # fmt: skip
    with pytest.raises(IntegrityError), engine.begin() as tx:
        tx.execute(insert(job), values)
    engine.dispose()
