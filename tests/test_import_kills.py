"""Imports killed at any moment: begun again they go on, and nothing is lost or there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.damage.writer import packed, response
from tests.donated import SITE, answer, arc, give, one_stream, page, put, url, wacz

STOPS = (
    ("storage.files", "create", 2),
    ("storage.files", "sync", 1),
    ("storage.files", "rename", 1),
    ("storage.warc.manifest", "append_lines", 1),
    ("storage.journal", "append_lines", 3),
    ("storage.journal", "append_lines", 4),
    ("crawler.acquire.take_in", "save_pages", 1),
    ("crawler.acquire.take_in", "save_pages", 2),
    ("storage.warc.index", "write", 1),
    ("crawler.acquire.run", "set_taken_in", 1),
    ("crawler.acquire.run", "set_taken_in", 2),
    ("crawler.acquire.transcribe", "member", 3),
    ("storage.files", "write", 3),
    ("storage.files", "sync_folder", 1),
    ("crawler.acquire.keep", "save_donation", 1),
    ("crawler.acquire.keep", "save_donation", 2),
    ("crawler.acquire.take_in", "find_same", 1),
    ("crawler.acquire.run", "is_taken_in", 3),
    ("crawler.acquire.run", "set_taken_in", 3),
    ("crawler.acquire.run", "finish_run", 1),
)
"""Where the process is killed: the function of a module, at its so-many-th call."""


PLACE = ("warc_file", "warc_offset", "warc_length")


def files() -> dict[str, bytes]:
    http = [(url(n), response(page(n), f"Content-Length: {len(page(n))}")) for n in range(4, 7)]
    return {
        "a.warc.gz": packed([answer(number) for number in range(4)]),
        "b.arc": arc(http),
        "c.warc.gz": one_stream([answer(number) for number in range(7, 10)]),
        "d.wacz": wacz({"data.warc.gz": packed([answer(number) for number in range(10, 13)])}),
    }


def articles(archive: TestArchive) -> dict[str, Any]:
    """Rows, without what is a run's own: its id, and the day in files that it made."""
    content, own = content_of(archive.open().database_url), ("run", *PLACE)
    return {
        name: [{k: v for k, v in one.items() if k not in own} for one in content[name]]
        for name in ("captures", "articles", "article_versions", "failures")
    }


def killed(archive: TestArchive, paths: list[Path], module: str, name: str, call: int) -> int:
    code = (
        f"import os, sys, {module} as m\n"
        f"real, calls = m.{name}, []\n"
        "def stop(*a, **k):\n"
        "    calls.append(1)\n"
        f"    if len(calls) == {call}: os.kill(os.getpid(), 9)\n"
        "    return real(*a, **k)\n"
        f"m.{name} = stop\n"
        "from crawler.cli import main; main()"
    )
    words = ["import", *map(str, paths), "--donor", "Thư viện tỉnh", "--terms", "CC BY 4.0"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=archive.environment, capture_output=True
    )
    return done.returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an import gives that nothing stopped."""
    made = TestArchive(tmp_path_factory.mktemp("whole") / "archive")
    made.folder.mkdir()
    made.declare(SITE)
    give(made, files())
    return articles(made)


def test_killed_at_every_step_it_goes_on(archive: TestArchive, whole: dict[str, Any]) -> None:
    archive.declare(SITE)
    paths = [put(archive, name, data) for name, data in files().items()]
    codes = [killed(archive, paths, *stop) for stop in STOPS]
    assert codes.count(-signal.SIGKILL) >= 10, codes

    done = give(archive, paths)

    assert done.exit_code == 0, done.findings
    now = articles(archive)
    assert len(now["articles"]) == 13
    assert not differences(whole, now)
    before = content_of(archive.open().database_url)
    assert archive.tinhuyen("rebuild").returncode == 0
    assert not differences(before, content_of(archive.open().database_url))
    assert not list((archive.folder / "donated" / "incoming").iterdir())


def test_killed_while_other_processes_read_none_of_them_stays(archive: TestArchive) -> None:
    archive.declare(SITE)
    path = put(archive, "a.warc.gz", packed([answer(number) for number in range(700)]))
    code = "from crawler.cli import main; main()"
    words = ["import", str(path), "--donor", "A", "--terms", "B"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], env=archive.environment, start_new_session=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert wait_for(lambda: len(members_of(process.pid)) > 1 or process.poll() is not None)
    process.kill()
    process.wait()
    assert wait_for(lambda: not members_of(process.pid))

    give(archive, [path], donor="A", terms="B")

    content = content_of(archive.open().database_url)
    assert len(content["articles"]) == len(content["captures"]) == 700


def test_ctrl_c_stops_it_with_a_sentence_and_it_goes_on(archive: TestArchive) -> None:
    archive.declare(SITE)
    path = put(archive, "a.warc.gz", packed([answer(number) for number in range(600)]))
    words = ["import", str(path), "--donor", "A", "--terms", "B"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from crawler.cli import main; main()", *words],
        env=archive.environment, start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert wait_for(lambda: len(members_of(process.pid)) > 1 or process.poll() is not None)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (
        1,
        "stopped; what is done is kept, and the same command goes on\n",
    )

    give(archive, [path], donor="A", terms="B")

    assert len(content_of(archive.open().database_url)["articles"]) == 600


def wait_for(condition: Any, seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(condition())


def members_of(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(its_session) == session and state != "Z":
            found.append(int(path.parent.name))
    return found
