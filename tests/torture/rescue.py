"""SIGKILL at random moments of a rescue; `python -m tests.torture.rescue --kills 200`."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crawler.acquire.rescue.listing import Span
from crawler.rebuild import rebuild
from storage.warc.members import Member, walk
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.donated import SITE, page, url
from tests.public_archives import Caught, PublicArchives, rescued

CAPTURES = 40
LONGEST_SECONDS = 1.2
"""A kill comes before this; undisturbed a rescue takes about so."""
PATIENCE_SECONDS = 120
Content = dict[str, list[dict[str, Any]]]
_OWN = ("run", "warc_file", "warc_offset", "warc_length", "record_id", "block_digest")
"""What another rescue has otherwise: the Machine's clock is in what it serves."""


def portal() -> PublicArchives:
    """Versions of twenty articles, two each."""
    return PublicArchives(
        [
            Caught(url(n % 20), f"20{20 + n // 20}0301{n:06d}", page(n % 20, f"Lần {n // 20}."))
            for n in range(CAPTURES)
        ]
    )


def new_archive(folder: Path) -> TestArchive:
    """An archive that declares the site and holds nothing."""
    folder.mkdir(parents=True)
    archive = TestArchive(folder)
    archive.declare(SITE)
    return archive


def content(archive: TestArchive) -> Content:
    """Rows, without what is a run's own."""
    rows = content_of(archive.open().database_url)
    return {
        name: sorted(
            ({k: v for k, v in row.items() if k not in _OWN} for row in rows[name]), key=str
        )
        for name in ("captures", "articles", "article_versions", "failures")
    }


def start(work: Callable[[], object], log: Path) -> int:
    """A process of its own that does this and ends; returns its id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads: the portal's stay behind
        pid = os.fork()
    if pid == 0:
        try:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            work()
            os._exit(0)
        finally:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return pid


def check(archive: TestArchive, wanted: Content) -> list[str]:
    """Everything is there once, in files and rows, as undisturbed; a rebuild gives the same."""
    live = content_of(archive.open().database_url)
    wrong = differences(wanted, content(archive))
    files = sorted(archive.folder.glob("donated/**/*.warc.gz*"))
    records = [one.fields for path in files for one in walk(path) if isinstance(one, Member)]
    responses = [
        fields["warc-record-id"] for fields in records if fields["warc-type"] == "response"
    ]
    if sorted(responses) != sorted(row["record_id"] for row in live["captures"]):
        wrong.append(f"{len(responses)} records in files, {len(live['captures'])} rows")
    if any(path.name.endswith(".open") for path in files):
        wrong.append("a file is still open")
    opened = archive.open()
    rebuild(opened)
    opened.close()
    return wrong + differences(live, content_of(archive.open().database_url))


def torture(folder: Path, kills: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Rescues from either archive, killed as often as that; what happened, and what is wrong."""
    chance, did, wrong = random.Random(seed), Counter[str](), list[str]()
    with portal() as theirs:
        wanted = {}
        for name in ("commoncrawl", "wayback"):
            undisturbed = new_archive(folder / f"undisturbed-{name}")
            rescued(undisturbed, theirs, name)
            wanted[name] = content(undisturbed)
        while did["kills"] < kills:
            name = chance.choice(sorted(wanted))
            archive = new_archive(folder / f"archive-{did['rounds']}")
            _until_done(archive, theirs, name, chance, kills, did)
            wrong += [f"round {did['rounds']}: {what}" for what in check(archive, wanted[name])]
            did["rounds"] += 1
            if not wrong:
                shutil.rmtree(archive.folder)
    return did, wrong


def _until_done(
    archive: TestArchive, theirs: PublicArchives, name: str, chance: random.Random,
    kills: int, did: Counter[str],
) -> None:  # fmt: skip
    log = archive.folder.with_suffix(".log")
    while True:
        pid = start(lambda: rescued(archive, theirs, name, Span()), log)
        patience = chance.uniform(0, LONGEST_SECONDS)
        until = time.monotonic() + (patience if did["kills"] < kills else PATIENCE_SECONDS)
        ended = 0
        while not ended and time.monotonic() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            time.sleep(0.002)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, f"see {log}"
            return
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        did["kills"] += 1


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        did, wrong = torture(Path(folder) / "rescue", given.kills, given.seed)
    for what in wrong:
        print(what)
    print(f"{did['kills']} kills over {did['rounds']} rescues: {len(wrong)} not as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
