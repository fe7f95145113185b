"""Text of a PDF, page by page, by pypdf."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from crawler.attachments.problems import Problem

# What pypdf lets through of a file that lies: a page so damaged is said, and the next one read.
# Whatever else happens ends the child process, and is said as well.
_DAMAGE = (
    PyPdfError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
    NotImplementedError, AssertionError, struct.error, zlib.error, OSError,
)  # fmt: skip


def read_pdf(data: bytes) -> Iterator[tuple[int | None, str] | Problem]:
    """Number and text of each page, or what is wrong with it. Raises Problem for the whole."""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Problem("it asks for a password")
        count = len(reader.pages)
    except DependencyError as error:
        raise Problem(f"its encryption is not known here: {error}") from error
    except _DAMAGE as error:
        raise Problem(f"damaged: {_short(error)}") from error
    with _heard() as complaints:
        for number in range(count):
            try:
                yield number + 1, reader.pages[number].extract_text()
            except _DAMAGE as error:
                complaints.append(_short(error))
            if complaints:
                yield Problem(f"page {number + 1} is damaged: {complaints[0]}")
                complaints.clear()


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What pypdf only warns of while it unpacks: a page that comes out empty then is not empty."""
    complaints: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: complaints.append(record.getMessage()[:200])  # type: ignore[method-assign]
    unpacking = logging.getLogger("pypdf.filters")
    unpacking.addHandler(handler)
    try:
        yield complaints
    finally:
        unpacking.removeHandler(handler)


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
