"""What a root log's records of a range say of its shards (docs/formats.md §8, §12).

Checkpoints of one shard that contradict each other are broken, a conflict on record leaves it undetermined, and what could not be checked is counted. No
record lifts a conflict.
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import ed25519, keys, plans, recordtypes
from .faults import Broken
from .jcs import Json
from .placed import Placed
from .record import Record
from .report import Problems, Report

REGISTERED, ROTATED = "shard.registered", "shard.key_rotated"
RECORDED, CONFLICT = "shard.checkpoint_recorded", "shard.conflict_found"
_TYPES = (REGISTERED, ROTATED, RECORDED, CONFLICT)
_KINDS = {"forked": "forked", "rolled_back": "rolled back"}


def text_of(facts: dict[str, Json]) -> str:
    """The note text of a recorded checkpoint: what the shard signed."""
    root = base64.b64encode(bytes.fromhex(str(facts["root"]))).decode()
    return f"{facts['origin']}\n{facts['size']}\n{root}\n"


@dataclass
class _Shard:
    key: bytes | None = None  # what signs its checkpoints, where the range says
    before: tuple[int, int, str] | None = None  # index, size and root of its last checkpoint
    checkpoints: int = 0
    unchecked: int = 0

    def is_right(self, by: Callable[[bytes], None]) -> bool:
        """Whether the key says yes; where it is not known nothing speaks against it, and that is counted."""
        if self.key is None:
            self.unchecked += 1
            return True
        try:
            by(self.key)
        except Broken:
            return False
        return True


def _signed(facts: dict[str, Json]) -> Callable[[bytes], None]:
    def by(key: bytes) -> None:
        if facts["key"] != ed25519.key_id(key):
            raise Broken("is another key's")
        ed25519.verify(key, facts["signature"], text_of(facts).encode())

    return by


def _agreed(facts: dict[str, Json]) -> Callable[[bytes], None]:
    """That the key so far and the new key both signed for the change."""

    def by(old: bytes) -> None:
        rotation = facts["rotation"]
        if rotation["purpose"] != "log" or rotation["old"] != ed25519.key_id(old):
            raise Broken("is about another key")
        message = keys.rotation_message(facts["origin"], rotation)
        ed25519.verify(old, rotation["old_signature"], message)
        ed25519.verify(rotation["key"]["public"], rotation["new_signature"], message)

    return by


class _Shards:
    """Goes once through the records of a range."""

    def __init__(self) -> None:
        self.shards: dict[str, _Shard] = {}
        self.faults: list[str] = []
        self.conflicts: list[str] = []

    def observe(self, index: int, record: Record) -> None:
        facts = record.facts
        origin = facts["origin"]
        shard = self.shards.setdefault(origin, _Shard())
        if record.type == REGISTERED:
            shard.key = facts["key"]["public"]
        elif record.type == ROTATED:
            if not shard.is_right(_agreed(facts)):
                self.faults.append(f"entry {index}: the key of {origin} did not sign for its successor")
            shard.key = facts["rotation"]["key"]["public"]
        elif record.type == RECORDED:
            self._checkpoint(shard, index, facts)
        else:
            if not shard.is_right(_signed(facts)):
                self.faults.append(f"entry {index}: the conflict of {origin} is not signed by its key")
            how = "proved by its own signatures" if facts["proved"] else "not proved"
            kind = _KINDS[facts["kind"]]
            self.conflicts.append(f"entry {index}: {origin} showed another history: {kind}, at size {facts['size']}, {how}")

    def _checkpoint(self, shard: _Shard, index: int, facts: dict[str, Json]) -> None:
        origin, size, before = facts["origin"], facts["size"], shard.before
        shard.checkpoints += 1
        shard.before = (index, size, facts["root"])
        signed = shard.is_right(_signed(facts))
        if before and before[1] > size:
            self.faults.append(f"entry {index}: {origin} has {size} entries, and had {before[1]} in entry {before[0]}")
        elif before and before[1] == size and before[2] != facts["root"]:
            self.faults.append(f"entry {index}: {origin} has another root for {size} entries than in entry {before[0]}")
        elif not signed:
            self.faults.append(f"entry {index}: not signed by the key of {origin}")


def check(report: Report, inside: Iterable[Placed]) -> None:
    """Judges the check `shards`, which a report has when the range tells of shards.

    What an actor signed is that actor's word and not the root log's.
    """
    told = _Shards()
    for one in inside:
        record = one.entry.record if one.entry and not one.entry.is_statement else None
        if record is not None and record.type in _TYPES and recordtypes.is_known(record):
            told.observe(one.index, record)
    if not told.shards:
        return
    report.add(plans.SHARDS)
    problems = Problems()
    for text in told.faults:
        problems.broken(text)
    for text in told.conflicts:
        problems.undetermined(text)
    shards = told.shards.values()
    report.settle(
        "shards",
        problems,
        f"shards: {len(shards)}, checkpoints: {sum(one.checkpoints for one in shards)}; not checked, because the range does not show the "
        f"shard's key before them, are the signatures of {sum(one.unchecked for one in shards)} records",
    )
