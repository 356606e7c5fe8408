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
# Bytes of messages that operations are computed on, each message counted as at least so many: what a small proof may cost.
_MAX_HASHED, _MIN_COUNTED = 512 << 10, 128
_MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
_PENDING, _BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
_URL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:")
Hasher = Callable[[bytes], bytes]


class _Known:
    """A message that is computed when somebody asks for it: what leads to no block that the reader knows costs nothing."""

    def __init__(self, length: int, before: "_Known | None", compute: Hasher, value: bytes | None = None) -> None:
        self.length, self._before, self._compute, self._value = length, before, compute, value

    @property
    def value(self) -> bytes:
        chain: list[_Known] = []
        one: _Known | None = self
        while one is not None and one._value is None:
            chain.append(one)
            one = one._before
        found = (one._value if one else None) or b""
        for one in reversed(chain):
            found = one._value = one._compute(found)
        return found


Message = _Known | None  # None where an operation on the way is not computed

# How long the result is, given the message's length, and the operation.
_OPS: dict[int, tuple[Callable[[int], int], Hasher] | None] = {
    0xF2: (lambda length: length, lambda message: message[::-1]),
    0xF3: (lambda length: 2 * length, lambda message: message.hex().encode()),
    0x02: (lambda _: 20, lambda message: hashlib.sha1(message).digest()),
    0x03: None,  # RIPEMD-160: read, not computed
    0x08: (lambda _: 32, lambda message: hashlib.sha256(message).digest()),
    0x67: (lambda _: 32, keccak256),
}


@dataclass
class Proof:
    digest: bytes
    heights: list[tuple[int, Message]] = field(default_factory=list)  # Bitcoin blocks in the order of the file, with the message
    is_pending: bool = False

    def time_in(self, height: int, header: bytes) -> int | None:
        """The header's time in seconds, when its Merkle root is what the proof leads to at this height."""
        root = header[36:68]
        messages = (message for at, message in self.heights if at == height and message and message.length == len(root))
        if not any(message.value == root for message in messages):
            return None
        return int.from_bytes(header[68:72], "little")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.hashed = data, 0, 0

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
            added = len(argument)
            op: tuple[Callable[[int], int], Hasher] | None = (
                lambda length: length + added,
                lambda before: before + argument if tag == 0xF0 else argument + before,
            )
        elif tag in _OPS:
            op = _OPS[tag]
        else:
            raise Broken("the OpenTimestamps proof has an operation that is not known")
        if message is None:
            return None
        self.hashed += max(message.length, _MIN_COUNTED)
        if self.hashed > _MAX_HASHED:
            raise Broken("the OpenTimestamps proof has operations on more than 512 KiB of messages")
        if op is None or op[0](message.length) > _MAX_MESSAGE:
            return None
        return _Known(op[0](message.length), message, op[1])

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
    reader.timestamp(proof, _Known(32, None, bytes, proof.digest), 0)
    reader.finish()
    return proof
