"""Who makes a crawl that is due: here, child processes of this machine.

Everything else of the schedule knows only `Dispatch`, so that another engine can take its place.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from crawler.schedule.budget import Allowance
from storage.archive import Archive
from storage.database.jobs import Job
from storage.errors import UsageError

GRACE_SECONDS = 60
"""Between SIGTERM and SIGKILL: a crawl that is told to end keeps what it fetched and closes."""
TIME_IS_UP = (124, 137)
"""Exit codes of a crawl whose time was up (timeout(1)): ended by SIGTERM, or by SIGKILL."""


@dataclass(frozen=True, slots=True)
class Over:
    """A crawl that has ended."""

    job: Job
    allowance: Allowance
    exit_code: int
    """storage.errors.Exit, one of TIME_IS_UP, or minus the number of the signal that killed it."""


class Dispatch(Protocol):
    """Makes crawls, each apart from the others."""

    def start(self, job: Job, allowance: Allowance) -> None:
        """Begin this crawl, and end it when the allowance is spent."""

    def ended(self) -> list[Over]:
        """Crawls that have ended since this was asked last."""

    def stop(self) -> None:
        """Have every crawl end soon; `ended` tells of them."""


class Children:
    """Each crawl is a process group of its own: `timeout N python -m scrapy crawl SITE`.

    timeout(1) keeps the time, so that a crawl whose scheduler was killed ends in time too.
    """

    def __init__(self, archive: Archive) -> None:
        """Raises UsageError where there is no timeout(1)."""
        self._archive = archive
        self._running: dict[int, tuple[subprocess.Popen[bytes], Job, Allowance]] = {}
        timeout = shutil.which("timeout")
        if timeout is None:
            raise UsageError("the command `timeout` is missing; it is part of GNU coreutils")
        self._timeout = timeout

    def start(self, job: Job, allowance: Allowance) -> None:
        """Begin a crawl; what it says goes to logs/SITE.log, in the place of the last one's."""
        log = self.log_of(job.site)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            child = subprocess.Popen(  # noqa: S603 our own command; a site's id is a-z, 0-9, -
                self._command(job, allowance),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the scheduler, which passes it on once
            )
        self._running[child.pid] = (child, job, allowance)

    def ended(self) -> list[Over]:
        """As Dispatch says."""
        over = [
            Over(job, allowance, child.returncode)
            for child, job, allowance in self._running.values()
            if child.poll() is not None
        ]
        for pid in [
            pid for pid, (child, *_) in self._running.items() if child.returncode is not None
        ]:
            del self._running[pid]
        return over

    def stop(self) -> None:
        """SIGTERM to each: timeout(1) passes it on, and sees to its end."""
        for child, *_ in self._running.values():
            child.send_signal(signal.SIGTERM)

    def log_of(self, site: str) -> Path:
        """What a site's last crawl had to say."""
        return self._archive.folder.root / "logs" / f"{site}.log"

    def _command(self, job: Job, allowance: Allowance) -> list[str]:
        settings = {
            "CRAWL_MODE": job.mode,
            "RUN_MAX_REQUESTS": allowance.requests,
            "RUN_MAX_BYTES": allowance.bytes,
        }
        given = [f"{name}={value}" for name, value in settings.items() if value is not None]
        return [
            self._timeout, f"--kill-after={GRACE_SECONDS}", str(allowance.seconds),
            sys.executable, "-m", "scrapy", "crawl", job.site,
            *(part for setting in given for part in ("-s", setting)),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        """By environment: a database's address may hold a password, a command line is public."""
        own = {
            "SCRAPY_SETTINGS_MODULE": "crawler.settings",
            "TINHUYEN_ARCHIVE": str(self._archive.folder.root),
        }
        if not self._archive.is_embedded:
            own["TINHUYEN_DATABASE"] = self._archive.database_url
        return os.environ | own
