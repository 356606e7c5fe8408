"""The manifest of a package: what it says it holds. Everything that can be counted is counted again elsewhere.

Source: docs/formats.md §11.1.
"""

from dataclasses import dataclass

from . import jcs, recordtypes, shape, zipform
from .faults import Malformed
from .jcs import Json

SCOPE = (
    "This package shows that the listed records existed in this log in this form and order when the checkpoint was signed, "
    "and who signed them. It does not show that what they say is true, that anything outside the log did not happen, or that "
    "a management system conforms to any standard. Tabellion is not a certification body."
)
TOTALS = ("entries", "erased", "records", "seals", "shown", "statements", "units", "withheld")


@dataclass(frozen=True)
class Manifest:
    log: str
    env: str
    tenant: str
    genesis: str
    size: int
    first: int
    count: int
    period: dict[str, int] | None
    framework: str | None
    disclosure: str
    keys: int
    totals: dict[str, int]
    types: dict[str, int]
    epochs: list[dict[str, Json]]
    files: list[dict[str, Json]]
    scope: str
    software: str
    sources: list[dict[str, Json]] | None

    @property
    def end(self) -> int:
        return self.first + self.count


def _types(value: Json) -> dict[str, int]:
    if not isinstance(value, dict):
        raise Malformed("is not an object")
    return {name: shape.natural(count) for name, count in value.items()}


_PERIOD = shape.record(**{"from": shape.moment, "to": shape.moment})


def _period(value: Json) -> dict[str, int]:
    period = _PERIOD(value)
    if period["from"] >= period["to"]:
        raise Malformed("does not end after it begins")
    return period


def _path(value: Json) -> str:
    if not zipform.is_name(shape.text(value)):
        raise Malformed("is not the name of a file in a package")
    return shape.text(value)


_EPOCH = shape.record(
    closed=shape.flag,
    count=shape.natural,
    epoch=shape.natural,
    first_seq=shape.natural,
    last_seq=shape.natural,
    missing=shape.natural,
    opened=shape.flag,
    producer=shape.identity,
)
_FILE = shape.record(path=_path, sha256=shape.digest, size=shape.natural)


def _epochs(value: Json) -> list[Json]:
    return shape.ascending(shape.list_of(_EPOCH)(value), lambda row: (row["producer"], row["epoch"]))


_GAP = shape.record(first=shape.ordinal, last=shape.ordinal)
_SOURCE = shape.record(
    closed=shape.flag,
    count=shape.natural,
    epoch=shape.ordinal,
    first_seq=shape.natural,
    gaps=shape.list_of(_GAP, 0, 64),
    last_seq=shape.natural,
    lost=shape.natural,
    missing=shape.natural,
    producer=shape.identity,
    repeated=shape.natural,
    sampled=shape.natural,
    unsigned_lost=shape.Optional(shape.ordinal),
    waiting=shape.natural,
)


def _sources(value: Json) -> list[Json]:
    return shape.ascending(shape.list_of(_SOURCE, 1)(value), lambda row: (row["producer"], row["epoch"]))


def _files(value: Json) -> list[Json]:
    return shape.ascending(shape.list_of(_FILE)(value), lambda row: str(row["path"]))


_MANIFEST = shape.record(
    format=shape.exactly("tabellion.package/1"),
    log=recordtypes.origin,
    env=recordtypes.ENVIRONMENT,
    tenant=shape.text,
    genesis=shape.digest,
    size=shape.natural,
    first=shape.natural,
    count=shape.natural,
    period=shape.Optional(_period),
    framework=shape.Optional(shape.text),
    disclosure=shape.one_of("all", "business", "none"),
    keys=shape.natural,
    totals=shape.record(**dict.fromkeys(TOTALS, shape.natural)),
    types=_types,
    epochs=_epochs,
    files=_files,
    scope=shape.exactly(SCOPE),
    software=shape.text,
    sources=shape.Optional(_sources),
)


def read(data: bytes) -> Manifest:
    members = _MANIFEST(jcs.read(data))
    del members["format"]
    manifest = Manifest(**members)
    if manifest.end > manifest.size:
        raise Malformed("the range goes beyond the size of the tree")
    return manifest
