"""COSE_Sign1 (RFC 9052) as docs/formats.md §4 narrows it: tagged, deterministic, Ed25519, closed headers for each object.

The COSE Receipt is RFC 9942; the inclusion proof inside it is read here and verified in `tree`.
"""

from dataclasses import dataclass, replace
from typing import Any

from . import cbor, ed25519
from .faults import Malformed

STATEMENT = "application/tabellion-record+json"
SEAL = "application/tabellion-seal+json"
PACKAGE = "application/tabellion-package+json"
RUN = "application/tabellion-verification-run+json"
RECEIPT = "COSE Receipt"  # has no content type

_SIGN1_TAG = 18
_ALG, _CONTENT_TYPE, _KID, _CLAIMS = 1, 3, 4, 15
_RECEIPTS, _VDS, _VDP = 394, 395, 396
_ENTRY = -65537  # the entry that a receipt carries
_EDDSA, _RFC9162_SHA256 = -8, 1
_ISS, _SUB, _INCLUSION = 1, 2, -1
_CLAIM_HEADERS = {STATEMENT: {_CLAIMS}, RECEIPT: {_CLAIMS, _VDS}}
MAX_PROTECTED_BYTES, MAX_CLAIM_BYTES = 2048, 512
MAX_RECEIPTS, MAX_RECEIPT_BYTES = 16, 4096
MAX_REGISTRATION_BYTES, MAX_FOREIGN_BYTES, MAX_FOREIGN_HEADER_BYTES = 2 * MAX_RECEIPT_BYTES, 256 << 10, 16 << 10
MAX_PATH = 63  # a tree has fewer than 2^63 entries
MAX_INTEGER = (1 << 53) - 1  # of an index or a size, as everywhere in JSON


@dataclass(frozen=True)
class Sign1:
    kind: str  # its content type, or RECEIPT
    kid: str  # key id in hex
    iss: str | None
    sub: str | None
    protected: bytes
    unprotected: dict[int | str, Any]
    payload: bytes | None
    signature: bytes

    def verify(self, key: bytes, detached: bytes | None = None) -> None:
        """Returns when the key made this signature; raises `Broken` otherwise."""
        payload = detached if self.payload is None else self.payload
        # RFC 9052 §4.4, external_aad empty.
        message = cbor.list_head(4) + cbor.text_string("Signature1") + cbor.byte_string(self.protected)
        ed25519.verify(key, self.signature, message + cbor.byte_string(b"") + cbor.byte_string(payload or b""))


def _claims(value: Any) -> tuple[str, str]:
    if not isinstance(value, dict) or set(value) != {_ISS, _SUB}:
        raise Malformed("COSE: the CWT claims are not iss and sub")
    if not all(isinstance(one, str) and 1 <= len(one.encode()) <= MAX_CLAIM_BYTES for one in value.values()):
        raise Malformed(f"COSE: iss and sub are not text of 1 to {MAX_CLAIM_BYTES} bytes")
    return value[_ISS], value[_SUB]


def read(data: bytes) -> Sign1:
    message = cbor.read(data)
    if not isinstance(message, cbor.Tagged) or message.tag != _SIGN1_TAG or not isinstance(message.value, list):
        raise Malformed("is not a tagged COSE_Sign1")
    if len(message.value) != 4:
        raise Malformed("COSE_Sign1 does not have four parts")
    protected, unprotected, payload, signature = message.value
    if not isinstance(protected, bytes) or len(protected) > MAX_PROTECTED_BYTES or not isinstance(unprotected, dict):
        raise Malformed("COSE headers are not of their form")
    if not (payload is None or isinstance(payload, bytes)) or not isinstance(signature, bytes) or len(signature) != 64:
        raise Malformed("COSE payload or signature is not of its form")
    header = cbor.read(protected)
    if not isinstance(header, dict):
        raise Malformed("COSE protected header is not a map")
    kind = header.get(_CONTENT_TYPE, RECEIPT)
    if kind not in (STATEMENT, SEAL, PACKAGE, RUN, RECEIPT):
        raise Malformed("COSE content type is not one of version 1")
    wanted = {_ALG, _KID} | _CLAIM_HEADERS.get(kind, set()) | (set() if kind == RECEIPT else {_CONTENT_TYPE})
    if set(header) != wanted:
        raise Malformed("COSE protected header has other members than its content type allows")
    kid = header[_KID]
    if header[_ALG] != _EDDSA or not isinstance(kid, bytes) or len(kid) != 32:
        raise Malformed("COSE algorithm is not EdDSA or the key id is not 32 bytes")
    if header.get(_VDS, _RFC9162_SHA256) != _RFC9162_SHA256 or isinstance(header.get(_VDS), bool):
        raise Malformed("COSE Receipt is not of an RFC 9162 log")
    iss, sub = _claims(header[_CLAIMS]) if _CLAIMS in header else (None, None)
    return Sign1(kind, kid.hex(), iss, sub, protected, unprotected, payload, signature)


def read_attached(data: bytes, kind: str) -> Sign1:
    """An object that is an entry: payload inside, nothing unprotected."""
    message = read(data)
    if message.kind != kind or message.payload is None or message.unprotected:
        raise Malformed(f"is not a COSE_Sign1 of {kind} with its payload and an empty unprotected header")
    return message


def read_detached(data: bytes, kind: str) -> Sign1:
    message = read(data)
    if message.kind != kind or message.payload is not None or message.unprotected:
        raise Malformed(f"is not a detached COSE_Sign1 of {kind} with an empty unprotected header")
    return message


def without_receipts(data: bytes) -> tuple[bytes, list[bytes]]:
    """A transparent statement's entry, as it stands in the log, and its receipts."""
    message = read(data)
    receipts = message.unprotected.get(_RECEIPTS)
    if message.kind != STATEMENT or message.payload is None or set(message.unprotected) != {_RECEIPTS}:
        raise Malformed("is not a statement whose unprotected header holds receipts and nothing else")
    if not isinstance(receipts, list) or not 1 <= len(receipts) <= MAX_RECEIPTS:
        raise Malformed(f"does not hold 1 to {MAX_RECEIPTS} receipts")
    if not all(isinstance(one, bytes) and len(one) <= MAX_RECEIPT_BYTES for one in receipts):
        raise Malformed(f"holds a receipt that is no byte string of at most {MAX_RECEIPT_BYTES} bytes")
    parts = [cbor.byte_string(part) for part in (message.protected, message.payload, message.signature)]
    return b"\xd2" + cbor.list_head(4) + parts[0] + b"\xa0" + parts[1] + parts[2], receipts


@dataclass(frozen=True)
class Receipt:
    message: Sign1
    size: int
    index: int
    path: list[bytes]

    @property
    def place(self) -> str:
        """Nobody signs index and size: other pairs lead to the same root."""
        return f"index {self.index} of {self.size}, as the receipt says"


def split_registered(data: bytes) -> tuple[bytes, list[bytes]]:
    """A statement that somebody else signed, as it was registered, and its receipts.

    Its own header is not looked at: the log did that.
    """
    message = cbor.read(data)
    if not isinstance(message, cbor.Tagged) or message.tag != _SIGN1_TAG or not isinstance(message.value, list):
        raise Malformed("is not a tagged COSE_Sign1")
    if len(message.value) != 4:
        raise Malformed("COSE_Sign1 does not have four parts")
    protected, unprotected, payload, signature = message.value
    if not isinstance(protected, bytes) or len(protected) > MAX_FOREIGN_HEADER_BYTES:
        raise Malformed("COSE protected header is no byte string, or too long")
    if not isinstance(payload, bytes) or not isinstance(signature, bytes) or len(signature) != 64:
        raise Malformed("statement has no payload or no signature of 64 bytes")
    if not isinstance(unprotected, dict) or set(unprotected) != {_RECEIPTS}:
        raise Malformed("the unprotected header holds other things than receipts")
    receipts = unprotected[_RECEIPTS]
    if not isinstance(receipts, list) or not 1 <= len(receipts) <= MAX_RECEIPTS:
        raise Malformed(f"does not hold 1 to {MAX_RECEIPTS} receipts")
    if not all(isinstance(one, bytes) and len(one) <= MAX_REGISTRATION_BYTES for one in receipts):
        raise Malformed(f"holds a receipt that is no byte string of at most {MAX_REGISTRATION_BYTES} bytes")
    parts = [cbor.byte_string(part) for part in (protected, payload, signature)]
    statement = b"\xd2" + cbor.list_head(4) + parts[0] + b"\xa0" + parts[1] + parts[2]
    if len(statement) > MAX_FOREIGN_BYTES:
        raise Malformed("statement is too long")
    return statement, receipts


def read_registration(data: bytes) -> tuple[Receipt, bytes]:
    """A receipt that carries the entry it is about, and that entry."""
    message = read(data)
    if set(message.unprotected) != {_VDP, _ENTRY}:
        raise Malformed("is not a receipt that carries an entry")
    entry = message.unprotected[_ENTRY]
    if not isinstance(entry, bytes) or not 1 <= len(entry) <= MAX_RECEIPT_BYTES:
        raise Malformed(f"carries no entry of 1 to {MAX_RECEIPT_BYTES} bytes")
    return _receipt(replace(message, unprotected={_VDP: message.unprotected[_VDP]})), entry


def read_receipt(data: bytes) -> Receipt:
    """A COSE Receipt; its payload, the root, is detached and has to be computed."""
    return _receipt(read(data))


def _receipt(message: Sign1) -> Receipt:
    proofs = message.unprotected.get(_VDP)
    if message.kind != RECEIPT or message.payload is not None or set(message.unprotected) != {_VDP}:
        raise Malformed("is not a COSE Receipt with a detached payload")
    if not isinstance(proofs, dict) or set(proofs) != {_INCLUSION} or not isinstance(proofs[_INCLUSION], list):
        raise Malformed("COSE Receipt holds no inclusion proof")
    if len(proofs[_INCLUSION]) != 1 or not isinstance(proofs[_INCLUSION][0], bytes):
        raise Malformed("COSE Receipt does not hold exactly one inclusion proof")
    proof = cbor.read(proofs[_INCLUSION][0])
    if not isinstance(proof, list) or len(proof) != 3 or not isinstance(proof[2], list):
        raise Malformed("COSE Receipt: the proof is not size, index and path")
    size, index, path = proof
    if (
        type(size) is not int
        or type(index) is not int
        or min(size, index) < 0
        or max(size, index) > MAX_INTEGER
        or len(path) > MAX_PATH
    ):
        raise Malformed("COSE Receipt: size, index or path is out of bounds")
    if not all(isinstance(one, bytes) and len(one) == 32 for one in path):
        raise Malformed("COSE Receipt: the path is not of hashes")
    return Receipt(message, size, index, path)
