"""The manifest against the disk, its signatures and time stamps, and bags of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import bagit
import pytest

from tests.conftest import TestArchive


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


def openssl(*arguments: str | Path, cwd: Path) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


def make_key(folder: Path, name: str = "key") -> tuple[Path, Path]:
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    openssl("genpkey", "-algorithm", "ed25519", "-out", private, cwd=folder)
    openssl("pkey", "-in", private, "-pubout", "-out", public, cwd=folder)
    return private, public


def test_the_manifest_is_listed(demo_archive: TestArchive) -> None:
    [path] = demo_archive.warc_files()
    [entry] = map(
        json.loads, demo_archive.tinhuyen("warc", "manifest", "--json").stdout.splitlines()
    )
    assert entry["file"].endswith(path.name) and entry["bytes"] == path.stat().st_size
    assert path.name in demo_archive.tinhuyen("warc", "manifest").stdout


def test_the_manifest_is_checked(copy: TestArchive) -> None:
    [path] = copy.warc_files()
    done = copy.tinhuyen("warc", "manifest", "--check")
    assert done.returncode == 0 and "as listed" in done.stdout
    data = bytearray(path.read_bytes())
    data[4] ^= 1
    path.write_bytes(data)
    done = copy.tinhuyen("warc", "manifest", "--check")
    assert done.returncode == 6 and "sha256_differs" in done.stdout
    path.unlink()
    done = copy.tinhuyen("warc", "manifest", "--check", "--json")
    [told] = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 6 and told["flaws"][0]["rule"] == "missing_file"


def test_a_signature_holds_while_the_manifest_grows(copy: TestArchive, tmp_path: Path) -> None:
    private, public = make_key(tmp_path)
    assert copy.tinhuyen("warc", "sign", str(private)).returncode == 0
    manifest = copy.folder / "manifest.jsonl"
    lines = manifest.read_text(encoding="utf-8")
    manifest.write_text(lines + lines, encoding="utf-8")
    done = copy.tinhuyen("warc", "manifest", "--check", "--key", str(public))
    assert done.returncode == 0 and ": holds" in done.stdout


def test_what_was_signed_may_not_change(copy: TestArchive, tmp_path: Path) -> None:
    private, public = make_key(tmp_path)
    copy.tinhuyen("warc", "sign", str(private))
    manifest = copy.folder / "manifest.jsonl"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"demo"', '"d3mo"'))
    done = copy.tinhuyen("warc", "manifest", "--check", "--key", str(public))
    assert done.returncode == 6 and "are not those that were signed" in done.stdout


def test_another_key_or_a_changed_signature_is_seen(copy: TestArchive, tmp_path: Path) -> None:
    private, public = make_key(tmp_path)
    copy.tinhuyen("warc", "sign", str(private))
    _, other = make_key(tmp_path, "other")
    done = copy.tinhuyen("warc", "manifest", "--check", "--key", str(other))
    assert done.returncode == 6 and "it was made with another key" in done.stdout
    kept = copy.folder / "signatures.jsonl"
    line = json.loads(kept.read_text())
    kept.write_text(json.dumps(line | {"signed_at": "2020-01-01T00:00:00.000000Z"}) + "\n")
    done = copy.tinhuyen("warc", "manifest", "--check", "--key", str(public))
    assert done.returncode == 6 and "it does not fit its key" in done.stdout


TSA = """
[tsa]
default_tsa = mine
[mine]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[leaf]
extendedKeyUsage = critical,timeStamping
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
"""


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A time-stamp authority in a folder: OpenSSL's."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(TSA)
    (folder / "serial").write_text("01")
    new = (
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-config",
        "tsa.cnf",
    )
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA",
            "-extensions", "root", cwd=folder)  # fmt: skip
    openssl(
        "req", "-new", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=TSA", cwd=folder
    )
    openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "tsa.pem", "-extfile", "tsa.cnf", "-extensions", "leaf", cwd=folder)  # fmt: skip
    return folder


def test_a_time_stamp_is_kept_and_checked(
    copy: TestArchive, tmp_path: Path, authority: Path
) -> None:
    private, public = make_key(tmp_path)
    asked, reply, root = authority / "ask.tsq", authority / "reply.tsr", authority / "ca.pem"
    copy.tinhuyen("warc", "sign", str(private), "--request", str(asked))
    openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", asked, "-out", reply, cwd=authority)
    assert copy.tinhuyen("warc", "stamp", str(reply), "--root", str(root)).returncode == 0
    check = ["warc", "manifest", "--check", "--key", str(public), "--root"]
    done = copy.tinhuyen(*check, str(root))
    assert done.returncode == 0 and ", stamped 20" in done.stdout
    other = tmp_path / "other.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-config", authority / "tsa.cnf", "-keyout", "x.key", "-out", other, "-subj", "/CN=X",
            "-extensions", "root", cwd=tmp_path)  # fmt: skip
    done = copy.tinhuyen(*check, str(other))
    assert done.returncode == 6 and "its time stamp does not hold" in done.stdout


def test_what_is_no_time_stamp_is_refused(
    copy: TestArchive, tmp_path: Path, authority: Path
) -> None:
    private, _ = make_key(tmp_path)
    copy.tinhuyen("warc", "sign", str(private))
    done = copy.tinhuyen("warc", "stamp", str(private), "--root", str(authority / "ca.pem"))
    assert done.returncode == 2 and "is no time stamp" in done.stderr


@pytest.mark.parametrize("content", [b"khong phai khoa", None, b"rsa"])
def test_what_is_no_key_is_refused(
    copy: TestArchive, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "key.pem"
    if content == b"rsa":
        openssl("genpkey", "-algorithm", "rsa", "-out", path, cwd=tmp_path)
    elif content:
        path.write_bytes(content)
    done = copy.tinhuyen("warc", "sign", str(path))
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_bag_is_a_bag_and_holds_the_same_bytes(copy: TestArchive, tmp_path: Path) -> None:
    out = tmp_path / "bag"
    done = copy.tinhuyen("warc", "bag", str(out), "--site", "demo")
    assert done.returncode == 0, done.stderr
    bag = bagit.Bag(str(out))
    assert bag.validate()
    [path] = copy.warc_files()
    kept = out / "data" / path.relative_to(copy.folder)
    assert kept.read_bytes() == path.read_bytes() and (out / "data" / "journal.jsonl").exists()
    again = copy.tinhuyen("warc", "bag", str(out))
    assert again.returncode == 2 and "is there already" in again.stderr
    empty = copy.tinhuyen("warc", "bag", str(tmp_path / "b"), "--site", "khong-co")
    assert empty.returncode == 2 and "lists no file" in empty.stderr


def test_a_bag_of_damaged_files_is_not_made(copy: TestArchive, tmp_path: Path) -> None:
    [path] = copy.warc_files()
    path.write_bytes(path.read_bytes()[:-1])
    done = copy.tinhuyen("warc", "bag", str(tmp_path / "bag"))
    assert done.returncode == 1 and "not those that the manifest lists" in done.stderr
    assert not (tmp_path / "bag").exists()
