"""Reads one document in a child process (storage.child). Its bytes say what it is, not its name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from crawler.attachments.docx import read_docx
from crawler.attachments.pdf import read_pdf
from crawler.attachments.problems import Problem

MAX_CHARS = 5_000_000
"""Of a whole document; what comes behind is not read, and that is said."""
MAX_PAGES = 2_000
_MAX_PROBLEMS = 5  # named one by one
_START_BYTES = 1024  # ISO 32000-1, Annex H.3.4.1: the header is somewhere in these
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_READ = (
    (_OLE, "ole", "an old Office file (.doc, .xls, .ppt)"),
    (b"{\\rtf", "rtf", "an RTF file"),
    (b"Rar!\x1a\x07", "rar", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "a 7z archive"),
)
_READERS = {"pdf": read_pdf, "docx": read_docx}


def answer(data: bytes) -> Iterator[Any]:
    """Pages as `[page, text]` (page None: the document does not say), then how it ended.

    The end is `{"kind", "state", "problem"}`: see storage.database.attachments.Document.
    """
    kind, what = kind_of(data)
    read = _READERS.get(kind or "")
    if read is None:
        yield {"kind": kind, "state": "unsupported", "problem": f"not read: {what}"}
        return
    found = False
    problems: list[str] = []
    try:
        for page, text in _capped(read(data), problems):
            found = found or bool(text.strip())
            yield [page, text]
    except Problem as error:
        problems.append(str(error))
        if not found:
            yield {"kind": kind, "state": "failed", "problem": problems[-1]}
            return
    if not found:
        problems.append("it holds no text (a scan?)")
    state = "read" if found else "no_text"
    yield {"kind": kind, "state": state, "problem": _sentence(problems)}


def _sentence(problems: list[str]) -> str | None:
    more = len(problems) - _MAX_PROBLEMS
    shown = problems[:_MAX_PROBLEMS] + [f"and {more} more"] * (more > 0)
    return "; ".join(shown) or None


def _capped(
    pages: Iterator[tuple[int | None, str] | Problem], problems: list[str]
) -> Iterator[tuple[int | None, str]]:
    """The pages up to the caps; what is wrong with single ones is noted."""
    chars = 0
    for count, one in enumerate(pages):
        if count == MAX_PAGES or chars > MAX_CHARS:
            problems.append(f"only its first {count} pages were read")
            return
        if isinstance(one, Problem):
            problems.append(str(one))
            continue
        chars += len(one[1])
        yield one


def kind_of(data: bytes) -> tuple[str | None, str]:
    """Kind by the bytes (`pdf`, `docx`, `ole` …; None: unknown), and its name for people."""
    if b"%PDF-" in data[:_START_BYTES]:
        return "pdf", "a PDF"
    for magic, kind, name in _NOT_READ:
        if data.startswith(magic):
            return kind, name
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_zip(data)
    return None, "of no known kind"


def _kind_of_zip(data: bytes) -> tuple[str, str]:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return "zip", "a damaged ZIP file"
    for folder, kind, name in (
        ("word/", "docx", "a Word file"),
        ("xl/", "xlsx", "an Excel file"),
        ("ppt/", "pptx", "a PowerPoint file"),
    ):
        if any(one.startswith(folder) for one in names):
            return kind, name
    return "zip", "a ZIP archive"
