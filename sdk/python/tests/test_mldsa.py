"""ML-DSA-44: vectors that two implementations made, each byte of a signature, and `cryptography` where it has ML-DSA."""

import base64
import unittest

from tabellion_verify import mldsa
from tests import REPOSITORY

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa as peer
except ImportError:  # before version 47
    peer = None  # type: ignore[assignment]

GOLDEN = REPOSITORY / "crates/tlog/tests/golden/ml-dsa-44.txt"
VECTORS = [[base64.b64decode(part, validate=True) for part in line.split(" ")] for line in GOLDEN.read_text().splitlines()]
_HINTS = 32 + 4 * 576  # after the challenge and z


class MlDsa(unittest.TestCase):
    def test_what_two_implementations_signed_is_right_and_nothing_else(self) -> None:
        """Requirement: B11."""
        self.assertEqual(len(VECTORS), 6, "the vectors are gone and nothing would be compared")
        for at, (public, message, signature) in enumerate(VECTORS):
            self.assertTrue(mldsa.is_right(public, signature, message), f"vector {at}: a good signature would be called broken")
            other = VECTORS[(at + 2) % 6][0]
            self.assertFalse(mldsa.is_right(other, signature, message), f"vector {at} passes under another key")
            self.assertFalse(mldsa.is_right(public, signature, message + b"\0"), f"vector {at} passes for another message")
            self.assertFalse(mldsa.is_right(public, signature[1:], message), "a signature that is too short passes")
            self.assertFalse(mldsa.is_right(public[1:], signature, message), "a key that is too short passes")

    def test_a_changed_bit_of_any_byte_is_found(self) -> None:
        """Requirement: A16, B11."""
        public, message, signature = VECTORS[3]
        for at in range(mldsa.SIGNATURE_BYTES):
            changed = bytearray(signature)
            changed[at] ^= 1 << at % 8
            self.assertFalse(mldsa.is_right(public, bytes(changed), message), f"byte {at} of a signature does not matter")

    def test_a_signature_has_one_form(self) -> None:
        for public, message, signature in VECTORS:
            swapped = bytearray(signature)
            swapped[_HINTS : _HINTS + 2] = signature[_HINTS + 1 : _HINTS - 1 : -1]
            self.assertNotEqual(swapped, signature, "there are no two hints to swap")
            self.assertFalse(mldsa.is_right(public, bytes(swapped), message), "the same hints in another order pass")
            padded = bytearray(signature)
            padded[_HINTS + 79] = 1
            self.assertFalse(mldsa.is_right(public, bytes(padded), message), "bytes that say nothing are not looked at")

    def test_cryptography_gives_the_same_answers(self) -> None:
        if peer is None:
            self.skipTest("this version of cryptography has no ML-DSA")
        secret = peer.MLDSA44PrivateKey.generate()
        public = secret.public_key().public_bytes_raw()
        for length in (0, 1, 71, 72, 73, 1000):  # 72 and what stands before the message are a block of SHAKE256
            message = bytes(length)
            self.assertTrue(mldsa.is_right(public, secret.sign(message), message), f"refuses what cryptography signed, {length} bytes")
            with_context = secret.sign(message, b"x")
            self.assertFalse(mldsa.is_right(public, with_context, message), "a signature made for another use passes")
