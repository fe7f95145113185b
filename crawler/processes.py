"""Work done by several processes at the same time; what became of it comes in its order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from loky.process_executor import ProcessPoolExecutor

from storage.errors import ArchiveFault

ALONE = 4
"""Pieces that are done here: so few are done about as soon as processes are started."""
_AHEAD = 2
"""Pieces a process that wait to be done or taken: none is idle, and few are in memory."""
_LOOK_SECONDS = 0.2
"""How often a process looks whether its parent is gone."""


class Piece(Protocol):
    """What is handed to a process at once, pickled."""

    @property
    def where(self) -> str:
        """What stands in it, for people."""


P = TypeVar("P", bound=Piece)
R = TypeVar("R")


class Processes:
    """As many as processors, begun once there is enough to do; to be closed.

    They begin anew, not as forks: database connections and threads do not survive a fork. They end
    with this process, however that ends, and never hear of Ctrl-C. Loky's pool, since Python's own
    waits for ever where one of them is killed while work is handed over (python/cpython#94777, and
    in other ways after its mend).
    """

    def __init__(self, alone: int | None = None) -> None:
        """`alone`: pieces that are done here first; None: ALONE."""
        self._alone = ALONE if alone is None else alone
        self._pool: Any = None
        self._begun = 0
        self._count = os.cpu_count() or 1

    def in_order(
        self, work: Callable[[P], R], pieces: Iterable[P], here: Callable[[P], R] | None = None
    ) -> Iterator[tuple[P, R]]:
        """Every piece, and what `work` makes of it.

        `here`: the same work in this process, where that need not open what others must. Raises
        what the work raises; ArchiveFault if a process ended by itself.
        """
        waiting: deque[tuple[P, Future[R]]] = deque()
        for piece in pieces:
            waiting.append((piece, self._begin(work, piece, here or work)))
            while waiting and (len(waiting) > _AHEAD * self._count or waiting[0][1].done()):
                yield _take(*waiting.popleft())
        while waiting:
            yield _take(*waiting.popleft())

    def _begin(self, work: Callable[[P], R], piece: P, here: Callable[[P], R]) -> Future[R]:
        self._begun += 1
        if self._pool is None and (self._begun <= self._alone or self._count == 1):
            done: Future[R] = Future()
            done.set_result(here(piece))
            return done
        with _ctrl_c_is_ours():  # work may start a process
            if self._pool is None:
                ours = (os.getpid(),)
                self._pool = ProcessPoolExecutor(self._count, initializer=end_with, initargs=ours)
            try:
                begun: Future[R] = self._pool.submit(work, piece)
            except BrokenProcessPool as error:
                raise _ended(piece) from error
            return begun

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown()


def _take(piece: P, future: Future[R]) -> tuple[P, R]:
    try:
        return piece, future.result()
    except BrokenProcessPool as error:
        raise _ended(piece) from error


def _ended(piece: Piece) -> ArchiveFault:
    return ArchiveFault(
        f"a process that read pages ended by itself ({piece.where}); is there enough memory? Run "
        "the same command again, it goes on"
    )


@contextmanager
def _ctrl_c_is_ours() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C, not even as they start."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_with(parent: int) -> None:
    """From now on, where the process `parent` that began this one is gone, so is this."""
    threading.Thread(target=_wait_and_end, args=(parent,), daemon=True).start()


def _wait_and_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
