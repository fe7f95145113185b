"""`tinhuyen replay`: stored pages as they were."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from storage.archive import Archive
from storage.cli import archive_of
from storage.errors import Exit, UsageError
from storage.output import console

commands = typer.Typer()


class Program(StrEnum):
    """What draws the pages."""

    PYWB = "pywb"
    REPLAYWEBPAGE = "replaywebpage"


@commands.command()
def replay(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="A WACZ or WARC file instead of the archive; ReplayWeb.page only."),
    ] = None,
    with_: Annotated[
        Program, typer.Option("--with", help="Others' programs: `make install-replay`.")
    ] = Program.PYWB,
    port: Annotated[int, typer.Option(help="0: one that the system chooses.")] = 0,
) -> None:
    """Serve stored pages as they were, on an origin of their own, until Ctrl-C."""
    archive = archive_of(context)
    if with_ is Program.REPLAYWEBPAGE:
        from storage.replay.outside import replaywebpage

        replaywebpage.serve(archive, file, port)
        return
    if file is not None:
        raise UsageError("pywb replays the archive; for a file: --with replaywebpage")
    _serve_pywb(archive, port)


def _serve_pywb(archive: Archive, port: int) -> None:
    from storage.replay.outside import pywb

    signal.signal(signal.SIGTERM, _end)
    try:
        with pywb.running(archive, port) as running:
            console.print(f"pywb: {running.url}  (Ctrl-C ends it)")
            running.wait()
    except KeyboardInterrupt:
        return


def _end(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does, so that pywb ends with it."""
    sys.exit(Exit.DONE)
