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
from storage.warc.seal import Signature, read_seals
from storage.warc.tree import Tree, lines_of, tree_of_file, tree_of_lines
from storage.warc.verify.walk import record_at

FORM = "tinhuyen proof 1"


def make_proof(archive: Archive, id_: str, version: int | None = None) -> dict[str, Any]:
    """The proof of a version of an article (of the newest if None).

    Raises NotFound (no such article or version; its record is in a file that is not closed yet,
    or was listed by an earlier version), UsageError, WarcError (the file was changed), OSError.
    """
    article = archive.article(id_, version)
    with archive.reading() as connection:
        rows = list(_records(connection, article["warc"]["record_id"]))
    folder = archive.folder
    sealed = _sealed(folder, [_line_number(folder, row["warc_file"]) for row in rows])
    proof = {
        "proof": FORM,
        "article": {name: article[name] for name in ("id", "site", "url")},
        "records": [_proven(folder, row, sealed) for row in rows],
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
class _Sealed:
    """The manifest's lines up to where it was signed (all of them if it never was)."""

    lines: list[bytes]
    tree: Tree
    signature: Signature | None = None
    stamp: str | None = None


def _sealed(folder: ArchiveFolder, needed: list[int]) -> _Sealed:
    """The oldest stamped signature over the needed lines, else the oldest; else none."""
    manifest = folder.manifest.read_bytes()
    found = None
    for signature, stamp in read_seals(folder):
        data = manifest[: signature.length]
        tree, lines = tree_of_lines(data), lines_of(data)
        covers = data.endswith(b"\n") and max(needed) < len(lines)
        better = found is None or (stamp and not found.stamp)
        if signature.tree == tree.head and covers and better:
            found = _Sealed(lines, tree, signature, stamp)
    return found or _Sealed(lines_of(manifest), tree_of_lines(manifest))


def _line_number(folder: ArchiveFolder, file: str) -> int:
    """Where the manifest lists a file with the tree over its records."""
    lines = lines_of(folder.manifest.read_bytes()) if folder.manifest.exists() else []
    listed = [number for number, line in enumerate(lines) if _lists(line, file)]
    if not listed:
        raise NotFound(
            f"the manifest does not list {file}, or not with the tree over its records: it is "
            "still being written, or an earlier version listed it (then `tinhuyen warc manifest "
            "--complete` lists it anew)"
        )
    return listed[0]


def _lists(line: bytes, file: str) -> bool:
    try:
        told = json.loads(line)
    except ValueError:  # what a crash left of a line
        return False
    return bool(told["file"] == file and told.get("tree"))


def _proven(folder: ArchiveFolder, row: dict[str, Any], sealed: _Sealed) -> dict[str, Any]:
    file, offset = row["warc_file"], row["warc_offset"]
    data, fields = read_record(folder, file, offset)
    number = _line_number(folder, file)
    tree, indices = tree_of_file(folder.file(file))
    line = sealed.lines[number]
    if json.loads(line)["tree"] != tree.head or fields["warc-record-id"] != row["record_id"]:
        what = "the file is not the one that the manifest lists; `tinhuyen warc verify` says more"
        raise WarcError(what, file, offset)
    return {
        "warc": base64.b64encode(data).decode(),
        "in_file": asdict(tree.place(indices[offset])),
        "line": line.decode(),
        "in_manifest": {"index": number, "path": sealed.tree.place(number).path},
    }


def read_record(folder: ArchiveFolder, file: str, offset: int) -> tuple[bytes, dict[str, str]]:
    """A record's bytes as they stand in its file, and its fields. Raises NotFound, WarcError."""
    path = folder.file(file)
    with record_at(path, offset) as record:
        if record is None:
            raise WarcError("no whole record begins here", file, offset)
        with path.open("rb") as warc:
            warc.seek(offset)
            return warc.read(record.length), record.named


def _parts(signature: Signature) -> dict[str, Any]:
    """What of a signature is not said already."""
    told = asdict(signature)
    return {name: told[name] for name in told if name not in ("lines", "tree")}
