"""Canonical JSON, commitments to content that is not sent, and the root over what is. Source: docs/formats.md §1, §3 and §7.1."""

import base64
import hashlib
import json
from typing import Any

Json = Any
MAX_INTEGER = (1 << 53) - 1
MAX_LEVELS = 24  # the log allows 32 around it


def canonical(value: Json) -> bytes:
    """The RFC 8785 form. Raises ValueError for what a log cannot keep: fractions, integers beyond 2^53-1, lone surrogates, deep nesting."""
    _check(value, 1)
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _check(value: Json, level: int) -> None:
    if level > MAX_LEVELS:
        raise ValueError(f"the record nests deeper than {MAX_LEVELS} levels")
    if isinstance(value, float):
        raise ValueError("a record holds whole numbers; write a fraction as a text or as a number of its smallest unit")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
        raise ValueError("an integer beyond 2^53-1 is written as a text")
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise ValueError("the names of members are texts")
            _check(inner, level + 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check(inner, level + 1)
    elif not isinstance(value, (str, int, type(None))):
        raise ValueError(f"a record holds JSON, not {type(value).__name__}")


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        # RFC 8785 §3.2.3: by UTF-16 code units.
        return {name: _sorted(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))}
    return [_sorted(item) for item in value] if isinstance(value, (list, tuple)) else value


def commit(salt: bytes, record: Json) -> str:
    """SHA-256, in hex, over the disclosure `[salt, "record", record]`. Whoever has the salt and the record can prove what it was; nobody else can guess."""
    parts = [base64.urlsafe_b64encode(salt).rstrip(b"=").decode(), "record", record]
    return hashlib.sha256(base64.urlsafe_b64encode(canonical(parts)).rstrip(b"=")).hexdigest()


def batch_root(records: list[Json]) -> str:
    """The RFC 9162 root over the SHA-256 of each record's canonical form, in hex."""
    leaves = [hashlib.sha256(b"\0" + hashlib.sha256(canonical(record)).digest()).digest() for record in records]
    return _root(leaves).hex()


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()
