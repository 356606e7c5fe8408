"""Alarms in the log itself: a witness knows another history of it (docs/formats.md §8, §12).

An alarm counts until a later record lifts it. Which of two histories is the right one nobody can say from a package, so an open alarm leaves it
undetermined, in so many words.
"""

from collections.abc import Iterable

from . import plans
from .placed import Placed
from .record import Record
from .report import Problems, Report, micros

FOUND, LIFTED = "witness.conflict_found", "witness.conflict_lifted"
_KINDS = {"forked": "forked", "rolled_back": "rolled back"}


def is_alarm(record: Record | None) -> bool:
    """Whether a record raises or lifts an alarm, so that a package may bring it along from outside its range."""
    return record is not None and record.type in (FOUND, LIFTED) and record.type_version == 1


def check(report: Report, entries: Iterable[Placed]) -> None:
    """Judges the check `alarms`, which a report has when there is an alarm."""
    raised: list[tuple[int, Record]] = []
    lifted: dict[str, int] = {}  # alarm's record id -> largest index of a record that lifts it
    for one in sorted(entries, key=lambda one: one.index):
        record = one.entry.record if one.entry else None
        if record is None or not is_alarm(record):
            continue
        if record.type == FOUND:
            raised.append((one.index, record))
        else:
            lifted[record.facts["conflict"]] = one.index
    if not raised:
        return
    report.add(plans.ALARMS)
    problems = Problems()
    for index, record in raised:
        if lifted.get(record.record_id, -1) < index:
            problems.undetermined(f"entry {index}: {_text(record)}; not lifted")
    report.settle("alarms", problems, f"alarms: {len(raised)}, each lifted by a later record")


def _text(record: Record) -> str:
    facts = record.facts
    who = "under the log's own signature" if facts["proved"] else "by the witness's word alone"
    return (
        f"a witness saw another history of this log at {micros(record.observed_at)}: {_KINDS[facts['kind']]}, "
        f"its tree has {facts['size']} entries, {who}"
    )
