"""What anchors and witnesses say of a package or a receipt: each file's evidence against the log, and the time bounds that follow.

Source: docs/formats.md §9 and §11.3. Evidence counts only for a checkpoint that the log key signed and that the package's checkpoint continues. What could not
be checked is never a bound.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from . import bounds, entry, evidence, jcs, note, placed, plans, shape, tree
from .anchortrust import AnchorTrust
from .bounds import Bound
from .certificate import NotChecked
from .entry import Seal
from .evidence import Span
from .faults import Broken, Malformed
from .jcs import Json
from .keys import KeyChain
from .manifest import Manifest
from .note import Checkpoint
from .placed import Placed
from .report import HOLDS, UNDETERMINED, Problems, Report, micros

CONFIRMED = "anchor.confirmed"


def _evidence(value: Json) -> bytes:
    data = shape.octets(value)
    if len(data) > evidence.MAX_BYTES:
        raise Malformed("is larger than any evidence")
    return data


_FILE = shape.record(
    anchor=shape.one_of(*evidence.KINDS),
    checkpoint=shape.text,
    consistency=shape.hashes,
    evidence=_evidence,
    format=shape.exactly("tabellion.anchor/1"),
    record=placed.ENTRY,
)


@dataclass(frozen=True)
class Surroundings:
    """The parts of a package that its anchors are checked against."""

    manifest: Manifest
    checkpoint: Checkpoint
    chain: KeyChain
    trust: AnchorTrust


def check(report: Report, files: Mapping[str, bytes], around: Surroundings) -> list[Bound]:
    """Judges the check `anchors`. Gives what the anchors that hold say of time."""
    problems, found, unchecked = Problems(), [], []
    for name, data in files.items():
        try:
            members = _FILE(jcs.read(data))
        except Malformed as error:
            problems.malformed(f"{name}: {error}")
            continue
        try:
            found.append(_check_file(members, around))
        except Broken as error:
            problems.broken(f"{name}: {error}")
        except NotChecked as error:
            unchecked.append(f"{name}: {members['anchor']} not checked: {error}")
    open_ = f"{len(unchecked)} of {len(files)} not checked ({unchecked[0]})" if unchecked else ""
    holds = "; ".join(filter(None, (f"{len(found)} of {len(files)} confirmed", open_)))
    report.set("anchors", *(problems.summary() or ((HOLDS, holds) if found else (UNDETERMINED, open_))))
    return found


def _check_file(file: dict[str, Json], around: Surroundings) -> Bound:
    """Raises `Broken` for what is wrong, `NotChecked` where the reader lacks something."""
    log, whole = around.manifest.log, around.checkpoint
    try:
        checkpoint = note.read_checkpoint(file["checkpoint"].encode("utf-8", "surrogatepass"))
    except Malformed as error:
        raise Broken(f"the checkpoint {error}") from error
    if checkpoint.origin != log:
        raise Broken(f"the checkpoint is of {checkpoint.origin}, the package of {log}")
    key = around.chain.in_force("log", checkpoint.size)
    checkpoint.note.verify(note.VerifierKey(log, note.ED25519, key.public))
    tree.check_consistency(checkpoint.size, checkpoint.root, whole.size, whole.root, file["consistency"])
    row = file["record"]
    record = Placed(row["index"], row["entry"], row["path"])
    _check_record(file, record, checkpoint, whole)
    digest = hashlib.sha256(checkpoint.note.text).digest()
    return Bound(checkpoint.size, record.index, evidence.check(file["anchor"], file["evidence"], digest, around.trust))


def _check_record(file: dict[str, Json], record: Placed, checkpoint: Checkpoint, whole: Checkpoint) -> None:
    """It has to be in the tree and to name this very evidence."""
    tree.check_path(record.leaf, record.index, whole.size, record.path, whole.root)
    try:
        read = entry.read(record.data).record
    except Malformed as error:
        raise Broken(f"entry {record.index}: {error}") from error
    said = read.facts if read and read.type == CONFIRMED and read.type_version == 1 else None
    due = {
        "anchor": file["anchor"],
        "evidence_sha256": hashlib.sha256(file["evidence"]).hexdigest(),
        "root": checkpoint.root.hex(),
        "size": checkpoint.size,
    }
    if said != due or record.index < checkpoint.size:
        raise Broken(f"entry {record.index} is not the record of this evidence")


_OF_RECEIPT = shape.record(anchor=shape.one_of(*evidence.KINDS), evidence=_evidence)
_MAX_OF_RECEIPT = 8


def read_of_receipt(value: Json) -> list[dict[str, Json]]:
    rows = shape.list_of(_OF_RECEIPT, 1, _MAX_OF_RECEIPT)(value)
    return shape.ascending(rows, lambda row: (row["anchor"], base64.b64encode(row["evidence"])))


def check_of_receipt(report: Report, rows: list[dict[str, Json]], checkpoint: Checkpoint, trust: AnchorTrust) -> list[Bound]:
    """Judges the check `anchors` of a receipt: evidence for its own checkpoint. Without the log's record of it, it dates nothing from below."""
    problems, found, unchecked = Problems(), [], []
    digest = hashlib.sha256(checkpoint.note.text).digest()
    for number, row in enumerate(rows, 1):
        try:
            span = evidence.check(row["anchor"], row["evidence"], digest, trust)
            found.append(Bound(checkpoint.size, checkpoint.size, replace(span, is_unforeseeable=False)))
        except Broken as error:
            problems.broken(f"anchor {number}: {error}")
        except NotChecked as error:
            unchecked.append(f"anchor {number}: {row['anchor']} not checked: {error}")
    open_ = f"{len(unchecked)} of {len(rows)} not checked ({unchecked[0]})" if unchecked else ""
    holds = "; ".join(filter(None, (f"{len(found)} of {len(rows)} confirmed", open_)))
    report.set("anchors", *(problems.summary() or ((HOLDS, holds) if found else (UNDETERMINED, open_))))
    return found


def by_witness(checkpoint: Checkpoint, witnessed: tuple[str, int] | None) -> list[Bound]:
    """What the witness by whom the quorum of the trust file was met says of time."""
    if witnessed is None:
        return []
    name, seconds = witnessed
    return [Bound(checkpoint.size, checkpoint.size, Span(0, seconds * 1_000_000, f"witness {name}", False))]


def check_times(report: Report, found: list[Bound], first: int, end: int, seals: Iterable[tuple[int, Seal]]) -> None:
    """Judges the check `time bounds`: no commit time lies outside what outside clocks allow."""
    report.add(plans.TIME_BOUNDS)
    intervals = bounds.intervals(found, first, end)
    report.facts["time_bounds"] = [one.to_json() for one in intervals[: bounds.MAX_INTERVALS]]
    problems = Problems()
    for index, seal in seals:
        interval = next((one for one in intervals if one.last >= index), intervals[-1])
        for limit in bounds.contradictions(interval, seal.committed_at):
            problems.broken(
                f"seal at entry {index}, of entries {seal.first} to {index - 1}: its commit time {micros(seal.committed_at)} "
                f"is contradicted by {limit.source} at {micros(limit.time)}"
            )
    report.settle("time bounds", problems, bounds.told(intervals) or "no entry in the range")
