"""How the bytes of a page, a script or a style sheet are text: their own evidence first.

Labels and what they stand for: WHATWG Encoding, §4.2, as browsers have them (webencodings). So
`iso-8859-1` is windows-1252, and a label that no browser knows (`tcvn-5712`, `hex`) is none.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import webencodings

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_META_BYTES = 4096
_NOT_PYTHONS = ("x-user-defined", "replacement")
_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_WINDOWS_1252 = {c: bytes([c]).decode("cp1252") for c in range(0x80, 0xA0) if c not in _UNDEFINED}


@dataclass(frozen=True, slots=True)
class Charset:
    """How text is encoded."""

    encoding: str
    """A codec of Python's."""
    label: str | None
    """As a browser is to be told; None: nobody said, and it decides as it did when the page was
    live."""


def find_charset(body: bytes, content_type: str | None) -> Charset:
    """The charset of a text: what decodes as UTF-8 is UTF-8, for no other text does so by chance.

    Else what the header says, else what the text says of itself, else windows-1252. Raises:
    nothing.
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return Charset(encoding, encoding)
    if _is_utf8(body):
        return Charset("utf-8", "utf-8")
    for where in ((content_type or "").encode("latin-1", "replace"), body[:_META_BYTES]):
        if (label := _DECLARED.search(where)) and (known := _codec(label[1].decode())):
            return Charset(known, label[1].decode().lower())
    return Charset("utf-8" if body.isascii() else "cp1252", None)


def decode(body: bytes, content_type: str | None) -> str:
    """The text, without a byte order mark; what does not fit becomes U+FFFD. Raises: nothing.

    Bytes that windows-1252 leaves open are controls, as browsers read them: legacy Vietnamese
    encodings have letters there.
    """
    encoding = find_charset(body, content_type).encoding
    if encoding == "cp1252":
        return body.decode("latin-1").translate(_WINDOWS_1252)
    return body.decode(encoding, "replace").removeprefix("\ufeff")


def to_utf8(body: bytes, content_type: str | None) -> bytes:
    """The text as `decode` gives it, in UTF-8. Raises: nothing."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return decode(body, content_type).encode()
    return body.removeprefix(codecs.BOM_UTF8)  # nearly always: nothing is copied twice


def _is_utf8(body: bytes) -> bool:
    """Whether it is, with letters beyond ASCII; one cut off in its last letter is."""
    try:
        text, used = codecs.utf_8_decode(body, "strict", False)
    except UnicodeDecodeError:
        return False
    return used > 0 and not text.isascii()


def _codec(label: str) -> str | None:
    """Python's name of the codec that browsers take for this label; None if they know none."""
    known = webencodings.lookup(label)
    if known is None or known.name in _NOT_PYTHONS:
        return None
    return str(known.codec_info.name)
