"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

UNTIL_SECONDS = 60


def wait_for(met: Callable[[], object], seconds: float = UNTIL_SECONDS) -> None:
    """Until it is so, looked at twenty times a second. Raises AssertionError if it never is."""
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)
