"""Citations as programs for references take them: text, BibTeX, RIS, CSL-JSON.

What is not known is left out. Authors stand as printed, never parted into given and family names.
Sources: BibTeXing (Patashnik 1988) and biblatex §2; RIS as Zotero and EndNote read it; the
CSL-JSON schema 1.0 (citation-style-language/schema).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from storage.cite.citation import Citation

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # \{ would not do: BibTeX counts braces before TeX sees them
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "#$%&_"},
}
_NOT_IN_URL = {"{": "%7B", "}": "%7D", "\\": "%5C"}


def as_plain(cited: Citation) -> str:
    """One line for people."""
    by = ", ".join(part for part in (cited.author, cited.office) if part)
    published = (cited.published_at or "")[:16].replace("T", " ")
    parts = [by, cited.title and f"“{cited.title}”", cited.site, published, cited.url]
    said = ". ".join(_one_line(part) for part in parts if part)
    kept = f"{said}. {cited.evidence[0].upper()}{cited.evidence[1:]}"
    return f"{kept}. {cited.address}" if cited.address else f"{kept}."


def as_bibtex(cited: Citation) -> str:
    """One `@misc` entry, for BibTeX and biblatex; Vietnamese letters stay (UTF-8)."""
    year, month, day = [*cited.published, None, None, None][:3]
    fields = {
        "author": cited.author and f"{{{{{_latex(cited.author)}}}}}",
        "title": cited.title and f"{{{{{_latex(cited.title)}}}}}",
        "organization": _braced(cited.office),
        "howpublished": _braced(cited.site),
        "year": year and f"{{{year}}}",
        "month": month and _MONTHS[month - 1],
        "day": day and f"{{{day}}}",
        "url": f"{{{_url(cited.address or cited.url)}}}",
        "urldate": f"{{{cited.captured_at[:10]}}}",
        "note": _braced(f"{cited.url}, {cited.evidence}" if cited.address else cited.evidence),
    }
    lines = [f"  {name} = {value}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{tinhuyen:{cited.id.replace('/', ':')},", *lines, "}"])


def _braced(text: str | None) -> str | None:
    return f"{{{_latex(text)}}}" if text else None


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in _one_line(text))


def _url(url: str) -> str:
    return "".join(_NOT_IN_URL.get(char, char) for char in _one_line(url))


def as_ris(cited: Citation) -> str:
    """One record of the type ELEC (a web page); lines end in CR LF."""
    published = [*(f"{part:02}" for part in cited.published), "", "", ""][:3]
    fields = [
        ("TY", "ELEC"),
        ("TI", cited.title),
        ("AU", cited.author),
        ("T2", cited.site),
        ("PB", cited.office),
        ("PY", published[0]),
        ("DA", "/".join([*published, ""]) if published[0] else None),
        ("UR", cited.address or cited.url),
        ("L2", cited.url if cited.address else None),
        ("Y2", "/".join([*(f"{part:02}" for part in cited.captured), ""])),
        ("DB", cited.archive),
        ("AN", cited.record_id),
        ("N1", cited.evidence),
    ]
    lines = [f"{tag}  - {_one_line(value)}" for tag, value in fields if value]
    return "\r\n".join([*lines, "ER  - "])


def as_csl(cited: Citation) -> str:
    """A CSL-JSON list of one item, on one line."""
    item: dict[str, Any] = {
        "id": cited.id,
        "type": "webpage",
        "title": cited.title,
        "author": [{"literal": cited.author}] if cited.author else None,
        "container-title": cited.site,
        "publisher": cited.office,
        "issued": {"date-parts": [list(cited.published)]} if cited.published else None,
        "accessed": {"date-parts": [list(cited.captured)]},
        "URL": cited.address or cited.url,
        "archive": cited.archive,
        "archive_location": cited.record_id,
        "note": f"{cited.url}, {cited.evidence}" if cited.address else cited.evidence,
    }
    there = {name: value for name, value in item.items() if value is not None}
    return json.dumps([there], ensure_ascii=False)


def _one_line(text: str) -> str:
    """A line break would begin another field, and a control character is for no terminal."""
    return "".join(char for char in re.sub(r"\s+", " ", text) if char.isprintable()).strip()


STYLES: dict[str, Callable[[Citation], str]] = {
    "text": as_plain,
    "bibtex": as_bibtex,
    "ris": as_ris,
    "csl": as_csl,
}
"""By the name that `--format` takes."""
