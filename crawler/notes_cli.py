"""The verb `tinhuyen note`: what people have to say about a site, a run or an article."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from storage import times
from storage.archive import Archive
from storage.cli import Json, archive_of
from storage.errors import NotFound, UsageError
from storage.output import console, print_json, print_notes

commands = typer.Typer()


@commands.command()
def note(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="Id of a site, a run or an article.")],
    text: Annotated[
        str | None, typer.Argument(help="What to note; without it the notes are shown.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who notes it; your login if not given.")] = None,
    verdict: Annotated[
        str | None, typer.Option(help="On its quality: good, doubtful or bad.")
    ] = None,
    json: Json = False,
) -> None:
    """Note something about a site, a run or an article, or show what was noted.

    Why it was chosen, whether the crawl is good, what is wrong in an article. Readings are never
    edited; a correction is a note beside them.
    """
    archive = archive_of(context)
    about, id_ = _find_subject(archive, subject)
    if text is not None:
        _add(archive, about, id_, text, by, verdict)
    elif by or verdict:
        raise UsageError('a note needs a text: tinhuyen note SUBJECT "what to note"')
    notes = archive.notes(about, id_) if archive.exists else []
    if json:
        print_json(note.as_json() for note in notes)
        return
    console.print(f"{about} {id_}: {len(notes)} note(s)")
    print_notes(notes)


def _add(
    archive: Archive, about: str, id_: str, text: str, by: str | None, verdict: str | None
) -> None:
    from storage.database.notes import VERDICTS, Note, add_note

    if verdict is not None and verdict not in VERDICTS:
        raise UsageError(f"no verdict {verdict!r}; there are {', '.join(VERDICTS)}")
    text, by = text.strip(), (by or getpass.getuser()).strip()
    if not text or not by:
        raise UsageError("a note needs a text and a name")
    engine = archive.open_for_writing()
    try:
        moment = times.utc_text(times.now())
        add_note(archive.folder, engine, Note(about, id_, moment, by, text, verdict))
    finally:
        engine.dispose()


def _find_subject(archive: Archive, subject: str) -> tuple[str, str]:
    """What it is, and its whole id. A declared site need not have been crawled."""
    from crawler.sites import load_sites

    if subject in load_sites(archive.folder.sites):
        return "site", subject
    if archive.exists:
        for about, find in (("run", archive.run), ("article", archive.article)):
            try:
                return about, find(subject)["id"]
            except NotFound:
                continue
    raise NotFound(
        f"no site, run or article {subject!r}; `sites list`, `runs list` and `search` show ids"
    )
