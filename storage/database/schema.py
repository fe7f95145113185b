"""The tables (DESIGN §4). Times are text in UTC (`2024-03-01T03:00:00.000000Z`), so that they
sort, compare and export the same on SQLite and PostgreSQL. JSON columns hold text or lists.

Researchers use the views at the end, which stay as they are; tables may change.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from storage.database import (  # noqa: F401 they declare tables
    access_tables,
    attachment_tables,
    proposal_table,
    unit_tables,
)
from storage.database.metadata import metadata as metadata  # noqa: PLC0414 re-exported

_LARGE = BigInteger().with_variant(Integer, "sqlite")  # whose own have 64 bits

site = Table(
    "site",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("hosts", JSON, nullable=False),
    Column("district", Text),
    Column("district_from", Text),
    Column("province", Text),
    Column("family", Text),
    Column("state", Text, nullable=False),
    Column("since", Text),
    Column("evidence", Text),
    Column("origin", Text, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("mode", Text),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("outcome", Text),
    Column("reason", Text),
    Column("counts", JSON),
    Column("findings", JSON),  # records.Finding, as JSON; NULL while it goes on
)

frontier = Table(
    "frontier",
    metadata,
    Column("id", _LARGE, primary_key=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("fingerprint", LargeBinary(16), nullable=False),
    Column("origin", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("hops", Text, nullable=False),
    Column("via", Text),
    Column("tries", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("due", Float, nullable=False),
    Column("list_digest", LargeBinary(16)),
    UniqueConstraint("site", "fingerprint"),
)
Index(
    "ix_frontier_next",
    frontier.c.site,
    frontier.c.origin,
    frontier.c.priority.desc(),
    frontier.c.depth,
    frontier.c.id,
    sqlite_where=frontier.c.state == "queued",
    postgresql_where=frontier.c.state == "queued",
)
Index(
    "ix_frontier_list_digest",
    frontier.c.site,
    frontier.c.list_digest,
    sqlite_where=frontier.c.list_digest.is_not(None),
    postgresql_where=frontier.c.list_digest.is_not(None),
)

robots = Table(
    "robots",
    metadata,
    Column("site", Text, ForeignKey("site.id"), primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("rules", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("fetched_at", Text),
)

turn = Table(
    "turn",
    metadata,
    Column("key", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Float, nullable=False),
)

capture = Table(
    "capture",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Text, ForeignKey("run.id"), nullable=False),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("urlkey", Text, nullable=False),
    Column("fetched_at", Text, nullable=False),
    Column("status", Integer),
    Column("mime", Text),
    Column("location", Text),
    Column("payload_digest", Text),
    Column("block_digest", Text, nullable=False),
    Column("warc_file", Text, nullable=False),
    Column("warc_offset", _LARGE, nullable=False),
    Column("warc_length", _LARGE, nullable=False),
    Column("record_id", Text, nullable=False, unique=True),
    Column("record_type", Text, nullable=False),
    Column("refers_to", Text),
    Column("ip", Text),
    Column("truncated", Text),
    Column("provenance", Text, nullable=False),
    Column("body_sha256", Text),
    Column("reading", Text, nullable=False),
    Column("fetched_for", JSON),  # what its metadata record says of its row; NULL once read
    Index("ix_capture_site_url", "site", "url"),
    Index("ix_capture_warc", "warc_file", "warc_offset"),
    Index("ix_capture_urlkey_fetched_at", "urlkey", "fetched_at"),
    Index("ix_capture_run", "run"),
)
Index("ix_capture_payload", capture.c.payload_digest, capture.c.site)
Index(
    "ix_capture_body_sha256",
    capture.c.body_sha256,
    sqlite_where=capture.c.body_sha256.is_not(None),
    postgresql_where=capture.c.body_sha256.is_not(None),
)
Index(
    "ix_capture_location",
    capture.c.site,
    capture.c.location,
    sqlite_where=capture.c.location.is_not(None),
    postgresql_where=capture.c.location.is_not(None),
)
Index(
    "ix_capture_pending",
    capture.c.site,
    sqlite_where=capture.c.reading == "pending",
    postgresql_where=capture.c.reading == "pending",
)

article = Table(
    "article",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("first_seen", Text, nullable=False),
    Column("last_seen", Text, nullable=False),
    Column("state", Text, nullable=False),
)

article_url = Table(
    "article_url",
    metadata,
    Column("article", Integer, ForeignKey("article.key"), primary_key=True),
    Column("url", Text, primary_key=True),
    Index("ix_article_url_url", "url"),
)

# A page that was not there: what makes an article `gone` if it is the last that was seen of it.
absence = Table(
    "absence",
    metadata,
    Column("capture", Integer, ForeignKey("capture.id"), primary_key=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_absence_site_url", "site", "url"),
)

reading = Table(
    "reading",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("capture", Integer, ForeignKey("capture.id"), nullable=False, index=True),
    Column("article", Integer, ForeignKey("article.key"), nullable=False, index=True),
    Column("extractor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text),
    Column("title_raw", Text),
    Column("lead", Text),
    Column("text", Text),
    Column("section", Text),
    Column("published_at", Text),
    Column("published_utc", Text),
    Column("published_precision", Text),
    Column("published_raw", Text),
    Column("published_evidence", Text),
    Column("published_flags", JSON, nullable=False),
    Column("byline_raw", Text),
    Column("author", Text),
    Column("office", Text),
    Column("credit", Text),
    Column("district", Text),
    Column("district_from", Text),
    Column("district_evidence", Text),
    Column("images", JSON, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("date_candidates", JSON, nullable=False),
    Column("content_digest", Text, nullable=False),
)

version = Table(
    "version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article", Integer, ForeignKey("article.key"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("from_at", Text, nullable=False),
    Column("until_at", Text, nullable=False),
    Column("reading", Integer, ForeignKey("reading.id"), nullable=False, index=True),
    UniqueConstraint("article", "number"),
)

image = Table(
    "image",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("mime", Text, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("bytes", Integer, nullable=False),
    Column("problem", Text),
    Column("data", LargeBinary, nullable=False),
    Column("perceptual_hash", Text),
    # Read from the index alone: in the row it stands behind all the bytes.
    Index("ix_image_perceptual_hash", "perceptual_hash", "sha256"),
)

version_image = Table(
    "version_image",
    metadata,
    Column("version", Integer, ForeignKey("version.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("url", Text, nullable=False, index=True),
    Column("caption", Text),
    Column("caption_raw", Text),
    Column("role", Text, nullable=False),
    Column("image", Text, ForeignKey("image.sha256"), index=True),
)

attachment = Table(
    "attachment",
    metadata,
    Column("version", Integer, ForeignKey("version.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("url", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("mime", Text),
    Column("sha256", Text, index=True),
    Column("capture", Integer, ForeignKey("capture.id")),
)

failure = Table(
    "failure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Text, ForeignKey("run.id"), nullable=False, index=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("capture", Integer, ForeignKey("capture.id")),
)

# A declared site has no row in `site` before its first crawl, so nothing here refers to one.
site_state = Table(
    "site_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("run", Text, index=True),
    Column("evidence", JSON, nullable=False),
    UniqueConstraint("site", "decided_at"),
)

schedule = Table(
    "schedule",
    metadata,
    Column("site", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("rhythm", Text, nullable=False),
    Column("spread_seconds", Integer, nullable=False),
    Column("quiet_hours", Text),
    Column("max_requests", BigInteger),
    Column("max_bytes", BigInteger),
    Column("max_seconds", Integer),
    Column("paused", Integer, nullable=False),
    Column("due_at", Text, nullable=False, index=True),
    Column("counted_from", Text, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Text, nullable=False),
    Column("not_before", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", Text),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("exit_code", Integer),
    Column("outcome", Text),
    Column("run", Text),
    Index("ix_job_site_mode", "site", "mode", "id"),
)
Index(
    "uq_job_open",
    job.c.site,
    job.c.mode,
    unique=True,
    sqlite_where=job.c.state != "done",
    postgresql_where=job.c.state != "done",
)

# How far each channel was told what happened; kept in the journal as well.
digest = Table(
    "digest",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("told_until", Text, nullable=False),
    Column("told_runs", JSON, nullable=False),
    Column("claimed_for", Text),
    Column("tries", Integer, nullable=False),
    Column("not_before", Text),
    Column("error", Text),
)

note = Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("about", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("noted_at", Text, nullable=False),
    Column("noted_by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("verdict", Text),
    UniqueConstraint("about", "subject", "noted_at"),
)
