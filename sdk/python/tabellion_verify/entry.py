"""What stands in the log: a sealed record, a statement (a record that its actor signed) or a seal, and bundles of them.

Source: docs/formats.md §2, §4 and §5.
"""

from dataclasses import dataclass

from . import cose, jcs, record, recordtypes, shape
from .cose import Sign1
from .faults import Malformed
from .record import Record
from .report import Problems

BUNDLE_ENTRIES = 4_096


@dataclass(frozen=True)
class Seal:
    log: str
    first: int
    count: int
    root: bytes
    committed_at: int
    keys: int


@dataclass(frozen=True)
class Entry:
    """One entry as read: exactly one of record and seal; signed unless it is a plain record."""

    record: Record | None
    seal: Seal | None
    signed: Sign1 | None

    @property
    def is_statement(self) -> bool:
        return self.record is not None and self.signed is not None

    @property
    def is_key_record(self) -> bool:
        return self.record is not None and self.record.type in recordtypes.KEY_TYPES


_SEAL = shape.record(
    format=shape.exactly("tabellion.seal/1"),
    log=recordtypes.origin,
    first=shape.natural,
    count=shape.ordinal,
    root=shape.digest,
    committed_at=shape.moment,
    keys=shape.ordinal,
)


def read(data: bytes) -> Entry:
    if not 1 <= len(data) <= shape.MAX_ENTRY_BYTES:
        raise Malformed("is not of 1 to 65535 bytes")
    if data[0] == 0x7B:
        plain = record.read(data)
        if plain.type in recordtypes.KEY_TYPES:
            raise Malformed("is a key record without a signature")
        return Entry(plain, None, None)
    if data[0] != 0xD2:
        raise Malformed("begins like no entry")
    message = cose.read(data)
    if message.kind == cose.SEAL:
        message = cose.read_attached(data, cose.SEAL)
        members = _SEAL(jcs.read(message.payload or b""))
        members["root"] = bytes.fromhex(members["root"])
        del members["format"]
        if members["first"] + members["count"] >= jcs.MAX_INTEGER:
            raise Malformed("is a seal beyond the last index that JSON can hold")
        return Entry(None, Seal(**members), message)
    message = cose.read_attached(data, cose.STATEMENT)
    stated = record.read(message.payload or b"")
    if (message.iss, message.sub) != (stated.actor, stated.record_id):
        raise Malformed("the protected header names another actor or record than the record itself")
    return Entry(stated, None, message)


def read_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle: 16-bit length, then the entry."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2])
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or not entry or len(entry) != length:
            raise Malformed(f"is cut short after {len(entries)} whole entries")
        entries.append(entry)
        at += 2 + length
    return entries


def check_record(problems: Problems, index: int, sealed: Record, log: str, env: str) -> None:
    """Of this log and environment, and of a type that a reader may pass over or knows (§3, `critical`)."""
    place = f"entry {index}, record {sealed.record_id}"
    if (sealed.log, sealed.env) != (log, env):
        problems.broken(f"{place}: sealed for {sealed.log} ({sealed.env})")
    if sealed.critical and not recordtypes.is_known(sealed):
        problems.undetermined(f"{place}: type {sealed.type} version {sealed.type_version} is critical and not known here")
