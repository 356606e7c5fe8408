"""Whether outside sources themselves signed their heartbeats (docs/formats.md §7.1, §12).

A heartbeat without a signature is the notary's account of what it was sent. A wrong signature, one under another key than before without a person's word for
it, and none after others with one are broken.
"""

from collections.abc import Iterable

from . import ed25519, jcs, plans, recordtypes
from .entry import Entry
from .faults import Broken
from .placed import Placed
from .record import Record
from .report import BROKEN, HOLDS, NOT_RUN, Problems, Report, micros

HEARTBEAT, KEY_SET = "source.heartbeat", "source.key_set"
_DOMAIN = b"tabellion.heartbeat/1\n"


def message(clear: dict[str, jcs.Json]) -> bytes:
    """The bytes that a source signs: all of `clear` but the signature."""
    signed = {name: value for name, value in clear["signed"].items() if name != "signature"}
    return _DOMAIN + jcs.write(clear | {"signed": signed})


def _is_right(record: Record) -> bool:
    signed = record.facts["signed"]
    try:
        ed25519.verify(signed["key"]["public"], signed["signature"], message(record.clear or {}))
    except Broken:
        return False
    return True


def check_receipt(report: Report, entry: Entry) -> None:
    """The check of a heartbeat's receipt. What an actor signed as a statement is not a source's count."""
    record = entry.record
    if record is None or entry.is_statement or record.type != HEARTBEAT or not recordtypes.is_known(record):
        return
    name, signed = plans.SOURCE_SIGNATURE.name, record.facts["signed"]
    report.add(plans.SOURCE_SIGNATURE)
    if signed is None:
        report.find(name).required = False
        report.set(name, NOT_RUN, "the source did not sign it: it is the notary's account of what was sent under an API key")
        return
    source, key = record.facts["producer"], signed["key"]["key_id"]
    if _is_right(record):
        report.set(name, HOLDS, f"source {source} signed it at {micros(signed['at'])} by its own clock, with key {key}")
    else:
        report.set(name, BROKEN, f"key {key}, which the heartbeat of source {source} names, did not sign it")


class _Keys:
    """The keys of the sources of a range, record by record."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.signed = self.unsigned = 0
        self.problems = Problems()

    def heartbeat(self, index: int, record: Record) -> None:
        producer, signed = record.facts["producer"], record.facts["signed"]
        known, place = self.keys.get(producer), f"entry {index}: the heartbeat of source {producer}"
        if signed is None:
            self.unsigned += 1
            if known:
                self.problems.broken(f"{place} is not signed, and those before it are")
            return
        self.signed += 1
        key = signed["key"]["key_id"]
        if not _is_right(record):
            self.problems.broken(f"{place} is not signed by the key that it names")
        elif known not in (None, key):
            self.problems.broken(f"{place} is signed with another key than the one before it, and nobody put that in its place")
        else:
            self.keys[producer] = key

    def key_set(self, index: int, record: Record) -> None:
        producer = record.facts["producer"]
        known = self.keys.get(producer)
        if known and known != record.facts["old"]:
            self.problems.broken(f"entry {index}: puts a key in the place of another than the source's, {producer}")
        self.keys[producer] = record.facts["key"]["key_id"]


def check(report: Report, inside: Iterable[Placed]) -> None:
    """Judges the check `source signatures`, which a report has when the range tells of a source's key."""
    keys = _Keys()
    for one in inside:
        record = one.entry.record if one.entry and not one.entry.is_statement else None
        if record and recordtypes.is_known(record):
            if record.type == HEARTBEAT:
                keys.heartbeat(one.index, record)
            elif record.type == KEY_SET:
                keys.key_set(one.index, record)
    if keys.signed == 0 and not keys.keys:
        return
    report.add(plans.SOURCE_SIGNATURES)
    report.settle(
        plans.SOURCE_SIGNATURES.name,
        keys.problems,
        f"heartbeats signed by their source: {keys.signed}, sources with a key: {len(keys.keys)}; not signed, so the notary's account alone: {keys.unsigned}",
    )
