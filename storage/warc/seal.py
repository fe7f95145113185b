"""Signatures of the manifest with the operator's own key, and time stamps on them. All offline.

The manifest is only ever appended to. So a signature covers its first bytes, as many as there
were, and later lines leave it valid. It also covers the head of the tree over the lines, so that
one line can be shown to be among those that were signed (storage.cite.proof). What was signed,
with which key (Ed25519) and when the operator says it was, is a line of `signatures.jsonl`; a time
stamp (RFC 3161) on the signature, by an authority that others trust, is a line behind it. The key
stays with the operator; the stamp's request and reply are files that can be carried to a machine
with a network.

Not done: revocation of keys and certificates; long-term renewal of stamps (RFC 4998).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from storage import times
from storage.errors import NotFound, UsageError
from storage.folder import ArchiveFolder
from storage.lines import append_lines, read_lines
from storage.warc.tree import lines_of, tree_of_lines

_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of the manifest's first bytes."""

    length: int
    """How many bytes."""
    sha256: str
    """Of these bytes, lower-case hex."""
    signed_at: str
    """UTC, as the signer's clock had it; only a stamp proves it."""
    public_key: str
    """Ed25519, 32 bytes, base64."""
    signature: str
    """Over `message`, base64."""
    lines: int | None = None
    """How many lines these bytes are; None, as `tree`, for signatures of earlier versions."""
    tree: str | None = None
    """Head of the tree over the lines (storage.warc.tree)."""

    @property
    def message(self) -> bytes:
        """The bytes that were signed."""
        tree = f"{self.lines}\n{self.tree}\n" if self.tree else ""
        said = f"{self.length}\n{self.sha256}\n{tree}{self.signed_at}"
        return f"tinhuyen manifest\n{said}\n".encode()


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature as it was found, and what is wrong with it."""

    signature: Signature
    stamped_at: str | None
    """UTC, as the stamp says; None without a stamp."""
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The seal for programs."""
        told = asdict(self.signature) | {"stamped_at": self.stamped_at}
        return told | {"problems": list(self.problems)}


def sign(folder: ArchiveFolder, key: Path) -> Signature:
    """Sign the manifest as it stands, and keep the signature. `key`: Ed25519, PEM, no password.

    Raises UsageError, NotFound (no manifest yet), OSError.
    """
    private = _private_key(key)
    if not folder.manifest.exists():
        raise NotFound(f"{folder.root} has no manifest yet; it lists files as they are closed")
    data = folder.manifest.read_bytes()
    unsigned = Signature(
        length=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        signed_at=times.utc_text(times.now()),
        public_key=_base64(private.public_key().public_bytes(*_RAW)),
        signature="",
        lines=len(lines_of(data)),
        tree=tree_of_lines(data).head,
    )
    signature = replace(unsigned, signature=_base64(private.sign(unsigned.message)))
    append_lines(signatures(folder), [asdict(signature)])
    return signature


def stamp_request(signature: Signature) -> bytes:
    """The request (DER) for a time stamp on a signature."""
    builder = TimestampRequestBuilder().data(base64.b64decode(signature.signature))
    return builder.hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()


def add_stamp(folder: ArchiveFolder, reply: Path, root: Path) -> str:
    """Keep a time stamp that an authority under `root` (PEM) gave; returns its time, UTC.

    Raises UsageError (no reply, or one to another request), OSError.
    """
    stamp = _base64(reply.read_bytes())
    certificate = _certificate(root)
    for line in reversed(list(read_lines(signatures(folder)))):
        if "signature" in line:
            at = _stamped_at(stamp, line["signature"], certificate)
            if at is not None:
                append_lines(signatures(folder), [{"stamps": line["signature"], "stamp": stamp}])
                return at
    raise UsageError(f"{reply} is no time stamp on a signature of this archive by {root}")


def check_seals(folder: ArchiveFolder, key: Path | None, root: Path | None) -> Iterator[Seal]:
    """Every signature and its stamp. `key`: the one public key (PEM) that is trusted.

    Without `key` a signature proves only that its signer saw these bytes; without `root` stamps
    are not looked at. Raises UsageError, OSError.
    """
    trusted = _base64(_public_key(key).public_bytes(*_RAW)) if key else None
    certificate = _certificate(root) if root else None
    data = folder.manifest.read_bytes() if folder.manifest.exists() else b""
    for signature, stamp in read_seals(folder):
        problems, at = list(_problems(signature, data, trusted)), None
        if stamp is not None and certificate is not None:
            at = _stamped_at(stamp, signature.signature, certificate)
            problems += [] if at else ["its time stamp does not hold"]
        yield Seal(signature, at, tuple(problems))


def read_seals(folder: ArchiveFolder) -> Iterator[tuple[Signature, str | None]]:
    """Every signature as it is kept, oldest first, and the stamp on it (base64), unchecked."""
    lines = list(read_lines(signatures(folder)))
    stamps = {line["stamps"]: line["stamp"] for line in lines if "stamps" in line}
    for line in lines:
        if "signature" in line:
            yield Signature(**line), stamps.get(line["signature"])


def _problems(signature: Signature, data: bytes, trusted: str | None) -> Iterator[str]:
    if trusted not in (None, signature.public_key):
        yield "it was made with another key"
    if hashlib.sha256(data[: signature.length]).hexdigest() != signature.sha256:
        yield f"the manifest's first {signature.length} bytes are not those that were signed"
    elif signature.tree not in (None, tree_of_lines(data[: signature.length]).head):
        yield "its tree is not the one over these lines"
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.public_key))
        public.verify(base64.b64decode(signature.signature), signature.message)
    except (InvalidSignature, ValueError):
        yield "it does not fit its key"


def _stamped_at(stamp: str, signature: str, root: x509.Certificate) -> str | None:
    """When the authority saw the signature, UTC; None if the stamp does not hold."""
    try:
        reply: TimeStampResponse = decode_timestamp_response(base64.b64decode(stamp))
        verifier = VerifierBuilder().add_root_certificate(root).build()
        verifier.verify_message(reply, base64.b64decode(signature))
    except (VerificationError, ValueError):
        return None
    moment: datetime = reply.tst_info.gen_time
    return times.utc_text(moment)


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} cannot be used as a key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{path} is no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one"
        )
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} is no Ed25519 key")
    return key


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no certificate: {error}") from error


def signatures(folder: ArchiveFolder) -> Path:
    """Where signatures and stamps are kept."""
    return folder.root / "signatures.jsonl"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
