"""The short form of `python -m tests.torture_workers --workers 4 --sites 40 --kills 100`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import torture_workers

pytestmark = pytest.mark.postgres


def test_twenty_kills(tmp_path: Path) -> None:
    """Fewer machines and sites than the long form has, as often killed as they are complete."""
    done = torture_workers.torture(tmp_path, workers=3, sites=6, kills=20, seed=5, longest=1.0)
    assert done.kills.total() == 20 and done.acknowledged > done.sites
    assert not any(done.findings.values()), (done.findings, done.line())
