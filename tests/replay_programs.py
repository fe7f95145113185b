"""pywb and ReplayWeb.page as a reader meets them: started by `tinhuyen replay`, seen by Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.sync_api import Error, Frame, Page

from tests.browser import Browser, draw
from tests.conftest import TestArchive

_URL = re.compile(r"http://[\w.-]+:\d+/\S*")
_SECONDS = 40


@contextmanager
def serving(archive: TestArchive, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A command that serves until it is ended; the address that it prints."""
    command = [sys.executable, "-u", "-c", "from crawler.cli import main; main()", *arguments]
    process = subprocess.Popen(
        command, env=archive.environment, cwd=archive.folder.parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield _address(process), process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _URL.search(line):
            return found[0]
    raise AssertionError(process.communicate()[1])


@dataclass(frozen=True)
class Replayed:
    """A program that replays an archive."""

    program: str
    root: str

    def address(self, url: str, stamp: str) -> str:
        """Where it replays an address, nearest to 14 digits of time."""
        if self.program == "pywb":
            return f"{self.root}{stamp}/{url}"
        return f"{self.root}?{urlencode({'url': url, 'ts': stamp})}"

    def open(self, browser: Browser, url: str, stamp: str, title: str) -> Frame:
        """The replayed page itself, drawn, within what the program draws around it."""
        page = browser.context.new_page()
        page.goto(self.address(url, stamp))
        return find_replayed(page, title)


def find_replayed(page: Page, title: str) -> Frame:
    """The frame whose document has this title, loaded, every image decoded or given up."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        for frame in page.frames[1:]:
            try:
                if "mp_/" in frame.url and title in frame.title():
                    frame.wait_for_load_state()
                    draw(frame)  # type: ignore[arg-type]  # it asks for `evaluate` alone
                    return frame
            except Error:  # it was just replaced
                continue
        page.wait_for_timeout(50)
    seen = [(frame.url, frame.title()) for frame in page.frames]
    raise AssertionError(f"no {title!r} within {_SECONDS} s: {seen}")
