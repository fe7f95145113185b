"""Text of a DOCX (ECMA-376, Part 1, §17): read as a stream, so that no bomb becomes a tree.

Everything that stands in the text is read, in its order: also tables, text boxes, content controls
and insertions that are tracked, which python-docx leaves out. Deleted text is not.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET
from xml.parsers import expat

from crawler.attachments.problems import Problem

_WORD = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main ",
    "http://purl.oclc.org/ooxml/wordprocessingml/main ",
)
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006 "
_MAX_XML_BYTES = 64 << 20
_PIECE_BYTES = 1 << 16
_DAMAGE = (
    zipfile.BadZipFile, expat.ExpatError, ET.ParseError, zlib.error, KeyError, ValueError,
    NotImplementedError, RuntimeError, EOFError, OSError,
)  # fmt: skip
_BREAKS = {"p": "\n", "tr": "\n", "tc": "\t"}
"""What an element's end is in text."""


def read_docx(data: bytes) -> Iterator[tuple[int | None, str] | Problem]:
    """Number and text of each page as Word last saw them; one page None if Word left no marks.

    Notes come last, on no page. Raises Problem.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            main = _main_part(package)
            pages = _Text().read(package, main)
            known = len(pages) > 1
            yield from ((number if known else None, text) for number, text in enumerate(pages, 1))
            for notes in ("footnotes.xml", "endnotes.xml"):
                name = posixpath.join(posixpath.dirname(main), notes)
                if name in package.namelist():
                    yield None, "".join(_Text().read(package, name))
    except _DAMAGE as error:
        raise Problem(f"damaged: {(str(error) or type(error).__name__)[:200]}") from error


def _main_part(package: zipfile.ZipFile) -> str:
    """The document's own part, as the package's relationships name it (ECMA-376, Part 2, §9.3)."""
    with package.open("_rels/.rels") as stream:
        relations = ET.fromstring(stream.read(_PIECE_BYTES))  # noqa: S314 64 KB in a child process
    for one in relations:
        if one.get("Type", "").endswith("/officeDocument"):
            return one.get("Target", "").lstrip("/")
    return "word/document.xml"


class _Text:
    """Collects text as the parser meets it."""

    def __init__(self) -> None:
        self._pages: list[list[str]] = [[]]
        self._in_text = self._in_fallback = 0

    def read(self, package: zipfile.ZipFile, name: str) -> list[str]:
        """The pages of a part. Raises Problem and what parser and package raise."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _no_doctype
        size = 0
        with package.open(name) as stream:
            while piece := stream.read(_PIECE_BYTES):
                size += len(piece)
                if size > _MAX_XML_BYTES:
                    raise Problem(f"it unpacks to more than {_MAX_XML_BYTES >> 20} MB")
                parser.Parse(piece, False)
        parser.Parse(b"", True)
        return ["".join(page).strip("\n") for page in self._pages]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_COMPATIBILITY}Fallback":  # the same again, for older programs
            self._in_fallback += 1
        word = _word(name)
        if word == "t":
            self._in_text += 1
        elif word in ("tab", "br", "cr") and not self._in_fallback:
            self._pages[-1].append("\t" if word == "tab" else "\n")
        elif word == "lastRenderedPageBreak":
            self._pages.append([])

    def _end(self, name: str) -> None:
        if name == f"{_COMPATIBILITY}Fallback":
            self._in_fallback -= 1
        word = _word(name)
        if word == "t":
            self._in_text -= 1
        elif word in _BREAKS and not self._in_fallback:
            self._pages[-1].append(_BREAKS[word])

    def _text(self, text: str) -> None:
        if self._in_text and not self._in_fallback:
            self._pages[-1].append(text)


def _word(name: str) -> str:
    """The name of an element of WordprocessingML; '' for any other."""
    return next((name[len(space) :] for space in _WORD if name.startswith(space)), "")


def _no_doctype(*_: object) -> None:
    """No Word file has one; entities are made in it."""
    raise Problem("damaged: it has a document type declaration")
