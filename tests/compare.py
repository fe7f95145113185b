"""Two databases are equal if their stable views are, ordered by natural key; and what failed."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Engine, text

from storage.database.connect import reading_engine

VIEWS = {
    "articles": ("id",),
    "article_versions": ("article_id", "version"),
    "article_images": ("article_id", "version", "position"),
    "captures": ("record_id",),
    "runs": ("id",),
    "site_states": ("site", "decided_at"),
    "failures": ("run", "url", "stage", "kind", "message", "record_id"),
    "attachments": ("article_id", "version", "position"),
    "attachment_pages": ("article_id", "version", "position", "part"),
    "shelf": ("id",),
}
"""Natural keys. What failed and what is counted by has no view; both follow here."""

_QUERIES = {name: f"SELECT * FROM {name}" for name in VIEWS} | {
    # Of what may not go out as well, which the views leave out.
    "captures": """
        SELECT record_id, run, site, url, urlkey, fetched_at, status, mime, location,
               payload_digest, block_digest, warc_file, warc_offset, warc_length, record_type,
               refers_to, ip, truncated, provenance, body_sha256, reading
          FROM capture""",
    "attachment_pages": """
        SELECT a.id AS article_id, v.number AS version, t.position, ap.part, ap.page, ap.text
          FROM attachment t JOIN version v ON v.id = t.version JOIN article a ON a.key = v.article
          JOIN attachment_page ap ON ap.sha256 = t.sha256""",
    "failures": """
        SELECT f.run, f.site, f.url, f.stage, f.kind, f.skipped, f.message, c.record_id
          FROM failure f LEFT JOIN capture c ON c.id = f.capture""",
    "shelf": """
        SELECT a.id, s.site, s.organ, s.province, s.district, s.section, s.author, s.published_at,
               s.published_precision, s.images, s.provenance
          FROM shelf s JOIN article a ON a.key = s.article""",
}
_JSON = ("counts", "findings", "evidence", "published_flags", "date_candidates")


def content_of(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that researchers see in the database of this address."""
    engine = reading_engine(url)
    try:
        return _content(engine)
    finally:
        engine.dispose()


def _content(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    content = {}
    with engine.connect() as connection:
        for name, key in VIEWS.items():
            rows = [_plain(row._mapping) for row in connection.execute(text(_QUERIES[name]))]
            content[name] = sorted(rows, key=lambda row: [str(row[part]) for part in key])
    return content


def _plain(row: Any) -> dict[str, Any]:
    """JSON as what it says: SQLite gives its text, PostgreSQL what is in it."""
    values = dict(row)
    for name in _JSON:
        if isinstance(values.get(name), str):
            values[name] = json.loads(values[name])
    return values


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Where two contents differ, a few rows of each view, for people."""
    found = []
    for name, rows in one.items():
        for mine, theirs in zip(rows, other[name], strict=False):
            if mine != theirs:
                cells = {k: (v, theirs[k]) for k, v in mine.items() if v != theirs[k]}
                found.append(f"{name}: {cells}")
        if len(rows) != len(other[name]):
            found.append(f"{name}: {len(rows)} rows and {len(other[name])}")
    return found[:10]
