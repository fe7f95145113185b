"""Bytes of a page to UTF-8: the bytes' own evidence before what anybody declares."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_-]+)", re.IGNORECASE)
_META_BYTES = 4096
_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_WINDOWS_1252 = {c: bytes([c]).decode("cp1252") for c in range(0x80, 0xA0) if c not in _UNDEFINED}
_AS_BROWSERS_DO = {"iso8859-1": "cp1252", "ascii": "cp1252"}  # WHATWG Encoding, §4.2


def to_utf8(body: bytes, content_type: str | None) -> bytes:
    """The page as UTF-8 without a byte order mark. Raises: nothing.

    What decodes as UTF-8 is UTF-8, whatever the header claims: no other text does so by chance.
    Else the declared charset (header, then meta), else windows-1252; in any other what does not
    fit becomes U+FFFD.
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace").encode()
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode(body, _declared(body, content_type)).encode()
    return body


def _decode(body: bytes, encoding: str) -> str:
    """Bytes that windows-1252 leaves open are controls, as browsers read them: legacy Vietnamese
    encodings have letters there."""
    if encoding == "cp1252":
        return body.decode("latin-1").translate(_WINDOWS_1252)
    return body.decode(encoding, "replace")


def _declared(body: bytes, content_type: str | None) -> str:
    for where in ((content_type or "").encode("latin-1", "replace"), body[:_META_BYTES]):
        match = _DECLARED.search(where)
        if match is None:
            continue
        try:
            name = codecs.lookup(match[1].decode()).name
        except LookupError:
            continue
        return _AS_BROWSERS_DO.get(name, name)
    return "cp1252"
