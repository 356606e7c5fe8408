"""ANS-104 data items as Arweave's upload services take them, signed with Ed25519 (signature type 2).

The signed message is the deep hash that deployed services and readers compute: over "dataitem", "1", the signature type in decimals, owner, target,
anchor, the raw bytes of the tags, and the data. Source: ANS-104 §2; arbundles for the message. That an item was published is not shown by its signature.
"""

import base64
import hashlib
from dataclasses import dataclass

from . import ed25519
from .faults import Broken

_MAX_BYTES, _MAX_TAGS, _MAX_NAME, _MAX_VALUE = 64 << 10, 128, 1024, 3072


@dataclass(frozen=True)
class DataItem:
    signature: bytes
    owner: bytes
    data: bytes
    message: bytes

    @property
    def id(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.signature).digest()).rstrip(b"=").decode()

    def verify(self) -> None:
        if not ed25519.is_public_key(self.owner):
            raise Broken("the owner of the data item is no usable key")
        ed25519.verify(self.owner, self.signature, self.message)


def _deep_hash(parts: list[bytes]) -> bytes:
    def sha384(data: bytes) -> bytes:
        return hashlib.sha384(data).digest()

    folded = sha384(b"list%d" % len(parts))
    for part in parts:
        folded = sha384(folded + sha384(sha384(b"blob%d" % len(part)) + sha384(part)))
    return folded


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise Broken("not an ANS-104 data item: it is cut off")
        found, self.rest = self.rest[:count], self.rest[count:]
        return found

    def optional(self) -> bytes:
        flag = self.take(1)
        if flag not in (b"\0", b"\1"):
            raise Broken("not an ANS-104 data item: a part is neither there nor left out")
        return self.take(32) if flag == b"\1" else b""

    def long(self) -> int:
        """A number of Avro that is not negative, in its shortest form."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            if shift > 28 or (byte == 0 and shift):
                raise Broken("not an ANS-104 data item: a number of the tags")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        if value % 2:
            raise Broken("not an ANS-104 data item: a negative length")
        return value // 2

    def text(self, most: int) -> None:
        length = self.long()
        if not 1 <= length <= most:
            raise Broken("not an ANS-104 data item: a tag's length")
        self.take(length)


def _check_tags(data: bytes, count: int) -> None:
    """One block of pairs of strings, or nothing."""
    found = 0
    if data:
        reader = _Reader(data)
        found = reader.long()
        if not 1 <= found <= _MAX_TAGS:
            raise Broken("not an ANS-104 data item: other than 1 to 128 tags in one block")
        for _ in range(found):
            reader.text(_MAX_NAME)
            reader.text(_MAX_VALUE)
        if reader.rest != b"\0":
            raise Broken("not an ANS-104 data item: the tags are not one block of Avro")
    if found != count:
        raise Broken("not an ANS-104 data item: another number of tags than is said")


def read(data: bytes) -> DataItem:
    if len(data) > _MAX_BYTES:
        raise Broken("too long for a data item of a checkpoint")
    reader = _Reader(data)
    kind = int.from_bytes(reader.take(2), "little")
    if kind != 2:
        raise Broken(f"signature type {kind} of the data item is not Ed25519 (2)")
    signature, owner = reader.take(64), reader.take(32)
    target, anchor = reader.optional(), reader.optional()
    count, length = (int.from_bytes(reader.take(8), "little") for _ in range(2))
    tags = reader.take(length)
    _check_tags(tags, count)
    message = _deep_hash([b"dataitem", b"1", b"2", owner, target, anchor, tags, reader.rest])
    return DataItem(signature, owner, reader.rest, message)
