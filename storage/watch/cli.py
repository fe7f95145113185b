"""Verbs of those who watch: `tinhuyen digest`, `tinhuyen metrics`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage import times
from storage.archive import Archive
from storage.cli import Json, archive_of
from storage.errors import DigestNotSent, Exit, UsageError
from storage.output import console, errors, escape, print_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

commands = typer.Typer()


@commands.command()
def digest(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(help="A day or a time, of Asia/Ho_Chi_Minh [default: since the last digest]."),
    ] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Send it to everybody who is to have it, now.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what was new, changed, gone, failed and paused since the last digest, or send it.

    `schedule run` sends one every day. Who is to have it is told by environment
    (docs/operators.md, Digests).
    """
    archive = archive_of(context)
    if send:
        if since or json:
            raise UsageError("--send tells each what is new to it; --since and --json only show")
        raise typer.Exit(_send(archive))
    from storage.query.digest import make_digest
    from storage.watch.sending import text_of

    with archive.reading() as connection:
        begin = _moment(since) if since else _last(connection)
        found = make_digest(connection, begin, times.now())
    if json:
        print_json([found.as_json()])
    else:
        console.print(escape(text_of(archive, found)), end="")


def _send(archive: Archive) -> Exit:
    """To every channel, whatever became of the others."""
    from storage.watch.channels import channels
    from storage.watch.sending import send_now

    found = channels()
    if not found:
        raise UsageError(
            "nobody is to have digests; TINHUYEN_DIGEST_TO or TINHUYEN_DIGEST_WEBHOOK says who"
        )
    code = Exit.DONE
    with archive.reading():  # an archive that is not there is not made
        engine = archive.open_for_writing()
    for channel in found:
        try:
            where = send_now(archive, engine, channel, times.now() - timedelta(days=1))
            console.print(escape(f"{channel.name}: {where}"))
        except DigestNotSent as error:
            errors.print(escape(f"{channel.name}: {error}"))
            code = Exit.FAILED
    engine.dispose()
    return code


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time; write 2024-03-01 or 2024-03-01T07:00") from None
    return moment.replace(tzinfo=times.LOCAL) if moment.tzinfo is None else moment


def _last(connection: Connection) -> datetime:
    from storage.database.digests import last_told

    return last_told(connection) or times.now() - timedelta(days=1)


@commands.command()
def metrics(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(help="Write them here, in one step: for node_exporter's textfile collector."),
    ] = None,
) -> None:
    """Show the archive's figures in the form of Prometheus; `serve` has them at /metrics."""
    from prometheus_client import generate_latest, write_to_textfile

    from storage.watch.metrics import registry_of

    registry = registry_of(archive_of(context))
    if file is None:
        print(generate_latest(registry).decode(), end="")
        return
    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
