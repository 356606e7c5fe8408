"""Entries with their place in the log, and `proof.json`, which brings along those outside the range.

Source: docs/formats.md §11.2; the same form holds the seal and the key records of a receipt (§9).
"""

from dataclasses import dataclass, replace

from . import entry as entries
from . import jcs, shape, tree
from .entry import Entry
from .faults import Broken, Malformed
from .report import Problems


@dataclass(frozen=True)
class Placed:
    index: int
    data: bytes
    path: list[bytes]
    entry: Entry | None = None  # not read yet, or not to be read

    @property
    def leaf(self) -> bytes:
        return tree.leaf_hash(self.data)

    def read(self, problems: Problems) -> "Placed":
        """The same with its entry; one that cannot be read is said and stays None."""
        try:
            return replace(self, entry=entries.read(self.data))
        except Malformed as error:
            problems.malformed(f"entry {self.index}: {error}")
            return self

    def check_path(self, problems: Problems, size: int, root: bytes) -> None:
        try:
            tree.check_path(self.leaf, self.index, size, self.path, root)
        except Broken as error:
            problems.broken(f"entry {self.index}: {error}")


ENTRY = shape.record(entry=shape.entry, index=shape.natural, path=shape.hashes)


def read_list(value: jcs.Json) -> list[Placed]:
    """`{"entry","index","path"}` by ascending index."""
    rows = shape.ascending(shape.list_of(ENTRY)(value), lambda row: int(row["index"]))
    return [Placed(row["index"], row["entry"], row["path"]) for row in rows]


@dataclass(frozen=True)
class RangeProof:
    extra: list[Placed]
    left: list[bytes]
    right: list[bytes]


_PROOF = shape.record(extra=read_list, format=shape.exactly("tabellion.proof/1"), left=shape.hashes, right=shape.hashes)


def read_proof(data: bytes) -> RangeProof:
    try:
        members = _PROOF(jcs.read(data))
    except Malformed as error:
        raise Malformed(f"proof.json: {error}") from error
    return RangeProof(members["extra"], members["left"], members["right"])
