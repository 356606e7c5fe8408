"""What outside sources sent, by their own count, and which of their numbers are missing.

Source: docs/formats.md §7.1, §11.1 and §12. A number is here, declared lost or missing, in whatever order it came; what an actor signed elsewhere is not
counted.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import plans, recordtypes, shape
from .faults import Malformed
from .jcs import Json
from .placed import Placed
from .record import Record
from .report import Problems, Report

MAX_NAMED_GAPS = 64
_NAMED = 8
_NUMBER = shape.record(
    source=shape.record(
        epoch=shape.ordinal, producer=shape.identity, seq=shape.ordinal, withheld=shape.Optional(shape.one_of("sampled", "private"))
    )
)


class Spans:
    """A set of numbers, as its stretches."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []

    def insert(self, first: int, last: int) -> bool:
        """Adds `first` to `last`; whether any of them is new."""
        at = bisect_left(self.spans, (first,))
        if at and self.spans[at - 1][1] >= first - 1:
            at -= 1
        if at < len(self.spans) and self.spans[at][0] <= first and last <= self.spans[at][1]:
            return False
        end = at
        while end < len(self.spans) and self.spans[end][0] <= last + 1:
            first, last = min(first, self.spans[end][0]), max(last, self.spans[end][1])
            end += 1
        del self.spans[at:end]
        insort(self.spans, (first, last))
        return True

    def count(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def count_through(self, to: int) -> int:
        """How many numbers up to `to` there are."""
        return sum(min(last, to) - first + 1 for first, last in self.spans if first <= to)

    def missing(self, begin: int, end: int) -> list[tuple[int, int]]:
        found = []
        for first, last in [*self.spans, (end + 1, end + 1)]:
            if begin < min(first, end + 1):
                found.append((begin, min(first, end + 1) - 1))
            begin = max(begin, last + 1)
        return found


@dataclass
class _Epoch:
    seen: Spans = field(default_factory=Spans)
    sampled: Spans = field(default_factory=Spans)
    accounted: Spans = field(default_factory=Spans)
    repeated: int = 0
    settled: int = 0
    stated: int = 0
    closed: bool = False
    signed: tuple[int, int, int] | None = None

    def unsigned_lost(self) -> int | None:
        """Numbers declared lost beyond those that the source signed, up to where its count is settled; None: no more than those."""
        if self.signed is None:
            return None
        _, settled, lost = self.signed
        return max(0, self.accounted.count_through(settled) - self.seen.count_through(settled) - lost) or None


def number_of(record: Record) -> dict[str, Json] | None:
    """The source's own number in a header whose type has no clear members of its own."""
    if record.type in recordtypes.CLEAR or record.clear is None:
        return None
    try:
        return dict(_NUMBER(record.clear)["source"])
    except Malformed:
        return None


class Sources:
    """Goes once through the records of a range."""

    def __init__(self, whole_log: bool) -> None:
        self.whole_log = whole_log
        self.epochs: dict[tuple[str, int], _Epoch] = {}

    def observe(self, record: Record) -> None:
        if number := number_of(record):
            epoch = self._epoch(number)
            seq = number["seq"]
            epoch.repeated += not epoch.seen.insert(seq, seq)
            epoch.accounted.insert(seq, seq)
            if number["withheld"] == "sampled":
                epoch.sampled.insert(seq, seq)
        elif record.type == "source.heartbeat" and recordtypes.is_known(record):
            epoch, beat = self._epoch(record.facts), record.facts
            epoch.settled = max(epoch.settled, beat["last_seq"] - beat["spooled"])
            epoch.stated = max(epoch.stated, beat["last_seq"])
            epoch.closed = epoch.closed or beat["closed"]
            if beat["signed"] is not None:  # whether the signature is right is another check's
                count = (beat["beat"], beat["last_seq"] - beat["spooled"], beat["lost"])
                epoch.signed = max(epoch.signed or count, count)
        elif record.type == "gap.declared" and recordtypes.is_known(record):
            self._epoch(record.facts).accounted.insert(record.facts["first"], record.facts["last"])

    def _epoch(self, facts: dict[str, Json]) -> _Epoch:
        return self.epochs.setdefault((facts["producer"], facts["epoch"]), _Epoch())

    def rows(self) -> list[dict[str, Json]]:
        rows, before = [], None
        for (producer, number), epoch in sorted(self.epochs.items()):
            rows.append(self._row(producer, number, epoch, self.whole_log or producer == before))
            before = producer
        return rows

    @staticmethod
    def _row(producer: str, number: int, epoch: _Epoch, begins_at_one: bool) -> dict[str, Json]:
        spans = epoch.accounted.spans
        begin = 1 if begins_at_one else spans[0][0] if spans else None
        end = 0 if begin is None else max(spans[-1][1] if spans else 0, epoch.settled)
        first = begin if begin and end else 0
        gaps = epoch.accounted.missing(first, end) if end else []
        return {
            "closed": epoch.closed,
            "count": epoch.seen.count(),
            "epoch": number,
            "first_seq": first,
            "gaps": [{"first": low, "last": high} for low, high in gaps[:MAX_NAMED_GAPS]],
            "last_seq": end,
            "lost": epoch.accounted.count() - epoch.seen.count(),
            "missing": sum(high - low + 1 for low, high in gaps),
            "producer": producer,
            "repeated": epoch.repeated,
            "sampled": epoch.sampled.count(),
            "unsigned_lost": epoch.unsigned_lost(),
            "waiting": max(0, epoch.stated - max(end, epoch.settled)),
        }


def rows_of(entries: Iterable[Placed], whole_log: bool) -> list[dict[str, Json]]:
    """One row per life of a source, from the sealed records of a range."""
    sources = Sources(whole_log)
    for one in entries:
        if one.entry and one.entry.record and not one.entry.is_statement:
            sources.observe(one.entry.record)
    return sources.rows()


def check(report: Report, rows: list[dict[str, Json]]) -> None:
    """Judges the check `sources`, which a report has when the range holds numbers of outside sources."""
    if not rows:
        return
    report.add(plans.SOURCES)
    problems = Problems()
    for row in rows:
        place = f"source {row['producer']} epoch {row['epoch']}"
        if row["missing"]:
            gaps = row["gaps"]
            named = ", ".join(_stretch(gap) for gap in gaps[:_NAMED]) + (" and more" if len(gaps) > _NAMED else "")
            problems.undetermined(f"{place}: {row['missing']} of its numbers are missing: {named}")
        if row["unsigned_lost"]:
            problems.undetermined(f"{place}: {row['unsigned_lost']} more of its numbers are declared lost than it signed")
        if row["repeated"]:
            problems.undetermined(f"{place}: {row['repeated']} records repeat a number that was there before")
    total = {name: sum(row[name] for row in rows) for name in ("count", "sampled", "lost")}
    report.settle(
        "sources",
        problems,
        f"epochs of sources: {len(rows)}, records: {total['count']}, of those without content by sampling: {total['sampled']}, "
        f"declared lost: {total['lost']}, missing: 0; not closed, so unknown after their last number: {sum(not row['closed'] for row in rows)}",
    )


def _stretch(gap: dict[str, int]) -> str:
    return str(gap["first"]) if gap["first"] == gap["last"] else f"{gap['first']} to {gap['last']}"
