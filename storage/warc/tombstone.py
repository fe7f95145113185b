"""What stands in a WARC file in the place of an exchange that was taken down.

A metadata record (WARC/1.1 §6.6) that refers to the record that was there, by its id alone: its
address and date are gone with it. So whoever counts records or follows a reference is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from storage import times
from storage.warc.members import Member
from storage.warc.record import Fields, member, new_record_id, sha1_digest, warc_fields

_MARK = "tinhuyen-takedown"


def tombstone(record_id: str, takedown: str) -> Iterator[bytes]:
    """The record, for the response or revisit that had this id."""
    block = warc_fields(
        [
            (_MARK, takedown),
            ("description", "The record referred to was withdrawn and its bytes removed."),
        ]
    )
    fields: Fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", new_record_id()),
        ("WARC-Date", times.utc_text(times.now())),
        ("WARC-Refers-To", record_id),
        ("Content-Type", "application/warc-fields"),
        ("WARC-Block-Digest", sha1_digest([block])),
    ]
    return member(fields, [block], len(block))


def is_one(found: Member) -> bool:
    """Whether a metadata record is such a tombstone."""
    return found.block.startswith(_MARK.encode() + b":")
