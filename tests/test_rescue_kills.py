"""Rescues killed at every step: begun again they go on, and nothing is lost or there twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from crawler.acquire.rescue.fetch import fetch
from tests.conftest import TestArchive
from tests.public_archives import PublicArchives, rescued
from tests.torture.processes import Work
from tests.torture.rescue import CAPTURES, check, content, new_archive, portal

STOPS = (
    ("storage.journal", "append_lines", 1),
    ("storage.journal", "append_lines", 2),
    ("storage.files", "create", 1),
    ("storage.files", "write", 1),
    ("storage.files", "sync_folder", 3),
    ("storage.files", "write", 2),
    ("storage.files", "sync", 1),
    ("storage.files", "sync", 2),
    ("crawler.acquire.take_in", "save_pages", 1),
    ("crawler.acquire.take_in", "find_same", 2),
    ("crawler.acquire.rescue.run", "fetch", 4),
    ("storage.files", "rename", 1),
    ("storage.warc.manifest", "list_given", 1),
    ("storage.warc.manifest", "append_lines", 1),
    ("storage.journal", "note_donation", 1),
    ("crawler.acquire.take_in", "walk", 1),
    ("storage.warc.index", "write", 1),
    ("crawler.acquire.rescue.run", "save_donation", 1),
    ("crawler.acquire.rescue.run", "set_taken_in", 1),
    ("crawler.acquire.rescue.run", "finish_run", 1),
)
"""Where the process is killed: the function of a module, at its so-many-th call. Of a write, the
first half is done."""


@pytest.fixture(scope="module")
def theirs() -> Iterator[PublicArchives]:
    with portal() as served:
        yield served


def killed(
    archive: TestArchive, theirs: PublicArchives, name: str, stop: tuple[str, str, int]
) -> int:
    def work() -> int:
        module, function, call = import_module(stop[0]), stop[1], stop[2]
        real, calls = getattr(module, function), list[int]()

        def stopping(*arguments: Any, **named: Any) -> Any:
            calls.append(1)
            if len(calls) == call:
                if function == "write" and isinstance(arguments[0], int):
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        setattr(module, function, stopping)
        return int(rescued(archive, theirs, name, limit=5).exit_code)

    return Work(archive.folder, work).wait()


def test_killed_at_every_step_it_goes_on(tmp_path: Path, theirs: PublicArchives) -> None:
    """From one archive: what is killed is the same for both. `make torture` takes either."""
    name = "wayback"
    undisturbed, archive = new_archive(tmp_path / "whole"), new_archive(tmp_path / "killed")
    rescued(undisturbed, theirs, name)
    codes = [killed(archive, theirs, name, stop) for stop in STOPS]
    assert codes == [-signal.SIGKILL] * len(STOPS), codes

    rescued(archive, theirs, name)

    wanted = content(undisturbed)
    assert len(wanted["captures"]) == CAPTURES and len(wanted["articles"]) == CAPTURES // 2
    assert not check(archive, wanted)


def test_a_rebuild_tells_of_a_rescue_that_was_killed(
    tmp_path: Path, theirs: PublicArchives
) -> None:
    archive = new_archive(tmp_path / "killed")
    stop = ("crawler.acquire.rescue.run", "fetch", 4)
    assert killed(archive, theirs, "wayback", stop) == -signal.SIGKILL
    assert list(archive.folder.glob("donated/**/*.open"))
    before = content(archive)

    assert archive.tinhuyen("rebuild").returncode == 0
    assert content(archive) == before and len(before["captures"]) == 3

    done = rescued(archive, theirs, "wayback")
    assert done.counts["captures"] == CAPTURES
    assert done.estimate.held == 3


def test_ctrl_c_leaves_closed_files_and_a_run_that_goes_on(
    tmp_path: Path, theirs: PublicArchives, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, calls = new_archive(tmp_path / "stopped"), list[int]()

    def stopping(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fetch(*arguments)

    monkeypatch.setattr("crawler.acquire.rescue.run.fetch", stopping)
    with pytest.raises(KeyboardInterrupt):
        rescued(archive, theirs, "commoncrawl")
    monkeypatch.undo()
    assert len(content(archive)["captures"]) == 2
    assert not list(archive.folder.glob("donated/**/*.open"))
    assert rescued(archive, theirs, "commoncrawl").counts["captures"] == CAPTURES
