"""The keeper's thread waits for pages, and never longer than it is told."""

from __future__ import annotations

import threading

import pytest

from storage.keeper import Inbox, KeeperLimits
from storage.records import Page

ROUNDS = 20_000


@pytest.mark.parametrize("seconds", [3e-6, 5e-6, 2e-5])
def test_no_group_is_waited_for_without_end(seconds: float) -> None:
    """However short what is left of its time: a queue's get once took none left for no end."""
    inbox = Inbox(KeeperLimits(group_exchanges=2, group_seconds=seconds))
    page, groups = object.__new__(Page), 0

    def wait_often() -> None:
        nonlocal groups
        for _ in range(ROUNDS):
            inbox.put(page)
            inbox.next_group()
            groups += 1

    thread = threading.Thread(target=wait_often, daemon=True)
    thread.start()
    thread.join(60)
    assert groups == ROUNDS
