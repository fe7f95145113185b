"""Verify a proof that `tinhuyen cite ARTICLE --proof FILE` made: offline, with Python 3.9 or newer.

    python3 verify_proof.py PROOF [PUBLIC-KEY.pem [ROOT-OF-TIME-STAMPS.pem]]

A signature and its time stamp are checked by the command `openssl` (3.0 or newer).
"""

import base64, email, gzip, hashlib, json, subprocess, sys, tempfile
from pathlib import Path

PARTS = ["proof", "article", "records", "manifest", "signature", "stamp", "sha256"]
DAMAGED = ValueError, LookupError, TypeError, OSError, EOFError, ArithmeticError


def check(holds, what):
    if not holds:
        sys.exit(f"NOT PROVEN: {what}")


def decode(text):
    data = base64.b64decode(text)
    check(base64.b64encode(data).decode() == text, f"these letters are no base64: {text[-40:]}")
    return data


def head(piece, index, size, path):
    """The tree's head by a piece and its path: RFC 9162 §2.1.3.2, then size and root hashed."""
    check(0 <= index < size, "a place is outside of its tree")
    node, last = hashlib.sha256(b"\0" + piece).digest(), size - 1
    for beside in map(bytes.fromhex, path):
        left = index % 2 or index == last
        node = hashlib.sha256(b"\1" + (beside + node if left else node + beside)).digest()
        while left and index and not index % 2:
            index, last = index // 2, last // 2
        index, last = index // 2, last // 2
    return None if last else hashlib.sha256(b"\2" + size.to_bytes(8, "big") + node).hexdigest()


def check_record(one, manifest):
    data, line = decode(one["warc"]), one["line"].encode()
    size, tree = manifest["lines"], manifest["tree"]
    check(head(line, size=size, **one["in_manifest"]) == tree, "the line is not in the manifest")
    check(head(data, **one["in_file"]) == json.loads(line)["tree"], "the record is not in its file")
    record = data if data.startswith(b"WARC/") else gzip.decompress(data)
    return email.message_from_bytes(record.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2])


def openssl(command, **files):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        command = ["openssl", *command.split()]
        return not subprocess.run(command, cwd=folder, capture_output=True).returncode


def check_signature(made, manifest, stamp, key=None, root=None):
    said = [made["length"], made["sha256"], manifest["lines"], manifest["tree"], made["signed_at"]]
    message = "".join(f"{part}\n" for part in ["tinhuyen manifest", *said]).encode()
    public, signature = decode(made["public_key"]), decode(made["signature"])
    der = bytes.fromhex("302a300506032b6570032100") + public  # an Ed25519 key by RFC 8410
    given = base64.b64decode(key.split("-----")[2]) if key else der
    check(given == der, "the signature was made with another key")
    verify = "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -in message -sigfile signature"
    check(openssl(verify, key=der, message=message, signature=signature), "the signature is wrong")
    if stamp and root:
        files = {"stamp": decode(stamp), "signature": signature, "root": root.encode()}
        verify = "ts -verify -in stamp -data signature -CAfile root"
        check(openssl(verify, **files), "the time stamp does not hold")


def check_proof(text, key=None, root=None):
    proof = json.loads(text)
    written = json.dumps(proof, ensure_ascii=False, indent=1) + "\n"
    check(written == text and [*proof] == PARTS, "no archive wrote this file")
    check(proof["proof"] == "tinhuyen proof 1", "this script knows another form of proofs")
    article, made = proof["article"], proof["signature"]
    named = hashlib.sha256(f"{article['site']}\n{article['url']}".encode()).hexdigest()[:16]
    check(article["id"] == named, "the article's id does not follow from its site and address")
    records = [check_record(one, proof["manifest"]) for one in proof["records"]]
    ids = [one["WARC-Record-ID"] for one in records[1:]] + [None]
    there = all(one["WARC-Refers-To"] in (None, ids[n]) for n, one in enumerate(records))
    check(there, "a record that another repeats is missing")
    if made:
        check_signature(made, proof["manifest"], proof["stamp"], key, root)
    rest = json.dumps({**proof, "sha256": None}, ensure_ascii=False).encode()
    check(proof["sha256"] == hashlib.sha256(rest).hexdigest(), "some byte is not as it was")
    print("article ", article["id"], article["url"])
    for one in records:
        print("record  ", one["WARC-Record-ID"], one["WARC-Date"], one["WARC-Target-URI"])
        print("payload ", one["WARC-Payload-Digest"])
    print("manifest", proof["manifest"]["tree"])
    print("signed  ", made["signed_at"] + " by " + made["public_key"] if made else "NO")
    print("stamped ", "yes" if made and proof["stamp"] and root else "not looked at")


if __name__ == "__main__":
    try:
        check_proof(*(Path(name).read_text("utf-8") for name in sys.argv[1:4]))
    except DAMAGED as error:
        sys.exit(f"NOT PROVEN: the file is no proof, or a damaged one: {error!r}")
