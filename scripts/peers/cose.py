"""Hands our COSE objects to an independent implementation (scitt-cose), which must accept them all and refuse each with
one byte changed.

    cose.py DIRECTORY        DIRECTORY as fixture.sh makes it

Its tree, its leaf hashes, its signature check and its receipt check; from us come bytes and public keys only.
"""

import base64
import json
import sys
from pathlib import Path

import cbor2
import scitt_cose
from package import COSE_SIGN1, Package, pem

GOLDEN = Path("crates/tlog/tests/golden")
GOLDEN_PACKAGES = Path("crates/model/tests/golden/packages")
KID = 4  # COSE header: id of the key that signed


class Refused(Exception):
    """The other implementation does not agree with us."""


def require(holds, what):
    if not holds:
        raise Refused(what)


def with_a_bit_changed(message):
    """The same message with one bit of its signature changed: still well formed, no longer signed."""
    return message[:-1] + bytes([message[-1] ^ 1])


def statement(message, public, what):
    """The payload of a signed statement or seal that the other implementation accepts under `public`."""
    seen = scitt_cose.parse_signed_statement(message, public_key_pem=public)
    require(seen["signature_verified"] is True, f"{what}: signature refused: {seen['unverified']}")
    changed = scitt_cose.parse_signed_statement(with_a_bit_changed(message), public_key_pem=public)
    require(changed["signature_verified"] is False, f"{what}: accepted with a bit of its signature changed")
    return seen


def receipt(message, entry, public, what):
    seen = scitt_cose.verify_receipt(message, leaf_entry_hex=entry.hex(), log_public_key_pem=public)
    require(seen.ok, f"{what}: refused: {seen.errors}")
    require(seen.issuer and seen.subject, f"{what}: names no issuer or subject, which RFC 9943 asks of every receipt")
    for wrong_entry, wrong_message in [(entry + b" ", message), (entry, with_a_bit_changed(message))]:
        changed = scitt_cose.verify_receipt(wrong_message, leaf_entry_hex=wrong_entry.hex(), log_public_key_pem=public)
        require(not changed.ok, f"{what}: accepted for another entry or with a bit of its signature changed")
    return seen


def transparent_statement(message, entry, public, what):
    """A statement that carries receipts: its bare form must be `entry`, and each receipt must place that."""
    receipts = scitt_cose.extract_receipts(message)
    require(receipts, f"{what}: no receipt found in it")
    require(scitt_cose.attach_receipts(entry, receipts) == message, f"{what}: the other implementation writes it otherwise")
    return [receipt(one, entry, public, f"{what}, receipt {number}") for number, one in enumerate(receipts)]


def parts(message):
    """(protected header, payload) of a COSE_Sign1, read strictly."""
    protected, _, payload, _ = scitt_cose.cose_sign1.strict_decode(message).value
    return cbor2.loads(protected), payload


def keys_of(package):
    """Public keys by key id, as the package's key records name them; all of those must be signed by the root key."""
    keys, root = {}, None
    for index, entry in sorted(package.placed()):
        if entry[0] != COSE_SIGN1:
            continue
        record = json.loads(parts(entry)[1])
        if record.get("type") not in ("log.genesis", "key.granted", "key.rotated"):
            continue
        public = pem(base64.b64decode(record["clear"]["key"]["public"]))
        root = root or public
        statement(entry, root, f"entry {index}, {record['type']}")
        keys[bytes.fromhex(record["clear"]["key"]["key_id"])] = public
    return keys


def whole_package(path):
    """Every statement and seal of a package of a whole log, its manifest's signature, and the tree over its entries."""
    package = Package(path)
    origin, size, root = package.checkpoint()
    require(package.manifest["first"] == 0 and len(package.entries) == size, f"{path.name} does not hold the whole log")
    keys = keys_of(package)
    signed = [(index, entry) for index, entry in package.placed() if entry[0] == COSE_SIGN1]
    for index, entry in signed:
        statement(entry, keys[parts(entry)[0][KID]], f"entry {index}")
    theirs = scitt_cose.merkle_root([entry.hex() for entry in package.entries])
    require(theirs == root.hex(), f"their root over the entries is {theirs}; the checkpoint of {origin} says {root.hex()}")
    manifest = package.files["manifest.cose"]
    scitt_cose.verify_sign1(
        manifest, public_key_pem=keys[parts(manifest)[0][KID]], detached_payload=package.files["manifest.json"]
    )
    print(f"{path.name}: {len(signed)} signatures, the manifest's, and the root over {size} entries")


def golden():
    """The files that freeze the formats."""
    actor, log = ((GOLDEN / f"{name}-public-key.pem").read_text() for name in ("actor", "log"))
    entry, receipt_bytes, transparent = ((GOLDEN / f"{name}.bin").read_bytes() for name in ("statement", "receipt", "transparent"))
    seen = statement(entry, actor, "golden statement")
    require(seen["content_type"] == "application/tabellion-record+json", f"golden statement: content type {seen['content_type']}")
    placed = receipt(receipt_bytes, entry, log, "golden receipt")
    require(scitt_cose.extract_receipts(transparent) == [receipt_bytes], "golden transparent statement: other receipts in it")
    transparent_statement(transparent, entry, log, "golden transparent statement")
    print(f"golden: statement, receipt (entry {placed.leaf_index} of {placed.tree_size}) and transparent statement")


def handed_out(place):
    """What the program hands out for one statement: placed by their code under the log key that the package's records name."""
    package = Package(place / "log.zip")
    keys = keys_of(package)
    transparent = (place / "statement.transparent").read_bytes()
    bare = (place / "statement.cose").read_bytes()
    log_key = keys[parts(bare)[0][KID]]
    index = int((place / "one.index").read_text())
    entry = dict(package.placed())[index]
    statement(entry, keys[parts(entry)[0][KID]], "recorded statement")
    transparent_statement(transparent, entry, log_key, "transparent statement of the program")
    seen = receipt(bare, entry, log_key, "COSE Receipt of the program")
    require(seen.issuer == package.manifest["log"], f"the receipt's issuer is {seen.issuer}, the log is {package.manifest['log']}")
    print(f"program: transparent statement and COSE Receipt of entry {index}, issuer {seen.issuer}")


def main(arguments):
    place = Path(arguments[0])
    golden()
    for path in [GOLDEN_PACKAGES / "plain.zip", GOLDEN_PACKAGES / "rotated.zip", place / "log.zip"]:
        whole_package(path)
    handed_out(place)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as disagreement:
        print(f"cose.py: {disagreement}")
        sys.exit(1)
