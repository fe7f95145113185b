"""Vietnamese letters folded to ASCII one for one, so that positions in a text stay the same."""

from __future__ import annotations

import unicodedata

_EXTRA = {"đ": "d", "ð": "d", "ɖ": "d", "…": "."}
_EXTRA |= dict.fromkeys("’‘′ʼ", "'") | dict.fromkeys("‐‑‒–—―−", "-")
_EXTRA |= dict.fromkeys("⁄∕／", "/") | dict.fromkeys("∶：", ":")


def _table() -> dict[int, str]:
    table = {}
    for code in (*range(0xA0, 0x250), *range(0x1E00, 0x1F00), *range(0x2000, 0x2070)):
        char = chr(code)
        plain = "".join(
            c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c)
        )
        if char.isspace():
            table[code] = " "
        elif len(plain.lower()) == 1 and plain.lower() != char:
            table[code] = plain.lower()
    for char, plain in _EXTRA.items():
        table[ord(char)] = table[ord(char.upper())] = plain
    table |= {ord(char): char.lower() for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    return table | dict.fromkeys(map(ord, "\t\n\r\f\v\u3000"), " ")


_TABLE = _table()


def fold_letters(text: str) -> str:
    """NFC, lower case, no marks, any white space a space: as long as the NFC text itself."""
    return unicodedata.normalize("NFC", text).translate(_TABLE)
