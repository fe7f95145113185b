"""SIGKILL at random moments of rebuilds; `python -m tests.torture.rebuilding --kills 200`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from crawler import processes
from crawler.acquire.run import import_files
from crawler.acquire.sources import find_sources
from crawler.rebuild import rebuild
from storage.archive import Archive
from storage.rebuild import NEW, OLD
from tests.compare import content_of, differences
from tests.donated import of_every_kind
from tests.torture.processes import Crawl, Kills, Work, main, portal


def torture(folder: Path, kills: Kills) -> None:
    """Rebuild an archive that was crawled and given files, killed as often as that."""
    before = _prepare(folder)
    wanted = content_of(Archive(before).database_url)
    undisturbed = shutil.copytree(before, folder / "undisturbed")
    seconds = _begin(undisturbed, False).undisturbed_seconds()

    def round_(archive: Path) -> list[str]:
        shutil.copytree(before, archive)
        in_processes = kills.chance.random() < 0.5
        wrong = []

        def begin() -> Work:
            wrong.extend(_whole(archive, wanted))
            return _begin(archive, in_processes)

        kills.until_done(begin, 1.5 * seconds)
        return wrong + _whole(archive, wanted) + _left(archive)

    kills.go(round_, folder)


def _prepare(folder: Path) -> Path:
    archive, given = folder / "before", folder / "given"
    given.mkdir(parents=True)
    for name, data in of_every_kind().items():
        (given / name).write_bytes(data)
    with portal() as address:
        assert Crawl(archive, address).wait() == 0
    opened = Archive(archive)
    import_files(opened, find_sources([given]), donor="A", terms="B", read_as="plain")
    opened.close()
    return archive


def _begin(archive: Path, in_processes: bool) -> Work:
    def work() -> int:
        processes.ALONE = 0 if in_processes else 10**6
        rebuild(Archive(archive))
        return 0

    return Work(archive, work)


def _whole(folder: Path, wanted: dict[str, list[dict[str, object]]]) -> list[str]:
    """Whatever was killed, there is one database, the old or the new, and it says the same.

    One that was killed when it was done was done: the old one is moved away, as it tells its user.
    """
    old, now = folder / OLD, folder / "archive.db"
    if old.exists() and not old.samefile(now):
        old.unlink()
    return differences(wanted, content_of(Archive(folder).database_url))


def _left(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.glob(f"{NEW}*"))
    return [f"{name} is left" for name in names]


if __name__ == "__main__":
    sys.exit(main("rebuilds", torture))
