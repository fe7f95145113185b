"""Every error of Tin Huyện, and the exit code that each ends a command with.

TinHuyenError
* UsageError            the command or its input is wrong
* SiteError             a site's declaration is wrong: unknown id, one id twice, no such family
* SiteUnavailable       the site is closed, blocked, unreachable or has no known address
* PublicArchiveUnavailable  a public web archive turns us away, or does not answer
* ArchiveBusy           another process holds this site or file
* NotFound              the archive has no such article, run or record
  * NotHere             a WARC file is on another machine only, or nowhere
* WarcError             a WARC file is not what it should be; carries path and offset
  * TornRecord          a record ends before its end: what a killed writer leaves behind
* DigestNotSent         a mail server or a webhook did not take a digest
* VerificationFailed    two things that must be equal are not
* RanAway               a query or a file took more time or memory than it may
* DecodeError           a body cannot be decoded as its headers say
* ArchiveFault          the archive itself failed (disk, fsync, commit): no row changes
  * OutOfDisk           there is no room left
  * StoreFault          the object store failed or does not answer; an OSError too
"""

from __future__ import annotations

import errno
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; for several sites the gravest (see `gravest`)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    OUT_OF_DISK = 3
    INCOMPLETE = 4
    """Done, but a page that should have been read was not, or a list was empty."""
    UNAVAILABLE = 5
    """The site is closed, blocked, unreachable or without an address."""
    VERIFICATION_FAILED = 6
    BUSY = 7
    """Another process holds it."""


_GRAVITY = (
    Exit.BUSY,
    Exit.OUT_OF_DISK,
    Exit.VERIFICATION_FAILED,
    Exit.FAILED,
    Exit.USAGE,
    Exit.UNAVAILABLE,
    Exit.INCOMPLETE,
    Exit.DONE,
)


def gravest(codes: list[Exit]) -> Exit:
    """The one code that a command over several sites ends with; DONE for an empty list."""
    return min(codes, key=_GRAVITY.index, default=Exit.DONE)


class TinHuyenError(Exception):
    """Base of all our errors: one sentence on what happened, one on what to do."""

    exit_code = Exit.FAILED


class UsageError(TinHuyenError):
    """The command or its input is wrong; the message says what would be right."""

    exit_code = Exit.USAGE


class SiteError(TinHuyenError):
    """A site's declaration is wrong; the message names file, site and reason."""

    exit_code = Exit.USAGE


class SiteUnavailable(TinHuyenError):
    """There is nothing to crawl at this site; the message says why and what to do instead."""

    exit_code = Exit.UNAVAILABLE


class PublicArchiveUnavailable(TinHuyenError):
    """A public web archive gives nothing for now; the same command goes on later."""

    exit_code = Exit.UNAVAILABLE


class ArchiveBusy(TinHuyenError):
    """Another process holds what this one needs; wait for it, or stop it."""

    exit_code = Exit.BUSY


class NotFound(TinHuyenError):
    """The archive has nothing under this name; the message says where to look."""


class Withdrawn(NotFound):
    """It was taken down. The message is public: when, and on what basis; never the reason."""


class NotOpen(NotFound):
    """An access rule keeps it from who asks; the message says which, and until when."""


class NotHere(NotFound):
    """A file of the archive is neither on this machine nor in its store."""


class WarcError(TinHuyenError):
    """A WARC file is not what it should be. `path` and `offset` (bytes) say where."""

    def __init__(self, message: str, path: object, offset: int) -> None:
        super().__init__(f"{path}, offset {offset}: {message}")
        self.path = path
        self.offset = offset


class TornRecord(WarcError):
    """A record ends before its end; `tinhuyen recover` cuts it off."""


class VerificationFailed(TinHuyenError):
    """Two things that must be equal are not; the message says which."""

    exit_code = Exit.VERIFICATION_FAILED


class RanAway(TinHuyenError):
    """Work in a child process was ended. `limit`: `time`, `memory`, or `crash` (it died)."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class DecodeError(TinHuyenError):
    """A body cannot be decoded as its headers say. The bytes are kept; the page stays unread."""


class DigestNotSent(TinHuyenError):
    """A mail server or a webhook did not take a digest; the next one tells what this one had to."""


class ArchiveFault(TinHuyenError):
    """The archive itself failed. Nothing was acknowledged; mend the cause and crawl again."""


class OutOfDisk(ArchiveFault):
    """There is no room left. Make room and run the same command again; it goes on."""

    exit_code = Exit.OUT_OF_DISK


class StoreFault(ArchiveFault, OSError):
    """The object store failed. Whoever minds a disk that gives no bytes back minds it likewise."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EIO, message)

    def __str__(self) -> str:
        return str(self.args[1])

    def __reduce__(self) -> tuple[type[StoreFault], tuple[str]]:
        return type(self), (str(self),)
