"""What is counted from an archive: its rhythm, what a day has used, what a nation would cost."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from crawler import settings
from crawler.schedule import plan as plans
from crawler.schedule.rhythm import PUBLICATIONS, adaptive_length
from storage import times
from storage.archive import Archive
from storage.database import jobs, schedules
from storage.database.jobs import Used
from tests.conftest import TestArchive
from tests.portals import portals


def test_assumptions_are_named(tmp_path: Path) -> None:
    figures = plans.measure(Archive(tmp_path / "none"))
    assert figures.measured == {} and not figures.bytes_measured
    assert figures.full_requests == plans.ASSUMED_FULL_REQUESTS


def test_figures_come_from_the_archive(demo_archive: TestArchive) -> None:
    figures = plans.measure(demo_archive.open())
    [run] = demo_archive.open().runs()
    assert figures.full_requests == run["counts"]["captures"] == 133
    assert figures.measured == {"full": 1}  # no update yet: a share of the full one is assumed
    assert figures.update_requests == pytest.approx(133 * plans.ASSUMED_UPDATE_SHARE)
    kept = sum(file.stat().st_size for file in demo_archive.warc_files())
    assert kept < figures.bytes_per_request * 133 < kept + 50_000_000


def cost(sites: int, rate: float, at_once: int) -> dict[tuple[str, str], tuple[float, str]]:
    figures = plans.Figures(3600, 36, 1000, {}, False)
    rows = plans.plan(figures, sites, rate, at_once)
    assert {row["requests"] for row in rows} == {sites * 3600, sites * 36}
    assert {row["bytes"] for row in rows} == {sites * 3600_000, sites * 36_000}
    return {
        (row["servers"].rsplit(" ", 1)[1], row["crawl"]): (row["hours"], row["bound_by"])
        for row in rows
    }


def test_hours_are_those_of_what_is_slowest() -> None:
    few = cost(696, 1.0, 8)
    assert few["host", "full"] == few["province", "full"] == (87.0, "crawls at once")
    many = cost(696, 1.0, 696)
    assert many["host", "full"] == (7.0, "the machine")  # 696 portals, 100 requests a second
    assert many["province", "full"] == (12.0, "the busiest server")  # twelve portals at one server
    assert many["province", "update"] == (0.1, "the busiest server")
    assert cost(1, 0.5, 8)["host", "full"] == (2.0, "the busiest server")


@pytest.mark.parametrize(("text", "rate"), [("1/s", 1), ("30/m", 0.5), ("900/h", 0.25)])
def test_rates(text: str, rate: float) -> None:
    assert plans.read_rate(text) == rate


def test_a_portals_rhythm_is_read_from_its_articles(demo_archive: TestArchive) -> None:
    with demo_archive.open().reading() as connection:
        days = schedules.publication_days(connection, "demo", PUBLICATIONS)
        assert not schedules.publication_days(connection, "binhgiang", PUBLICATIONS)
    everything = [a["published_at"] for a in demo_archive.open().search(limit=100)]
    known = sorted((day[:10] for day in everything if day and len(day) >= 10), reverse=True)
    assert days == known[:PUBLICATIONS] and len(days) == PUBLICATIONS
    assert adaptive_length(days, date.fromisoformat(days[0])) == timedelta(days=7)  # one in ten


def test_what_a_day_has_used(demo_archive: TestArchive) -> None:
    [run] = demo_archive.open().runs()
    begun, now = times.parse_utc(run["started_at"]), times.now()
    with demo_archive.open().reading() as connection:
        assert jobs.used_since(connection, "demo", begun, now) == Used(
            run["counts"]["captures"], run["counts"]["warc_bytes"], 0
        )
        assert jobs.used_since(connection, "demo", now, now) == Used(0, 0, 0)


def test_seconds_used_are_those_of_jobs(archive: TestArchive) -> None:
    engine = archive.open().open_for_writing()
    now, minute = times.now(), timedelta(minutes=1)
    with engine.begin() as tx:
        for start, end in ((90, 30), (20, 10)):  # minutes ago
            jobs.queue_job(tx, "demo", "full", now, now - 2 * 60 * minute)
            [one] = jobs.queued_jobs(tx, now)
            jobs.claim_job(tx, one.id, "x", now - start * minute, minute)
            jobs.end_job(tx, one.id, jobs.Ended(now - end * minute, "done", 0))
        assert jobs.used_since(tx, "demo", now - 60 * minute, now).seconds == 40 * 60
    engine.dispose()


@pytest.mark.skipif(not hasattr(settings, "RUN_MAX_REQUESTS"), reason="runs have no caps yet")
def test_a_budget_ends_a_crawl_until_tomorrow(archive: TestArchive) -> None:
    with portals(archive, 1, articles=9):
        for command in (
            ("schedule", "add", "p0", "--every", "10m", "--mode", "full", "--max-requests", "5"),
            ("work",),
        ):
            assert archive.tinhuyen(*command).returncode == 0
        engine = archive.open().open_for_writing()
        with engine.begin() as tx:
            jobs.queue_job(tx, "p0", "full", times.now(), times.now())
        engine.dispose()
        assert "the day's budget is spent" in archive.tinhuyen("work").stdout
        assert archive.tinhuyen("work").stdout == ""  # not before tomorrow
    [listed] = [
        json.loads(line)
        for line in archive.tinhuyen("schedule", "list", "--json").stdout.splitlines()
    ]
    assert listed["last_outcome"] == "the day's budget is spent"
    [run] = archive.open().runs("p0")
    assert run["finished_at"] is None and run["counts"]["captures"] >= 5
