"""Machines that share a PostgreSQL database: a folder each, one queue, one crawl a site."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, TextClause, create_engine, select, text

from crawler.schedule import table
from crawler.schedule.commands import queue_commands, words_of
from crawler.schedule.locks import join, locks_of
from crawler.schedule.machines import MachineWorker
from crawler.schedule.worker import Bounds
from crawler.sites import load_sites
from storage import times
from storage.archive import Archive
from storage.database import jobs
from storage.database.connect import open_database
from storage.database.schedules import DayLimits
from storage.database.schema import frontier
from storage.database.work_queue import drop_waiting, open_jobs
from storage.errors import ArchiveBusy
from tests import donated, postgres
from tests.conftest import TestArchive
from tests.job_rows import queue, rows
from tests.portals import portals
from tests.waiting import UNTIL_SECONDS, wait_for

pytestmark = pytest.mark.postgres
SOON = Bounds(2, lease=timedelta(seconds=3), again=timedelta(seconds=0.3), turn_seconds=0.05)


@dataclass(frozen=True)
class Machine(TestArchive):
    """A machine: its folder, and the database of all."""

    url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"TINHUYEN_DATABASE": self.url}

    def open(self) -> Archive:
        _opened.append(Archive(self.folder, self.url))
        return _opened[-1]


_opened: list[Archive] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """What a test opened lets its connections go."""
    yield
    while _opened:
        _opened.pop().close()


@pytest.fixture
def machines(tmp_path: Path, postgres_url: str) -> Callable[[str], Machine]:
    """Makes one by name; what one declares is declared on all of that name only."""

    def make(name: str) -> Machine:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return Machine(folder, postgres_url)

    return make


def pair(machines: Callable[[str], Machine], count: int = 1, **how: Any) -> Any:
    """Two machines that know the same portals."""
    one, other = machines("one"), machines("other")

    @contextmanager
    def both() -> Iterator[tuple[Machine, Machine, threading.Event]]:
        with portals(one, count, **how) as gate:
            for path in (one.folder / "sites").glob("*.toml"):
                (other.folder / "sites").mkdir(exist_ok=True)
                (other.folder / "sites" / path.name).write_bytes(path.read_bytes())
            yield one, other, gate

    return both()


def drain(machine: Machine) -> list[tuple[str, str]]:
    """What a worker there begins and ends until nothing more may begin."""
    told: list[tuple[str, str]] = []
    MachineWorker(machine.open(), SOON, lambda one, what: told.append((one.site, what))).drain()
    return told


@contextmanager
def working(machine: Machine) -> Iterator[MachineWorker]:
    worker = MachineWorker(machine.open(), SOON, lambda *_: None)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def crawl(machine: Machine, site: str = "p0") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", "-m", "scrapy", "crawl", site]
    return subprocess.Popen(
        command, env=machine.environment, stderr=subprocess.PIPE, cwd=machine.folder
    )


def held(machine: Machine, site: str = "p0") -> bool:
    from storage.database.site_lock import is_held

    engine = create_engine(machine.url)
    with engine.connect() as connection:
        found = is_held(connection, site)
    engine.dispose()
    return found


def crawling(machine: Machine, site: str = "p0") -> list[int]:
    """Processes that crawl a site on this machine, without timeout(1)."""
    from tests.test_worker import children

    return children(machine, site)


def test_who_comes_second_is_told_where_the_site_is_crawled(
    machines: Callable[[str], Machine],
) -> None:
    with pair(machines, open_=False) as (one, other, gate):
        first = crawl(one)
        wait_for(lambda: held(one))
        second = crawl(other)
        _, errors = second.communicate(timeout=60)
        with pytest.raises(ArchiveBusy, match="process"), other.open().site_lock("p0"):
            pass
        gate.set()
        first.communicate(timeout=60)
    assert second.returncode == 7 and first.returncode == 0
    assert f"p0 is held by process {first.pid} on " in errors.decode()


def test_a_host_has_one_crawl_whatever_site_it_is_for(machines: Callable[[str], Machine]) -> None:
    one, other = machines("one"), machines("other")
    with (
        one.open().site_lock("a", ["tin.example"]),
        pytest.raises(ArchiveBusy, match=r"its host tin\.example is held by .*, for a;"),
        other.open().site_lock("b", ["tin.example"]),
    ):
        pass
    with other.open().site_lock("b", ["tin.example"]):
        pass


def test_a_crawl_whose_connection_is_lost_ends_and_another_machine_goes_on(
    machines: Callable[[str], Machine],
) -> None:
    """The lock falls with the connection; nothing that was kept without it counts as done."""
    end = text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    )
    with pair(machines, articles=30, seconds=0.1) as (one, other, _):
        first = crawl(one)
        engine = create_engine(one.url)
        wait_for(lambda: list(one.folder.glob("warc/p0/*.open")))
        with engine.begin() as tx:
            assert tx.execute(end).all()
        _, errors = first.communicate(timeout=60)
        assert first.returncode == 1, errors.decode()
        assert "hold on the site" in errors.decode() or "the database failed" in errors.decode()
        queue(other, "p0")
        assert drain(other)[-1] == ("p0", "done")
        with engine.connect() as tx:
            left = tx.execute(select(frontier.c.url).where(frontier.c.state != "done")).all()
            assert [url for (url,) in left if "robots" not in url] == []
        engine.dispose()
    [run] = other.open().runs("p0")
    assert run["counts"]["articles"] == 30


def test_what_a_dead_machine_had_kept_is_taken_in_when_it_is_back(
    machines: Callable[[str], Machine],
) -> None:
    with pair(machines, articles=30, seconds=0.1) as (one, other, _):
        first = crawl(one)
        wait_for(lambda: list(one.folder.glob("warc/p0/*.open")))
        time.sleep(1)
        first.kill()
        first.communicate()
        queue(other, "p0")
        assert drain(other)[-1] == ("p0", "done")
        assert list(one.folder.glob("warc/p0/*.open"))
        assert drain(one) == []
    assert not list(one.folder.glob("warc/p0/*.open")) and list(one.folder.glob("warc/p0/*.gz"))
    assert len(other.open().search(limit=100)) == 30
    assert len(other.open().runs("p0")) == 1


def test_a_worker_that_outlives_its_crawl_says_what_that_had_in_hand(
    machines: Callable[[str], Machine],
) -> None:
    """The next try may be another machine's: it finds the count in the database."""
    with pair(machines, open_=False) as (one, _, gate):
        queue(one, "p0")
        with working(one):
            handed_out = one.folder / "warc" / "p0" / ".handed-out"
            wait_for(lambda: handed_out.exists() and len(handed_out.read_bytes().split()) > 2)
            os.kill(crawling(one)[0], signal.SIGKILL)
            wait_for(lambda: any(row.outcome == "killed by signal 9" for row in rows(one)))
            engine = create_engine(one.url)
            with engine.connect() as tx:
                counted = tx.execute(select(frontier.c.url).where(frontier.c.crashes > 0)).all()
            engine.dispose()
            gate.set()
            wait_for(lambda: rows(one)[-1].outcome == "done")
    assert counted and all("/bai-" in url for (url,) in counted)


WORK = """
import signal, sys
from pathlib import Path
from crawler.schedule.machines import MachineWorker
from storage.archive import Archive
from tests.test_machines import SOON
MachineWorker(Archive(), SOON, lambda *_: None).run()
"""


@pytest.mark.parametrize("dies", ["the worker", "both"])
def test_a_killed_worker_is_noticed_and_its_site_goes_on(
    dies: str, machines: Callable[[str], Machine]
) -> None:
    """An orphaned crawl is waited for and its run believed; a dead one goes on elsewhere."""
    with pair(machines, open_=False) as (one, other, gate):
        queue(one, "p0")
        root = str(Path(__file__).parent.parent)
        worker = subprocess.Popen([sys.executable, "-c", WORK], env=one.environment, cwd=root)
        wait_for(lambda: crawling(one) and held(one))
        worker.kill()
        worker.wait()
        if dies == "both":
            os.killpg(os.getpgid(crawling(one)[0]), signal.SIGKILL)
        with working(other):
            if dies == "the worker":
                time.sleep(2 * SOON.lease.total_seconds())
                assert [row.state for row in rows(one)] == ["running"] and not crawling(other)
            gate.set()
            wait_for(lambda: rows(one)[-1].outcome == "done")
    told = [row.outcome for row in rows(one)]
    assert told == (
        ["done"] if dies == "the worker" else ["lost: its scheduler was killed", "done"]
    )
    assert len(one.open().runs("p0")) == 1


def test_workers_wait_for_a_database_that_is_away(tmp_path: Path) -> None:
    """Running crawls stop by themselves, acknowledge nothing more, and go on when it is back."""
    with postgres.running() as server:
        one = Machine(tmp_path / "one", server.url)
        one.folder.mkdir()
        with portals(one, 1, articles=30, seconds=0.1), working(one):
            queue(one, "p0")
            wait_for(lambda: list(one.folder.glob("warc/p0/*.open")))
            with server.away():
                wait_for(lambda: not crawling(one))
                time.sleep(1)
            wait_for(lambda: (found := rows(one)) and found[-1].outcome == "done")
        assert len(one.open().search(limit=100)) == 30
        assert len(one.open().runs("p0")) == 1


def test_what_may_not_begin_waits_outside_the_queue(machines: Callable[[str], Machine]) -> None:
    """A spent budget, and a schedule that rests: nobody behind the same address waits for them."""
    with pair(machines, 2) as (one, _, _gate):
        sites = load_sites(one.folder / "sites")
        archive = one.open()
        table.add(archive, [sites["p0"]], "full", "every 3600", DayLimits(max_requests=1))
        table.add(archive, [sites["p1"]], "full", "every 3600", DayLimits())
        table.pause(archive, ["p1"], paused=True)
        queue(one, "p0", "p1")
        drain(one)
        spent = [row for row in rows(one) if row.site == "p0"]
        assert [row.outcome for row in spent] == ["the day's budget is spent", None]
        assert times.parse_utc(spent[-1].not_before) > times.now()
        assert [row.state for row in rows(one) if row.site == "p1"] == ["queued"]
        table.pause(archive, ["p1"], paused=False)
        assert drain(one) == [("p1", "begun"), ("p1", "done")]
        engine = archive.open_for_writing()
        with engine.connect() as tx:
            assert open_jobs(tx) == []
        engine.dispose()


def test_commands_are_jobs_of_the_machine_that_queued_them(
    machines: Callable[[str], Machine],
) -> None:
    """import and reextract, one a file; another machine's worker leaves them alone."""
    one, other = machines("one"), machines("other")
    one.declare(donated.SITE)
    gift = one.folder / "gift"
    gift.mkdir()
    for number in range(2):
        [data] = donated.warc(donated.answer(number)).values()
        (gift / f"{number}.warc.gz").write_bytes(data)
    told = ("--donor", "Lan", "--terms", "CC BY 4.0")
    queued = one.tinhuyen("import", str(gift), *told, "--queue")
    assert queued.stdout.startswith("2 job(s) queued;"), queued.stderr
    assert drain(other) == []
    listed = one.tinhuyen("work", "--list").stdout
    assert "waits: 2" in " ".join(listed.split())
    assert drain(one).count(("imports", "done")) == 2
    assert len(one.open().search(limit=10)) == 2
    again = one.tinhuyen("reextract", "--queue")
    assert again.stdout.startswith("2 job(s) queued;"), again.stderr
    assert [what for _, what in drain(one)].count("done") == 2


def test_a_mode_is_a_command_only_if_it_is_one_of_ours() -> None:
    assert words_of("full") is None and words_of("takedown all") is None
    assert words_of("import '/srv/một hai' --donor 'L N'") == [
        "import", "/srv/một hai", "--donor", "L N",
    ]  # fmt: skip
    assert words_of("import 'open") is None


def test_a_queued_command_waits_once(machines: Callable[[str], Machine]) -> None:
    archive = machines("one").open()
    commands = [("imports", ["import", "/srv/a.warc.gz"])] * 2
    assert queue_commands(archive, commands) == 1
    [row] = rows(machines("one"))
    assert row.worker == archive.folder.machine


def asked_alone(engine: Engine, statement: TextClause) -> bool:
    """In a transaction of its own: within one, pg_stat_activity stands still."""
    with engine.connect() as connection:
        return connection.execute(statement).first() is not None


def test_two_machines_that_queue_the_same_job_at_once_queue_one(postgres_url: str) -> None:
    """Who comes second does not see the first one's row yet, waits for it, and leaves it be."""
    engine = open_database(postgres_url)
    ask = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def put_in() -> bool:
        with engine.begin() as tx:
            return jobs.queue_job(tx, "p0", "full", times.now(), times.now())

    with ThreadPoolExecutor(1) as other:
        with engine.begin() as tx:
            assert jobs.queue_job(tx, "p0", "full", times.now(), times.now())
            second = other.submit(put_in)
            wait_for(lambda: asked_alone(engine, ask))
        assert second.result(UNTIL_SECONDS) is False
    engine.dispose()


def test_sites_behind_one_address_share_a_lock(machines: Callable[[str], Machine]) -> None:
    with pair(machines, 2) as (one, _, _gate):
        queue(one, "p0", "p1")
        drain(one)
        sites = load_sites(one.folder / "sites")
        engine = one.open().open_for_writing()
        with engine.begin() as tx:
            before = locks_of(tx, sites)
            tx.execute(text("UPDATE capture SET ip = '127.0.0.2'"))
            after = locks_of(tx, sites)
        engine.dispose()
    assert before["p0"] != before["p1"] and after["p0"] == after["p1"] == "127.0.0.2"


keys = st.dictionaries(st.text("abc", min_size=1), st.frozensets(st.sampled_from("123456")))


@given(keys)
def test_joined_are_those_that_a_chain_of_common_keys_leads_between(
    keys: dict[str, frozenset[str]],
) -> None:
    locks = join(keys)
    for one, own in keys.items():
        reached, size = set(own), -1
        while size != len(reached):
            size = len(reached)
            for others in keys.values():
                if reached & others:
                    reached |= others
        assert locks[one] == min(reached, default=f"site {one}")


def test_the_queue_is_closed_to_strangers_and_made_anew_by_its_own_migrations(
    postgres_url: str,
) -> None:
    from storage.database.work_queue import hand_out, queue_path, upgrade_queue

    engine = open_database(postgres_url)
    with engine.begin() as tx:
        usage = text("SELECT has_schema_privilege('public', 'procrastinate', 'USAGE')")
        assert not tx.execute(usage).scalar_one()
        tx.execute(text("DROP SCHEMA procrastinate CASCADE"))
        tx.execute(text("CREATE SCHEMA procrastinate"))
        tx.execute(text("COMMENT ON SCHEMA procrastinate IS ''"))
    upgrade_queue(engine)
    upgrade_queue(engine)
    with engine.begin() as tx, queue_path(tx):
        pass
    for expected in (True, False):
        with engine.begin() as tx:
            assert hand_out(tx, "job", {"site": "a", "mode": "full"}, name="a full", lock="h",
                            queue=None) is expected  # fmt: skip
    with engine.begin() as tx:
        drop_waiting(tx, "a full")
        assert open_jobs(tx) == []
    engine.dispose()
