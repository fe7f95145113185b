"""A proof that a page was captured so and then, in one small file that strangers can check offline.

It holds the page's WARC record (of a revisit also the one that it refers to), the path of each
record through the tree over its file, that file's line of the manifest with its path through the
tree over all lines, and the signature of that tree's head with its time stamp, where there are
any. Everything in it is bound to something else in it: no byte of it can change unnoticed
(docs/decisions/0702-what-a-proof-holds.md; docs/verify_proof.py checks one).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from storage.archive import Archive
from storage.errors import NotFound, WarcError
from storage.folder import ArchiveFolder
from storage.lines import read_lines
from storage.store.machines import others
from storage.warc.seal import Signature, read_seals
from storage.warc.tree import Place, Tree, lines_of, tree_of_file, tree_of_lines
from storage.warc.verify.walk import record_at

FORM = "tinhuyen proof 1"


def make_proof(archive: Archive, id_: str, version: int | None = None) -> dict[str, Any]:
    """The proof of a version of an article (of the newest if None).

    Raises NotFound (no such article or version; its record is in a file that is not closed yet,
    was listed by an earlier version, or by another machine), UsageError, WarcError (the file was
    changed), OSError.
    """
    article = archive.article(id_, version)
    with archive.reading() as connection:
        rows = list(_records(connection, article["warc"]["record_id"]))
    kept = [_kept(archive.folder, row) for row in rows]
    sealed = _sealed(archive.folder, max(one.line for one in kept))
    proof = {
        "proof": FORM,
        "article": {name: article[name] for name in ("id", "site", "url")},
        "records": [_proven(one, sealed) for one in kept],
        "manifest": {"lines": len(sealed.lines), "tree": sealed.tree.head},
        "signature": sealed.signature and _parts(sealed.signature),
        "stamp": sealed.stamp,
        "sha256": None,
    }
    text_ = json.dumps(proof, ensure_ascii=False)  # a stamp has bytes that its verifiers ignore
    return proof | {"sha256": hashlib.sha256(text_.encode()).hexdigest()}


def as_text(proof: dict[str, Any]) -> str:
    """The one written form of a proof; another is no proof."""
    return json.dumps(proof, ensure_ascii=False, indent=1) + "\n"


def _records(connection: Connection, record_id: str | None) -> Iterator[dict[str, Any]]:
    """The record, and those that it refers to, as the view `captures` has them."""
    while record_id is not None:
        row = connection.execute(_CAPTURE, {"id": record_id}).mappings().first()
        if row is None:
            raise NotFound(f"the database knows no record {record_id}, which a revisit refers to")
        yield dict(row)
        record_id = row["refers_to"]


_CAPTURE = text("SELECT * FROM captures WHERE record_id = :id")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A record, where it stands in its file, and which line of the manifest lists that."""

    data: bytes
    place: Place
    line: int


def _kept(folder: ArchiveFolder, row: dict[str, Any]) -> _Kept:
    file, offset = row["warc_file"], row["warc_offset"]
    data, record_id = _read_record(folder, file, offset)
    tree, indices = tree_of_file(folder.file(file))
    lines = lines_of(folder.manifest.read_bytes()) if folder.manifest.exists() else []
    heads = {number: head for number, line in enumerate(lines) if (head := _head(line, file))}
    if not heads:
        raise _not_listed(folder, file)
    line = next((number for number, head in heads.items() if head == tree.head), None)
    if line is None or record_id != row["record_id"]:
        what = "the file is not the one that the manifest lists; `tinhuyen warc verify` says more"
        raise WarcError(what, file, offset)
    return _Kept(data, tree.place(indices[offset]), line)


def _not_listed(folder: ArchiveFolder, file: str) -> NotFound:
    """Why no line here can prove a record of this file, and what to do."""
    if not any(line["file"] == file for line in read_lines(folder.manifest)):
        for other in others(folder, folder.manifest.name):
            if any(line["file"] == file for line in read_lines(other)):
                machine = other.kept_as.split("/")[1]
                return NotFound(
                    f"{file} is listed by the machine {machine}, and its proof rests on the "
                    "manifest there: run `tinhuyen cite --proof` on that machine"
                )
    return NotFound(
        f"the manifest does not list {file}, or not with the tree over its records: it is "
        "still being written, or an earlier version listed it (then `tinhuyen warc manifest "
        "--complete` lists it anew)"
    )


def _head(line: bytes, file: str) -> str | None:
    """The head that a line names for a file; None if it lists another, or is no line."""
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("file") != file:  # or what a crash left of a line
        return None
    return told.get("tree")


def _read_record(folder: ArchiveFolder, file: str, offset: int) -> tuple[bytes, str | None]:
    """A record's bytes as they stand in its file, and its id. Raises NotFound, WarcError."""
    path = folder.file(file)
    with record_at(path, offset) as record:
        if record is None:
            raise WarcError("no whole record begins here", file, offset)
        with path.open("rb") as warc:
            warc.seek(offset)
            return warc.read(record.length), record.id


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The manifest's lines up to where it was signed (all of them if it never was)."""

    lines: list[bytes]
    tree: Tree
    signature: Signature | None = None
    stamp: str | None = None


def _sealed(folder: ArchiveFolder, line: int) -> _Sealed:
    """The oldest stamped signature over this line and those before, else the oldest; else none."""
    manifest = folder.manifest.read_bytes()
    found = None
    for signature, stamp in read_seals(folder):
        data = manifest[: signature.length]
        tree, lines = tree_of_lines(data), lines_of(data)
        covers = data.endswith(b"\n") and line < len(lines)
        better = found is None or (stamp and not found.stamp)
        if signature.tree == tree.head and covers and better:
            found = _Sealed(lines, tree, signature, stamp)
    return found or _Sealed(lines_of(manifest), tree_of_lines(manifest))


def _proven(kept: _Kept, sealed: _Sealed) -> dict[str, Any]:
    return {
        "warc": base64.b64encode(kept.data).decode(),
        "in_file": asdict(kept.place),
        "line": sealed.lines[kept.line].decode(),
        "in_manifest": {"index": kept.line, "path": sealed.tree.place(kept.line).path},
    }


def _parts(signature: Signature) -> dict[str, Any]:
    """What of a signature is not said already."""
    told = asdict(signature)
    return {name: told[name] for name in told if name not in ("lines", "tree")}
