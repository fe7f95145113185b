"""`tinhuyen replay`: stored pages as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storage.cli import archive_of
from storage.replay.outside.start import Program, start

commands = typer.Typer()


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
    start(archive_of(context), with_, file, port)
