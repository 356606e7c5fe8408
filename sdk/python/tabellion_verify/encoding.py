"""Bytes as text: base64 (RFC 4648 §4), base64url without padding (§5) and lower-case hex, each in its one form.

Source: docs/formats.md §1. The standard library accepts more than one spelling, so what it reads is written again and
compared.
"""

import base64
import binascii
import re

from .faults import Malformed

_HEX = re.compile(r"[0-9a-f]*")


def from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Malformed("is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise Malformed("is not canonical base64")
    return data


def from_base64url(text: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Malformed("is not base64url") from error
    if to_base64url(data) != text:
        raise Malformed("is not canonical base64url without padding")
    return data


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_hex(text: str, size: int) -> bytes:
    """`size` bytes written as twice as many lower-case digits."""
    if len(text) != 2 * size or not _HEX.fullmatch(text):
        raise Malformed(f"is not {2 * size} lower-case hex digits")
    return bytes.fromhex(text)
