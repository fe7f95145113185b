"""Researchers' verbs over what was found: `search` and its kin."""

from __future__ import annotations

import typer

from storage.cli import Json, Limit, archive_of
from storage.output import errors, escape, print_found, print_json
from storage.query.asked import read_query
from storage.query.options import query_options
from storage.query.query import Query

commands = typer.Typer()


@commands.command()
@query_options
def search(context: typer.Context, query: Query, limit: Limit = 20, json: Json = False) -> None:
    """Find articles by words; without words the newest.

    With any Vietnamese mark the tones count (uỷ = ủy, but năm is not nam); without, none does.
    Words that begin with a minus come after `--`: tinhuyen search -- huyện -xã
    """
    found = archive_of(context).find(query, limit)
    for note in read_query(query.words).notes:
        errors.print(escape(note))
    if json:
        print_json(found)
    else:
        print_found(found)
