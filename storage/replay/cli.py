"""`tinhuyen replay`: stored pages as they were."""

from __future__ import annotations

from typing import Annotated

import typer

from storage.cli import archive_of

commands = typer.Typer()


@commands.command()
def replay(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: one that the system chooses.")] = 0,
) -> None:
    """Serve stored pages as they were, until Ctrl-C: the same server as `serve`.

    Scripts are switched off and nothing is fetched from the live web. Addresses are those of other
    web archives: /wayback/20240301030000/http://…
    """
    from storage.web.app import serve

    serve(archive_of(context), host, port)
