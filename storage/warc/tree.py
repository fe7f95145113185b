"""Hash trees (RFC 6962 §2.1): one hash that stands for many pieces, and short paths from each.

A path has one hash for each level of the tree: it shows that a piece is among the others, and
nothing of them. The *head* of a tree hashes the number of its pieces together with the root, so
that a path cannot be shown with another number (docs/decisions/0702-what-a-proof-holds.md).

Two trees stand on each other. The pieces of a WARC file are its records; the head goes into the
file's line of the manifest. The pieces of the manifest are its lines; the head is what is signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from storage.store.file import WarcFile
from storage.warc.verify.walk import RawRecord, walk

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece stands in its tree."""

    index: int
    """From 0."""
    size: int
    """Pieces of the tree."""
    path: list[str]
    """The hash beside it at each level, from the piece up; lower-case hex."""


class Tree:
    """A tree over pieces, given by their hashes (`hash_piece`)."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves

    @property
    def head(self) -> str:
        """sha256(2, number of pieces as 8 bytes, root), lower-case hex."""
        size = len(self._leaves).to_bytes(8, "big")
        return _sha256(b"\2" + size + _root(self._leaves)).hex()

    def place(self, index: int) -> Place:
        """Where the piece of this number stands."""
        path = [one.hex() for one in _path(self._leaves, index)]
        return Place(index, len(self._leaves), path)


def hash_piece(data: bytes) -> bytes:
    """The hash of a piece as the tree takes it."""
    return _sha256(b"\0" + data)


def lines_of(manifest: bytes) -> list[bytes]:
    """The pieces of a manifest: its lines without their ends, whole or not."""
    return manifest.removesuffix(b"\n").split(b"\n")


def tree_of_lines(manifest: bytes) -> Tree:
    """The tree over a manifest's lines."""
    return Tree([hash_piece(line) for line in lines_of(manifest)])


def tree_of_file(path: WarcFile) -> tuple[Tree, dict[int, int]]:
    """The tree over a WARC file's records, and the number of the piece at each offset.

    The file is cut wherever a record begins or ends: what stands between records is a piece too,
    so that the tree holds every byte. Raises OSError.
    """
    cuts = {0, path.stat().st_size}
    for record in walk(path):
        if isinstance(record, RawRecord):
            cuts |= {record.offset, record.offset + record.length}
    with path.open("rb") as file:
        spans = list(pairwise(sorted(cuts)))
        leaves = [_hash_span(file, start, end) for start, end in spans]
    return Tree(leaves), {start: index for index, (start, _) in enumerate(spans)}


def _hash_span(file: BinaryIO, start: int, end: int) -> bytes:
    digest = hashlib.sha256(b"\0")
    file.seek(start)
    for at in range(start, end, _PIECE):
        digest.update(file.read(min(_PIECE, end - at)))
    return digest.digest()


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        return _sha256(b"")
    half = _half(len(leaves))
    return _sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:]))


def _path(leaves: Sequence[bytes], index: int) -> Iterator[bytes]:
    if len(leaves) == 1:
        return
    half = _half(len(leaves))
    if index < half:
        yield from _path(leaves[:half], index)
        yield _root(leaves[half:])
    else:
        yield from _path(leaves[half:], index - half)
        yield _root(leaves[:half])


def _half(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
