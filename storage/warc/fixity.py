"""Fixity of closed files: the manifest's sizes and sha256 against the disk, and its signatures."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

from storage.folder import ArchiveFolder
from storage.lines import read_lines
from storage.warc.manifest import Entry
from storage.warc.verify.walk import OpenFile, open_binary

_PIECE = 1 << 20


def listed(folder: ArchiveFolder) -> dict[str, Entry]:
    """The manifest's newest line of each file, by the file's name, in the order of closing."""
    names = [field.name for field in fields(Entry)]
    return {
        line["file"]: Entry(*(line[name] for name in names)) for line in read_lines(folder.manifest)
    }


def sha256_of(path: Path, open_file: OpenFile = open_binary) -> str:
    """sha256 of a file's bytes, lower-case hex. Raises OSError."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
