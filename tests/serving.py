"""The web server as users start it, on a port of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.conftest import TestArchive


@dataclass(frozen=True)
class Served:
    """A running server: its two names, and a client for each."""

    port: int
    process: int
    """Its number."""
    room: httpx.Client
    replay: httpx.Client

    @property
    def replay_url(self) -> str:
        """Scheme, host and port, as a browser asks."""
        return f"http://replay.localhost:{self.port}"

    @property
    def room_url(self) -> str:
        return f"http://localhost:{self.port}"


@contextmanager
def served(archive: TestArchive, *words: str) -> Iterator[Served]:
    """`tinhuyen serve`, or what the words say, over an archive while the context lasts."""
    code = "from crawler.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, *(words or ("serve",))],
        env=archive.environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.readline() + process.stdout.readline()
    port = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
    assert port is not None, said
    base = f"http://127.0.0.1:{port[1]}"
    patient = httpx.HTTPTransport(retries=5)  # the address is printed before the server listens
    name = {"Host": f"replay.localhost:{port[1]}"}
    try:
        with (
            httpx.Client(base_url=base, timeout=30, transport=patient) as room,
            httpx.Client(base_url=base, timeout=30, transport=patient, headers=name) as replay,
        ):
            yield Served(int(port[1]), process.pid, room, replay)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
