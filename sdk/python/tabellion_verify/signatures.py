"""The signatures of time-stamps and of the certificates behind them: ECDSA on P-256 and P-384, RSA with PKCS #1 v1.5.

Source: RFC 5754, RFC 5758, RFC 8017 §8.2.2. Public values only. RSA keys have 2,048 to 8,192 bits and a small odd exponent.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from .der import BIT_STRING, INTEGER, OID, SEQUENCE, Der, bits, magnitude
from .faults import Broken

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_NIST = bytes.fromhex("6086480165030402")
SHA256 = _NIST + b"\1"
_DIGESTS = {SHA256: "sha256", _NIST + b"\2": "sha384", _NIST + b"\3": "sha512"}
_RSA, _ECDSA = bytes.fromhex("2a864886f70d0101"), bytes.fromhex("2a8648ce3d0403")
_RSA_LAST = {11: "sha256", 12: "sha384", 13: "sha512"}
_ECDSA_LAST = {2: "sha256", 3: "sha384", 4: "sha512"}
_NUMBER = {"sha256": 1, "sha384": 2, "sha512": 3}
# The contents of AlgorithmIdentifier in a key: id-ecPublicKey with its curve, rsaEncryption with NULL.
_CURVES: dict[bytes, ec.EllipticCurve] = {
    bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("06072a8648ce3d020106052b81040022"): ec.SECP384R1(),
}
_RSA_KEY = bytes.fromhex("06092a864886f70d0101010500")


def digest_named(oid: bytes) -> str:
    """The digest of this object identifier. Raises `Broken` for one that is not read here."""
    if oid not in _DIGESTS:
        raise Broken(f"uses a digest algorithm that is not read here ({oid.hex()})")
    return _DIGESTS[oid]


def digest_of_signature(oid: bytes, signer: str) -> str:
    """The digest of a signature algorithm; for plain rsaEncryption that of the signer."""
    if oid == _RSA + b"\1":
        return signer
    name = None
    if len(oid) == len(_RSA) + 1 and oid.startswith(_RSA):
        name = _RSA_LAST.get(oid[-1])
    if len(oid) == len(_ECDSA) + 1 and oid.startswith(_ECDSA):
        name = _ECDSA_LAST.get(oid[-1])
    if name is None:
        raise Broken(f"uses a signature algorithm that is not read here ({oid.hex()})")
    return name


def certificate_digest(algorithm: bytes) -> tuple[bool, str]:
    """Of the content of a certificate's AlgorithmIdentifier: whether it is RSA, and the digest."""
    oid = Der(algorithm).expect(OID)
    is_rsa = oid.startswith(_RSA)
    name = digest_of_signature(oid, "")
    element = bytes([OID, len(oid)]) + oid
    if not name or algorithm != element + (b"\5\0" if is_rsa else b""):
        raise Broken("a certificate is signed in a way that is not read here")
    return is_rsa, name


@dataclass(frozen=True)
class Key:
    """A public key out of the content of a SubjectPublicKeyInfo."""

    curve: ec.EllipticCurve | None
    data: bytes

    @property
    def is_rsa(self) -> bool:
        return self.curve is None

    def verify(self, digest: str, message: bytes, signature: bytes) -> None:
        """Raises `Broken` unless the key made the signature over the message."""
        hashed = hashlib.new(digest, message).digest()
        if self.curve is None:
            _verify_rsa(self.data, digest, hashed, signature)
        else:
            _verify_ecdsa(self.curve, self.data, digest, hashed, signature)

    def check_usable(self) -> None:
        if self.curve is None:
            rsa_numbers(self.data)
        else:
            _point(self.curve, self.data)


def read_key(content: bytes) -> Key:
    parts = Der(content)
    algorithm, data = parts.expect(SEQUENCE), bits(parts.expect(BIT_STRING))
    parts.finish()
    if algorithm != _RSA_KEY and algorithm not in _CURVES:
        raise Broken("a key of a kind that is not read here")
    return Key(_CURVES.get(algorithm), data)


def _point(curve: ec.EllipticCurve, data: bytes) -> ec.EllipticCurvePublicKey:
    if data[:1] not in (b"\2", b"\3", b"\4"):
        raise Broken("a public key that is no point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, data)
    except ValueError as error:
        raise Broken("a public key that is no point of its curve") from error


def _verify_ecdsa(curve: ec.EllipticCurve, data: bytes, digest: str, hashed: bytes, signature: bytes) -> None:
    key = _point(curve, data)
    outer = Der(signature)
    numbers = outer.enter(SEQUENCE)
    outer.finish()
    r, s = (int.from_bytes(magnitude(numbers.expect(INTEGER))) for _ in range(2))
    numbers.finish()
    if not r or not s:
        raise Broken("a signature with a number that is 0")
    try:
        key.verify(utils.encode_dss_signature(r, s), hashed, ec.ECDSA(utils.Prehashed(_HASHES[digest])))
    except InvalidSignature as error:
        raise Broken("a signature that does not verify") from error


def rsa_numbers(data: bytes) -> tuple[int, int, int]:
    """Modulus, its length in bytes, exponent."""
    parts = Der(data).enter(SEQUENCE)
    modulus, exponent = magnitude(parts.expect(INTEGER)), magnitude(parts.expect(INTEGER))
    parts.finish()
    e = int.from_bytes(exponent)
    if not 256 <= len(modulus) <= 1024 or len(exponent) > 4 or e % 2 == 0 or e == 1:
        raise Broken("an RSA key of a size that is not read here")
    return int.from_bytes(modulus), len(modulus), e


def _verify_rsa(data: bytes, digest: str, hashed: bytes, signature: bytes) -> None:
    n, length, e = rsa_numbers(data)
    s = int.from_bytes(signature)
    info = bytes.fromhex("300d06096086480165030402") + bytes([_NUMBER[digest], 5, 0, 4, len(hashed)]) + hashed
    tail = b"\0" + bytes([0x30, len(info)]) + info
    due = b"\0\1" + b"\xff" * (length - len(tail) - 2) + tail
    if n % 2 == 0 or len(signature) != length or s >= n or pow(s, e, n).to_bytes(length) != due:
        raise Broken("a signature that does not verify")
