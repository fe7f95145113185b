"""`tinhuyen cite`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storage.cli import Json, archive_of
from storage.errors import UsageError
from storage.output import errors, escape, print_json

commands = typer.Typer()


@commands.command()
def cite(
    context: typer.Context,
    article: Annotated[
        str, typer.Argument(help="Its id, or a start of it that is unique; or what was cited.")
    ],
    version: Annotated[
        int | None, typer.Option(help="Which version; the newest if not given.")
    ] = None,
    style: Annotated[str, typer.Option("--format", help="text, bibtex, ris or csl.")] = "text",
    proof: Annotated[
        Path | None, typer.Option(help="Also write here what proves its record to strangers.")
    ] = None,
    json: Json = False,
) -> None:
    """Cite an article: the page, when it was captured, and the record that is kept of it."""
    from storage.cite.citation import cite as cite_article
    from storage.cite.proof import as_text, make_proof
    from storage.cite.styles import STYLES
    from storage.export.place import new_file

    if style not in STYLES:
        raise UsageError(f"there is no format {style!r}; it is one of {', '.join(STYLES)}")
    cited = cite_article(archive_of(context), article, version)
    if proof is not None:
        with new_file(proof) as path:
            path.write_text(as_text(make_proof(archive_of(context), article, version)), "utf-8")
        errors.print(escape(f"The proof is in {proof}; docs/verify_proof.py checks it."))
    if json:
        print_json([cited.as_json()])
    else:
        print(STYLES[style](cited))
