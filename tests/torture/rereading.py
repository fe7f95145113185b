"""SIGKILL at random moments of reading everything again; `python -m tests.torture.rereading`."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from crawler.rebuild import rebuild
from crawler.reextract import processes
from crawler.reextract.batches import Asked
from crawler.reextract.run import compare, reextract
from storage.archive import Archive
from storage.database.connect import open_database
from tests.compare import content_of, differences
from tests.older import CHANGED, read_by_older_rules
from tests.torture.checks import rows
from tests.torture.processes import Crawl, portal

LONGEST_SECONDS = {True: 1.6, False: 0.35}
"""A kill comes before this, with reading processes and without; undisturbed it takes about so."""
PATIENCE_SECONDS = 120
READINGS = "SELECT capture, state, extractor, content_digest FROM reading ORDER BY 1, 2, 3"


def torture(folder: Path, kills: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Propose and accept, killed as often as that; what happened, and what is not as it must be."""
    chance, did, wrong = random.Random(seed), Counter[str](), list[str]()
    older, wanted, readings = _prepare(folder)
    while did["kills"] < kills:
        archive = folder / f"archive-{did['rounds']}"
        shutil.copytree(older, archive)
        for by in (None, "Lan Anh"):
            _until_done(archive, by, chance, kills, did)
        wrong += [f"round {did['rounds']}: {what}" for what in _check(archive, wanted, readings)]
        did["rounds"] += 1
        if not wrong:
            shutil.rmtree(archive)
    return did, wrong


Content = dict[str, list[dict[str, Any]]]


def _prepare(folder: Path) -> tuple[Path, Content, list[tuple[str, ...]]]:
    """An archive read by older rules; what it comes to undisturbed, and with what readings."""
    crawled, older = folder / "crawled", folder / "older"
    folder.mkdir(parents=True)
    with portal() as address:
        assert Crawl(crawled, address).wait() == 0
    wanted = content_of(Archive(crawled).database_url)
    shutil.copytree(crawled, older)
    engine = open_database(Archive(older).database_url)
    read_by_older_rules(engine)
    engine.dispose()
    shutil.copytree(older, folder / "undisturbed")
    archive = Archive(folder / "undisturbed")
    for by in (None, "Lan Anh"):
        list(reextract(archive, Asked(), by, lambda *_: None))
    archive.close()
    return older, wanted, rows(folder / "undisturbed" / "archive.db", READINGS)


def _until_done(
    folder: Path, by: str | None, chance: random.Random, kills: int, did: Counter[str]
) -> None:
    while True:
        in_processes = chance.random() < 0.5
        pid = _start(folder, by, in_processes)
        patience = chance.uniform(0, LONGEST_SECONDS[in_processes])
        until = time.monotonic() + (patience if did["kills"] < kills else PATIENCE_SECONDS)
        ended = 0
        while not ended and time.monotonic() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            time.sleep(0.002)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, f"see {folder}.log"
            return
        with suppress(ProcessLookupError):  # it has no group yet
            os.killpg(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        did["kills"] += 1


def _start(folder: Path, by: str | None, in_processes: bool) -> int:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            log = os.open(f"{folder}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            processes.ALONE_CAPTURES = 0 if in_processes else 1000
            list(reextract(Archive(folder), Asked(), by, lambda *_: None))
            os._exit(0)
        finally:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return pid


def _check(folder: Path, wanted: Content, readings: list[tuple[str, ...]]) -> list[str]:
    """Everything is as an undisturbed crawl by today's rules gives it; a rebuild gives the same."""
    archive = Archive(folder)
    live = content_of(archive.database_url)
    wrong = differences(wanted | {"runs": []}, live | {"runs": []})
    if rows(folder / "archive.db", READINGS) != readings:
        wrong.append("there are other readings than undisturbed ones")
    if rows(folder / "archive.db", "SELECT capture FROM proposal"):
        wrong.append("something is still proposed")
    for mode, came_to in _changed(live["runs"]).items():
        # One that was killed when it was done was done: the next finds what it left.
        then = 0 if mode == "accept" else CHANGED
        if came_to[0] != CHANGED or set(came_to[1:]) - {then}:
            wrong.append(f"the runs to {mode} say that {came_to} captures changed")
    if [tally.changed for tally in compare(archive, Asked(), lambda *_: None)] != [0]:
        wrong.append("something is still read otherwise")
    archive.close()
    rebuild(archive)
    return wrong + differences(live, content_of(archive.database_url))


def _changed(runs: list[dict[str, Any]]) -> dict[str, list[int]]:
    """What the counts of these runs say, by mode, in the order of their beginnings."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: str(run["started_at"])):
        if run["kind"] == "reextract":
            found[run["mode"]].append(run["counts"]["read_otherwise"])
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        did, wrong = torture(Path(folder) / "rereading", given.kills, given.seed)
    for what in wrong:
        print(what)
    print(
        f"{did['kills']} kills over {did['rounds']} re-extractions: {len(wrong)} not as it must be"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
