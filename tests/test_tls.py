"""What a reader's browser would say of a certificate stands beside the page; the page is kept."""

from __future__ import annotations

import json
import ssl
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from fastwarc.warc import WarcRecordType

from tests.conftest import TestArchive
from tests.misbehaving import MisbehavingServer, page
from tests.test_faults import Faulty, declare, options, records

NOW = datetime.now(UTC)
VERDICTS = {
    "valid.test": "valid",
    "expired.test": "expired",
    "future.test": "not-yet-valid",
    "wrong-name.test": "wrong-name",
    "unknown.test": "unknown-issuer",
    "self-signed.test": "self-signed",
    "weak.test": "self-signed, weak",
    "many-faults.test": "expired, self-signed, wrong-name",
}
OLD = "old.test"


def server_context(load: trustme.LeafCert | Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL refuses to serve what is weak
    if isinstance(load, Path):
        context.load_cert_chain(load)
    else:
        load.configure_cert(context)
    return context


def self_signed(folder: Path, name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
                *, days: int = 10) -> Path:  # fmt: skip
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30)).not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}-{days}.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def contexts(folder: Path, ca: trustme.CA) -> dict[str, ssl.SSLContext]:
    past, future = NOW - timedelta(days=5), NOW + timedelta(days=5)
    curve, small = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)
    made: dict[str, trustme.LeafCert | Path] = {
        "valid.test": ca.issue_cert("valid.test"),
        "expired.test": ca.issue_cert("expired.test", not_after=past),
        "future.test": ca.issue_cert("future.test", not_before=future),
        "wrong-name.test": ca.issue_cert("other.test"),
        "unknown.test": trustme.CA().issue_cert("unknown.test"),
        "self-signed.test": self_signed(folder, "self-signed.test", curve),
        "weak.test": self_signed(folder, "weak.test", small),
        "many-faults.test": self_signed(folder, "another.test", curve, days=-1),
        OLD: ca.issue_cert(OLD, key_type=trustme.KeyType.RSA),
    }
    found = {host: server_context(certificate) for host, certificate in made.items()}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # it is meant
        found[OLD].minimum_version = found[OLD].maximum_version = ssl.TLSVersion.TLSv1
    return found


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    folder = tmp_path_factory.mktemp("tls")
    archive = TestArchive(folder / "archive")
    archive.folder.mkdir()
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "roots.pem"))
    with ExitStack() as stack:
        servers = {
            host: stack.enter_context(MisbehavingServer(tls=context))
            for host, context in contexts(folder, ca).items()
        }
        first = servers["valid.test"]
        first.pages["/"] = page("TLS", *[f"https://{host}/page" for host in servers])
        elsewhere = {f"{host}:443": f"127.0.0.1:{one.port}" for host, one in servers.items()}
        declare(archive, "https://valid.test/", hosts=list(servers))
        settings = options(
            CONNECT_TO=json.dumps(elsewhere), TLS_ROOTS_FILE=folder / "roots.pem",
            MAX_TRIES=1, SLOWEST_DELAY_SECONDS=0.01,
        )  # fmt: skip
        done = archive.scrapy("crawl", "bad", *settings)
        yield Faulty(archive, first, done.returncode, done.stderr)


def verdict(crawled: Faulty, url: str) -> str | None:
    [(_, block)] = records(crawled.archive.warc_files(), url, WarcRecordType.metadata)
    lines = dict(line.split(": ", 1) for line in block.decode().splitlines())
    return lines.get("tinhuyen-tls")


@pytest.mark.parametrize("host", VERDICTS)
def test_the_page_is_kept_and_its_certificate_judged(crawled: Faulty, host: str) -> None:
    url = f"https://{host}/page"
    [capture] = crawled.captures[url]
    assert (capture.status, capture.truncated) == (200, None)
    assert url in crawled.readings
    assert verdict(crawled, url) == VERDICTS[host]


def test_a_server_of_tls_1_0_alone_is_kept_or_said(crawled: Faulty) -> None:
    """Whether the local OpenSSL still speaks it decides which; never is it silent."""
    url = f"https://{OLD}/page"
    if crawled.captures[url]:
        [(fields, _)] = records(crawled.archive.warc_files(), url)
        assert "tls/1.0" in fields["WARC-Protocol"]
        assert verdict(crawled, url) == "valid"
    else:
        assert crawled.failures[f"https://{OLD}/robots.txt"] == {"tls"}
        assert crawled.failures[url] == {"robots_unreachable"}


def test_roots_that_are_not_there_are_an_error_at_once(archive: TestArchive) -> None:
    crawled = archive.scrapy("crawl", "demo", "-s", "TLS_ROOTS_FILE=/nowhere/roots.pem")
    assert crawled.returncode == 2
    assert "/nowhere/roots.pem holds no certificates in PEM" in crawled.stderr


def test_without_tls_there_is_no_verdict(demo_archive: TestArchive) -> None:
    blocks = records(demo_archive.warc_files(), kind=WarcRecordType.metadata)
    assert blocks and not any(b"tinhuyen-tls" in block for _, block in blocks)
