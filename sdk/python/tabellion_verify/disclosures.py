"""Disclosed fields, the files that list them, and tombstones: what is shown, what is proved erased, what is withheld.

Source: docs/formats.md §3 (disclosure), §8 (tombstone), §11 (the two files) and the last paragraph of §12.
"""

import hashlib
import re
from dataclasses import dataclass

from . import encoding, jcs, recordtypes, shape
from .faults import Malformed
from .jcs import Json
from .record import Record, Unit
from .report import Problems

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SALT_BYTES = 16
MAX_VALUE_NESTING = 30
MAX_BYTES = 2 << 20  # the plaintext of a unit


@dataclass(frozen=True)
class Field:
    name: str
    value: Json


def digest(encoded: str) -> str:
    return encoding.to_base64url(hashlib.sha256(encoded.encode()).digest())


def read_field(encoded: str) -> Field:
    """`base64url(JCS [salt, name, value])`."""
    data = encoding.from_base64url(encoded)
    if len(data) > MAX_BYTES:
        raise Malformed("is a disclosure of more than 2 MiB")
    parts = jcs.read(data)
    if not isinstance(parts, list) or len(parts) != 3:
        raise Malformed("is not [salt, name, value]")
    salt, name, value = parts
    if len(encoding.from_base64url(shape.text(salt))) != _SALT_BYTES or not _NAME.fullmatch(shape.text(name)):
        raise Malformed("has no salt of 16 bytes or no proper field name")
    if jcs.nesting(value) > MAX_VALUE_NESTING:
        raise Malformed(f"has a value that nests deeper than {MAX_VALUE_NESTING}")
    return Field(name, value)


@dataclass(frozen=True)
class ShownUnit:
    index: int
    unit: str
    disclosures: list[str]


@dataclass(frozen=True)
class ErasedUnit:
    index: int
    unit: str
    disclosure: str
    tombstone: int


_SHOWN = shape.record(disclosures=shape.list_of(shape.text, 1), index=shape.natural, unit=shape.identity)
_ERASED = shape.record(disclosure=shape.text, index=shape.natural, tombstone=shape.natural, unit=shape.identity)


def _lines(data: bytes, reader: shape.Reader[dict[str, Json]]) -> list[dict[str, Json]]:
    if data and not data.endswith(b"\n"):
        raise Malformed("does not end with a line end")
    rows = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            rows.append(reader(jcs.read(line)))
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from error
    return shape.ascending(rows, lambda row: (row["index"], row["unit"]))


def read_shown(data: bytes) -> list[ShownUnit]:
    return [ShownUnit(**row) for row in _lines(data, _SHOWN)]


def read_erased(data: bytes) -> list[ErasedUnit]:
    return [ErasedUnit(**row) for row in _lines(data, _ERASED)]


def check_fields(problems: Problems, place: str, encoded: list[str], units: list[Unit], names: set[str]) -> None:
    """Disclosures in digest order, each listed in one of the units, each field name once in the record."""
    listed = {one for unit in units for one in unit.digests}
    last = ""
    for number, one in enumerate(encoded, 1):
        own = digest(one)
        try:
            name = read_field(one).name
            if own <= last:
                raise Malformed("is out of order or repeated")
        except Malformed as error:
            problems.malformed(f"{place}: disclosure {number}: {error}")
            continue
        finally:
            last = max(last, own)
        if own not in listed:
            problems.broken(f"{place}: disclosure {number} is not among the digests of the entry")
        if name in names:
            problems.broken(f"{place}: disclosure {number} has a field name used before")
        names.add(name)


def check_tombstone(problems: Problems, index: int, record: Record, lines: list[ErasedUnit]) -> set[str]:
    """Checks that the record at `index` proves these erasures. Gives the digests that they reveal of it."""
    revealed = set()
    for line in lines:
        place = f"erasures.jsonl: entry {line.index}, unit {line.unit}, tombstone {index}"
        own = digest(line.disclosure)
        try:
            field = read_field(line.disclosure)
        except Malformed as error:
            problems.malformed(f"{place}: the disclosure {error}")
            continue
        if record.type != recordtypes.ERASURE_DONE or line.index >= index:
            problems.broken(f"{place}: is no erasure.done after the entry")
        elif (field.name, field.value) != (f"u{line.unit}", True) or field.value is not True:
            problems.broken(f"{place}: the disclosure is not the tombstone of this unit")
        elif not any(own in unit.digests for unit in record.units):
            problems.broken(f"{place}: the disclosure is not among the digests of the tombstone's record")
        else:
            revealed.add(own)
    return revealed
