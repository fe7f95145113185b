"""The schedule table under a clock that stops, jumps and changes its zone; on both databases."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, event, select

from crawler.schedule import rhythm, table
from storage import times
from storage.database import jobs, schedules
from storage.database.connect import open_database
from storage.database.schedules import Schedule
from storage.database.schema import job
from storage.times import LOCAL

START = datetime(2026, 3, 4, 10, 0, tzinfo=LOCAL)
SITES = [f"site-{number}" for number in range(12)]
DAILY = rhythm.read_rhythm("15 2 * * *", None, False)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/a.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    made = open_database(url)
    yield made
    made.dispose()


def fill(engine: Engine, text: str = DAILY) -> None:
    with engine.begin() as tx:
        for site in SITES:
            due = rhythm.next_due(text, site, 3600, START)
            schedules.save_schedule(tx, Schedule(site, "update", text, 3600, due, START))


def tick(engine: Engine, now: datetime) -> list[str]:
    """What falls due now; every job is done at once."""
    with engine.begin() as tx:
        table.make_due(tx, now)
        made = []
        for one in jobs.queued_jobs(tx, now):
            assert jobs.claim_job(tx, one.id, "test", now, HOUR)
            jobs.end_job(tx, one.id, jobs.Ended(now, "done", 0))
            made.append(one.site)
    return made


def live(
    engine: Engine, since: datetime, until: datetime, step: timedelta = HOUR / 4
) -> Counter[str]:
    """Every tick of a scheduler that runs without a break."""
    made: Counter[str] = Counter()
    while since < until:
        made.update(tick(engine, since))
        since += step
    return made


def test_every_day_once_and_not_all_together(engine: Engine) -> None:
    fill(engine)
    made = live(engine, START, START + 3 * DAY)
    assert made == dict.fromkeys(SITES, 3)
    with engine.connect() as tx:
        assert len(set(tx.execute(select(job.c.due_at)).scalars())) > 2 * len(SITES)


@pytest.mark.parametrize("stopped", [DAY, 30 * DAY])
def test_what_was_missed_is_made_up_once(engine: Engine, stopped: timedelta) -> None:
    fill(engine)
    live(engine, START, START + DAY)
    assert Counter(tick(engine, START + DAY + stopped)) == dict.fromkeys(SITES, 1)
    assert tick(engine, START + DAY + stopped + HOUR / 60) == []
    due = [row.due_at for row in found(engine)]
    assert all(moment > START + DAY + stopped for moment in due)


def test_a_job_that_is_open_answers_for_what_falls_due_meanwhile(engine: Engine) -> None:
    fill(engine)
    with engine.begin() as tx:
        table.make_due(tx, START + DAY)
        table.make_due(tx, START + 2 * DAY)
        assert len(jobs.queued_jobs(tx, START + 2 * DAY)) == len(SITES)
        assert not jobs.queue_job(tx, SITES[0], "update", START, START)


def test_a_crawl_answers_up_to_its_end_and_what_came_after_is_made_up(engine: Engine) -> None:
    """It ran over one due moment, and the scheduler stood still over two more."""
    fill(engine)
    first = START + DAY
    with engine.begin() as tx:
        table.make_due(tx, first)
        running = jobs.queued_jobs(tx, first)
        for one in running:
            assert jobs.claim_job(tx, one.id, "test", first, HOUR)
    back = first + 3 * DAY
    with engine.begin() as tx:
        for one in running:
            jobs.end_job(tx, one.id, jobs.Ended(first + DAY + HOUR, "done", 0))
        table.make_due(tx, back)
        made_up = jobs.queued_jobs(tx, back)
    assert {one.site for one in made_up} == set(SITES)
    assert all(first + DAY + HOUR < one.due_at < first + 2 * DAY for one in made_up)
    with engine.begin() as tx:
        table.make_due(tx, back + HOUR)
        assert len(jobs.queued_jobs(tx, back + HOUR)) == len(SITES)


@pytest.mark.parametrize("back", [HOUR / 60, HOUR, 12 * HOUR])
def test_a_clock_that_is_put_back_makes_nothing_twice(engine: Engine, back: timedelta) -> None:
    fill(engine)
    run = START.replace(hour=4) + DAY  # every site has had its turn
    live(engine, START, run)
    assert not live(engine, run - back, START.replace(hour=2) + 2 * DAY)
    assert live(engine, START.replace(hour=2) + 2 * DAY, START + 2 * DAY) == dict.fromkeys(SITES, 1)


@pytest.mark.parametrize("ahead", [2 * DAY, 400 * DAY])
def test_a_clock_that_was_far_ahead_stops_nothing(engine: Engine, ahead: timedelta) -> None:
    fill(engine)
    live(engine, START, START + DAY)
    assert Counter(tick(engine, START + DAY + ahead)) == dict.fromkeys(SITES, 1)
    made = live(engine, START + DAY, START + 3 * DAY)
    assert set(made) == set(SITES) and max(made.values()) <= 2
    assert live(engine, START + 3 * DAY, START + 5 * DAY) == dict.fromkeys(SITES, 2)


def test_a_clock_gone_mad_causes_no_storm(engine: Engine) -> None:
    """Real days pass; now and then the clock says something else for an hour."""
    fill(engine)
    chance, made, days = random.Random(5), Counter[str](), 20
    for number in range(days * 24):
        now = START + number * HOUR
        wrong = chance.random() < 0.05
        made.update(tick(engine, now + chance.uniform(-3, 3) * DAY if wrong else now))
    jumps = 2 * days * 24 * 0.05
    assert set(made) == set(SITES)
    assert all(days / 3 < count < days + jumps for count in made.values()), made


def test_a_job_put_off_by_a_wrong_clock_begins(engine: Engine) -> None:
    with engine.begin() as tx:
        jobs.queue_job(tx, "a", "update", START, START + 400 * DAY)
        jobs.queue_job(tx, "b", "update", START, START + DAY)
        assert [one.site for one in jobs.queued_jobs(tx, START)] == ["a"]


@time_machine.travel(START, tick=False)
def test_the_present_comes_from_the_clock(engine: Engine) -> None:
    """time-machine moves what the code takes for now; the zone of the machine is another one."""
    fill(engine, "every 21600")
    with time_machine.travel(datetime(2026, 3, 5, 10, 0, tzinfo=LOCAL)):
        assert Counter(tick(engine, times.now())) == dict.fromkeys(SITES, 1)
        assert tick(engine, times.now()) == []
    assert tick(engine, times.now()) == []  # back again


def test_paused_ones_never_fall_due(engine: Engine) -> None:
    fill(engine)
    with engine.begin() as tx:
        for row in schedules.find_schedules(tx, SITES[0]):
            schedules.save_schedule(tx, replace(row, paused=True))
    assert SITES[0] not in live(engine, START, START + 2 * DAY, HOUR)
    with engine.begin() as tx:  # what waits in the queue rests too; of one removed it is dropped
        jobs.queue_job(tx, SITES[0], "update", START, START)
        jobs.queue_job(tx, SITES[1], "update", START, START)
        schedules.remove_schedule(tx, SITES[1], "update")
        assert not jobs.queued_jobs(tx, START + 3 * DAY)
        for row in schedules.find_schedules(tx, SITES[0]):
            schedules.save_schedule(tx, replace(row, paused=False))
        assert [one.site for one in jobs.queued_jobs(tx, START + 3 * DAY)] == SITES[:1]


def test_leases(engine: Engine) -> None:
    with engine.begin() as tx:
        jobs.queue_job(tx, "a", "update", START, START)
        [one] = jobs.queued_jobs(tx, START)
        assert jobs.claim_job(tx, one.id, "x", START, HOUR)
        assert not jobs.claim_job(tx, one.id, "y", START, HOUR)
        assert not jobs.lost_jobs(tx, START + HOUR / 2, HOUR)
        jobs.renew_leases(tx, [one.id], START + HOUR, HOUR)
        assert not jobs.lost_jobs(tx, START + 2 * HOUR, HOUR)
        [lost] = jobs.lost_jobs(tx, START + 3 * HOUR, HOUR)
        assert jobs.lost_jobs(tx, START - 400 * DAY, HOUR) == [lost]  # a clock that was ahead
        jobs.try_again(tx, lost, jobs.Ended(START, "lost"), START, 1)
        [again] = jobs.queued_jobs(tx, START)
        assert (again.due_at, again.tries) == (one.due_at, 1) and again.id != one.id


def found(engine: Engine) -> list[Schedule]:
    with engine.connect() as tx:
        return schedules.find_schedules(tx)


def test_open_jobs_are_found_by_their_own_index(tmp_path: object) -> None:
    """Asked every second, beside all that were ever made."""
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, values: Any, *_: object) -> None:
        if statement.startswith("SELECT job."):
            explained = connection.connection.cursor()
            explained.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append(" ".join(row[-1] for row in explained.fetchall()))

    event.listen(engine, "before_cursor_execute", explain)
    with engine.begin() as tx:
        jobs.queued_jobs(tx, START)
        jobs.running_jobs(tx)
        jobs.lost_jobs(tx, START, HOUR)
    engine.dispose()
    assert len(plans) == 3 and all("uq_job_open" in plan for plan in plans), plans
