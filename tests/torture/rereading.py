"""SIGKILL at random moments of reading everything again; `python -m tests.torture.rereading`."""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from crawler.rebuild import rebuild
from crawler.reextract import run as reextract_run
from crawler.reextract.batches import Asked
from crawler.reextract.run import compare, reextract
from storage.archive import Archive
from storage.database.connect import open_database
from tests.compare import content_of, differences
from tests.older import CHANGED, read_by_older_rules
from tests.torture.checks import rows
from tests.torture.processes import Crawl, Kills, Work, main, portal

LONGEST_SECONDS = {True: 1.6, False: 0.35}
"""A kill comes before this, with reading processes and without; undisturbed it takes about so."""
READINGS = "SELECT capture, state, extractor, content_digest FROM reading ORDER BY 1, 2, 3"


def torture(folder: Path, kills: Kills) -> None:
    """Propose and accept, killed as often as that."""
    older, wanted, readings = _prepare(folder / "prepared")

    def round_(archive: Path) -> list[str]:
        shutil.copytree(older, archive)
        for by in (None, "Lan Anh"):
            in_processes = kills.chance.random() < 0.5
            kills.until_done(
                lambda by=by, so=in_processes: _begin(archive, by, so),  # type: ignore[misc]
                LONGEST_SECONDS[in_processes],
            )
        return _check(archive, wanted, readings)

    kills.go(round_, folder)


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


def _begin(folder: Path, by: str | None, in_processes: bool) -> Work:
    def work() -> int:
        reextract_run.ALONE = 0 if in_processes else 10**6
        list(reextract(Archive(folder), Asked(), by, lambda *_: None))
        return 0

    return Work(folder, work)


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


if __name__ == "__main__":
    sys.exit(main("re-extractions", torture))
