"""The first tables, and the search index of each database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "image",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_image")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("hosts", sa.JSON(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("district_from", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("family", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "article",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_article_site")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_article")),
        sa.UniqueConstraint("id", name=op.f("uq_article_id")),
    )
    op.create_index(op.f("ix_article_site"), "article", ["site"], unique=False)
    op.create_table(
        "frontier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("hops", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("list_digest", sa.LargeBinary(length=16), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_frontier_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frontier")),
        sa.UniqueConstraint("site", "fingerprint", name=op.f("uq_frontier_site_fingerprint")),
    )
    op.create_index(
        "ix_frontier_list_digest",
        "frontier",
        ["site", "list_digest"],
        unique=False,
        sqlite_where=sa.text("list_digest IS NOT NULL"),
        postgresql_where=sa.text("list_digest IS NOT NULL"),
    )
    op.create_index(
        "ix_frontier_next",
        "frontier",
        ["site", "origin", sa.literal_column("priority DESC"), "depth", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "robots",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_robots_site")),
        sa.PrimaryKeyConstraint("site", "origin", name=op.f("pk_robots")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_run_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_site"), "run", ["site"], unique=False)
    op.create_table(
        "article_url",
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["article.key"], name=op.f("fk_article_url_article")),
        sa.PrimaryKeyConstraint("article", "url", name=op.f("pk_article_url")),
    )
    op.create_index("ix_article_url_url", "article_url", ["url"], unique=False)
    op.create_table(
        "capture",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("urlkey", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("mime", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("payload_digest", sa.Text(), nullable=True),
        sa.Column("block_digest", sa.Text(), nullable=False),
        sa.Column("warc_file", sa.Text(), nullable=False),
        sa.Column("warc_offset", sa.Integer(), nullable=False),
        sa.Column("warc_length", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("record_type", sa.Text(), nullable=False),
        sa.Column("refers_to", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("truncated", sa.Text(), nullable=True),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=True),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_capture_run")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_capture_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture")),
        sa.UniqueConstraint("record_id", name=op.f("uq_capture_record_id")),
    )
    op.create_index(
        "ix_capture_location",
        "capture",
        ["site", "location"],
        unique=False,
        sqlite_where=sa.text("location IS NOT NULL"),
        postgresql_where=sa.text("location IS NOT NULL"),
    )
    op.create_index(
        "ix_capture_payload",
        "capture",
        ["site", "payload_digest"],
        unique=False,
        sqlite_where=sa.text("record_type = 'response'"),
        postgresql_where=sa.text("record_type = 'response'"),
    )
    op.create_index(
        "ix_capture_pending",
        "capture",
        ["site"],
        unique=False,
        sqlite_where=sa.text("reading = 'pending'"),
        postgresql_where=sa.text("reading = 'pending'"),
    )
    op.create_index("ix_capture_run", "capture", ["run"], unique=False)
    op.create_index("ix_capture_site_url", "capture", ["site", "url"], unique=False)
    op.create_index(
        "ix_capture_urlkey_fetched_at", "capture", ["urlkey", "fetched_at"], unique=False
    )
    op.create_index("ix_capture_warc", "capture", ["warc_file", "warc_offset"], unique=False)
    op.create_table(
        "failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("capture", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_failure_capture")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_failure_run")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_failure_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure")),
    )
    op.create_index(op.f("ix_failure_run"), "failure", ["run"], unique=False)
    op.create_table(
        "reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("capture", sa.Integer(), nullable=False),
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("extractor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("title_raw", sa.Text(), nullable=True),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("published_at", sa.Text(), nullable=True),
        sa.Column("published_utc", sa.Text(), nullable=True),
        sa.Column("published_precision", sa.Text(), nullable=True),
        sa.Column("published_raw", sa.Text(), nullable=True),
        sa.Column("published_evidence", sa.Text(), nullable=True),
        sa.Column("published_flags", sa.JSON(), nullable=False),
        sa.Column("byline_raw", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("office", sa.Text(), nullable=True),
        sa.Column("credit", sa.Text(), nullable=True),
        sa.Column("images", sa.JSON(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("date_candidates", sa.JSON(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["article.key"], name=op.f("fk_reading_article")),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_reading_capture")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
    )
    op.create_index(op.f("ix_reading_article"), "reading", ["article"], unique=False)
    op.create_index(op.f("ix_reading_capture"), "reading", ["capture"], unique=False)
    op.create_table(
        "version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.Text(), nullable=False),
        sa.Column("until_at", sa.Text(), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["article.key"], name=op.f("fk_version_article")),
        sa.ForeignKeyConstraint(["reading"], ["reading.id"], name=op.f("fk_version_reading")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sa.UniqueConstraint("article", "number", name=op.f("uq_version_article_number")),
    )
    op.create_index(op.f("ix_version_reading"), "version", ["reading"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("capture", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_attachment_capture")),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_attachment_version")),
        sa.PrimaryKeyConstraint("version", "position", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_url"), "attachment", ["url"], unique=False)
    op.create_table(
        "version_image",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column("caption_raw", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["image"], ["image.sha256"], name=op.f("fk_version_image_image")),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_version_image_version")),
        sa.PrimaryKeyConstraint("version", "position", name=op.f("pk_version_image")),
    )
    op.create_index(op.f("ix_version_image_url"), "version_image", ["url"], unique=False)

    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5("
            "title_tone, body_tone, title_plain, body_plain,"
            " tokenize='unicode61 remove_diacritics 0')"
        )
    else:
        op.execute(
            "CREATE TABLE search (article integer PRIMARY KEY REFERENCES article(key),"
            " tone tsvector NOT NULL, plain tsvector NOT NULL)"
        )
        op.execute("CREATE INDEX ix_search_tone ON search USING gin (tone)")
        op.execute("CREATE INDEX ix_search_plain ON search USING gin (plain)")
