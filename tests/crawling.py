"""Crawls in real processes, with something else about them than usual."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crawler.demo.portal import HOST
from tests.conftest import ROOT, TestArchive

SITE = """
id = "{id}"
name = "{id}"
organ = "other"
listings = ["http://{id}.localhost/"]
layouts = [{{ family = "party_sharepoint" }}]
state = "open"
delay_seconds = {delay}
allow_addresses = ["127.0.0.0/8"]
"""


def crawl(
    archive: TestArchive, *settings: str, site: str = "demo", before: str = ""
) -> subprocess.CompletedProcess[str]:
    """`scrapy crawl SITE -s …` after some code of the test's."""
    return archive._run(command(*settings, site=site, before=before), 120)


def command(*settings: str, site: str = "demo", before: str = "") -> list[str]:
    given = [word for setting in settings for word in ("-s", setting)]
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{before}\nfrom scrapy.cmdline import execute\nexecute()"
    return [sys.executable, "-W", "ignore", "-c", code, "crawl", site, *given]


@contextmanager
def started(archive: TestArchive, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process of its own; it is gone when the context ends."""
    process = subprocess.Popen(
        words, env=archive.environment, cwd=archive.folder.parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_captures(archive: TestArchive, count: int) -> None:
    """Until a crawl has kept so many."""
    from tests.torture.checks import rows

    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = rows(archive.folder / "archive.db", "SELECT count(*) FROM capture")
        if found and int(found[0][0]) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"no {count} captures within a minute")


def end(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[int, str]:
    """Send signals, one soon after the other; exit code and standard error."""
    for one in signals:
        process.send_signal(one)
        time.sleep(0.3)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def connect(address: str, *hosts: str) -> str:
    """The setting that sends these hosts to the portal at this address."""
    import json

    return "CONNECT_TO=" + json.dumps({f"{host}:80": address for host in hosts or (HOST,)})
