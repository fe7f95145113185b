"""Starts the program that was asked for, and ends it."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from pathlib import Path
from types import FrameType

from storage.archive import Archive
from storage.errors import Exit, UsageError
from storage.output import console


class Program(StrEnum):
    """Others' programs that draw stored pages, scripts and all."""

    PYWB = "pywb"
    REPLAYWEBPAGE = "replaywebpage"


def start(archive: Archive, program: Program, file: Path | None, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM. `file`: a package or WARC file instead of the archive.

    Raises UsageError, NotFound, and TinHuyenError where the program fails.
    """
    before = signal.signal(signal.SIGTERM, _end)
    try:
        _serve(archive, program, file, port)
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _serve(archive: Archive, program: Program, file: Path | None, port: int) -> None:
    if program is Program.REPLAYWEBPAGE:
        from storage.replay.outside import replaywebpage

        replaywebpage.serve(archive, file, port)
        return
    if file is not None:
        raise UsageError("pywb replays the archive; for a file: --with replaywebpage")
    from storage.replay.outside import pywb

    with pywb.running(archive, port) as running:
        console.print(f"pywb: {running.url}  (Ctrl-C ends it)")
        running.wait()


def _end(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does: what it started and what it laid down goes with it."""
    sys.exit(Exit.DONE)
