"""The sample portal, and work that is killed: each in a process (group) of its own."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# Loaded before the fork, so that a crawl is under way 50 ms after it began. The reactor is not.
import scrapy.crawler
import scrapy.utils.project

import crawler.rebuild
import crawler.settings
import crawler.spiderloader
from crawler.demo.portal import HOST
from crawler.run import crawl_sites
from storage.archive import Archive

LOADED = (scrapy.crawler, scrapy.utils.project)
_LONGEST_SECONDS = 120  # undisturbed it takes one or two


@contextmanager
def portal() -> Iterator[str]:
    """The sample portal in a process that outlives every crawl; gives its address."""
    command = [sys.executable, "-u", "-m", "crawler.demo"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # killed clients hang up on it
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


class Work:
    """Work in a new process group, begun at once; what it says goes into a file beside `folder`."""

    def __init__(self, folder: Path, work: Callable[[], int]) -> None:
        """`work` returns the exit code."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads, of a portal: they stay
            self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            try:
                name = folder.with_name(folder.name + ".log")
                log = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                os._exit(work())
            finally:
                sys.excepthook(*sys.exc_info())
                os._exit(99)

    def wait_for(self, seconds: float) -> int | None:
        """Wait so long at most; its exit code, None if it is still at work."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if (code := self._ended()) is not None:
                return code
            time.sleep(0.002)
        return None

    def kill(self) -> None:
        """SIGKILL, to the whole group."""
        with suppress(ProcessLookupError):  # it has no group yet
            os.killpg(self.pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def wait(self) -> int:
        """Its exit code."""
        code = self.wait_for(_LONGEST_SECONDS)
        if code is None:
            self.kill()
            raise AssertionError(f"it did not end within {_LONGEST_SECONDS} seconds")
        return code

    def undisturbed_seconds(self) -> float:
        """How long it takes to a good end, on this machine as it is."""
        began = time.monotonic()
        assert self.wait() == 0
        return time.monotonic() - began

    def _ended(self) -> int | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None


class Crawl(Work):
    """A crawl of the portal, as `tinhuyen crawl demo` makes it."""

    def __init__(
        self, folder: Path, address: str, mode: str = "full",
        prepare: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        def work() -> int:
            prepare()
            return _crawl(folder, address, mode)

        super().__init__(folder, work)


def _crawl(folder: Path, address: str, mode: str) -> int:
    crawler.settings.CONNECT_TO = json.dumps({f"{HOST}:80": address})
    [result] = crawl_sites(Archive(folder), ["demo"], mode)
    sys.stdout.flush()
    return int(result.exit_code)


@dataclass
class Kills:
    """Kills at random moments, up to so many, and what came of them."""

    most: int
    chance: random.Random
    done: int = 0
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)

    def until_done(self, begin: Callable[[], Work], longest_seconds: float) -> None:
        """Begin it again until it ends well; a kill comes before so many seconds."""
        while True:
            work = begin()
            patience = self.chance.uniform(0, longest_seconds)
            code = work.wait_for(patience if self.done < self.most else _LONGEST_SECONDS)
            if code is not None:
                assert code == 0, f"it ended with {code}"
                return
            work.kill()
            self.done += 1

    def go(self, round_: Callable[[Path], list[str]], folder: Path) -> None:
        """One round after another, each in a folder of its own, until there were enough kills.

        A round returns what is not as it must be; then its folder stays.
        """
        while self.done < self.most:
            place = folder / f"archive-{self.rounds}"
            wrong = round_(place)
            self.wrong += [f"round {self.rounds}: {what}" for what in wrong]
            self.rounds += 1
            if not wrong:
                shutil.rmtree(place)


def main(what: str, torture: Callable[[Path, Kills], None]) -> int:
    """`--kills N --seed N`: the last line says it in numbers."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    kills = Kills(given.kills, random.Random(given.seed))
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        torture(Path(folder), kills)
    for one in kills.wrong:
        print(one)
    print(f"{kills.done} kills over {kills.rounds} {what}: {len(kills.wrong)} not as it must be")
    return 1 if kills.wrong else 0
