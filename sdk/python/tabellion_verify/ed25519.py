"""Ed25519 (RFC 8032) under one strict rule: canonical A, R and S, no small order, the equation without cofactor.

Source: docs/formats.md §1. `cryptography` (OpenSSL) checks S < L and the cofactorless equation by comparing the bytes of R;
what it lets through, a public key or R of small order and a second spelling of A, is refused here first.
"""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .faults import Broken

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P  # RFC 8032 §5.1
_SIGN = 1 << 255
_THUMBPRINT = bytes.fromhex("a301012006215820")  # RFC 9679: {1: 1, -1: 6, -2: public key}


def _root(square: int) -> int | None:
    """A square root modulo P, if there is one (P = 5 modulo 8)."""
    candidate = pow(square, (P + 3) // 8, P)
    for root in (candidate, candidate * pow(2, (P - 1) // 4, P) % P):
        if root * root % P == square % P:
            return root
    return None


def _small_order() -> frozenset[int]:
    """y of the eight points of small order: 1 and -1 of order 1 and 2, 0 of order 4, and those that double to y = 0.

    Doubling gives y = 0 when y² = -x², which the curve -x² + y² = 1 + D x² y² turns into D y⁴ + 2 y² - 1 = 0.
    """
    found = {0, 1, P - 1}
    discriminant = _root((1 + D) % P) or 0
    for sign in (discriminant, -discriminant):
        y = _root((sign - 1) * pow(D, -1, P) % P)
        if y is not None:
            found |= {y, P - y}
    return frozenset(found)


SMALL_ORDER = _small_order()


def _y(point: bytes) -> int:
    return int.from_bytes(point, "little") & ~_SIGN


def is_public_key(key: bytes) -> bool:
    """Whether 32 bytes are a point in its one spelling and not of small order."""
    y = _y(key)
    if len(key) != 32 or y >= P or y in SMALL_ORDER:
        return False
    return _root((y * y - 1) * pow(D * y * y + 1, -1, P) % P) is not None


def key_id(key: bytes) -> str:
    """The SHA-256 COSE Key Thumbprint (RFC 9679), in hex."""
    return hashlib.sha256(_THUMBPRINT + key).hexdigest()


def verify(key: bytes, signature: bytes, message: bytes) -> None:
    """Returns when the key signed the message; raises `Broken` otherwise."""
    if not is_public_key(key):
        raise Broken("the public key is not usable")
    r = _y(signature[:32])
    if len(signature) != 64 or r >= P or r in SMALL_ORDER:
        raise Broken("the signature is not in its one form")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Broken("the signature is not of this key over these bytes") from error
