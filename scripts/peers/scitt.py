"""An issuer with Python's own means: `cryptography` signs, `cbor2` writes, and an independent SCITT implementation (scitt-cose) checks receipts.

    scitt.py URL TOKEN DIRECTORY                 signs statements with the keys in DIRECTORY, registers them at URL, checks all that comes back
    scitt.py --artefact URL FILE KEY STATEMENT   checks a hash envelope (RFC 9995) that the program made, and the receipt in it

From the program come receipts and, from its well-known place, keys; that a statement was registered is found as docs/formats.md §4.1 says.
"""

import base64
import hashlib
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import cbor2
import scitt_cose
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from package import pem

ENTRY, RECEIPTS, CONCISE = -65537, 394, "application/concise-problem-details+cbor"
TIMEOUT_SECONDS = 30


class Refused(Exception):
    """The program and the standards do not agree."""


def require(holds, what):
    if not holds:
        raise Refused(what)


def ask(url, token=None, body=None, media="application/cose"):
    """(status, headers, body) of a request."""
    request = urllib.request.Request(url, data=body)
    if token:
        request.add_header("authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("content-type", media)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def signed(key, issuer, subject, payload, kid, extra=None, detached=False, unsigned=False):
    """A statement, its header in the order in which it was thought of: RFC 9052 asks for no other."""
    algorithm = -8 if isinstance(key, ed25519.Ed25519PrivateKey) else -7
    header = {15: {1: issuer, 2: subject, 6: 1_700_000_000}, 4: kid, 1: algorithm, 3: "text/plain", **(extra or {})}
    header = {label: value for label, value in header.items() if value is not None}
    protected = cbor2.dumps(header)
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    if algorithm == -8:
        signature = key.sign(message)
    else:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    parts = [protected, {}, None if detached else payload, b"" if unsigned else signature]
    return cbor2.dumps(cbor2.CBORTag(18, parts))


def keys_of(url):
    """The keys that the log publishes, in PEM by key id, each of which must be at its own address too."""
    status, headers, body = ask(f"{url}/.well-known/scitt-keys")
    require(status == 200 and headers["content-type"] == "application/cbor", f"scitt-keys: {status} {headers['content-type']}")
    keys = {}
    for key in cbor2.loads(body):
        require((key[1], key[-1], key[3]) == (1, 6, -8), f"a key of another kind: {key}")
        thumbprint = hashlib.sha256(cbor2.dumps({1: 1, -1: 6, -2: key[-2]}, canonical=True)).digest()
        require(key[2] == thumbprint, "a key's id is not its COSE Key Thumbprint (RFC 9679)")
        name = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
        require(cbor2.loads(ask(f"{url}/.well-known/scitt-keys/{name}")[2]) == key, f"another key at {name}")
        keys[thumbprint] = pem(key[-2])
    require(keys, "the log publishes no key")
    return keys


def check_receipt(receipt, statement, keys, what):
    """Statement → digest → entry → tree → signature. Their leaf hash, proof and signature; one byte changed anywhere fails."""
    protected, unprotected, payload, _ = cbor2.loads(receipt).value
    header = cbor2.loads(protected)
    require(payload is None and header[395] == 1, f"{what}: not a receipt of an RFC 9162 log")
    entry = unprotected[ENTRY]
    said = json.loads(entry)["clear"]
    require(said["statement_sha256"] == hashlib.sha256(statement).hexdigest(), f"{what}: the entry names another statement")
    key = keys[header[4]]
    seen = scitt_cose.verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=key)
    require(seen.ok, f"{what}: the independent implementation refuses the receipt: {seen.errors}")
    for wrong_entry, wrong in [(entry + b" ", receipt), (entry, receipt[:-1] + bytes([receipt[-1] ^ 1]))]:
        changed = scitt_cose.verify_receipt(wrong, leaf_entry_hex=wrong_entry.hex(), log_public_key_pem=key)
        require(not changed.ok, f"{what}: accepted for another entry or with a bit of its signature changed")
    return seen


def refused(url, token, statement, code, what, media="application/cose"):
    status, headers, body = ask(f"{url}/scitt/entries", token, statement, media)
    require(400 <= status < 500 and headers["content-type"] == CONCISE, f"{what}: {status} {headers['content-type']}")
    problem = cbor2.loads(body)
    require(problem["urn:tabellion:problem"][0] == code, f"{what}: refused as {problem}, not as {code}")
    require(isinstance(problem[-1], str) and isinstance(problem[-2], str) and problem[-4] == status, f"{what}: {problem}")


def registrations(url, token, place):
    keys = keys_of(url)
    for kind in ("ed25519", "p256"):
        secret = load_pem_private_key((place / f"{kind}.pem").read_bytes(), None)
        issuer, kid = f"https://{kind}.vendor.example", kind.encode()
        statement = signed(secret, issuer, "widget 1.2", f"tested by {kind}".encode(), kid)
        status, headers, receipt = ask(f"{url}/scitt/entries", token, statement)
        require(status == 201 and headers["content-type"] == "application/cose", f"{kind}: {status} {receipt!r}")
        seen = check_receipt(receipt, statement, keys, kind)
        again = ask(f"{url}/scitt/entries", token, statement)
        require(again[0] == 201 and again[2] == receipt, f"{kind}: the same statement got another receipt")
        require(ask(f"{url}{headers['location']}", token)[2] == receipt, f"{kind}: another receipt at its own address")
        status, _, transparent = ask(f"{url}{headers['location']}/statement", token)
        require(status == 200, f"{kind}: no transparent statement")
        require(scitt_cose.extract_receipts(transparent) == [receipt], f"{kind}: another receipt in the transparent statement")
        require(scitt_cose.attach_receipts(statement, [receipt]) == transparent, f"{kind}: they write it otherwise")
        print(f"{kind}: registered as entry {seen.leaf_index} of {seen.tree_size}, receipt by {seen.issuer}")
        other = signed(secret, issuer, "other", b"x", b"another key id")
        refused(url, token, other, "issuer_unknown", "an unknown key id")
        refused(url, token, signed(secret, "https://nobody.example", "s", b"x", kid), "issuer_unknown", "an unknown issuer")
        refused(url, token, signed(secret, issuer, "s", b"x", kid, detached=True), "payload_missing", "a detached payload")
        refused(url, token, signed(secret, issuer, "s", b"x", kid, unsigned=True), "signature_wrong", "no signature")
        refused(url, token, statement[:-1] + bytes([statement[-1] ^ 1]), "signature_wrong", "a wrong signature")
        refused(url, token, signed(secret, issuer, "s", b"x", kid, {2: [7777], 7777: 1}), "header_critical", "crit")
        refused(url, token, signed(secret, issuer, "s", b"x", kid, {15: {2: "s"}}), "claims_missing", "no issuer")
        refused(url, token, signed(secret, issuer, "s", b"x", kid, {1: -35}), "algorithm_unsupported", "another algorithm")
        refused(url, token, signed(secret, issuer, "s", bytes(300_000), kid), "too_large", "too large")
        refused(url, token, statement + b"\0", "statement_malformed", "bytes after it")
        refused(url, token, statement, "not_cose", "another media type", "application/json")
        refused(url, None, statement, "not_signed_in", "nobody")
    status, headers, body = ask(f"{url}/scitt/entries/999999", token)
    require(status == 404 and headers["content-type"] == CONCISE, f"an entry that is not there: {status}")
    print("24 refusals, each by its code, in concise problem details")


def artefact(url, file, key, statement):
    protected, unprotected, payload, signature = cbor2.loads(statement).value
    header = cbor2.loads(protected)
    require(header[258] == -16 and header[259] == "application/octet-stream" and 3 not in header, f"RFC 9995: {header}")
    require(payload == hashlib.sha256(file).digest(), "the envelope names another file")
    public = load_pem_public_key(key)
    try:
        public.verify(signature, cbor2.dumps(["Signature1", protected, b"", payload]))
    except InvalidSignature as error:
        raise Refused("the envelope's signature does not verify") from error
    bare = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    [receipt] = unprotected[RECEIPTS]
    seen = check_receipt(receipt, bare, keys_of(url), "hash envelope")
    print(f"hash envelope of {len(file)} bytes: entry {seen.leaf_index} of {seen.tree_size}")


def main(arguments):
    if arguments[0] == "--artefact":
        url, *paths = arguments[1:]
        artefact(url, *(Path(path).read_bytes() for path in paths))
    else:
        registrations(arguments[0], arguments[1], Path(arguments[2]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as disagreement:
        print(f"scitt.py: {disagreement}")
        sys.exit(1)
