"""The short form of `python -m tests.simulate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.many_portals import Asked, draw_portals
from tests.simulate.result import longest_pause, waits
from tests.simulate.run import Bounds, simulate


def test_two_workers_over_a_few_portals(postgres: str, tmp_path: Path) -> None:
    portals = draw_portals(8, seed=7, articles=2, answer_seconds=0.005)
    done = simulate(tmp_path, postgres, portals, 2, Bounds(0.2, at_once=3, seconds=180))
    assert done.answered == done.begun == 8, done.outcomes
    assert done.is_well, done.as_json()
    assert done.pages >= sum(portal.articles for portal in portals) * 0.9
    assert done.cpu_seconds > 0 and done.peaks.pss_mb > 0 and done.database["transactions"] > 0


def test_waits_are_told_apart_by_whether_the_address_was_free() -> None:
    portals = [replace(one, address="1") for one in draw_portals(3, seed=7)]
    first, second, _ = (portal.host for portal in portals)
    log = [
        Asked(start, start + 1, "1", host, "/", 200, number, "x")
        for number, (host, start) in enumerate([(first, 2), (first, 4), (second, 6), (second, 8)])
    ]
    assert waits(log, portals, due=0, end=10) == [(2, 2), (6, 3), (10, 4)]
    assert longest_pause(log) == 2
