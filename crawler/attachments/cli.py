"""`tinhuyen attachments`."""

from __future__ import annotations

from typing import Annotated

import typer

from storage.archive import Archive
from storage.database.attachments import count_documents
from storage.output import console, print_json, print_table

commands = typer.Typer()


@commands.command()
def attachments(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Read the text of attachments that nobody has read yet, and count how all of them ended.

    Crawls do this by themselves when they are over.
    """
    from crawler.attachments.read import read_attachments

    archive: Archive = context.obj
    with archive.reading():  # none there: said
        pass
    engine = archive.open_for_writing()
    try:
        with console.status("") as status:
            read_attachments(archive, engine, say=status.update)
        with engine.connect() as connection:
            counted = count_documents(connection)
    finally:
        engine.dispose()
    if json:
        print_json(counted)
        return
    rows = [(one["count"], one["kind"], one["state"], one["problem"]) for one in counted]
    print_table(("files", "kind", "state", "problem"), rows)
