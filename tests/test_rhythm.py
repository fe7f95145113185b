"""When a site falls due: times of cron, intervals, the portal's own rhythm; quiet hours, budgets."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.schedule.budget import Allowance, allow, next_day, read_quiet_hours
from crawler.schedule.rhythm import (
    adaptive_length,
    next_due,
    period,
    read_duration,
    read_rhythm,
    say_duration,
)
from storage.database.jobs import Used
from storage.database.schedules import DayLimits
from storage.errors import UsageError
from storage.times import LOCAL

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=LOCAL)  # a Wednesday
NOTHING = Used(0, 0, 0)
DAY = timedelta(days=1)

CRON = {
    "15 2 * * *": datetime(2026, 3, 5, 2, 15, tzinfo=LOCAL),
    "0 10 * * *": datetime(2026, 3, 5, 10, 0, tzinfo=LOCAL),  # later than now, not now
    "*/20 * * * *": datetime(2026, 3, 4, 10, 20, tzinfo=LOCAL),
    "0 3 * * 0": datetime(2026, 3, 8, 3, 0, tzinfo=LOCAL),  # cron's Sunday, not APScheduler's
    "0 3 * * 7": datetime(2026, 3, 8, 3, 0, tzinfo=LOCAL),
    "0 3 * * 1-5": datetime(2026, 3, 5, 3, 0, tzinfo=LOCAL),
    "0 3 * * 6,0": datetime(2026, 3, 7, 3, 0, tzinfo=LOCAL),
    "0 3 * * mon": datetime(2026, 3, 9, 3, 0, tzinfo=LOCAL),
    "0 3 1 * *": datetime(2026, 4, 1, 3, 0, tzinfo=LOCAL),
}


@pytest.mark.parametrize("text", CRON)
def test_cron_times_are_local(text: str) -> None:
    assert next_due(read_rhythm(text, None, False), "demo", 0, NOW) == CRON[text]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Ho_Chi_Minh"])
def test_the_machines_zone_changes_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for text, due in CRON.items():
            rhythm = read_rhythm(text, None, False)
            assert next_due(rhythm, "demo", 0, NOW.astimezone(UTC)) == due
        assert next_due("every 21600", "demo", 0, NOW) == next_due(
            "every 21600", "demo", 0, NOW.astimezone(UTC)
        )
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert "TZ" not in os.environ


BAD = [
    ("61 * * * *", None, "is no cron time"), ("15 2 * *", None, "is no cron time"),
    ("0 3 * * 8", None, "is no cron time"), ("0 3 1 * 1", None, "not both"),
    ("0 3 * * 5-1", None, "is no cron time"), (None, "6", "is no length of time"), (None, "0h", "is no length of time"),
    (None, "1m", "too often"), (None, None, "give one of"), ("* * * * *", "6h", "give one of"),
]  # fmt: skip


@pytest.mark.parametrize(("cron", "every", "sentence"), BAD)
def test_a_wrong_rhythm_gets_a_sentence(cron: str | None, every: str | None, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_rhythm(cron, every, False)


def test_a_day_that_never_comes() -> None:
    with pytest.raises(UsageError, match="never comes"):
        next_due(read_rhythm("0 0 31 2 *", None, False), "demo", 0, NOW)


sites = st.text("abcdefghij", min_size=1, max_size=8)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rhythms = st.one_of(
    st.integers(600, 10**6).map(lambda seconds: f"every {seconds}"),
    st.sampled_from([read_rhythm(text, None, False) for text in CRON]),
)


@given(rhythms, sites, st.integers(0, 3600), moments)
def test_the_next_moment_is_later_and_none_lies_between(
    rhythm: str, site: str, spread: int, after: datetime
) -> None:
    due = next_due(rhythm, site, spread, after)
    assert due > after
    assert next_due(rhythm, site, spread, after + (due - after) / 2) == due
    assert next_due(rhythm, site, spread, due) > due
    if rhythm.startswith("every "):
        length = timedelta(seconds=int(rhythm[6:]))
        assert due - after <= length == period(rhythm, site, after)


def test_starts_are_spread_and_stay_where_they_are() -> None:
    cron = read_rhythm("0 2 * * *", None, False)
    names = [f"site-{number}" for number in range(696)]
    first = [next_due(cron, name, 3600, NOW) for name in names]
    assert all(timedelta(0) <= due - CRON_AT_2 < timedelta(hours=1) for due in first)
    busiest = max(sum(due.minute == minute for due in first) for minute in range(60))
    assert busiest < 696 / 60 * 3
    assert [next_due(cron, name, 3600, NOW + DAY) - DAY for name in names] == first
    every = [next_due("every 21600", name, 0, NOW) - NOW for name in names]
    assert max(every) - min(every) > timedelta(hours=5)


CRON_AT_2 = datetime(2026, 3, 5, 2, 0, tzinfo=LOCAL)


@given(st.integers(1, 10**5))
def test_a_length_said_is_the_length_read(minutes: int) -> None:
    length = timedelta(minutes=minutes)
    assert read_duration(say_duration(length)) == length


def test_an_adaptive_rhythm_follows_the_portal() -> None:
    today = date(2026, 3, 4)

    def length(gap_days: float, quiet_days: int = 0) -> timedelta:
        newest = today - timedelta(days=quiet_days)
        days = [newest - timedelta(days=int(gap_days * number)) for number in range(20)]
        return adaptive_length([day.isoformat() for day in days], today)

    assert adaptive_length([], today) == DAY
    assert length(0) == timedelta(hours=3)  # twenty a day
    assert length(1) == DAY
    assert length(30) == timedelta(days=7)
    assert length(0, quiet_days=365) == timedelta(days=7)  # it has gone quiet
    assert adaptive_length(["2027-01-01"], today) == timedelta(hours=3)  # a date yet to come


QUIET = {
    ("07:00-17:00", 10, 0): datetime(2026, 3, 4, 17, 0, tzinfo=LOCAL),
    ("07:00-17:00", 6, 0): 3600,
    ("07:00-17:00", 17, 0): 14 * 3600,
    ("22:00-05:00", 23, 0): datetime(2026, 3, 5, 5, 0, tzinfo=LOCAL),
    ("22:00-05:00", 4, 59): datetime(2026, 3, 4, 5, 0, tzinfo=LOCAL),
    ("22:00-05:00", 5, 0): 17 * 3600,
}


@pytest.mark.parametrize("case", QUIET)
def test_quiet_hours_are_local(case: tuple[str, int, int]) -> None:
    hours, hour, minute = case
    now = NOW.replace(hour=hour, minute=minute).astimezone(UTC)
    allowed = allow(DayLimits(hours), NOTHING, now, DAY)
    expected = QUIET[case]
    assert allowed == (Allowance(expected) if isinstance(expected, int) else expected)


def test_a_crawl_gets_what_is_left_of_the_day() -> None:
    limits = DayLimits(max_requests=100, max_bytes=1000, max_seconds=7200)
    assert allow(limits, NOTHING, NOW, DAY) == Allowance(7200, 100, 1000)
    assert allow(limits, Used(99, 10, 3600), NOW, DAY) == Allowance(3600, 1, 990)
    tomorrow = datetime(2026, 3, 5, tzinfo=LOCAL)
    for spent in (Used(100, 0, 0), Used(0, 1001, 0), Used(0, 0, 7199)):
        assert allow(limits, spent, NOW, DAY) == tomorrow == next_day(NOW)
    assert allow(DayLimits(), Used(10**6, 10**9, 10**5), NOW, DAY) == Allowance(86400)


@pytest.mark.parametrize("text", ["7-17", "07:00-25:00", "07:00-07:00", ""])
def test_wrong_hours_get_a_sentence(text: str) -> None:
    with pytest.raises(UsageError):
        read_quiet_hours(text)


def test_hours_are_written_out() -> None:
    assert read_quiet_hours("7:00 - 17:00") == "07:00-17:00"
