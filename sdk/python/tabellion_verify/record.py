"""A sealed record: one closed JCS object that holds no content, only its salted digests.

Source: docs/formats.md §3.
"""

import re
from dataclasses import dataclass, field

from . import jcs, recordtypes, shape
from .faults import Malformed
from .jcs import Json

_STREAM = shape.matching(r"[a-z0-9][a-z0-9._/-]{0,127}", 128)
_ROLE = shape.matching(r"[a-z][a-z0-9_]{0,31}", 32)
_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # the two spare bits are zero
MAX_DIGESTS, MAX_UNITS, MAX_PARENTS = 512, 64, 64


@dataclass(frozen=True)
class Unit:
    id: str
    digests: list[str]


@dataclass
class Record:
    type: str
    type_version: int
    critical: bool
    log: str
    env: str
    record_id: str
    observed_at: int
    actor: str
    assurance: str
    producer: str
    epoch: int
    seq: int
    system: str | None
    system_seq: int | None
    stream: str | None
    stream_version: int | None
    parents: list[Json] | None
    basis: int | None
    idem: str | None
    clear: Json
    units: list[Unit]
    facts: dict[str, Json] = field(default_factory=dict)  # `clear` of a known type, read


def _type_version(value: Json) -> int:
    if shape.ordinal(value) >= 1 << 32:
        raise Malformed("is beyond 2^32-1")
    return shape.ordinal(value)


def _digest(value: Json) -> str:
    if not _DIGEST.fullmatch(shape.text(value)):
        raise Malformed("is not a digest of 43 base64url characters")
    return shape.text(value)


def _digests(value: Json) -> list[str]:
    return shape.ascending(shape.list_of(_digest, 1, MAX_DIGESTS)(value), str)


_UNIT = shape.record(digests=_digests, id=shape.identity)


def _units(value: Json) -> list[Unit]:
    units = [Unit(unit["id"], unit["digests"]) for unit in shape.list_of(_UNIT, 0, MAX_UNITS)(value)]
    return shape.ascending(units, lambda unit: unit.id)


def _clear(value: Json) -> Json:
    if not isinstance(value, dict) or not value:
        raise Malformed("is no object or an empty one")
    return value


_RECORD = shape.record(
    format=shape.exactly("tabellion.record/1"),
    type=recordtypes.TYPE_NAME,
    type_version=_type_version,
    critical=shape.flag,
    log=recordtypes.origin,
    env=recordtypes.ENVIRONMENT,
    record_id=shape.identity,
    observed_at=shape.moment,
    actor=shape.identity,
    assurance=shape.one_of("claimed", "observed", "corroborated", "signed"),
    producer=shape.identity,
    epoch=shape.ordinal,
    seq=shape.ordinal,
    system=shape.Optional(shape.identity),
    system_seq=shape.Optional(shape.ordinal),
    stream=shape.Optional(_STREAM),
    stream_version=shape.Optional(shape.ordinal),
    parents=shape.Optional(shape.list_of(shape.record(hash=shape.digest, record_id=shape.identity, role=_ROLE), 1, MAX_PARENTS)),
    basis=shape.Optional(shape.natural),
    idem=shape.Optional(shape.digest),
    digest_alg=shape.exactly("sha-256"),
    clear=shape.Optional(_clear),
    units=_units,
)


def read(data: bytes) -> Record:
    members = _RECORD(jcs.read(data))
    del members["format"], members["digest_alg"]
    record = Record(**members)
    if (record.system is None) != (record.system_seq is None) or (record.stream is None) != (record.stream_version is None):
        raise Malformed("system and system_seq, stream and stream_version: both or neither")
    recordtypes.check(record)
    return record
