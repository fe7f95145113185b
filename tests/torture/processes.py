"""The sample portal and crawls of it, each in a process (group) of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
_LONGEST_SECONDS = 120  # undisturbed it takes one and a half


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


class Crawl:
    """A crawl of the portal in a new process group, as `tinhuyen crawl demo` makes it."""

    def __init__(
        self, folder: Path, address: str, mode: str = "full",
        prepare: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            try:
                prepare()
                os._exit(_crawl(folder, address, mode))
            finally:
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
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def wait(self) -> int:
        """Its exit code."""
        code = self.wait_for(_LONGEST_SECONDS)
        if code is None:
            self.kill()
            raise AssertionError(f"a crawl did not end within {_LONGEST_SECONDS} seconds")
        return code

    def _ended(self) -> int | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None


def _crawl(folder: Path, address: str, mode: str) -> int:
    log = os.open(folder.with_name(folder.name + ".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    crawler.settings.CONNECT_TO = json.dumps({f"{HOST}:80": address})
    [result] = crawl_sites(Archive(folder), ["demo"], mode)
    sys.stdout.flush()
    return int(result.exit_code)
