"""Closed JSON objects: exactly the members that docs/formats.md names, each of its type.

A reader is a function from a JSON value to what it means; it raises `Malformed` when the value is not of its form.
"""

import itertools
import re
from collections.abc import Callable
from typing import Generic, TypeVar

from . import encoding
from .faults import Malformed
from .jcs import Json

MAX_ENTRY_BYTES = 65_535
T = TypeVar("T")
Reader = Callable[[Json], T]


class Optional(Generic[T]):
    """Marks a member that may be absent."""

    def __init__(self, reader: Reader[T]) -> None:
        self.reader = reader


def record(**members: Reader[Json] | Optional[Json]) -> Reader[dict[str, Json]]:
    """An object with exactly these members. An absent optional one reads as None."""

    def read(value: Json) -> dict[str, Json]:
        if not isinstance(value, dict):
            raise Malformed("is not an object")
        for name in value:
            if name not in members:
                raise Malformed(f"has the member {name!r}, which has no place there")
        found: dict[str, Json] = {}
        for name, member in members.items():
            required = not isinstance(member, Optional)
            if name not in value:
                if required:
                    raise Malformed(f"lacks the member {name!r}")
                found[name] = None
                continue
            reader = member.reader if isinstance(member, Optional) else member
            try:
                found[name] = reader(value[name])
            except Malformed as error:
                raise Malformed(f"{name}: {error}") from error
        return found

    return read


def list_of(reader: Reader[T], least: int = 0, most: int | None = None) -> Reader[list[T]]:
    def read(value: Json) -> list[T]:
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            raise Malformed(f"is not a list of {least} to {'any number of' if most is None else most} items")
        return [reader(item) for item in value]

    return read


def ascending(items: list[T], key: Callable[[T], object]) -> list[T]:
    """The items themselves, when they ascend without repeats."""
    for one, next_one in itertools.pairwise(items):
        if not key(one) < key(next_one):  # type: ignore[operator]
            raise Malformed("is out of order or repeats")
    return items


def text(value: Json) -> str:
    if not isinstance(value, str):
        raise Malformed("is not text")
    return value


def flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise Malformed("is neither true nor false")
    return value


def integer(value: Json) -> int:
    if type(value) is not int:
        raise Malformed("is not an integer")
    return value


def natural(value: Json) -> int:
    if integer(value) < 0:
        raise Malformed("is negative")
    return integer(value)


def moment(value: Json) -> int:
    """Microseconds since 1970."""
    return natural(value)


def ordinal(value: Json) -> int:
    """A count that begins at 1."""
    if integer(value) < 1:
        raise Malformed("is less than 1")
    return integer(value)


def anything(value: Json) -> Json:
    return value


def exactly(wanted: str) -> Reader[str]:
    return one_of(wanted)


def one_of(*wanted: str) -> Reader[str]:
    def read(value: Json) -> str:
        if text(value) not in wanted:
            raise Malformed(f"is not {' or '.join(wanted)}")
        return text(value)

    return read


def matching(pattern: str, longest: int) -> Reader[str]:
    compiled = re.compile(pattern)

    def read(value: Json) -> str:
        if len(text(value)) > longest or not compiled.fullmatch(value):
            raise Malformed(f"is not of the form {pattern}, at most {longest} characters")
        return text(value)

    return read


def identity(value: Json) -> str:
    """An id: 128 bits as 32 hex digits."""
    encoding.from_hex(text(value), 16)
    return text(value)


def digest(value: Json) -> str:
    """A SHA-256, HMAC-SHA-256 or key id as 64 hex digits."""
    encoding.from_hex(text(value), 32)
    return text(value)


def hashes(value: Json) -> list[bytes]:
    return [bytes.fromhex(digest(item)) for item in list_of(text)(value)]


def octets(value: Json) -> bytes:
    return encoding.from_base64(text(value))


def entry(value: Json) -> bytes:
    """An entry of the log, in base64."""
    data = octets(value)
    if not 1 <= len(data) <= MAX_ENTRY_BYTES:
        raise Malformed(f"is not an entry of 1 to {MAX_ENTRY_BYTES} bytes")
    return data


def octets_of(size: int) -> Reader[bytes]:
    def read(value: Json) -> bytes:
        data = octets(value)
        if len(data) != size:
            raise Malformed(f"is not {size} bytes")
        return data

    return read
