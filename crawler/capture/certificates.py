"""What a reader's browser would say of a server's certificate. Judged, recorded, never obeyed.

The connection is made without checking (an archive wants what a reader sees after the warning);
OpenSSL's own path validation then runs over the certificates that the server sent.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
from typing import Any

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from OpenSSL import crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)

from storage import times
from storage.errors import UsageError

logger = logging.getLogger(__name__)

_MAX_JUDGED = 10_000
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of openssl/x509_vfy.h
_RSA_BITS = 2048  # CA/Browser Forum Baseline Requirements §6.1.5
_WEAK_HASHES = ("md5", "sha1")
_OF_TIME = {9: "not-yet-valid", 10: "expired"}  # X509_V_ERR_… of openssl/x509_vfy.h
_OF_CHAIN = {
    2: "unknown-issuer",
    18: "self-signed",
    19: "unknown-issuer",
    20: "unknown-issuer",
    21: "unknown-issuer",
    66: "weak",
    67: "weak",
    68: "weak",
}


class Certificates:
    """Judges certificates against trusted roots; the same one for a host only once."""

    def __init__(self, roots_file: str | None = None) -> None:
        """`roots_file`: PEM; None: Mozilla's roots (certifi). Raises UsageError."""
        self._stores = [
            _store(roots_file or certifi.where(), flags) for flags in (0, _NO_CHECK_TIME)
        ]
        self._judged: dict[tuple[str, bytes], str] = {}

    def judge(self, host: str, tls: ssl.SSLObject) -> str:
        """`valid`, or what is wrong, most telling first: `expired, wrong-name`.

        The words: expired, not-yet-valid, self-signed, unknown-issuer, untrusted, wrong-name,
        weak, unreadable.
        """
        chain = _sent_certificates(tls)
        key = (host, chain[0] if chain else b"")
        if key not in self._judged:
            if len(self._judged) >= _MAX_JUDGED:
                self._judged.clear()
            self._judged[key] = verdict = self._look(host, chain)
            if verdict != "valid":
                logger.warning("%s: certificate %s; its pages are kept", host, verdict)
        return self._judged[key]

    def _look(self, host: str, chain: list[bytes]) -> str:
        try:
            leaf, *others = [x509.load_der_x509_certificate(der) for der in chain]
            faults = [*self._path_faults(leaf, others), *_own_faults(host, leaf)]
        except (ValueError, UnsupportedAlgorithm, crypto.Error):
            return "unreadable"
        return ", ".join(dict.fromkeys(faults)) or "valid"

    def _path_faults(self, leaf: x509.Certificate, others: list[x509.Certificate]) -> list[str]:
        """What is wrong in time, and what with the path to a trusted root, each by itself."""
        strict, timeless = (_path_error(store, leaf, others) for store in self._stores)
        in_time = _OF_TIME.get(strict or 0) or _time_fault(leaf)
        path = None if timeless is None else _OF_CHAIN.get(timeless, "untrusted")
        return [fault for fault in (in_time, path) if fault]


def _time_fault(leaf: x509.Certificate) -> str | None:
    """OpenSSL looks at dates last, and not at all where there is no path."""
    now = times.now()
    if now > leaf.not_valid_after_utc:
        return "expired"
    return "not-yet-valid" if now < leaf.not_valid_before_utc else None


def _store(roots_file: str, flags: int) -> crypto.X509Store:
    store = crypto.X509Store()
    try:
        store.load_locations(roots_file)
    except crypto.Error as error:
        raise UsageError(
            f"{roots_file} holds no certificates in PEM; TLS_ROOTS_FILE or TINHUYEN_TLS_ROOTS "
            "names it"
        ) from error
    store.set_flags(flags)
    return store


def _path_error(
    store: crypto.X509Store, leaf: x509.Certificate, others: list[x509.Certificate]
) -> int | None:
    """OpenSSL's error number; None if the path is sound."""
    as_openssl = crypto.X509.from_cryptography
    context = crypto.X509StoreContext(store, as_openssl(leaf), [*map(as_openssl, others)])
    try:
        context.verify_certificate()
    except crypto.X509StoreContextError as error:
        return int(error.errors[0])
    return None


def _own_faults(host: str, leaf: x509.Certificate) -> list[str]:
    faults = []
    try:
        _check_name(host, leaf)
    except (VerificationError, CertificateError):
        faults.append("wrong-name")
    key = leaf.public_key()
    hash_ = leaf.signature_hash_algorithm
    weak_key = isinstance(key, RSAPublicKey) and key.key_size < _RSA_BITS
    if weak_key or (hash_ is not None and hash_.name in _WEAK_HASHES):
        faults.append("weak")
    return faults


def _check_name(host: str, leaf: x509.Certificate) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        verify_certificate_hostname(leaf, host)
    else:
        verify_certificate_ip_address(leaf, host)


def _sent_certificates(tls: ssl.SSLObject) -> list[bytes]:
    """DER of what the server sent, its own certificate first.

    Public from Python 3.13 on; before, the same method stands on the object beneath.
    """
    if hasattr(tls, "get_unverified_chain"):
        return list(tls.get_unverified_chain())
    beneath: Any = getattr(tls, "_sslobj", None)
    sent = beneath.get_unverified_chain() if beneath is not None else None
    return [certificate.public_bytes(ssl._ssl.ENCODING_DER) for certificate in sent or ()]  # type: ignore[attr-defined]
