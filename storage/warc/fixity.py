"""Fixity of closed files: the manifest's sizes and sha256 against the disk; packages of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from storage.errors import NotFound, StoreFault, UsageError, WarcError
from storage.folder import ArchiveFolder
from storage.store.file import WarcFile, sha256_of
from storage.warc.manifest import Entry, own_entries, read_entries
from storage.warc.verify.rules import Flaw, Rule

_PIECE = 1 << 20


def listed(folder: ArchiveFolder) -> dict[str, Entry]:
    """The newest line of each file in all machines' manifests, by its name, in order of closing."""
    return {entry.file: entry for entry in read_entries(folder)}


def own(folder: ArchiveFolder) -> list[Entry]:
    """Of these, the files that this machine listed: it answers for them alone."""
    mine = {entry.file for entry in own_entries(folder)}
    return [entry for name, entry in listed(folder).items() if name in mine]


def compare(entry: Entry | None, size: int, sha256: str) -> Iterator[Flaw]:
    """A file against its line in the manifest."""
    if entry is None:
        yield Flaw(0, Rule.NOT_LISTED)
    elif entry.bytes != size:
        yield Flaw(min(size, entry.bytes), Rule.SIZE_DIFFERS, f"{entry.bytes} listed, {size} there")
    elif entry.sha256 != sha256:
        yield Flaw(0, Rule.SHA256_DIFFERS, f"{entry.sha256} listed, {sha256} there")


def check(folder: ArchiveFolder, entry: Entry) -> list[Flaw]:
    """A listed file read whole and compared; no flaw: it is what it was when it was closed.

    Raises StoreFault.
    """
    try:
        path = folder.file(entry.file)
        return list(compare(entry, path.stat().st_size, sha256_of(path)))
    except NotFound:
        return [Flaw(0, Rule.MISSING_FILE)]
    except StoreFault:  # of no file in particular
        raise
    except OSError as error:
        return [Flaw(0, Rule.UNREADABLE, str(error))]


def write_bag(folder: ArchiveFolder, out: Path, site: str | None = None) -> int:
    """Copy what this machine listed, its manifest, journal and tables into a bag (RFC 8493).

    `site`: only its WARC files. Returns how many. Every copy is compared with the manifest.
    Raises UsageError (the place is taken, nothing to put in), WarcError, OSError.
    """
    import bagit

    entries = [one for one in own(folder) if site in (None, one.site)]
    if not entries:
        what = f"this machine's manifest lists no file of {site or 'any site'}"
        raise UsageError(f"{what}; is it closed, and was it written here?")
    if out.exists():
        raise UsageError(f"{out} is there already; name a folder that is not")
    unfinished = out.with_name(out.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for entry in entries:
        _copy(folder.file(entry.file), unfinished / entry.file)
        if sha256_of(unfinished / entry.file) != entry.sha256:
            raise WarcError("its bytes are not those that the manifest lists", entry.file, 0)
    for path in folder.beside():
        _copy(path, unfinished / path.relative_to(folder.root))
    what = f"Tin Huyện: {len(entries)} WARC file(s) of {site or 'all sites'}"
    bagit.make_bag(str(unfinished), {"External-Description": what}, checksums=["sha256"])
    unfinished.rename(out)
    return len(entries)


def _copy(source: WarcFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, Path):
        shutil.copy2(source, target)
        return
    with source.open("rb") as file, target.open("wb") as copy:
        shutil.copyfileobj(file, copy, _PIECE)
