"""What can be wrong: each rule with what it means and what to do.

An *error* says that bytes are lost, changed or cannot be trusted to be what was kept. A *finding*
says that a file strays from the specification or from good practice and nothing is lost by it.
What a web server may have caused itself (a wrong Content-Length, a coding that it only claims) is
never an error: the record keeps faithfully what came.

Sources: ISO 28500:2017 (WARC/1.1) by section, and the annotated edition, the implementation
guidelines and the deduplication recommendation of iipc/warc-specifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

Severity = Literal["error", "finding"]

_RESTORE = "restore the file from another copy"
_KEEP = "nothing is lost; leave the file as it is"
_WRITER = "nothing is lost; tell the maker of the file"
_REPLAY = "the bytes are kept as they came; replay and reading may show less"


class Rule(Enum):
    """A rule by name: its severity, what a breach means, what to do."""

    # The file's frame: members and records
    UNREADABLE = "error", "the disk does not give the file", "look after the disk; " + _RESTORE
    EMPTY_FILE = "error", "the file holds nothing", _RESTORE
    NOT_WARC = "error", "no WARC record begins in it", "if it is another format, convert it first"
    TORN_TAIL = (
        "error",
        "the file ends within a record: a killed writer, a broken transfer",
        _RESTORE,
    )
    BAD_GZIP = "error", "a gzip member is damaged; its record cannot be trusted", _RESTORE
    GARBAGE_BETWEEN = "error", "between two records stand bytes that are no record", _RESTORE
    TRAILING_GARBAGE = (
        "error",
        "behind the last record stand bytes that are no record (zeros: a power loss)",
        _RESTORE,
    )
    ONE_GZIP_STREAM = (
        "error",
        "several records in one gzip member: none but the first can be reached by its offset",
        "compress it anew, one member a record (`warcio recompress`)",
    )
    EMPTY_MEMBER = "finding", "a gzip member without content", _KEEP
    LENGTH_LIES = "error", "Content-Length is not the length of the record's block", _RESTORE
    NO_RECORD_END = "error", "a record does not end in two line breaks (§4)", _RESTORE
    SHORT_END = "finding", "a record without a block ends in one line break, as Heritrix did", _KEEP
    BAD_HEADER = "error", "where a record should begin stands no record head (§4)", _RESTORE
    BARE_LF = "error", "lines end in LF, not CRLF: changed by a text transfer", _RESTORE
    # Named fields
    BAD_VERSION = "finding", "neither WARC/1.0 nor WARC/1.1", _KEEP
    MISSING_FIELD = "error", "a mandatory field is missing (§5)", _RESTORE
    BAD_FIELD = "error", "a field's value has not the form that it must have (§5)", _RESTORE
    LOOSE_FIELD = "finding", "a field's value strays from its form; readers cope", _WRITER
    FOLDED_FIELD = "finding", "a field goes over several lines: few readers can", _WRITER
    REPEATED_FIELD = "finding", "a field stands twice (§4): readers differ in which counts", _WRITER
    FORBIDDEN_FIELD = "finding", "a field that this type of record shall not have (§5)", _WRITER
    UNKNOWN_TYPE = "finding", "a type that the specification does not know", _KEEP
    # Block, payload, HTTP
    NO_BLOCK_DIGEST = "finding", "damage to this record could not be noticed", _KEEP
    BAD_BLOCK_DIGEST = "error", "the block is not what its digest says: changed", _RESTORE
    BAD_PAYLOAD_DIGEST = "error", "the payload is not what its digest says: changed", _RESTORE
    PAYLOAD_DIGEST_OTHERWISE = (
        "finding",
        "the payload digest is taken with the transfer coding, or over the decoded body",
        "revisits to it may not be found; nothing is lost",
    )
    UNKNOWN_DIGEST = "finding", "a digest of a form or algorithm that cannot be checked", _KEEP
    NO_HTTP_HEAD = "finding", "an HTTP record without a whole HTTP head", _REPLAY
    CODING_DIFFERS = (
        "finding",
        "the body is not coded as its headers say: decoded when written, or so by the server",
        _REPLAY,
    )
    HTTP_LENGTH_DIFFERS = (
        "finding",
        "the body is not as long as HTTP's Content-Length says, and WARC-Truncated does not say so",
        _REPLAY,
    )
    BAD_TRUNCATED = "finding", "WARC-Truncated has a value that is none of §5.13", _WRITER
    SECRET = (
        "finding",
        "a request with a cookie, a password or a token",
        "decide whether it may be given away (`tinhuyen takedown`, `access`)",
    )
    # Revisits
    REVISIT_PROFILE = "finding", "a revisit of a profile that §6.7 does not define", _KEEP
    REVISIT_NOT_TRUNCATED = "finding", "a revisit without `WARC-Truncated: length` (§6.7.2)", _KEEP
    REVISIT_WITHOUT_ORIGINAL = "finding", "a revisit that does not name what it repeats", _KEEP
    REVISIT_DIFFERS = (
        "error",
        "a revisit's payload digest is not that of the record it refers to",
        "restore both files from another copy",
    )
    DANGLING_REVISIT = (
        "error",
        "a revisit refers to a record that is not in the archive: its page cannot be shown",
        "restore the file that held the original",
    )
    ORIGINAL_ELSEWHERE = (
        "finding",
        "a revisit refers to a record that is in none of the files looked at",
        "verify or import it together with the file that holds the original",
    )
    # The file as a whole
    NO_WARCINFO = "finding", "the first record is no warcinfo: who made it and how is unsaid", _KEEP
    THIN_WARCINFO = "finding", "the warcinfo record leaves out what it should say (§6.2)", _WRITER
    RENAMED = "finding", "the file's name is not the one its warcinfo gives it", _KEEP
    ODD_NAME = "finding", "no name of the form PREFIX-14 digits-SERIAL-….warc.gz", _KEEP
    TOO_LARGE = "finding", "larger than the usual 1 GB: slow to move and to mend", _KEEP
    NO_REQUEST = "finding", "a response without the request that asked for it", _KEEP
    NO_METADATA = "finding", "an exchange of ours without its metadata record", _KEEP
    DUPLICATE_ID = (
        "error",
        "two records have the same WARC-Record-ID: a reference to it is ambiguous",
        "if one file is a copy of the other, take it out; else restore the file",
    )
    REPEATED_WARCINFO = "finding", "the same warcinfo again, as ArchiveWeb.page writes it", _KEEP
    READERS_DISAGREE = (
        "error",
        "warcio and FastWARC do not read the same records as we do",
        "do not build on this file; compare it with another copy",
    )
    # The archive
    MISSING_FILE = "error", "the manifest lists a file that is not there", _RESTORE
    SIZE_DIFFERS = "error", "the file's length is not the one that the manifest lists", _RESTORE
    SHA256_DIFFERS = "error", "the file's bytes are not those that the manifest lists", _RESTORE
    NOT_LISTED = (
        "finding",
        "a closed file that the manifest does not list: its fixity is unknown",
        "run `tinhuyen recover`",
    )
    RECORD_WITHOUT_ROW = (
        "error",
        "the database does not know a capture that the file holds",
        "run `tinhuyen recover`; if it stays, `tinhuyen rebuild`",
    )
    ROW_WITHOUT_RECORD = (
        "error",
        "the database knows a capture whose record is not in its file",
        _RESTORE + "; if no copy has it, `tinhuyen rebuild`",
    )
    ROW_DIFFERS = (
        "error",
        "the database's row and the record do not agree",
        "run `tinhuyen rebuild`",
    )
    INDEX_DIFFERS = (
        "finding",
        "the file's CDXJ index is old or missing",
        "run `tinhuyen warc index`",
    )
    REPLICA_MISSING = "error", "the replica has no such file", "copy it there again"
    REPLICA_DIFFERS = (
        "error",
        "the file and its replica differ",
        "keep the one whose sha256 the manifest lists, and copy it over the other",
    )

    def __init__(self, severity: Severity, meaning: str, advice: str) -> None:
        self.severity = severity
        self.meaning = meaning
        self.advice = advice

    @property
    def slug(self) -> str:
        """Its name as reports print it: `torn_tail`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Flaw:
    """One breach of a rule, and where."""

    offset: int
    """Byte of the file at which the record (or its gzip member, or the garbage) begins."""
    rule: Rule
    detail: str = ""
    """What just here is wrong."""

    def as_json(self) -> dict[str, Any]:
        """Everything that there is to say of it."""
        return {
            "offset": self.offset,
            "rule": self.rule.slug,
            "severity": self.rule.severity,
            "detail": self.detail,
            "meaning": self.rule.meaning,
            "advice": self.rule.advice,
        }
