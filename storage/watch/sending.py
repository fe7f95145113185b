"""Sends digests: by hand what is new, by schedule once a day, and never the same twice.

due ──claim──> sent: in the journal, then in the table
        │
        ├──> failed for certain: tried again after 5, 10, 20, 40, 60, 60 … minutes
        └──> killed: not begun again. The next day's digest tells what this one had to tell.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta

from sqlalchemy import Engine

from storage import times
from storage.archive import Archive
from storage.database import digests
from storage.database.connect import writing
from storage.database.digests import Told
from storage.errors import DigestNotSent, UsageError
from storage.lines import append_lines
from storage.query.digest import Digest, make_digest
from storage.watch.channels import Channel
from storage.watch.digest_text import digest_text


def daily_at(environment: Mapping[str, str] = os.environ) -> time:
    """TINHUYEN_DIGEST_AT, of Asia/Ho_Chi_Minh; 07:00 if it is not set. Raises UsageError."""
    text = environment.get("TINHUYEN_DIGEST_AT") or "07:00"
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 a time of day has no zone
    except ValueError:
        raise UsageError(f"TINHUYEN_DIGEST_AT={text!r} is no time; write it like 07:00") from None


def last_moment(at: time, now: datetime) -> datetime:
    """The last time that it was this time of day in Asia/Ho_Chi_Minh."""
    today = datetime.combine(now.astimezone(times.LOCAL).date(), at, times.LOCAL)
    return today if today <= now else today - timedelta(days=1)


def send_due(archive: Archive, engine: Engine, channel: Channel, at: time) -> str | None:
    """Send the day's digest if it is due; returns where it went, None if it is not due.

    However many days were missed, one is sent, of all of them. Raises DigestNotSent.
    """
    now = times.now()
    moment = last_moment(at, now)
    with archive.reading() as connection:  # looks first without becoming a writer
        told = digests.find_told(connection, channel.name)
    if told is not None and told.told_until <= now and not digests.is_due(told, moment, now):
        return None
    with writing(engine) as tx:
        told = digests.begin(tx, channel.name, now)
        if not digests.is_due(told, moment, now) or not digests.claim(tx, told, moment):
            return None
    return _send(archive, engine, channel, replace(told, claimed_for=moment), told)


def send_now(archive: Archive, engine: Engine, channel: Channel, since: datetime) -> str:
    """Send what happened since the channel was last told; `since`: if it never was.

    Returns where it went. Raises DigestNotSent.
    """
    now = times.now()
    with writing(engine) as tx:
        told = digests.find_told(tx, channel.name) or Told(channel.name, since)
        digests.save_told(tx, told)
    return _send(archive, engine, channel, replace(told, claimed_for=now), told)


def _send(archive: Archive, engine: Engine, channel: Channel, claimed: Told, before: Told) -> str:
    now = times.now()
    with archive.reading() as connection:
        digest = make_digest(connection, before.told_until, now, before.told_runs)
    try:
        where = channel.send(digest, text_of(archive, digest))
    except DigestNotSent as error:
        with writing(engine) as tx:
            digests.note_failed(tx, before, str(error), now)
        raise
    sent = Told(channel.name, now, digest.runs, claimed.claimed_for)
    line = {"kind": "digest_sent", "at": times.utc_text(now)} | digests.as_values(sent)
    append_lines(archive.folder.journal, [line])
    with writing(engine) as tx:
        digests.save_told(tx, sent)
    return where


def text_of(archive: Archive, digest: Digest) -> str:
    """The digest in words, with the room left on the archive's disk."""
    return digest_text(digest, shutil.disk_usage(archive.folder.root).free)
