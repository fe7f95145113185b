"""Everything read again: what changes is said, proposed, accepted, and is then what rebuild gives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from storage.archive import Archive
from storage.database.connect import open_database
from tests.compare import content_of, differences
from tests.conftest import ROOT, TestArchive
from tests.crawling import SITE, connect, crawl
from tests.older import CHANGED, OLD, TITLES, read_by_older_rules
from tests.torture.processes import portal

KILLS = 20
READINGS = 62
"""Of the demo's 60 articles; two are there under a second address."""


def content(archive: TestArchive, *without: str) -> dict[str, list[dict[str, Any]]]:
    found = content_of(archive.open().database_url)
    return {name: rows for name, rows in found.items() if name not in without}


def rows(archive: TestArchive, query: str) -> list[tuple[Any, ...]]:
    opened = archive.open()
    with opened.reading() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    opened.close()
    return found


def states(archive: TestArchive) -> dict[str, int]:
    query = "SELECT state, count(*) FROM reading GROUP BY state"
    return {state: count for state, count in rows(archive, query)}


def reextract(archive: TestArchive, *words: str, code: int = 0) -> dict[str, Any]:
    done = archive.tinhuyen("reextract", "--json", *words)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def engine_of(archive: TestArchive) -> Iterator[Engine]:
    engine = open_database(archive.open().database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def crawled(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


@pytest.fixture
def older(crawled: TestArchive) -> TestArchive:
    """Read by rules that have changed since."""
    with engine_of(crawled) as engine:
        read_by_older_rules(engine)
    return crawled


def test_where_no_rule_changed_nothing_does(crawled: TestArchive) -> None:
    before, read = content(crawled, "runs"), states(crawled)
    found = reextract(crawled)
    assert (found["read"], found["changed"], found["unreadable"]) == (82, 0, 0)
    assert reextract(crawled, "--accept")["changed"] == 0
    assert states(crawled) == read
    assert not differences(before, content(crawled, "runs"))


def test_what_changed_is_said_field_by_field(older: TestArchive) -> None:
    before = content(older)

    found = reextract(older, "--dry-run")

    fields = {one["field"]: one for one in found["fields"]}
    assert found["changed"] == CHANGED
    assert {name: one["count"] for name, one in fields.items()} == {
        "title": TITLES, "extractor": TITLES, "failures": 1, "absent": 1, "gained": 1, "lost": 1,
    }  # fmt: skip
    sample = fields["title"]["samples"][0]
    assert sample["before"] == f"Tin: {sample['after']}"
    assert fields["lost"]["samples"][0]["before"] == "Tin tức"
    assert not differences(before, content(older))
    assert states(older) == {"accepted": READINGS}


def test_articles_stay_as_they_are_until_it_is_accepted(older: TestArchive) -> None:
    before = content(older, "runs")

    found = reextract(older)

    assert (found["changed"], found["accepted"]) == (CHANGED, False)
    assert states(older) == {"accepted": READINGS, "proposed": TITLES + 1}
    assert not differences(before, content(older, "runs"))
    again = reextract(older)
    assert again["fields"] == found["fields"]
    assert states(older) == {"accepted": READINGS, "proposed": TITLES + 1}


def test_accepted_it_is_as_if_it_had_been_read_so_at_once(
    demo_archive: TestArchive, older: TestArchive
) -> None:
    reextract(older)

    found = reextract(older, "--accept", "--by", "Lan Anh")

    assert found["accepted"]
    assert not differences(content(demo_archive, "runs"), content(older, "runs"))
    assert states(older) == {"accepted": READINGS, "old": TITLES + 1}
    run = older.open().run(found["run"])
    assert (run["reason"], run["outcome"]) == ("accepted by Lan Anh", "finished")
    assert (run["counts"]["read_again"], run["counts"]["read_otherwise"]) == (82, CHANGED)
    assert not rows(older, "SELECT * FROM proposal")
    assert reextract(older)["changed"] == 0


def test_what_is_accepted_is_what_a_rebuild_gives(older: TestArchive) -> None:
    reextract(older, "--accept", "--by", "Lan Anh")
    before = content(older)
    assert {row["kind"] for row in before["runs"]} == {"crawl", "reextract"}
    done = older.tinhuyen("rebuild")
    assert done.returncode == 0, done.stderr
    assert not differences(before, content(older))


def test_check_and_show_follow(older: TestArchive) -> None:
    [(id_,)] = rows(older, f"SELECT id FROM articles JOIN article_versions v ON v.article_id = id"
                           f" WHERE v.extractor = '{OLD}' AND id <> 'x' AND articles.title LIKE 'Tin:%'"
                           f" ORDER BY id LIMIT 1")  # fmt: skip
    told = older.tinhuyen("check", id_)
    assert told.returncode == 6 and "`tinhuyen reextract`" in told.stdout
    reextract(older, "--accept")
    assert older.tinhuyen("check", id_).returncode == 0
    shown = json.loads(older.tinhuyen("show", id_, "--json").stdout)
    assert not shown["title"].startswith("Tin:")
    assert older.tinhuyen("search", f'"{shown["title"]}"').stdout.count(id_) == 1


def test_a_wrong_family_is_mended(archive: TestArchive) -> None:
    """The archivist corrects the site's table: pages are read as they should have been."""
    table = SITE.format(id="x", delay=0.0)
    archive.declare(table.replace("party_sharepoint", "nukeviet"))
    with portal() as address:
        assert crawl(archive, connect(address, "x.localhost"), site="x").returncode == 0
    (archive.folder / "sites/test-0.toml").write_text(f"[[site]]\n{table}", encoding="utf-8")

    assert reextract(archive, "--family", "nukeviet", "--dry-run")["read"] == 0
    found = reextract(archive, "--accept", "--site", "x")

    assert found["changed"] > 20
    live = content(archive)
    assert {row["extractor"] for row in live["article_versions"]} == {"party_sharepoint-3"}
    assert archive.tinhuyen("rebuild").returncode == 0
    assert not differences(live, content(archive))


def test_what_is_set_aside_stays_aside(demo_archive: TestArchive, older: TestArchive) -> None:
    [run] = older.open().runs("demo")
    decided = ["--because", "Trang lạ", "--by", "Lan Anh", "--run", run["id"]]
    assert older.tinhuyen("sites", "state", "demo", "hijacked", *decided).returncode == 0

    assert reextract(older, "--accept")["changed"] == CHANGED

    assert states(older) == {"aside": READINGS, "old": TITLES + 1}
    assert content(older)["articles"] == []
    assert older.tinhuyen("sites", "state", "demo", "open", *decided).returncode == 0
    without = ("runs", "site_states")
    assert not differences(content(demo_archive, *without), content(older, *without))


def test_only_what_is_asked_for_is_accepted(older: TestArchive) -> None:
    reextract(older)
    assert reextract(older, "--accept", "--since", "2999-01-01")["read"] == 0
    assert reextract(older, "--accept", "--family", "plain")["read"] == 0
    assert states(older) == {"accepted": READINGS, "proposed": TITLES + 1}
    some = reextract(older, "--accept", "--family", "party_sharepoint")["changed"]
    assert TITLES <= some < CHANGED
    assert reextract(older, "--accept")["changed"] == CHANGED - some
    assert "proposed" not in states(older)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--since", "gestern"], 2, "--since is a day like 2024-03-01"),
        (["--family", "drupal"], 2, "no family 'drupal'; there are"),
        (["--accept", "--dry-run"], 2, "nothing to --accept"),
        (["--by", "Lan"], 2, "goes with --accept"),
        (["--accept", "--by", " "], 2, "needs a name"),
        (["--site", "binhgiang"], 1, "nothing of binhgiang was captured"),
    ],
)
def test_what_cannot_be_done_is_said(
    demo_archive: TestArchive, words: list[str], code: int, said: str
) -> None:
    done = demo_archive.tinhuyen("reextract", *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_what_is_taken_out_is_not_proposed_any_more(older: TestArchive) -> None:
    [(id_,)] = rows(
        older,
        "SELECT article_id FROM article_versions"
        f" WHERE extractor = '{OLD}' AND title LIKE 'Tin: %' ORDER BY article_id LIMIT 1",
    )
    reextract(older)
    older.open().update_likeness()
    why = ["--how", "rewrite", "--reason", "toà án", "--basis", "court order", "--by", "Lan"]
    taken = older.tinhuyen("takedown", "add", id_, *why)
    assert taken.returncode == 0, taken.stderr
    assert reextract(older, "--accept")["changed"] == CHANGED - 1
    assert not rows(older, f"SELECT 1 FROM article WHERE id = '{id_}'")
    live = content(older)
    assert older.tinhuyen("rebuild").returncode == 0
    assert not differences(live, content(older))


def test_a_site_that_is_being_crawled_is_left_alone(crawled: TestArchive) -> None:
    with crawled.open().folder.site_lock("demo"):
        assert crawled.tinhuyen("reextract").returncode == 7


def test_a_damaged_record_changes_no_reading(crawled: TestArchive) -> None:
    [(offset, length)] = rows(
        crawled,
        "SELECT warc_offset, warc_length FROM articles ORDER BY id LIMIT 1",
    )
    [path] = crawled.warc_files()
    data = bytearray(path.read_bytes())
    data[offset : offset + length] = bytes(length)
    path.write_bytes(data)
    before = content(crawled, "runs", "failures")

    found = reextract(crawled, "--accept", code=4)

    assert (found["read"], found["changed"], found["unreadable"]) == (81, 0, 1)
    [told] = crawled.open().run(found["run"])["failures"]
    assert (told["kind"], "offset" in told["message"]) == ("bad_record", True)
    assert not differences(before, content(crawled, "runs", "failures"))


@pytest.mark.postgres
def test_over_postgresql_it_is_the_same(
    demo_archive: TestArchive, crawled: TestArchive, postgres_url: str
) -> None:
    database = ["--database", postgres_url]
    assert crawled.tinhuyen(*database, "rebuild").returncode == 0
    engine = open_database(postgres_url)
    read_by_older_rules(engine)
    engine.dispose()
    done = crawled.tinhuyen(*database, "reextract", "--accept", "--json")
    assert json.loads(done.stdout)["changed"] == CHANGED, done.stderr
    live, demo = content_of(postgres_url), content(demo_archive)
    live["runs"] = demo["runs"] = []
    assert not differences(demo, live)


# In several processes, and killed.

IN_PROCESSES = "import crawler.reextract.run as r; r.ALONE = 0"


def test_several_processes_read_the_same(older: TestArchive) -> None:
    code = f"{IN_PROCESSES}\nfrom crawler.cli import app\n"
    code += "app(['reextract', '--dry-run', '--json'])"
    done = older._run([sys.executable, "-c", code], 60)
    assert json.loads(done.stdout) == reextract(older, "--dry-run"), done.stderr


def test_killed_at_random_moments_nothing_is_lost_and_nothing_twice() -> None:
    """Kills fall on starting, reading, proposing and taking over alike."""
    command = [sys.executable, "-m", "tests.torture.rereading", "--kills", str(KILLS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{KILLS} kills over" in done.stdout.splitlines()[-1]


KILLED = {
    "before the decision is kept": "run.begin_accepting",
    "before the first is taken over": "run.accept_some",
    "before the end is kept": "run.finish_run",
    "before the journal says the end": "run.journal.note_finished",
}


@pytest.mark.parametrize("where", KILLED.values(), ids=KILLED)
def test_killed_at_every_step_of_accepting(
    demo_archive: TestArchive, older: TestArchive, where: str
) -> None:
    code = (
        "import os\nimport crawler.reextract.run as run\n"
        f"{where} = lambda *_, **__: os.kill(os.getpid(), 9)\n"
        "from crawler.cli import app\n"
        "app(['reextract', '--accept', '--by', 'Lan Anh'])"
    )
    killed = older._run([sys.executable, "-c", code], 60)
    assert killed.returncode == -signal.SIGKILL
    found = reextract(older, "--accept", "--by", "Lan Anh")
    assert found["accepted"] and found["changed"] == CHANGED
    assert not differences(content(demo_archive, "runs"), content(older, "runs"))
    live = content(older)
    assert len(live["runs"]) == 2
    assert older.tinhuyen("rebuild").returncode == 0
    assert not differences(live, content(older))


def test_reading_processes_end_with_the_one_that_asks(older: TestArchive) -> None:
    code = (
        f"{IN_PROCESSES}\n"
        "import os, subprocess, crawler.reextract.run as run\n"
        "def die(*_, **__):\n"
        "    listed = subprocess.run(['ps', '--ppid', str(os.getpid()), '-o', 'pid='],"
        " capture_output=True, text=True)\n"
        "    print(listed.stdout, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "run.withdraw = die\n"
        "from crawler.cli import app\n"
        "app(['reextract'])"
    )
    killed = older._run([sys.executable, "-c", code], 60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    pids = [int(pid) for pid in killed.stdout.split()]
    assert len(pids) >= 2
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "a reading process outlived the one that asked"
        time.sleep(0.02)


def test_one_who_asks_twice_gets_the_same_archive(older: TestArchive) -> None:
    """The door for notebooks shows what counts, and nothing that is only proposed."""
    reextract(older)
    with_proposals = Archive(older.folder).search(limit=100)
    reextract(older, "--accept")
    assert len(with_proposals) == len(Archive(older.folder).search(limit=100)) == 60
