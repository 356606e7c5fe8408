"""OpenTimestamps proofs: from a digest by plain operations to what a calendar or a Bitcoin block attests.

Operations are computed, never believed; an attestation of a kind that is not known here counts for nothing. Source: the format of the reference
implementation (python-opentimestamps, `DetachedTimestampFile`), with its limits.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from .faults import Broken
from .keccak import keccak256

HEADER_BYTES = 80
_MAX_BYTES, _MAX_DEPTH, _MAX_MESSAGE, _MAX_BRANCHES, _MAX_ATTESTATION, _MAX_URL = 64 << 10, 256, 4096, 256, 8192, 1000
_MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
_PENDING, _BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
_URL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:")
Message = bytes | None  # None where an operation on the way is not computed


def _ripemd(_: bytes) -> bytes | None:
    return None  # read, not computed


_OPS: dict[int, Callable[[bytes], bytes | None]] = {
    0xF2: lambda message: message[::-1],
    0xF3: lambda message: message.hex().encode(),
    0x02: lambda message: hashlib.sha1(message).digest(),
    0x03: _ripemd,
    0x08: lambda message: hashlib.sha256(message).digest(),
    0x67: keccak256,
}


@dataclass
class Proof:
    digest: bytes
    heights: list[tuple[int, Message]] = field(default_factory=list)  # Bitcoin blocks in the order of the file, with the message
    is_pending: bool = False

    def time_in(self, height: int, header: bytes) -> int | None:
        """The header's time in seconds, when its Merkle root is what the proof leads to at this height."""
        if (height, header[36:68]) not in self.heights:
            return None
        return int.from_bytes(header[68:72], "little")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        if len(found) != count:
            raise Broken("the OpenTimestamps proof is cut off")
        self.at += count
        return found

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            if shift > 56 or (byte == 0 and shift):
                raise Broken("the OpenTimestamps proof has a number in another than its shortest form")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def octets(self, least: int, most: int) -> bytes:
        length = self.number()
        if not least <= length <= most:
            raise Broken("the OpenTimestamps proof has a length beyond its limits")
        return self.take(length)

    def finish(self) -> None:
        if self.at != len(self.data):
            raise Broken("the OpenTimestamps proof goes on after its end")

    def timestamp(self, proof: Proof, message: Message, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise Broken("the OpenTimestamps proof has more than 256 operations in a row")
        for _ in range(_MAX_BRANCHES):
            tag = self.take(1)[0]
            more = tag == 0xFF
            if more:
                tag = self.take(1)[0]
            if tag == 0:
                self.attestation(proof, message)
            else:
                self.timestamp(proof, self.apply(tag, message), depth + 1)
            if not more:
                return
        raise Broken("the OpenTimestamps proof has more than 256 branches")

    def apply(self, tag: int, message: Message) -> Message:
        if tag in (0xF0, 0xF1):
            argument = self.octets(1, _MAX_MESSAGE)
            if message is None:
                return None
            result: Message = message + argument if tag == 0xF0 else argument + message
        elif tag in _OPS:
            result = _OPS[tag](message) if message is not None else None
        else:
            raise Broken("the OpenTimestamps proof has an operation that is not known")
        return result if result is not None and len(result) <= _MAX_MESSAGE else None

    def attestation(self, proof: Proof, message: Message) -> None:
        tag, inner = self.take(8), _Reader(self.octets(0, _MAX_ATTESTATION))
        if tag == _PENDING:
            url = inner.octets(1, _MAX_URL)
            inner.finish()
            if not _URL.issuperset(url):
                raise Broken("the OpenTimestamps proof has a calendar's URL in another form")
            proof.is_pending = True
        elif tag == _BITCOIN:
            height = inner.number()
            inner.finish()
            proof.heights.append((height, message))


def read(data: bytes) -> Proof:
    if len(data) > _MAX_BYTES:
        raise Broken("too long for an OpenTimestamps proof")
    reader = _Reader(data)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.number() != 1 or reader.take(1) != b"\x08":
        raise Broken("not an OpenTimestamps proof over SHA-256")
    proof = Proof(reader.take(32))
    reader.timestamp(proof, proof.digest, 0)
    reader.finish()
    return proof
