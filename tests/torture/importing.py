"""SIGKILL at random moments of imports; `python -m tests.torture.importing --kills 200`."""

from __future__ import annotations

import sys
from pathlib import Path

from crawler import processes
from crawler.acquire.run import import_files
from crawler.acquire.sources import find_sources
from crawler.rebuild import rebuild
from storage.archive import Archive
from tests.compare import content_of, differences
from tests.damage.writer import packed
from tests.donated import SITE, answer, of_every_kind, what_they_gave
from tests.torture.processes import Kills, Work, main

_MANY = 400


def torture(folder: Path, kills: Kills) -> None:
    """Import files of every kind, killed as often as that."""
    given = _write(folder / "given")
    seconds = {so: _undisturbed(folder / f"undisturbed-{so}", given, so) for so in (False, True)}
    wanted = what_they_gave(Archive(folder / "undisturbed-False").database_url)

    def round_(archive: Path) -> list[str]:
        _declare(archive)
        in_processes = kills.chance.random() < 0.5
        kills.until_done(lambda: _begin(archive, given, in_processes), seconds[in_processes])
        return _check(archive, given, wanted)

    kills.go(round_, folder)


def _write(folder: Path) -> list[Path]:
    """Files of every kind; one is long, of a declared site and of two hosts that nobody declared."""
    folder.mkdir(parents=True)
    hosts = ("tin.example", "xa.example", "tin.example", "thon.example")
    many = [answer(100 + n, host=hosts[n % len(hosts)]) for n in range(_MANY)]
    for name, data in (of_every_kind() | {"many.warc.gz": packed(many)}).items():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


Content = dict[str, list[dict[str, object]]]


def _undisturbed(archive: Path, given: list[Path], in_processes: bool) -> float:
    _declare(archive)
    return _begin(archive, given, in_processes).undisturbed_seconds()


def _declare(archive: Path) -> None:
    (archive / "sites").mkdir(parents=True)
    (archive / "sites" / "tin.toml").write_text("[[site]]" + SITE, "utf-8")


def _begin(archive: Path, given: list[Path], in_processes: bool) -> Work:
    def work() -> int:
        processes.ALONE = 0 if in_processes else 10**6
        sources = find_sources(given)
        done = import_files(Archive(archive), sources, donor="A", terms="B", read_as="plain")
        return done.exit_code

    return Work(archive, work)


def _check(folder: Path, given: list[Path], wanted: Content) -> list[str]:
    """Everything is as an undisturbed import gives it, once, and a rebuild gives the same."""
    archive = Archive(folder)
    wrong = differences(wanted, what_they_gave(archive.database_url))
    live = content_of(archive.database_url)
    if {run["outcome"] for run in live["runs"]} != {"finished"}:  # two, if killed as it ended
        wrong.append(f"there is a run that did not come to its end: {live['runs']}")
    kept = sorted(
        path.name for path in folder.glob("donated/*/*") if path.parent.name != "incoming"
    )
    indexed = sorted(path.name for path in folder.glob("cdx/donated/*/*.cdxj"))
    lost = [path.name for path in given if kept.count(path.name) != 1]
    wrong += [f"{name} is kept {kept.count(name)} times" for name in lost]
    wrong += [f"{name} has no index" for name in kept if name.endswith(".warc.gz")
              and f"{name}.cdxj" not in indexed]  # fmt: skip
    if list((folder / "donated" / "incoming").iterdir()):
        wrong.append("something unfinished lies in donated/incoming")
    archive.close()
    rebuild(archive)
    return wrong + differences(live, content_of(archive.database_url))


if __name__ == "__main__":
    sys.exit(main("imports", torture))
