"""The verb `tinhuyen replay`: stored pages in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storage.cli import archive_of
from storage.errors import UsageError
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
        Program | None,
        typer.Option("--with", help="Another's program (`make install-replay`) instead of ours."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 if not given.")
    ] = None,
    port: Annotated[int, typer.Option(help="0: one that the system chooses.")] = 0,
) -> None:
    """Serve stored pages as they were, until Ctrl-C.

    Scripts are switched off and nothing is fetched from the live web; it is the same server as
    `serve`. Addresses are those of other web archives: /wayback/20240301030000/http://…
    With pywb or ReplayWeb.page scripts run, on an origin of their own.
    """
    if with_ is None and file is None:
        from storage.web.app import serve

        serve(archive_of(context), host or "127.0.0.1", port)
    elif with_ is None:
        raise UsageError("a file is replayed by ReplayWeb.page: --with replaywebpage")
    elif host is not None:
        raise UsageError("others' programs listen on 127.0.0.1 only: leave --host out")
    else:
        start(archive_of(context), with_, file, port)
