"""`tinhuyen warc …`: operators' verbs over WARC files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit, UsageError, gravest
from storage.output import console, escape, print_json, print_table

if TYPE_CHECKING:
    from storage.folder import ArchiveFolder
    from storage.warc.manifest import Entry
    from storage.warc.verify.bench import Verdict

warc = typer.Typer(help="WARC files: verify, index, look into, list.", no_args_is_help=True)

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?(?:/s)?", re.IGNORECASE)


def read_size(text: str) -> int:
    """Bytes that `10GB`, `200 MB/s` or `4096` name; units are powers of ten. Raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"{text!r} is no size; write it like 10GB, 200MB or 4096")
    return int(float(found[1]) * _UNITS[found[2].upper()])


@warc.command()
def verify(
    context: typer.Context,
    file: Annotated[
        list[str] | None, typer.Argument(help="Paths, or names as the archive gives them.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Every file of the archive; goes on where such a round was stopped."
        ),
    ] = False,
    oldest: Annotated[
        str | None,
        typer.Option(help="So much of the archive (10GB), longest unverified first."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="A copy of the archive's folder to compare files with.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Read at most so much a second: 20MB.")] = None,
    json: Json = False,
) -> None:
    """Say what is wrong with WARC files, where, what it means and what to do.

    Two independent readers must see what we see. Ends with 6 if there is an error; findings
    stray from the specification, nothing is lost by them.
    """
    from storage.warc.verify.pace import Pace
    from storage.warc.verify.round import Round

    if sum((bool(file), everything, oldest is not None)) != 1:
        raise UsageError("give files, or --all, or --oldest SIZE")
    if against is not None and not against.is_dir():
        raise UsageError(f"{against} is no folder; --against wants a copy of the archive's folder")
    round_ = Round(archive_of(context), against, Pace(read_size(rate) if rate else None))
    if file:
        verdicts = round_.named(file)
    else:
        verdicts = round_.oldest(read_size(oldest)) if oldest else round_.everything()
    raise typer.Exit(_say(verdicts, json=json))


def _say(verdicts: Iterable[Verdict], *, json: bool) -> Exit:
    """Print verdicts as they come."""
    from storage.warc.verify import report

    files = errors = skipped = 0
    for verdict in verdicts:
        files, skipped = files + (verdict.skipped is None), skipped + (verdict.skipped is not None)
        errors += verdict.errors
        if json:
            print_json([verdict.as_json()])
        else:
            console.print(escape("\n".join(report.lines(verdict))))
    if not json:
        console.print(report.summary(files, errors, skipped))
    return Exit.VERIFICATION_FAILED if errors else Exit.DONE


@warc.command()
def index(
    context: typer.Context,
    file: Annotated[
        list[Path] | None,
        typer.Argument(help="Print the index of these files instead.", exists=True, dir_okay=False),
    ] = None,
    json: Json = False,
) -> None:
    """Bring the archive's CDXJ indexes up to date, or print the index of files.

    The lines are sorted in C order; those of the archive lie under cdx/, a file for each WARC file.
    """
    from heapq import merge

    from storage.warc import index as cdxj

    if file:
        lines = list(merge(*(cdxj.index_file(path, path.name) for path in file), key=str.encode))
        print_json(map(cdxj.as_json, lines)) if json else print("\n".join(lines))
        return
    done = cdxj.update_all(archive_of(context).folder)
    if json:
        print_json({"file": name} for name in done)
    else:
        console.print(
            escape("".join(f"{name}\n" for name in done) + f"{len(done)} file(s) indexed")
        )


@warc.command()
def show(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A path, or a name as the archive gives it.")],
    offset: Annotated[int, typer.Argument(min=0, help="Byte at which the record begins.")],
    lines: Annotated[int, typer.Option(min=0, help="So many lines of the body.")] = 20,
    json: Json = False,
) -> None:
    """Look into a record: its headers, whether its digests hold, its body, its rows."""
    from storage.query.access import Audience
    from storage.warc import inspect

    told = inspect.describe_record(archive_of(context), file, offset, Audience.STAFF)
    if json:
        print_json([told])
    else:
        console.print(escape("\n".join(inspect.lines(told, lines))))


@warc.command()
def locate(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="An article's id, an address, a sha256, a payload digest, a record id."
        ),
    ],
    json: Json = False,
) -> None:
    """Say in which records something lies: file and offset, as `warc show` takes them."""
    from storage.query import records
    from storage.query.access import Audience

    with archive_of(context).reading(Audience.STAFF) as tx:
        found = records.locate(tx, what)
    if json:
        print_json(found)
        return
    columns = ("file", "offset", "what", "type", "status", "fetched_at", "url")
    print_table(columns, ([one[name] for name in columns] for one in found))


@warc.command()
def manifest(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option("--check", help="Read every file that is listed here, compare; ends with 6."),
    ] = False,
    key: Annotated[
        Path | None, typer.Option(help="The public key (PEM) that signatures must be by.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) of the time stamps' authority.")
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete", help="First list files anew that lack the tree over their records."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List closed WARC files with size and sha256, and check them and the list's signatures."""
    from storage.warc import fixity
    from storage.warc.manifest import list_anew

    folder = archive_of(context).folder
    if complete:
        list_anew(folder)
    if not check:
        rows = [asdict(entry) for entry in fixity.listed(folder).values()]
        print_json(rows) if json else print_table(_LISTED, ([r[c] for c in _LISTED] for r in rows))
        return
    codes = [_check_listed(folder, entry, json=json) for entry in fixity.own(folder)]
    codes += _check_seals(folder, key, root, json=json)
    raise typer.Exit(gravest(codes))


_LISTED = ("file", "bytes", "sha256", "site", "run")


def _check_listed(folder: ArchiveFolder, entry: Entry, *, json: bool) -> Exit:
    from storage.warc import fixity
    from storage.warc.verify.report import breaches

    flaws = fixity.check(folder, entry)
    if json:
        print_json([{"file": entry.file, "flaws": [flaw.as_json() for flaw in flaws]}])
    else:
        said = [f"{entry.file}: {'as listed' if not flaws else 'NOT as listed'}"]
        console.print(escape("\n".join([*said, *breaches(flaws)])))
    return Exit.VERIFICATION_FAILED if flaws else Exit.DONE


def _check_seals(
    folder: ArchiveFolder, key: Path | None, root: Path | None, *, json: bool
) -> list[Exit]:
    from storage.warc.seal import check_seals

    codes = []
    for seal in check_seals(folder, key, root):
        codes.append(Exit.VERIFICATION_FAILED if seal.problems else Exit.DONE)
        if json:
            print_json([seal.as_json()])
            continue
        signed = seal.signature
        said = f"signature of {signed.length} bytes, {signed.signed_at}, key {signed.public_key}"
        said += f", stamped {seal.stamped_at}" if seal.stamped_at else ""
        console.print(escape(f"{said}: {'; '.join(seal.problems) or 'holds'}"))
    return codes


@warc.command()
def sign(
    context: typer.Context,
    key: Annotated[Path, typer.Argument(help="Your Ed25519 key: PEM, without a password.")],
    request: Annotated[
        Path | None, typer.Option(help="Write a request for a time stamp (RFC 3161) here.")
    ] = None,
) -> None:
    """Sign the manifest as it stands with your own key. Nothing leaves this machine.

    Make a key with `openssl genpkey -algorithm ed25519 -out key.pem`.
    """
    from storage.warc.seal import sign as sign_manifest
    from storage.warc.seal import stamp_request

    signature = sign_manifest(archive_of(context).folder, key)
    console.print(f"signed {signature.length} bytes of the manifest with {signature.public_key}")
    if request is not None:
        request.write_bytes(stamp_request(signature))
        console.print(escape(f"the request for a time stamp is in {request}"))


@warc.command()
def stamp(
    context: typer.Context,
    reply: Annotated[
        Path,
        typer.Argument(help="What the time-stamp authority answered.", exists=True, dir_okay=False),
    ],
    root: Annotated[Path, typer.Option(help="The authority's root certificate, PEM.")],
) -> None:
    """Keep a time stamp on a signature of the manifest, if it holds."""
    from storage.warc.seal import add_stamp

    console.print(f"stamped {add_stamp(archive_of(context).folder, reply, root)}")


@warc.command()
def bag(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    site: Annotated[str | None, typer.Option(help="Only WARC files of this site.")] = None,
) -> None:
    """Copy closed files, manifest, journal and site tables into a BagIt bag, for a library."""
    from storage.warc.fixity import write_bag

    count = write_bag(archive_of(context).folder, out, site)
    console.print(escape(f"{count} WARC file(s) in {out}"))
