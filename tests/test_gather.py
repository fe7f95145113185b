"""docs/operators.md, Many machines: an archive made by two machines, made whole from their folders."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compare import content_of, differences
from tests.conftest import ROOT, TestArchive
from tests.many_portals import Served, draw_portals, served
from tests.test_backup import back_up

GATHER = ROOT / "docs" / "deploy" / "gather.py"


def gather(folder: Path, *machines: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(GATHER), str(folder), *map(str, machines)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@dataclass(frozen=True)
class TwoMachines:
    """Two folders that one database was made of: each crawled a site, then one the other's."""

    folder: Path
    portals: Served
    database: str

    def tinhuyen(self, machine: str, *words: str, database: str | None = None) -> None:
        own = {"TINHUYEN_ARCHIVE": str(self.folder / machine)}
        own |= {"TINHUYEN_DATABASE": database or self.database}
        command = [sys.executable, "-W", "ignore", "-c", "from crawler.cli import main; main()"]
        environment = os.environ | self.portals.environment | own
        done = subprocess.run([*command, *words], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def crawl(self) -> None:
        first, second = (portal.id for portal in self.portals.portals)
        for machine in ("machine-1", "machine-2"):
            self.portals.declare(self.folder / machine, 0)
        self.tinhuyen("machine-1", "crawl", first)
        self.tinhuyen("machine-2", "crawl", second)
        basis = ("--basis", "decided on the other machine")
        self.tinhuyen("machine-1", "access", "set", second, "on-site", *basis)
        self.tinhuyen("machine-2", "crawl", first)
        for machine in ("machine-1", "machine-2"):
            back_up(TestArchive(self.folder / machine), self.folder / "copies" / machine)

    def gathered(self, name: str, *machines: str) -> TestArchive:
        """A folder made of these machines' copies, with a database of its own."""
        whole = TestArchive(self.folder / name)
        done = gather(whole.folder, *(self.folder / "copies" / machine for machine in machines))
        assert done.returncode == 0, done.stderr
        rebuilt = whole.tinhuyen("rebuild")
        assert rebuilt.returncode == 0, rebuilt.stderr
        return whole


def test_copies_of_all_machines_give_the_archive_again(postgres_url: str, tmp_path: Path) -> None:
    portals = draw_portals(2, seed=7, articles=3, missing=0)
    with served(portals, tmp_path) as server:
        machines = TwoMachines(tmp_path, server, postgres_url)
        machines.crawl()
        live = content_of(postgres_url)
        whole = machines.gathered("whole", "machine-1", "machine-2")
        assert len(live["runs"]) == 3
        assert {row["site"] for row in live["captures"]} == {portal.id for portal in portals}
        assert not differences(live, content_of(whole.open().database_url))

        # machine-2 burns with its copy: its site is crawled again, and nothing refers to the lost
        lost = portals[1].id
        left = machines.gathered("left", "machine-1")
        assert not _captures(left, lost)
        machines.tinhuyen("left", "crawl", lost, database=left.open().database_url)
        again = _captures(left, lost)
        assert len(again) == sum(row["site"] == lost for row in live["captures"])
        assert {row["record_type"] for row in again} == {"response"}


def _captures(archive: TestArchive, site: str) -> list[dict[str, Any]]:
    found = content_of(archive.open().database_url)["captures"]
    return [row for row in found if row["site"] == site]


def test_tables_that_differ_are_for_people_to_decide(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name / "sites").mkdir(parents=True)
        (tmp_path / name / "sites" / "a.toml").write_text(f"# {name}")
    refused = gather(tmp_path / "whole", tmp_path / "1", tmp_path / "2")
    assert refused.returncode == 1 and "a.toml differ" in refused.stderr
