"""Counts as a picture: bars in an SVG file (SVG 1.1), with a title for those who listen."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from storage.query.facets import Value

_ROW, _TEXT, _BAR, _NUMBER = 20, 260, 400, 90
"""Pixels: height of a row; widths of names, of the longest bar, of numbers."""


def bars_svg(title: str, values: Sequence[Value]) -> str:
    """A bar a value under a title; what is not known is called so."""
    most = max((one.count for one in values), default=1)
    width, height = _TEXT + _BAR + _NUMBER, _ROW * (len(values) + 2)
    rows = [_row(place, one, most) for place, one in enumerate(values, 2)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="13">',
            f"<title>{_printable(title)}</title>",
            f'<text x="8" y="{_ROW}" font-weight="bold">{_printable(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _row(place: int, one: Value, most: int) -> str:
    line, length = place * _ROW, max(1, round(_BAR * one.count / most))
    name = _printable((one.label or "(unknown)")[:40])
    return (
        f'<text x="{_TEXT - 8}" y="{line}" text-anchor="end">{name}</text>'
        f'<rect x="{_TEXT}" y="{line - 12}" width="{length}" height="14" fill="#4a7"/>'
        f'<text x="{_TEXT + length + 6}" y="{line}">{one.count:,}</text>'
    )


def _printable(text: str) -> str:
    """Text from an archive within XML 1.0, which forbids control characters (2.2)."""
    return escape("".join(char if char.isprintable() else " " for char in text))
