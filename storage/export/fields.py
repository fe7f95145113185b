"""The fields of an article as a row of a table: names, kinds and meaning, for CSV and Parquet.

This is the data dictionary: docs/researchers.md and every release print it from here.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "texts", "number", "day", "moment", "images", "files", "units"]


class Field(NamedTuple):
    """A column."""

    name: str
    kind: Kind
    """`texts`, `images`, `files` and `units` are lists; in CSV they are JSON."""
    about: str
    """What it holds, and what it means where it is empty."""


FIELDS = (
    Field("id", "text", "the article's lasting identity: 16 hex digits"),
    Field("site", "text", "id of the portal"),
    Field("organ", "text", "whose portal: party, people_committee, council, front, province, "
          "other"),
    Field("url", "text", "the page's canonical address"),
    Field("other_urls", "texts", "other addresses that led to it"),
    Field("title", "text", "title without the site's name; empty: the page shows none"),
    Field("title_raw", "text", "title as the page printed it"),
    Field("lead", "text", "the paragraph before the text; empty: there is none"),
    Field("text", "text", "paragraphs parted by line breaks, uncorrected"),
    Field("section", "text", "section as printed; empty: unknown"),
    Field("published_at", "text", "local time (Asia/Ho_Chi_Minh), ISO 8601 cut to what is known: "
          "2023-01-10T16:33:00+07:00, 2023-01-10, 2023-01; empty: unknown, never a guess"),
    Field("published_day", "day", "the day of published_at; empty where not even that is known"),
    Field("published_precision", "text", "second, minute, day, month or year"),
    Field("published_raw", "text", "the date as the page printed it"),
    Field("published_evidence", "text", "where the date stands: printed, meta, url"),
    Field("published_flags", "texts", "what speaks for and against the date (docs/researchers.md)"),
    Field("byline_raw", "text", "byline as printed"),
    Field("author", "text", "who signed, as printed; several stay one text; empty: unknown"),
    Field("office", "text", "the body named in the byline; empty: unknown"),
    Field("credit", "text", "whom the page names as its source; empty: nobody"),
    Field("captured_at", "moment", "when the page was captured, UTC"),
    Field("version", "number", "which version this is, the newest: 1 is the first captured"),
    Field("versions", "number", "how many versions the archive has"),
    Field("absent_on", "moment", "when it was first seen to be gone from its site, UTC; "
          "empty: it was there when last looked for"),
    Field("absent_why", "text", "how it was seen to be gone"),
    Field("district_code", "text", "GSO code of its district; empty: unknown"),
    Field("district", "text", "name of that district"),
    Field("district_as_of", "text", "the day whose codes district_code follows (codes are reused)"),
    Field("district_evidence", "text", "site: the portal is that district's; else the words of the "
          "article"),
    Field("successors", "units", "communes that took in parts of the district: code, name, "
          "province, split (only a part of a commune of it went there)"),
    Field("images", "images", "in their order: sha256 (empty: not kept), url, mime, width and "
          "height in pixels, caption"),
    Field("attachments", "files", "url, name, mime, sha256 (empty: not kept)"),
    Field("warc_file", "text", "WARC file of the capture, within the archive's folder"),
    Field("warc_offset", "number", "byte at which its record begins"),
    Field("warc_length", "number", "bytes of its record"),
    Field("record_id", "text", "WARC-Record-ID"),
    Field("payload_digest", "text", "WARC-Payload-Digest; empty for a page that was cut"),
    Field("provenance", "text", "who captured it: own, donated, commoncrawl, wayback"),
    Field("province", "text", "province of the district as of district_as_of; empty: unknown"),
    Field("year", "number", "year of publication; empty: unknown"),
)  # fmt: skip
"""In the order of a table."""

_OF_WARC = {
    "warc_file": "file",
    "warc_offset": "offset",
    "warc_length": "length",
    "record_id": "record_id",
    "payload_digest": "payload_digest",
    "provenance": "provenance",
}
_OF_PLACE = {
    "district_code": "district_code",
    "district": "district",
    "district_as_of": "as_of",
    "district_evidence": "evidence",
    "province": "province",
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def as_row(article: dict[str, Any]) -> dict[str, Any]:
    """An article (DESIGN §7) as a row: every name of FIELDS, times as text, lists as lists."""
    place, gone = article["place"] or {}, article.get("absent") or {}
    published = article["published_at"] or ""
    day = _DAY.match(published)
    made = {
        "published_day": day and day[0],
        "absent_on": gone.get("absent_on"),
        "absent_why": gone.get("why"),
        "successors": place.get("successors", []),
        "year": int(published[:4]) if published else None,
        **{name: place.get(of) for name, of in _OF_PLACE.items()},
        **{name: article["warc"][of] for name, of in _OF_WARC.items()},
    }
    return {field.name: made.get(field.name, article.get(field.name)) for field in FIELDS}


def dictionary() -> str:
    """The data dictionary as a Markdown table."""
    rows = [f"| `{one.name}` | {one.kind} | {one.about} |" for one in FIELDS]
    return "\n".join(["| field | kind | what it is |", "|---|---|---|", *rows])
