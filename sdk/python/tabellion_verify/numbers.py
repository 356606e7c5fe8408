"""Record numbers: per producer and epoch, and per system within; what is missing and where the count ends.

Source: docs/formats.md §7 and the last paragraph of §12.
"""

from dataclasses import dataclass, field

from . import recordtypes
from .record import Record


@dataclass
class Epoch:
    producer: str
    epoch: int
    first_seq: int
    last_seq: int = 0
    count: int = 0
    opened: bool = False
    closed: bool = False
    from_one: bool = True  # it must begin with 1 within what is seen
    systems: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.last_seq - self.first_seq + 1 - self.count

    def row(self) -> dict[str, object]:
        """As the manifest has it (§11.1)."""
        names = ("closed", "count", "epoch", "first_seq", "last_seq", "missing", "opened", "producer")
        return {name: getattr(self, name) for name in names}


class Numbers:
    """Fold of the records of a range, in the order of the log."""

    def __init__(self, from_genesis: bool) -> None:
        self.from_genesis = from_genesis
        self.epochs: dict[tuple[str, int], Epoch] = {}
        self.latest: dict[str, Epoch] = {}
        self.problems: list[str] = []

    def observe(self, index: int, record: Record) -> None:
        place = f"entry {index}, record {record.record_id}, producer {record.producer} epoch {record.epoch}"
        previous = self.latest.get(record.producer)
        if previous is not None and record.epoch < previous.epoch:
            self.problems.append(f"{place}: after epoch {previous.epoch} of the same producer")
        epoch = self.epochs.get((record.producer, record.epoch))
        if epoch is None:
            epoch = self._begin(place, record, previous)
        elif record.seq <= epoch.last_seq:
            self.problems.append(f"{place}: number {record.seq} after number {epoch.last_seq}")
        elif record.seq > epoch.last_seq + 1:
            self.problems.append(f"{place}: numbers {epoch.last_seq + 1} to {record.seq - 1} are missing")
        if epoch.closed:
            self.problems.append(f"{place}: after the close of its epoch")
        epoch.last_seq = max(epoch.last_seq, record.seq)
        epoch.count += 1
        self._observe_system(place, record, epoch)
        if recordtypes.is_known(record):
            self._observe_type(place, record, epoch, previous)

    def _begin(self, place: str, record: Record, previous: Epoch | None) -> Epoch:
        from_one = self.from_genesis or previous is not None
        epoch = Epoch(record.producer, record.epoch, record.seq, record.seq, from_one=from_one)
        if from_one and record.seq != 1:
            self.problems.append(f"{place}: begins with number {record.seq}; numbers 1 to {record.seq - 1} are missing")
        self.epochs[(record.producer, record.epoch)] = epoch
        if previous is None or record.epoch > previous.epoch:
            self.latest[record.producer] = epoch
        return epoch

    def _observe_system(self, place: str, record: Record, epoch: Epoch) -> None:
        if record.system is None or record.system_seq is None:
            return
        # A system is first seen with 1 when its epoch was seen from its beginning.
        last = epoch.systems.get(record.system, 0 if epoch.first_seq == 1 else record.system_seq - 1)
        if record.system_seq != last + 1:
            self.problems.append(f"{place}: number {record.system_seq} of system {record.system} after {last}")
        epoch.systems[record.system] = max(last, record.system_seq)

    def _observe_type(self, place: str, record: Record, epoch: Epoch, previous: Epoch | None) -> None:
        if record.type == recordtypes.GENESIS:
            epoch.opened = True
        elif record.type == recordtypes.OPENED:
            epoch.opened = True
            self._check_previous(place, record, previous)
        elif record.type == recordtypes.CLOSED:
            epoch.closed = True
            said = {one["system"]: one["last_seq"] for one in record.facts["systems"]}
            whole = epoch.first_seq == 1
            if any(said.get(system) != last for system, last in epoch.systems.items()) or (whole and said != epoch.systems):
                self.problems.append(f"{place}: closes with other last numbers of systems than are there")

    def _check_previous(self, place: str, record: Record, previous: Epoch | None) -> None:
        said = record.facts["previous"]
        if previous is None:
            if said is not None and self.from_genesis:
                self.problems.append(f"{place}: names an epoch before the first of its producer")
            return
        seen = {"closed": previous.closed, "epoch": previous.epoch, "last_seq": previous.last_seq}
        if said != seen:
            self.problems.append(f"{place}: says {said} about the epoch before it, which was {seen}")

    def rows(self) -> list[dict[str, object]]:
        return [self.epochs[key].row() for key in sorted(self.epochs)]

    def open_epochs(self) -> int:
        """Epochs of which nothing after the last number is known."""
        return sum(not epoch.closed for epoch in self.epochs.values())
