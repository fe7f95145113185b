"""SIGKILL at random moments of a rescue; `python -m tests.torture.rescue --kills 200`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from crawler.rebuild import rebuild
from storage.warc.members import Member, walk
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.databases import database_of, empty_for_rebuild
from tests.donated import SITE, page, url
from tests.public_archives import Caught, PublicArchives, rescued
from tests.torture.processes import Kills, Work, main

CAPTURES = 40
Content = dict[str, list[dict[str, Any]]]
_OWN = ("run", "warc_file", "warc_offset", "warc_length", "record_id", "block_digest")
"""What another rescue has otherwise: the Machine's clock is in what it serves."""


def torture(folder: Path, kills: Kills) -> None:
    """Rescues from either archive, killed as often as that."""
    with portal() as theirs:
        wanted, seconds = dict[str, Content](), dict[str, float]()
        for name in ("commoncrawl", "wayback"):
            whole = new_archive(folder / f"undisturbed-{name}")
            seconds[name] = begin(whole, theirs, name).undisturbed_seconds()
            wanted[name] = content(whole)

        def round_(place: Path) -> list[str]:
            archive, name = new_archive(place), kills.chance.choice(sorted(wanted))
            kills.until_done(lambda: begin(archive, theirs, name), seconds[name])
            return check(archive, wanted[name])

        kills.go(round_, folder)


def begin(archive: TestArchive, theirs: PublicArchives, name: str) -> Work:
    """A rescue in a process of its own."""
    return Work(archive.folder, lambda: rescued(archive, theirs, name).exit_code)


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
    database_of(folder)  # made before any fork: processes that are killed all work on the same one
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
    empty_for_rebuild(archive.folder)
    opened = archive.open()
    rebuild(opened)
    opened.close()
    return wrong + differences(live, content_of(archive.open().database_url))


if __name__ == "__main__":
    sys.exit(main("rescues", torture))
