"""docs/operators.md, Many machines: an archive made by two machines, made whole from their folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.compare import content_of, differences
from tests.conftest import ROOT, TestArchive
from tests.many_portals import Served, draw_portals, served
from tests.test_backup import back_up

GATHER = ROOT / "docs" / "deploy" / "gather.py"


def gather(folder: Path, *machines: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(GATHER), str(folder), *map(str, machines)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def tinhuyen(machine: Path, database: str, portals: Served, *words: str) -> None:
    own = {"TINHUYEN_ARCHIVE": str(machine), "TINHUYEN_DATABASE": database}
    command = [sys.executable, "-W", "ignore", "-c", "from crawler.cli import main; main()", *words]
    done = subprocess.run(
        command, env=os.environ | portals.environment | own, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_copies_of_all_machines_give_the_archive_again(postgres_url: str, tmp_path: Path) -> None:
    machines = [tmp_path / "machine-1", tmp_path / "machine-2"]
    portals = draw_portals(2, seed=7, articles=3, missing=0)
    with served(portals, tmp_path) as server:
        for machine, portal in zip(machines, portals, strict=True):
            server.declare(machine, 0)
            tinhuyen(machine, postgres_url, server, "crawl", portal.id)
        first, second = portals[0].id, portals[1].id
        tinhuyen(
            machines[0], postgres_url, server,
            "access", "set", second, "on-site", "--basis", "decided on the other machine",
        )  # fmt: skip
        tinhuyen(machines[1], postgres_url, server, "crawl", first)
    live = content_of(postgres_url)
    for machine in machines:
        back_up(TestArchive(machine), tmp_path / "copies" / machine.name)

    whole = TestArchive(tmp_path / "whole")
    gathered = gather(whole.folder, *sorted((tmp_path / "copies").iterdir()))
    assert gathered.returncode == 0, gathered.stderr
    rebuilt = whole.tinhuyen("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert len(live["runs"]) == 3 and {row["site"] for row in live["captures"]} == {first, second}
    assert not differences(live, content_of(whole.open().database_url))


def test_tables_that_differ_are_for_people_to_decide(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name / "sites").mkdir(parents=True)
        (tmp_path / name / "sites" / "a.toml").write_text(f"# {name}")
    refused = gather(tmp_path / "whole", tmp_path / "1", tmp_path / "2")
    assert refused.returncode == 1 and "a.toml differ" in refused.stderr
