"""What people note and decide: shown where the thing is shown, and written to the journal first."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Table, select, text

from storage.database.connect import open_database
from storage.database.decisions import tell_decisions
from storage.database.schema import note, schedule
from storage.lines import read_lines
from storage.web.app import make_app
from tests.conftest import TestArchive

ARTICLE = "308bbaf278198bcc"
TEXT = "Trang in 05/39 và 7/38: in sai, [giữ nguyên]"


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


def run_of(archive: TestArchive) -> str:
    [run] = archive.open().runs()
    return str(run["id"])


def test_notes_are_shown_where_the_thing_is(copy: TestArchive) -> None:
    run = run_of(copy)
    shown = {
        "binhgiang": ("sites", "show", "binhgiang"), run: ("runs", "show", run), ARTICLE[:6]: ("show", ARTICLE),
    }  # fmt: skip
    for subject, command in shown.items():
        made = copy.tinhuyen("note", subject, TEXT, "--by", "Hà Trang", "--verdict", "doubtful")
        assert made.returncode == 0, made.stderr
        done = copy.tinhuyen(*command)
        assert f"Hà Trang [doubtful]: {TEXT}" in done.stdout, done.stderr
    for command in (shown["binhgiang"], shown[run]):
        [found] = [
            json.loads(line) for line in copy.tinhuyen(*command, "--json").stdout.splitlines()
        ]
        [told] = found["notes"]
        assert told["text"] == TEXT and told["verdict"] == "doubtful"
    [line] = copy.tinhuyen("note", ARTICLE, "--json").stdout.splitlines()
    assert json.loads(line) | {"noted_at": None} == {
        "about": "article", "subject": ARTICLE, "noted_at": None, "noted_by": "Hà Trang",
        "text": TEXT, "verdict": "doubtful",
    }  # fmt: skip
    page = asyncio.run(page_of(copy))
    assert "Note of Hà Trang" in page and "giữ nguyên" in page


async def page_of(archive: TestArchive) -> str:
    transport = httpx.ASGITransport(make_app(archive.open()))
    async with httpx.AsyncClient(transport=transport, base_url="http://room") as client:
        return (await client.get(f"/article/{ARTICLE}")).text


def test_a_correction_changes_no_reading(copy: TestArchive) -> None:
    before = copy.tinhuyen("show", ARTICLE, "--json").stdout
    copy.tinhuyen("note", ARTICLE, "Tiêu đề đúng: …")
    assert copy.tinhuyen("show", ARTICLE, "--json").stdout == before
    with copy.open().reading() as connection:
        [[about, subject]] = connection.execute(text("SELECT about, subject FROM notes"))
    assert (about, subject) == ("article", ARTICLE)


def test_a_site_may_be_noted_before_there_is_an_archive(archive: TestArchive) -> None:
    none = archive.tinhuyen("note", "binhgiang")
    assert none.returncode == 0 and "0 note(s)" in none.stdout
    assert not (archive.folder / "archive.db").exists()
    assert archive.tinhuyen("note", "binhgiang", "Chọn vì trang gốc").returncode == 0
    [line] = [line for line in read_lines(archive.folder / "journal.jsonl")]
    assert line["kind"] == "note" and line["noted_by"] and line["verdict"] is None


BAD = {
    "no such subject": (("note", "khong-co", "x"), 1, "no site, run or article"),
    "an empty note": (("note", "demo", "  "), 2, "needs a text"),
    "a name without a note": (("note", "demo", "--by", "Lan"), 2, "needs a text"),
    "an unknown verdict": (("note", "demo", "x", "--verdict", "nice"), 2, "good, doubtful, bad"),
    "no rhythm": (("schedule", "add", "demo"), 2, "give one of"),
    "no site": (("schedule", "add", "--every", "6h"), 2, "name a site"),
    "two kinds of sites": (("schedule", "add", "demo", "--all", "--every", "6h"), 2, "name a site"),
    "no address": (("schedule", "add", "binhgiang", "--every", "6h"), 5, "no known address"),
    "no such province": (("schedule", "add", "--province", "Huế", "--every", "6h"), 2, "no site with"),
    "a wrong mode": (("schedule", "add", "demo", "--every", "6h", "--mode", "x"), 2, "no mode"),
    "nothing to pause": (("schedule", "pause", "demo"), 1, "no such schedule"),
    "nothing to remove": (("schedule", "remove", "--all"), 1, "no such schedule"),
    "a wrong rate": (("plan", "--rate", "1"), 2, "is no rate"),
    "a wrong limit": (("work", "--time-limit", "1"), 2, "no length of time"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(name: str, archive: TestArchive) -> None:
    arguments, code, sentence = BAD[name]
    done = archive.tinhuyen(*arguments)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_sites_of_a_province_are_scheduled_together(archive: TestArchive) -> None:
    done = archive.tinhuyen(
        "schedule", "add", "--province", "hai duong", "--cron", "0 2 * * *", "--quiet", "7:00-17:00",
        "--max-requests", "500", "--max-mb", "20", "--max-hours", "1.5", "--json",
    )  # fmt: skip
    [row] = [json.loads(line) for line in done.stdout.splitlines()]  # binhgiang has no address
    assert row["site"] == "tinhuy-haiduong" and row["quiet_hours"] == "07:00-17:00"
    assert (row["max_requests"], row["max_bytes"], row["max_seconds"]) == (500, 20_000_000, 5400)
    assert archive.tinhuyen("schedule", "pause", "tinhuy-haiduong").returncode == 0
    [listed] = [
        json.loads(line)
        for line in archive.tinhuyen("schedule", "list", "--json").stdout.splitlines()
    ]
    assert listed["paused"] == 1 and listed["shown"] == "cron 0 2 * * *"
    assert listed["last_outcome"] is None and listed["drift_seconds"] is None
    assert "paused" in archive.tinhuyen("schedule", "list").stdout


def test_the_journal_tells_every_decision(archive: TestArchive, tmp_path: Path) -> None:
    """What a rebuilt database is told gives the same rows."""
    for command in (
        ("schedule", "add", "demo", "--every", "6h"),
        ("schedule", "add", "demo", "--cron", "0 1 1 * *", "--mode", "full", "--max-mb", "5"),
        ("schedule", "add", "tinhuy-haiduong", "--adaptive"),
        ("schedule", "pause", "demo"),
        ("schedule", "add", "demo", "--every", "12h"),
        ("schedule", "remove", "tinhuy-haiduong"),
        ("note", "demo", "Mẫu", "--verdict", "good"),
        ("note", "demo", "Mẫu nữa"),
    ):
        assert archive.tinhuyen(*command).returncode == 0
    live = rows(archive.open().database_url)
    rebuilt = f"sqlite:///{tmp_path / 'rebuilt.db'}"
    engine = open_database(rebuilt)
    for _ in range(2):
        with engine.begin() as tx:
            tell_decisions(tx, read_lines(archive.folder / "journal.jsonl"))
    engine.dispose()
    assert rows(rebuilt) == live and len(live) == 4


def rows(url: str) -> list[tuple[Any, ...]]:
    engine = open_database(url)
    tables: tuple[Table, ...] = (schedule, note)
    with engine.connect() as connection:
        found = [
            tuple(row)[table is note :]  # a note's number is not its identity
            for table in tables
            for row in connection.execute(select(table))
        ]
    engine.dispose()
    return sorted(found, key=str)
