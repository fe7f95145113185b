"""Power cut at every write, sync, rename and commit of recorded crawls, and at random besides."""

from __future__ import annotations

import logging
import random
import shutil
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from crawler.run import recover_sites
from storage.archive import Archive
from storage.lines import read_lines
from tests.torture import checks
from tests.torture.checks import Findings
from tests.torture.disk import Disk, restore_database
from tests.torture.processes import Crawl, portal
from tests.torture.recorder import Recorder, read_steps

_GROUP = 4  # exchanges: four times the boundaries that the usual sixteen give
_TO_THE_END = 50  # every so many, the crawl goes on to its end and is rebuilt


@dataclass
class Cut:
    """What the power cuts came to."""

    enumerated: int = 0
    by_chance: int = 0
    promised: int = 0
    findings: Findings = field(default_factory=Findings)

    def line(self) -> str:
        f = self.findings
        return (
            f"{self.enumerated} power cuts enumerated and {self.by_chance} random: "
            f"{len(f.lost)} of {self.promised} acknowledged lost, {len(f.twice)} twice, "
            f"{len(f.invalid)} WARC files invalid, {len(f.unequal)} differences"
        )


def torture(folder: Path, by_chance: int, seed: int, *, every: int = 1) -> Cut:
    """Record two crawls, one of them begun with a recovery; cut, recover, check.

    `every`: only each so many-th of the enumerated boundaries, for the short form.
    """
    chance, done = random.Random(seed), Cut()
    with portal() as address:
        whole = _record(folder / "whole", address, chance, killed=False)
        again = _record(folder / "again", address, chance, killed=True)
        articles = checks.rows(folder / "whole" / "archive.db", checks.ARTICLES)
        power = _Power(folder, address, articles, done)
        recorded = [(log, step) for log in (whole, again) for step in _boundaries(log)]
        for log, step in recorded[::every]:
            power.cut(log, step, None)
            done.enumerated += 1
        for _ in range(by_chance):
            power.cut(*chance.choice(recorded), chance)
            done.by_chance += 1
    return done


def _record(archive: Path, address: str, chance: random.Random, *, killed: bool) -> Path:
    archive.mkdir(parents=True)
    log = archive.with_name(archive.name + "-log")
    if killed:
        crawl = Crawl(archive, address)
        code = crawl.wait_for(chance.uniform(0.4, 0.6))
        assert code is None, "it ended before it could be killed"
        crawl.kill()

    def prepare() -> None:
        import crawler.settings

        crawler.settings.KEEP_GROUP_EXCHANGES = _GROUP
        Recorder(archive, log).start()

    code = Crawl(archive, address, prepare=prepare).wait()
    assert code == 0, f"the recorded crawl ended with {code}"
    return log


def _boundaries(log: Path) -> list[int]:
    """Places in a log before which the power may fail: before every step but those of its base."""
    steps = enumerate(read_steps(log))
    return [place for place, step in steps if not step.kind.startswith("base")]


@dataclass
class _Power:
    folder: Path
    address: str
    articles: list[tuple[str, ...]]
    done: Cut

    def cut(self, log: Path, place: int, chance: random.Random | None) -> None:
        """Lay out what was left before this step, recover as the next start does, and check."""
        archive, disk, steps = self.folder / "cut", Disk(), read_steps(log)
        disk.take(islice(steps, place))
        disk.write_to(archive, chance)
        restore_database(log, next(steps).database, archive)
        promised = checks.acknowledged(archive / "archive.db")
        failures = checks.rows(archive / "archive.db", _WITHOUT_BYTES)
        findings, number = Findings(), self.done.enumerated + self.done.by_chance
        recover_sites(Archive(archive), ["demo"])
        checks.check_kept(archive, promised, findings)
        checks.check_files(archive, findings)
        told = {
            (line.get("run"), line.get("url")) for line in read_lines(archive / "journal.jsonl")
        }
        findings.lost += [f"failure {row} is not in the journal" for row in failures
                          if row not in told]  # fmt: skip
        if number % _TO_THE_END == 0:
            self._to_the_end(archive, findings)
        if findings:
            kept = self.folder.with_name(f"{self.folder.name}-{number}")
            logging.error("cut %s after %s steps of %s: %s", number, place, log, findings)
            shutil.copytree(archive, kept, dirs_exist_ok=True)
        self.done.promised += len(promised) + len(failures)
        self.done.findings.add(findings)
        shutil.rmtree(archive)

    def _to_the_end(self, archive: Path, findings: Findings) -> None:
        code = Crawl(archive, self.address).wait()
        if code != 0:
            findings.lost.append(f"the crawl went on and ended with {code}")
        checks.check_once(archive, self.articles, findings)
        checks.check_files(archive, findings)
        checks.check_rebuild(archive, findings)


_WITHOUT_BYTES = "SELECT run, url FROM failure WHERE capture IS NULL"
