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
from tests.damage.writer import packed
from tests.donated import SITE, answer, give, of_every_kind, put, what_they_gave
from tests.waiting import wait_for

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
    give(made, of_every_kind())
    return what_they_gave(made.open().database_url)


def test_killed_at_every_step_it_goes_on(archive: TestArchive, whole: dict[str, Any]) -> None:
    archive.declare(SITE)
    paths = [put(archive, name, data) for name, data in of_every_kind().items()]
    codes = [killed(archive, paths, *stop) for stop in STOPS]
    assert codes.count(-signal.SIGKILL) >= 10, codes

    done = give(archive, paths)

    assert done.exit_code == 0, done.findings
    now = what_they_gave(archive.open().database_url)
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
    wait_for(lambda: len(members_of(process.pid)) > 1 or process.poll() is not None)
    process.kill()
    process.wait()
    wait_for(lambda: not members_of(process.pid))

    give(archive, [path], donor="A", terms="B")

    content = content_of(archive.open().database_url)
    assert len(content["articles"]) == len(content["captures"]) == 700


def importing(archive: TestArchive, path: Path) -> subprocess.Popen[str]:
    words = ["import", str(path), "--donor", "A", "--terms", "B"]
    return subprocess.Popen(
        [sys.executable, "-c", "from crawler.cli import main; main()", *words],
        env=archive.environment, start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_reading_process_that_dies_is_said_and_it_goes_on(archive: TestArchive) -> None:
    archive.declare(SITE)
    path = put(archive, "a.warc.gz", packed([answer(number) for number in range(700)]))
    process = importing(archive, path)
    wait_for(lambda: readers_of(process.pid) or process.poll() is not None)
    os.kill(readers_of(process.pid)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "a process that read pages ended by itself (donated/" in " ".join(said.split())

    give(archive, [path], donor="A", terms="B")

    assert len(content_of(archive.open().database_url)["articles"]) == 700


def test_ctrl_c_stops_it_with_a_sentence_and_it_goes_on(archive: TestArchive) -> None:
    archive.declare(SITE)
    path = put(archive, "a.warc.gz", packed([answer(number) for number in range(2500)]))
    process = importing(archive, path)
    wait_for(lambda: len(members_of(process.pid)) > 1 or process.poll() is not None)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (
        1,
        "stopped; what is done is kept, and the same command goes on\n",
    )

    give(archive, [path], donor="A", terms="B")

    assert len(content_of(archive.open().database_url)["articles"]) == 2500


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


def readers_of(session: int) -> list[int]:
    """Those of a session's processes that read for another."""
    return [
        pid
        for pid in members_of(session)
        if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
