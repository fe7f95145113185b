"""The stable views that researchers query; docs/researchers.md is their data dictionary.

They are made anew after every migration, from here.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from storage.query.access import Access, Audience

VIEWS = {
    "article_versions": """
        SELECT a.id AS article_id, a.site, v.number AS version, v.from_at, v.until_at,
               r.title, r.title_raw, r.lead, r.text, r.section,
               r.published_at, r.published_utc, r.published_precision, r.published_raw,
               r.published_evidence, r.published_flags, r.byline_raw, r.author, r.office, r.credit,
               COALESCE(s.district, r.district) AS district,
               CASE WHEN s.district IS NULL THEN r.district_from ELSE s.district_from
                END AS district_from,
               CASE WHEN s.district IS NULL THEN r.district_evidence ELSE 'site'
                END AS district_evidence,
               r.date_candidates, r.extractor, r.content_digest,
               c.url AS capture_url, c.fetched_at AS captured_at, c.warc_file, c.warc_offset,
               c.warc_length, c.record_id, c.payload_digest, c.provenance
          FROM version v
          JOIN article a ON a.key = v.article
          JOIN site s ON s.id = a.site
          JOIN reading r ON r.id = v.reading
          JOIN capture c ON c.id = r.capture
         WHERE {article}""",
    "articles": """
        SELECT av.article_id AS id, av.site, s.organ, a.url, a.first_seen, a.last_seen, a.state,
               av.version, av.version AS versions, av.title, av.title_raw, av.lead, av.text,
               av.section, av.published_at, av.published_utc, av.published_precision,
               av.published_raw, av.published_evidence, av.published_flags, av.byline_raw,
               av.author, av.office, av.credit, av.district, av.district_from,
               av.district_evidence, av.captured_at, av.warc_file, av.warc_offset,
               av.warc_length, av.record_id, av.payload_digest, av.provenance
          FROM article_versions av
          JOIN article a ON a.id = av.article_id
          JOIN site s ON s.id = av.site
         WHERE av.version = (SELECT max(v.number) FROM version v WHERE v.article = a.key)""",
    "article_images": """
        SELECT a.id AS article_id, v.number AS version, vi.position, vi.url, vi.caption,
               vi.caption_raw, vi.role, vi.image AS sha256, i.mime, i.width, i.height, i.bytes
          FROM version_image vi
          JOIN version v ON v.id = vi.version
          JOIN article a ON a.key = v.article
          LEFT JOIN image i ON i.sha256 = vi.image
         WHERE {image}""",
    "attachments": """
        SELECT a.id AS article_id, v.number AS version, t.position, t.url, t.name, t.mime, t.sha256,
               c.record_id, x.kind AS text_kind, x.state AS text_state, x.problem AS text_problem,
               x.pages
          FROM attachment t
          JOIN version v ON v.id = t.version
          JOIN article a ON a.key = v.article
          LEFT JOIN capture c ON c.id = t.capture
          LEFT JOIN attachment_text x ON x.sha256 = t.sha256
         WHERE {listed}""",
    # The search in attachments stands on this one as well: what it leaves out is found nowhere.
    "attachment_pages": """
        SELECT a.id AS article_id, v.number AS version, t.position, ap.part, ap.page, ap.text
          FROM attachment t
          JOIN version v ON v.id = t.version
          JOIN article a ON a.key = v.article
          JOIN attachment_page ap ON ap.sha256 = t.sha256
         WHERE {attachment}""",
    "captures": """
        SELECT record_id, run, site, url, urlkey, fetched_at, status, mime, location,
               payload_digest, block_digest, warc_file, warc_offset, warc_length, record_type,
               refers_to, ip, truncated, provenance, body_sha256, reading
          FROM capture c
         WHERE {capture}""",
    "donations": """
        SELECT file, made_of, name, bytes, sha256, donor, terms, run, given_at FROM donation""",
    "units": """
        SELECT code, as_of, level, kind, name, parent, valid_from, valid_to FROM unit""",
    "unit_successors": """
        SELECT code, as_of, successor, successor_as_of, split, doubtful, source
          FROM unit_successor""",
    "runs": """
        SELECT id, site, kind, mode, started_at, finished_at, outcome, reason, counts, findings
          FROM run""",
    "site_states": """
        SELECT site, decided_at, decided_by, state, because, run, evidence FROM site_state""",
    "notes": """
        SELECT about, subject, noted_at, noted_by, text, verdict FROM note n
         WHERE {note}""",
}
"""Their statements; `{…}` stand for what the public may see (storage.query.access)."""


def drop_views(connection: Connection) -> list[str]:
    """Drop every view: no table that one stands on can be altered. Returns who may read them."""
    readers = readers_of_views(connection)
    for name in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
    return readers


def create_views(connection: Connection, readers: list[str]) -> None:
    """Create every view; one that stands on another comes after it.

    PostgreSQL forgets with a view who may read it: whoever could read one may read all of them.
    """
    conditions = _conditions(Access(Audience.PUBLIC, connection.dialect.name))
    for name, select in VIEWS.items():
        connection.execute(text(f"CREATE VIEW {name} AS {select.format(**conditions)}"))
    for reader in readers:
        grant_views(connection, reader)


def _conditions(access: Access) -> dict[str, str]:
    return {
        "article": access.article("a"),
        "image": f"{access.article('a')} AND {access.file('vi', 'image')}",
        "listed": f"{access.article('a')} AND {access.file('t', 'sha256')}",
        "attachment": access.attachment("t", "a"),
        "capture": access.capture("c"),
        "note": access.note("n"),
    }


def readers_of_views(connection: Connection) -> list[str]:
    """Logins that may read the views and do not own them; none on SQLite."""
    if connection.dialect.name == "sqlite":
        return []
    granted = text(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE table_schema ="
        " current_schema() AND table_name = ANY(:views) AND privilege_type = 'SELECT'"
        " AND grantee NOT IN ('PUBLIC', current_user)"
    )
    return list(connection.execute(granted, {"views": list(VIEWS)}).scalars())


def grant_views(connection: Connection, reader: str) -> None:
    """Let a PostgreSQL login read every view, and nothing else."""
    quoted = connection.dialect.identifier_preparer.quote(reader)
    connection.execute(text(f"GRANT SELECT ON {', '.join(VIEWS)} TO {quoted}"))
