"""DER (X.690), as much of it as time-stamps and certificates need: definite and shortest lengths, nothing read beyond its end.

Source: ITU-T X.690 §8 and §10. What cannot be read is `Broken`: it is evidence that contradicts its own form, not a part of a package.
"""

import datetime
from dataclasses import dataclass

from .faults import Broken

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTF8_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x17, 0x18, 0x30, 0x31
_EPOCH = datetime.datetime(1970, 1, 1)
_MAX_ARC = (1 << 64) - 1


def context(number: int) -> int:
    """The constructed context-specific tag."""
    return 0xA0 | number


@dataclass(frozen=True)
class Element:
    tag: int
    content: bytes
    whole: bytes


class Der:
    """Elements that follow each other."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def any(self) -> Element:
        data = self.rest
        if len(data) < 2 or data[0] & 0x1F == 0x1F:
            raise Broken("not DER: an element is cut off or has a tag above 30")
        length, at = data[1], 2
        if length >= 0x80:
            at += length - 0x80
            digits = data[2:at]
            length = int.from_bytes(digits)
            if not 1 <= len(digits) <= 3 or at != 2 + len(digits) or not digits[0] or length < 0x80:
                raise Broken("not DER: a length is not in its shortest form")
        if len(data) < at + length:
            raise Broken("not DER: an element is cut off")
        self.rest = data[at + length :]
        return Element(data[0], data[at : at + length], data[: at + length])

    def expect(self, tag: int) -> bytes:
        found = self.any()
        if found.tag != tag:
            raise Broken(f"not DER: tag {found.tag:#x} where {tag:#x} belongs")
        return found.content

    def enter(self, tag: int) -> "Der":
        return Der(self.expect(tag))

    def optional(self, tag: int) -> Element | None:
        return self.any() if self.rest[:1] == bytes([tag]) else None

    def finish(self) -> None:
        if self.rest:
            raise Broken("not DER: something follows the end")


def magnitude(content: bytes) -> bytes:
    """The digits of a non-negative INTEGER in its shortest form, without leading zeros."""
    if content == b"\0":
        return b""
    if content[:1] == b"\0" and len(content) > 1 and content[1] >= 0x80:
        return content[1:]
    if not content or content[0] == 0 or content[0] >= 0x80:
        raise Broken("not DER: an integer is negative or not in its shortest form")
    return content


def unsigned(content: bytes) -> int:
    """The same as a number of at most 64 bits."""
    digits = magnitude(content)
    if len(digits) > 8:
        raise Broken("not DER: an integer is too large")
    return int.from_bytes(digits)


def bits(content: bytes) -> bytes:
    """A BIT STRING of whole bytes."""
    if content[:1] != b"\0":
        raise Broken("not DER: a bit string of other than whole bytes")
    return content[1:]


def check_oid(content: bytes) -> None:
    """Refuses what is no object identifier of arcs below 2^64."""
    if not content or content[-1] >= 0x80:
        raise Broken("not DER: no object identifier")
    value = 0
    for byte in content:
        value = value * 128 + (byte & 0x7F)
        if value > _MAX_ARC:
            raise Broken("not DER: an object identifier is too large")
        value = 0 if byte < 0x80 else value


def seconds(digits: bytes) -> int:
    """YYYYMMDDhhmmss as seconds since 1970."""
    if len(digits) != 14 or not digits.isdigit():
        raise Broken("no time of the form YYYYMMDDhhmmss")
    parts = [int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2))]
    try:
        moment = datetime.datetime(*parts)  # type: ignore[arg-type]
    except ValueError as error:
        raise Broken("no such day or time of day") from error
    if moment < _EPOCH:
        raise Broken("a time before 1970")
    return (moment - _EPOCH) // datetime.timedelta(seconds=1)


def generalized_time(content: bytes) -> int:
    """As RFC 3161 §2.4.2 allows it, in microseconds since 1970; what is finer is cut off."""
    if content[-1:] != b"Z":
        raise Broken("a time that is not in UTC")
    whole, point, fraction = content[:-1].partition(b".")
    if point and (not fraction.isdigit() or fraction.endswith(b"0")):
        raise Broken("a time with a fraction in another form")
    return seconds(whole) * 1_000_000 + int((fraction + b"000000")[:6])


def validity(content: bytes) -> tuple[int, int]:
    """The two times of a certificate, in seconds since 1970 (RFC 5280 §4.1.2.5)."""
    times, ends = Der(content), []
    for _ in range(2):
        found = times.any()
        if found.content[-1:] != b"Z" or found.tag not in (UTC_TIME, GENERALIZED_TIME):
            raise Broken("a certificate's time in another form")
        digits = found.content[:-1]
        if found.tag == UTC_TIME:
            digits = (b"19" if digits[:2] >= b"50" else b"20") + digits
        ends.append(seconds(digits))
    times.finish()
    return ends[0], ends[1]
