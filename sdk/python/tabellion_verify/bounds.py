"""Time bounds on both sides of every entry of a range, out of what anchors confirmed and witnesses cosigned.

Source: docs/formats.md §11.3. Not after: an entry below the size of a confirmed checkpoint was in the log when the evidence was made. Not before: an
entry behind the record of evidence that nobody could foresee took its place after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .evidence import Span
from .jcs import Json
from .report import micros

MAX_INTERVALS, _TOLD = 1_024, 4
# How far a commit time may lie outside its bounds before it counts as wrong: clocks without a time server drift by minutes.
TOLERANCE = 3_600 * 1_000_000


@dataclass(frozen=True)
class Bound:
    size: int
    record: int  # index of the record of it; meant only when the evidence could not be foreseen
    span: Span


@dataclass(frozen=True)
class Limit:
    time: int
    source: str

    def to_json(self) -> Json:
        return {"source": self.source, "time": micros(self.time)}


@dataclass(frozen=True)
class Interval:
    """Entries that share their bounds."""

    first: int
    last: int
    not_before: Limit | None
    not_after: Limit | None

    def to_json(self) -> Json:
        limits = {name: limit.to_json() if limit else None for name, limit in self._limits().items()}
        return {"first": self.first, "last": self.last, **limits}

    def _limits(self) -> dict[str, Limit | None]:
        return {"not_after": self.not_after, "not_before": self.not_before}

    def text(self) -> str:
        told = [f"{micros(one.time)} ({one.source})" if one else "unknown" for one in (self.not_before, self.not_after)]
        return f"entries {self.first} to {self.last}: logged not before {told[0]}, not after {told[1]}"


def _limits(bounds: Sequence[Bound], index: int) -> tuple[Limit | None, Limit | None]:
    before = [one.span for one in bounds if one.span.is_unforeseeable and one.record < index]
    after = [one.span for one in bounds if one.size > index]
    # Of several that say the same, the last begins and the first ends: which one is named is settled, too.
    latest = max(reversed(before), key=lambda span: span.earliest, default=None)
    earliest = min(after, key=lambda span: span.latest, default=None)
    return (
        Limit(latest.earliest, latest.source) if latest else None,
        Limit(earliest.latest, earliest.source) if earliest else None,
    )


def intervals(bounds: Sequence[Bound], first: int, end: int) -> list[Interval]:
    """The intervals of the entries from `first` until before `end`, in order and without a gap."""
    edges = {edge for one in bounds for edge in (one.size, one.record + 1) if first <= edge < end}
    ordered = sorted(edges | {first, end})
    found: list[Interval] = []
    for begin, until in zip(ordered, ordered[1:], strict=False):
        limits = _limits(bounds, begin)
        if found and (found[-1].not_before, found[-1].not_after) == limits:
            found[-1] = Interval(found[-1].first, until - 1, *limits)
        else:
            found.append(Interval(begin, until - 1, *limits))
    return found


def told(found: Sequence[Interval]) -> str:
    """The first few in words."""
    lines = [one.text() for one in found[:_TOLD]]
    more = len(found) - len(lines)
    return "; ".join(lines + ([f"and {more} more intervals among the facts"] if more else []))


def contradictions(interval: Interval, committed_at: int) -> list[Limit]:
    """The limits that a commit time is outside of, by more than clocks drift."""
    early = interval.not_before if interval.not_before and interval.not_before.time > committed_at + TOLERANCE else None
    late = interval.not_after if interval.not_after and committed_at > interval.not_after.time + TOLERANCE else None
    return [limit for limit in (early, late) if limit]
