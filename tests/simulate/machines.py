"""Workers as machines of their own: a folder each, one database for all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, func, select

from storage import times
from storage.archive import Archive
from storage.database.schedules import Schedule, save_schedule
from storage.database.schema import capture, job
from storage.errors import Exit
from tests.many_portals import Served

ANSWERED = (Exit.DONE, Exit.INCOMPLETE, Exit.UNAVAILABLE)
"""How a crawl may end so that it is not tried again."""
_END_SECONDS = 120
_A_YEAR = f"every {365 * 86400}"


@dataclass
class Machines:
    """Workers that run `tinhuyen work --wait`, each in a folder of its own."""

    folder: Path
    database: str
    portals: Served
    at_once: int
    """Crawls that a worker makes at the same time."""
    delay: float
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def make_all_due(self) -> None:
        """A full crawl of every portal falls due now, once."""
        due = times.now() - timedelta(seconds=1)
        engine = self._archive(0).open_for_writing()
        with engine.begin() as tx:
            for portal in self.portals.portals:
                save_schedule(tx, Schedule(portal.id, "full", _A_YEAR, 0, due, due))
        engine.dispose()

    def start(self, count: int) -> None:
        """Start so many."""
        for number in range(count):
            archive = self._archive(number)
            self.portals.declare(archive.folder.root, self.delay)
            log = (archive.folder.root / "worker.log").open("wb")
            worker = [sys.executable, "-W", "ignore", "-c", "from crawler.cli import main; main()"]
            self.running.append(
                subprocess.Popen(
                    [*worker, "work", "--wait", "--at-once", str(self.at_once)],
                    env=self._environment(number), stdout=log, stderr=log,
                )
            )  # fmt: skip
            log.close()

    def stop(self) -> None:
        """SIGTERM to each, and wait for all."""
        for worker in self.running:
            worker.send_signal(signal.SIGTERM)
        for worker in self.running:
            try:
                worker.wait(_END_SECONDS)
            finally:
                worker.kill()

    def check(self) -> None:
        """Raises AssertionError if a worker has ended by itself."""
        for number, worker in enumerate(self.running):
            if worker.poll() is not None:
                log = self._archive(number).folder.root / "worker.log"
                raise AssertionError(f"worker {number} ended: {log.read_text(encoding='utf-8')}")

    def _archive(self, number: int) -> Archive:
        root = self.folder / f"machine-{number}"
        root.mkdir(parents=True, exist_ok=True)
        return Archive(root, self.database)

    def _environment(self, number: int) -> dict[str, str]:
        own = {
            "TINHUYEN_ARCHIVE": str(self._archive(number).folder.root),
            "TINHUYEN_DATABASE": self.database,
            "TINHUYEN_CONTACT": f"machine-{number}",
            "TINHUYEN_DISK_FLOOR_BYTES": str(64 << 20),
        }
        return os.environ | self.portals.environment | own


def answered(engine: Engine) -> set[str]:
    """Sites whose crawl has ended and is not tried again."""
    over = select(job.c.site).where(job.c.exit_code.in_(ANSWERED))
    with engine.connect() as connection:
        return set(connection.scalars(over))


def kept_twice(engine: Engine) -> list[str]:
    """Articles of which one run kept more than one whole answer: acknowledged, and asked again."""
    of_articles = (capture.c.status == 200) & capture.c.url.like("%/bai-viet-so-%")
    twice = (
        select(capture.c.url)
        .where(of_articles)
        .group_by(capture.c.run, capture.c.url)
        .having(func.count() > 1)
    )
    with engine.connect() as connection:
        return list(connection.scalars(twice))


def outcomes(engine: Engine) -> dict[str, int]:
    """How many crawls ended how."""
    how = func.coalesce(job.c.outcome, job.c.state)
    with engine.connect() as connection:
        return {
            outcome: count
            for outcome, count in connection.execute(select(how, func.count()).group_by(how))
        }
