"""Sends the day's digest beside the schedule: what is slow there holds up nothing here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import time

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from storage.archive import Archive
from storage.errors import TinHuyenError
from storage.watch.channels import Channel, channels
from storage.watch.sending import daily_at, send_due

_LOOK_SECONDS = 10.0
_PATIENCE_SECONDS = 3.0
"""So long the end of the schedule waits for a digest that is on its way."""


@contextmanager
def digests_sent(archive: Archive, say: Callable[[str], None]) -> Iterator[None]:
    """While the context lasts, every channel is sent its digest when the hour comes.

    Each has a thread of its own. `say` is told where a digest went, or why it did not.
    Raises UsageError for settings that cannot work.
    """
    over, at = threading.Event(), daily_at()
    engine = archive.open_for_writing()
    threads = [
        threading.Thread(target=_watch, args=(archive, engine, channel, at, say, over), daemon=True)
        for channel in channels()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_PATIENCE_SECONDS)
        engine.dispose()


def _watch(
    archive: Archive,
    engine: Engine,
    channel: Channel,
    at: time,
    say: Callable[[str], None],
    over: threading.Event,
) -> None:
    while not over.is_set():
        try:
            where = send_due(archive, engine, channel, at)
            if where is not None:
                say(f"digest ({channel.name}): {where}")
        except (TinHuyenError, SQLAlchemyError, OSError) as error:  # the next look may go well
            say(f"digest ({channel.name}) not sent: {error}")
        over.wait(_LOOK_SECONDS)
