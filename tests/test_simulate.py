"""The short form of `python -m tests.simulate`."""

from __future__ import annotations

from pathlib import Path

from tests.many_portals import draw_portals
from tests.simulate.run import Bounds, simulate


def test_two_workers_over_a_few_portals(postgres: str, tmp_path: Path) -> None:
    portals = draw_portals(8, seed=7, articles=2, answer_seconds=0.005)
    done = simulate(tmp_path, postgres, portals, 2, Bounds(0.2, at_once=3, seconds=180))
    assert done.answered == done.begun == 8, done.outcomes
    assert done.is_well, done.as_json()
    assert done.pages >= sum(portal.articles for portal in portals) * 0.9
    assert done.cpu_seconds > 0 and done.peaks.pss_mb > 0 and done.database["transactions"] > 0
