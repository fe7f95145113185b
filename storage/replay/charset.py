"""What a stored page's bytes are to be read as, and what is said of that to the browser."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABEL = re.compile(rb"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_META_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Charset:
    """How text is encoded."""

    encoding: str
    """A codec of Python's that holds ASCII (UTF-16 is not one: see `as_ascii_based`)."""
    label: str | None
    """For the Content-Type; None: the browser decides, as it did when the page was live."""


def find_charset(body: bytes, content_type: str | None) -> Charset:
    """The charset of a text: what decodes as UTF-8 is UTF-8, whatever the server claims.

    Else what the header says, else what the text says of itself. A label that no browser knows
    (`tcvn-5712`) is left out, as browsers did. Raises: nothing.
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return Charset(name, name)
    if not body.isascii() and _is_utf8(body):
        return Charset("utf-8", "utf-8")
    for where in ((content_type or "").encode("latin-1", "replace"), body[:_META_BYTES]):
        if (label := _LABEL.search(where)) and (known := _codec(label[1].decode())):
            return Charset(known, label[1].decode().lower())
    return Charset("utf-8" if body.isascii() else "cp1252", None)


def as_ascii_based(body: bytes, charset: Charset) -> tuple[bytes, Charset]:
    """The text in an encoding that holds ASCII: UTF-16 becomes UTF-8, all else stays."""
    if not charset.encoding.replace("_", "-").lower().startswith(("utf-16", "utf-32")):
        return body, charset
    text = body.decode(charset.encoding, "replace").removeprefix("\ufeff")
    return text.encode("utf-8", "replace"), Charset("utf-8", "utf-8")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _codec(label: str) -> str | None:
    """A text codec of this name; None if there is none."""
    try:
        found = codecs.lookup(label)
        b"".decode(found.name)
    except LookupError:
        return None
    return found.name
