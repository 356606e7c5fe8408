"""Deterministic CBOR (RFC 8949 §4.2): shortest lengths, definite lengths, map keys in bytewise order, no floats.

Source: docs/formats.md §1. Every rule is enforced while reading, so what is read has no second spelling.
"""

from dataclasses import dataclass
from typing import Any

from .faults import Malformed

MAX_NESTING = 16  # a receipt nests 5 levels
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_LITERALS = {20: False, 21: True, 22: None}


@dataclass(frozen=True)
class Tagged:
    tag: int
    value: Any


class _Source:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise Malformed("CBOR is cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def head(self) -> tuple[int, int]:
        """Major type and argument of the next item."""
        first = self.take(1)[0]
        major, low = first >> 5, first & 31
        if low < 24:
            return major, low
        if low > 27:
            raise Malformed("CBOR has an indefinite or reserved length")
        size: int = 1 << (low - 24)
        argument = int.from_bytes(self.take(size))
        if major == _SIMPLE or argument < (24 if size == 1 else 1 << (4 * size)):
            raise Malformed("CBOR has a float or a length that is not the shortest")
        return major, argument

    def item(self, level: int) -> Any:
        if level > MAX_NESTING:
            raise Malformed("CBOR nests too deep")
        major, argument = self.head()
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        if major == _BYTES:
            return self.take(argument)
        if major == _TEXT:
            try:
                return self.take(argument).decode()
            except UnicodeDecodeError as error:
                raise Malformed("CBOR text is not UTF-8") from error
        if major == _LIST:
            return self.list(argument, level)
        if major == _MAP:
            return self.map(argument, level)
        if major == _TAG:
            return Tagged(argument, self.item(level + 1))
        if argument not in _LITERALS:
            raise Malformed("CBOR has an unknown literal")
        return _LITERALS[argument]

    def list(self, count: int, level: int) -> list[Any]:
        if count > len(self.data):  # an item has at least one byte
            raise Malformed("CBOR is cut short")
        return [self.item(level + 1) for _ in range(count)]

    def map(self, count: int, level: int) -> dict[int | str, Any]:
        found: dict[int | str, Any] = {}
        last = b""
        for _ in range(min(count, len(self.data))):
            begin = self.at
            key = self.item(level + 1)
            written = self.data[begin : self.at]
            if isinstance(key, bool) or not isinstance(key, (int, str)) or written <= last:
                raise Malformed("CBOR map keys are not integers or text in order")
            last = written
            found[key] = self.item(level + 1)
        if len(found) != count:
            raise Malformed("CBOR is cut short")
        return found


def read(data: bytes) -> Any:
    """The one item that the bytes are."""
    source = _Source(data)
    value = source.item(1)
    if source.at != len(data):
        raise Malformed("CBOR has bytes after its end")
    return value


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    size = next(size for size in (1, 2, 4, 8) if argument < 1 << (8 * size))
    return bytes([major << 5 | 23 + size.bit_length()]) + argument.to_bytes(size)


def byte_string(data: bytes) -> bytes:
    return _head(_BYTES, len(data)) + data


def text_string(text: str) -> bytes:
    data = text.encode()
    return _head(_TEXT, len(data)) + data


def list_head(count: int) -> bytes:
    """What precedes the items of a list."""
    return _head(_LIST, count)
