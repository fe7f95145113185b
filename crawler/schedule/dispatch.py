"""Who makes a crawl that is due: here, child processes of this machine.

The worker of one machine knows only `Dispatch`; the worker of one among many machines
(crawler.schedule.machines) begins and watches `Children` one by one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from crawler.schedule.budget import Allowance
from crawler.schedule.commands import words_of
from crawler.sites import SITE_ID
from storage.archive import Archive
from storage.database.jobs import Job
from storage.errors import Exit, UsageError

GRACE_SECONDS = 60
"""Between SIGTERM and SIGKILL: a crawl that is told to end keeps what it fetched and closes."""
_TINHUYEN = "from crawler.cli import main; main()"
TIME_IS_UP = (124, 137)
"""Exit codes of a crawl whose time was up (timeout(1)): ended by SIGTERM, or by SIGKILL."""


@dataclass(frozen=True, slots=True)
class Over:
    """A crawl that has ended."""

    job: Job
    exit_code: int
    """storage.errors.Exit, one of TIME_IS_UP, or minus the number of the signal that killed it."""


class Dispatch(Protocol):
    """Makes crawls, each apart from the others."""

    def start(self, job: Job, allowance: Allowance) -> None:
        """Begin this crawl, and end it when the allowance is spent."""

    def ended(self) -> list[Over]:
        """Crawls that have ended since this was asked last."""

    def is_running(self, site: str) -> bool:
        """Whether a crawl of this site runs that was begun here or by another scheduler."""

    def stop(self) -> None:
        """Have every crawl end soon; `ended` tells of them."""


class Children:
    """Each crawl is a process group of its own: `timeout N python -m scrapy crawl SITE`.

    timeout(1) keeps the time, so that a crawl whose scheduler was killed ends in time too. What
    the crawl says goes to logs/SITE.log, in the place of what the last one said. That file is
    locked before the crawl begins and stays so as long as some process has it for its output: so
    the next scheduler knows of a crawl from its first moment to its last (flock(2)).
    """

    def __init__(self, archive: Archive) -> None:
        """Raises UsageError where there is no timeout(1)."""
        self._archive = archive
        self._running: dict[int, tuple[subprocess.Popen[bytes], Job]] = {}
        self._refused: list[Over] = []
        timeout = shutil.which("timeout")
        if timeout is None:
            raise UsageError("the command `timeout` is missing; it is part of GNU coreutils")
        self._timeout = timeout

    def start(self, job: Job, allowance: Allowance) -> None:
        """As Dispatch says; what is refused ends at once."""
        child = self.begin(job, allowance)
        if isinstance(child, Exit):
            self._refused.append(Over(job, child))
        else:
            self._running[child.pid] = (child, job)

    def begin(self, job: Job, allowance: Allowance) -> subprocess.Popen[bytes] | Exit:
        """Its process. Exit.BUSY where the last one of the site still runs on this machine,
        Exit.USAGE where the job, which others may insert too, names no site.
        """
        if not SITE_ID.fullmatch(job.site):
            return Exit.USAGE
        return self._run(job.site, self._command(job, allowance)) or Exit.BUSY

    def begin_recovery(self) -> subprocess.Popen[bytes] | None:
        """Its process, or None, of what makes this machine's folder whole (crawler.run)."""
        code = (
            "import sys; from crawler.run import recover_free; "
            "from storage.archive import Archive; sys.exit(recover_free(Archive()))"
        )
        return self._run("recovery", [sys.executable, "-c", code])

    def _run(self, name: str, command: list[str]) -> subprocess.Popen[bytes] | None:
        log = self._log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            if not _lock(out):
                return None
            out.truncate(0)
            return subprocess.Popen(  # noqa: S603 our own command, and a site's id
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the scheduler, which passes it on once
            )

    def ended(self) -> list[Over]:
        """As Dispatch says."""
        over, self._refused = self._refused, []
        for pid, (child, job) in list(self._running.items()):
            code = child.poll()
            if code is not None:
                over.append(Over(job, code))
                del self._running[pid]
        return over

    def stop(self) -> None:
        """SIGTERM to each: timeout(1) passes it on, and sees to its end."""
        for child, _ in self._running.values():
            child.send_signal(signal.SIGTERM)

    def is_running(self, site: str) -> bool:
        """As Dispatch says, of this machine."""
        log = self._log_of(site)
        if not log.exists():
            return False
        with log.open("ab") as file:
            return not _lock(file)

    def _log_of(self, site: str) -> Path:
        return self._archive.folder.root / "logs" / f"{site}.log"

    def _command(self, job: Job, allowance: Allowance) -> list[str]:
        in_time = [self._timeout, f"--kill-after={GRACE_SECONDS}", str(allowance.seconds)]
        words = words_of(job.mode)
        if words is not None:
            return [*in_time, sys.executable, "-c", _TINHUYEN, *words]
        settings = {
            "CRAWL_MODE": job.mode,
            "RUN_MAX_REQUESTS": allowance.requests,
            "RUN_MAX_BYTES": allowance.bytes,
        }
        given = [f"{name}={value}" for name, value in settings.items() if value is not None]
        return [
            *in_time, sys.executable, "-m", "scrapy", "crawl", job.site,
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


def _lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
