"""Cells of CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from typing import Any

_RUNS = re.compile(r"\s*[=+\-@＝＋－＠|%]|[\t\r\n']")
"""How text begins that a spreadsheet may take for a formula (OWASP, CSV Injection), or that begins
with our own mark."""


def safe_cell(value: Any) -> Any:
    """Text with an apostrophe before what might be a formula; anything else as it is.

    One stands before what begins with an apostrophe too, so that taking one away gives every cell
    back. NUL is left out: few readers of CSV get past one.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if _RUNS.match(text) else text
