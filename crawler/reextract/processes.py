"""Batches read by several processes at the same time; answers come in the order of the batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context

from crawler.reextract.reader import Answer, Batch, begin, read_again, read_batch
from storage.archive import Archive
from storage.errors import ArchiveFault

Read = Callable[[Iterator[Batch]], Iterator[Answer]]

_AHEAD = 4
"""Batches a process that wait to be read or saved: none is idle, and few are in memory."""


ALONE_CAPTURES = 2000
"""So few are read about as soon as processes are started (1 s of each processor)."""


@contextmanager
def reading_processes(archive: Archive, captures: int) -> Iterator[Read]:
    """As many processes as processors; they end with the context, or with this process.

    They are spawned, not forked: database connections and threads do not survive a fork.
    For few captures there are none: this process reads.
    """
    if captures <= ALONE_CAPTURES:
        yield lambda batches: (read_batch(archive, batch) for batch in batches)
        return
    count = os.cpu_count() or 1
    database = None if archive.is_embedded else archive.database_url
    pool = ProcessPoolExecutor(
        count, get_context("spawn"), begin, (str(archive.folder.root), database)
    )
    try:
        yield lambda batches: _in_order(pool, batches, count * _AHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, batches: Iterator[Batch], ahead: int
) -> Iterator[Answer]:  # fmt: skip
    waiting: deque[tuple[Batch, Future[Answer]]] = deque()
    batch = None
    try:
        for batch in islice(batches, ahead):
            waiting.append((batch, pool.submit(read_again, batch)))
        while waiting:
            batch, answer = waiting.popleft()
            yield answer.result()
            for batch in islice(batches, 1):
                waiting.append((batch, pool.submit(read_again, batch)))
    except BrokenProcessPool as error:
        first = batch.captures[0].record if batch else None
        where = f" ({first.file}, from byte {first.offset} on)" if first else ""
        raise ArchiveFault(
            f"a process that read pages ended by itself{where}; is there enough memory? Run the "
            "same command again, it goes on"
        ) from error
