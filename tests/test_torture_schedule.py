"""The short form of `python -m tests.torture_schedule --kills 50`."""

from __future__ import annotations

from pathlib import Path

from tests import torture_schedule


def test_five_kills(tmp_path: Path) -> None:
    done = torture_schedule.torture(tmp_path, kills=5, seed=7)
    assert done.schedulers + done.crawls == 5 and done.due
    assert done.attempts["done"], done.attempts
    assert not done.lost and not done.made_twice and not done.at_once, done.line()
