"""SIGKILL at random moments, over as many crawls as it takes; then everything is counted."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture import checks
from tests.torture.checks import Findings
from tests.torture.processes import Crawl, portal

LONGEST_SECONDS = 0.7
"""A kill comes before this; an undisturbed crawl takes about twice as long."""


@dataclass
class Killed:
    """What the kills came to."""

    kills: int = 0
    crawls: int = 0
    promised: int = 0
    """Captures and finished rows seen committed just before a kill or at the end."""
    findings: Findings = field(default_factory=Findings)

    def line(self) -> str:
        f = self.findings
        return (
            f"{self.kills} kills over {self.crawls} crawls: {len(f.lost)} of {self.promised} "
            f"acknowledged lost, {len(f.twice)} twice, {len(f.invalid)} WARC files invalid, "
            f"{len(f.unequal)} differences between rebuilt and live"
        )


def torture(folder: Path, kills: int, seed: int) -> Killed:
    """Crawl and kill until there were so many kills; every crawl is then finished and checked."""
    chance, done = random.Random(seed), Killed()
    with portal() as address:
        articles = _undisturbed(folder / "reference", address)
        while done.kills < kills:
            archive = folder / f"archive-{done.crawls}"
            for mode in ("full", "update"):
                _crawl(archive, address, mode, kills, chance, done)
                _check(archive, articles, done)
            if not done.findings:
                shutil.rmtree(archive)
    return done


def _undisturbed(archive: Path, address: str) -> list[tuple[str, ...]]:
    archive.mkdir(parents=True)
    code = Crawl(archive, address).wait()
    assert code == 0, f"the undisturbed crawl ended with {code}"
    return checks.rows(archive / "archive.db", checks.ARTICLES)


def _crawl(
    archive: Path, address: str, mode: str, kills: int, chance: random.Random, done: Killed
) -> None:  # fmt: skip
    """One crawl to its end, however often it is killed on the way."""
    archive.mkdir(exist_ok=True)
    promised: set[tuple[str, str]] = set()
    while True:
        crawl = Crawl(archive, address, mode)
        patience = chance.uniform(0, LONGEST_SECONDS) if done.kills < kills else 120
        code = crawl.wait_for(patience)
        if code is not None:
            break
        promised |= checks.acknowledged(archive / "archive.db")
        crawl.kill()
        done.kills += 1
    if code != 0:
        done.findings.lost.append(f"{archive.name}: the {mode} crawl ended with {code}")
    promised |= checks.acknowledged(archive / "archive.db")
    checks.check_kept(archive, promised, done.findings)
    done.promised += len(promised)
    done.crawls += 1


def _check(archive: Path, articles: list[tuple[str, ...]], done: Killed) -> None:
    checks.check_files(archive, done.findings)
    checks.check_once(archive, articles, done.findings)
    checks.check_rebuild(archive, done.findings)
