"""What a WARC file says of itself: its warcinfo record."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from storage import times
from storage.warc.record import Fields, member, sha1_digest, warc_fields


def warcinfo(filename: str, block: bytes, record_id: str) -> Iterator[bytes]:
    """The record that says of a file, under the name it keeps for good, what `block` says."""
    fields: Fields = [
        ("WARC-Type", "warcinfo"),
        ("WARC-Record-ID", record_id),
        ("WARC-Date", times.utc_text(times.now())),
        ("WARC-Filename", filename),
        ("Content-Type", "application/warc-fields"),
        ("WARC-Block-Digest", sha1_digest([block])),
    ]
    return member(fields, [block], len(block))


@dataclass(frozen=True, slots=True)
class WarcInfo:
    """What a file's warcinfo record says of the crawl (WARC/1.1 §6.2 and Annex)."""

    site: str
    run: str
    software: str
    user_agent: str
    contact: str
    robots: str = "RFC 9309, obeyed"

    def block(self) -> bytes:
        """The record's block: `application/warc-fields`."""
        description = (
            f"Crawl of the site {self.site}. WARC-Payload-Digest is taken over the body "
            "without its transfer coding (WARC/1.1 §6.3.2)."
        )
        return warc_fields(
            [
                ("software", self.software),
                ("format", "WARC File Format 1.1"),
                ("conformsTo", _STANDARD),
                ("operator", self.contact),
                ("robots", self.robots),
                ("hostname", socket.gethostname()),
                ("http-header-user-agent", self.user_agent),
                ("isPartOf", self.run),
                ("description", description),
            ]
        )

    def member(self, filename: str, record_id: str) -> Iterator[bytes]:
        """The record itself, for the file of this name (which it keeps for good)."""
        return warcinfo(filename, self.block(), record_id)


_STANDARD = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
