"""Proofs, checked by the script that docs/ gives to strangers, which shares no code with us."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cite.proof import as_text, make_proof
from storage.errors import NotFound, WarcError
from storage.warc.manifest import list_anew
from storage.warc.tree import Tree, _root, hash_piece
from tests.conftest import ROOT, TestArchive
from tests.test_fixity import authority, make_key, openssl

__all__ = ["authority"]
SEED = "308bbaf278198bcc"
SCRIPT = ROOT / "docs" / "verify_proof.py"


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("verify_proof", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


def verify(*files: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


def test_a_good_proof_is_proven(demo_archive: TestArchive, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    done = demo_archive.here("cite", SEED, "--proof", str(proof))
    assert done.returncode == 0, done.stderr
    assert proof.stat().st_size < 50_000
    checked = verify(proof)
    warc = demo_archive.open().article(SEED)["warc"]
    assert checked.returncode == 0, checked.stderr
    assert warc["record_id"] in checked.stdout and warc["payload_digest"] in checked.stdout
    assert "signed   NO\n" in checked.stdout
    again = demo_archive.here("cite", SEED, "--proof", str(proof))
    assert again.returncode == 2 and "is there already" in again.stderr


def test_every_altered_byte_is_noticed(demo_archive: TestArchive) -> None:
    """Each byte of a proof in turn; the script says what does not hold."""
    good = as_text(make_proof(demo_archive.open(), SEED)).encode()
    script.check_proof(good.decode())
    for place, byte in enumerate(good):
        bad = good[:place] + bytes([byte ^ 1]) + good[place + 1 :]
        with pytest.raises((SystemExit, *script.DAMAGED)) as stopped:
            script.check_proof(bad.decode())
        assert not isinstance(stopped.value, SystemExit) or "NOT PROVEN: " in str(stopped.value)


def altered(proof: dict[str, Any], *path: str | int) -> str:
    """The proof with the value at `path` changed a little."""
    holder: Any = json.loads(json.dumps(proof))
    whole = holder
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    if isinstance(value, int):
        holder[path[-1]] = value + 1
    else:
        middle = len(value) // 2 if path != ("stamp",) else -40  # in the authority's signature
        other = "b" if value[middle] != "b" else "c"
        holder[path[-1]] = value[:middle] + other + value[middle:][1:]
    return as_text(whole)


PARTS = {
    ("article", "id"): "the article's id does not follow",
    ("article", "site"): "the article's id does not follow",
    ("article", "url"): "the article's id does not follow",
    ("records", 0, "warc"): "the record is not in its file",
    ("records", 0, "in_file", "index"): "the record is not in its file",
    ("records", 0, "in_file", "size"): "the record is not in its file",
    ("records", 0, "in_file", "path", 0): "",
    ("records", 0, "line"): "the line is not in the manifest",
    ("records", 0, "in_manifest", "index"): "",
    ("manifest", "lines"): "the line is not in the manifest",
    ("manifest", "tree"): "the line is not in the manifest",
    ("signature", "length"): "the signature is wrong",
    ("signature", "sha256"): "the signature is wrong",
    ("signature", "signed_at"): "the signature is wrong",
    ("signature", "public_key"): "the signature was made with another key",
    ("signature", "signature"): "the signature is wrong",
    ("stamp",): "the time stamp does not hold",
}


def test_a_signed_and_stamped_proof(copy: TestArchive, tmp_path: Path, authority: Path) -> None:
    """And each of its parts altered, which the script then names."""
    private, public = make_key(tmp_path)
    asked, reply, root = authority / "ask.tsq", authority / "reply.tsr", authority / "ca.pem"
    copy.here("warc", "sign", str(private), "--request", str(asked))
    openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", asked, "-out", reply, cwd=authority)
    copy.here("warc", "stamp", str(reply), "--root", str(root))
    proof = make_proof(copy.open(), SEED)
    path = tmp_path / "proof.json"
    path.write_text(as_text(proof), "utf-8")
    checked = verify(path, public, root)
    assert checked.returncode == 0, checked.stderr
    assert "by " + proof["signature"]["public_key"] in checked.stdout
    assert checked.stdout.endswith("stamped  yes\n")
    keys = (public.read_text(), root.read_text())
    for part, said in PARTS.items():
        with pytest.raises((SystemExit, *script.DAMAGED)) as stopped:
            script.check_proof(altered(proof, *part), *keys)
        assert said in str(stopped.value), part
    _, other = make_key(tmp_path, "other")
    assert "made with another key" in verify(path, other).stderr


def test_later_lines_leave_a_signed_proof_as_it_was(copy: TestArchive, tmp_path: Path) -> None:
    copy.here("warc", "sign", str(make_key(tmp_path)[0]))
    before = make_proof(copy.open(), SEED)
    manifest = copy.folder / "manifest.jsonl"
    manifest.write_text(manifest.read_text() + '{"file": "warc/x.warc.gz"}\n{"tor', "utf-8")
    assert make_proof(copy.open(), SEED) == before


def test_a_revisit_is_proven_with_what_it_repeats(living_archive: TestArchive) -> None:
    archive = living_archive.open()
    proofs = [make_proof(archive, one["id"]) for one in archive.search()]
    assert sorted(len(proof["records"]) for proof in proofs) == [1, 1, 1, 2, 2]
    for proof in proofs:
        script.check_proof(as_text(proof))
    two = next(proof for proof in proofs if len(proof["records"]) == 2)
    with pytest.raises(SystemExit, match="a record that another repeats is missing"):
        script.check_proof(as_text(two | {"records": two["records"][:1]}))


def test_a_file_listed_by_an_earlier_version_is_listed_anew(copy: TestArchive) -> None:
    manifest = copy.folder / "manifest.jsonl"
    line = json.loads(manifest.read_text())
    del line["tree"]
    manifest.write_text(json.dumps(line) + "\n")
    with pytest.raises(NotFound, match="tinhuyen warc manifest --complete"):
        make_proof(copy.open(), SEED)
    assert copy.here("warc", "manifest", "--complete").returncode == 0
    script.check_proof(as_text(make_proof(copy.open(), SEED)))
    assert list_anew(copy.open().folder) == []


def test_a_changed_file_proves_nothing(copy: TestArchive) -> None:
    [path] = copy.warc_files()
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(WarcError, match="not the one that the manifest lists"):
        make_proof(copy.open(), SEED)


@given(st.integers(1, 200), st.data())
def test_a_path_leads_to_the_head_and_from_no_other_place(size: int, data: st.DataObject) -> None:
    """The script's half of the tree against ours (RFC 6962 §2.1.1), every size and place."""
    pieces = [bytes([number]) for number in range(size)]
    tree = Tree([hash_piece(piece) for piece in pieces])
    index = data.draw(st.integers(0, size - 1))
    path = tree.place(index).path
    assert script.head(pieces[index], index, size, path) == tree.head
    assert script.head(b"xx", index, size, path) != tree.head
    other = data.draw(st.integers(0, size - 1))
    assert other == index or script.head(pieces[index], other, size, path) != tree.head
    for outside in (-1, size):
        with pytest.raises(SystemExit, match="outside of its tree"):
            script.head(pieces[index], outside, size, path)
    assert script.head(pieces[index], index, size + 1, path) != tree.head


def test_the_tree_is_that_of_rfc_6962() -> None:
    """The test vectors of Certificate Transparency's reference implementation."""
    pieces = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [hash_piece(bytes.fromhex(piece)) for piece in pieces]
    assert _root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (
        _root(leaves[:1]).hex()
        == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert (
        _root(leaves[:3]).hex()
        == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    )
    assert _root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_the_script_is_short_and_needs_nothing() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    code = [line for line in source.rpartition('"""\n\n')[2].splitlines() if line.strip()]
    assert len(code) <= 80
    assert "import storage" not in source and "from storage" not in source
