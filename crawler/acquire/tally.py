"""What was found in other people's files: counted by kind, with the first places of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from storage.records import Finding
from storage.warc.verify.rules import Rule

_PLACES = 100
"""Of each kind; the count is always whole."""

UNREAD = {
    "empty_file": "the file holds nothing",
    "not_an_archive": "no WARC, ARC, WACZ or saved page begins in it",
    "bad_package": "the WACZ is damaged, or holds no WARC",
    "torn_tail": "the file ends within a record",
    "bad_gzip": "a gzip member is damaged",
    "bad_frame": "a compressed frame is damaged",
    "bad_header": "where a record should begin stands no record head",
    "garbage_between": "bytes between records that are no record",
    "trailing_garbage": "bytes behind the last record that are no record",
    "no_date": "a record without a day, and the server told none: kept, not listed as a capture",
    "no_address": "a record without an address: kept, not listed as a capture",
    "no_http": "a response without an HTTP head: kept, not listed as a capture",
    "revisit_without_original": "a revisit whose original nobody has",
    "too_large": "a body that is too large to be read: kept",
    "not_there": "listed in the index of a public archive, and the archive has it no more",
    "not_given": "listed in the index of a public archive, and the archive did not give it",
    "another_capture": "the archive answered with another capture than the one asked for: left",
    "bad_record": "where the index says that a record is, there is none, or another",
    "too_large_to_fetch": "listed in the index, and larger than what is read: not fetched",
    "bad_index_line": "a line of an index that names no capture",
}
"""Kinds that say that something could not be read: a run with one of them is incomplete."""

STRANGE = {
    "read_as": "an undeclared host is read, and by which family",
    "undeclared_host": "a host that no site declares: its captures are kept and listed, not read",
    "known_file": "the same file was given before",
    "known_capture": "the same capture is held already",
    "same_id": "two captures under one record id: the second got one of its own",
    "length_lies": "a record's length is off; the message's own length decided",
    "no_record_end": "a record does not end as it should (an extra or a missing line break)",
    "one_gzip_stream": "several records in one gzip member",
    "bracketed_address": "an address in <brackets> (wget)",
    "loose_address": "an address with spaces or bytes that none may have",
    "decoded_chunks": "a body stored without its chunks under a header that names them",
    "decoded_body": "a body stored decoded under a header that names a coding",
    "bad_chunks": "a body whose chunks do not follow each other",
    "body_cut": "a body shorter than its header says: never shown where a whole one is known",
    "archive_orig_headers": "header fields that an archive renamed",
    "no_record_id": "a record without an id: it got one, made of what it holds",
    "date_of_server": "a record without a day: the server's own Date was taken",
    "date_of_file": "a saved page whose day only its file tells",
    "bad_block_digest": "a block that is not what its digest says: kept as it is",
    "bad_package_digest": "a WARC is not what its package says of it: kept as it is",
    "bad_payload_digest": "a payload that is not what its digest says: kept as it is",
    "not_as_indexed": "a payload that is not what the archive's index says: kept as it is",
    "left_alone": "a file of a folder that is no archive and no page",
}
_MEANING = {**STRANGE, **UNREAD}


@dataclass(slots=True)
class Tally:
    """Counts by kind, and places: file, offset, what stands there."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)

    def note(self, kind: str, file: str, offset: int = 0, what: str = "") -> None:
        """Count one finding."""
        self.counts[kind] += 1
        places = self.places.setdefault(kind, [])
        if len(places) < _PLACES:
            places.append((file, offset, what))

    def note_flaw(self, rule: Rule, file: str, offset: int, what: str) -> None:
        """Count what the walker says of a frame, under its name."""
        kind = rule.name.lower()
        self.note("not_an_archive" if rule is Rule.NOT_WARC else kind, file, offset, what)

    @property
    def unread(self) -> int:
        """How often something could not be read."""
        return sum(count for kind, count in self.counts.items() if kind in UNREAD)

    def findings(self) -> list[Finding]:
        """For the run's row; the gravest first."""
        kinds = sorted(self.counts, key=lambda kind: (kind not in UNREAD, kind))
        return [self._finding(kind) for kind in kinds]

    def _finding(self, kind: str) -> Finding:
        numbers: dict[str, Any] = {
            "count": self.counts[kind],
            "places": [list(place) for place in self.places[kind]],
        }
        what = _MEANING.get(kind) or Rule[kind.upper()].value[1]
        return Finding(kind, f"{self.counts[kind]} times: {what}", numbers)
