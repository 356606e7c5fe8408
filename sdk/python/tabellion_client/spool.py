"""What waits to be sent, on disk.

Promises: what `append` returned is there after kill -9 and after power loss; what was there and cannot be read any more is noticed and told. One process at a
time. Files: `source.json` (who counts), `source.key` (what it signs with: signing.py), and for each epoch `E.count` (the last number given out), `E.state` (what is acknowledged) and `E.P.spool`, lines of
`crc32 json`, oldest first. A part that is wholly acknowledged is deleted; an epoch that is closed leaves nothing but its number in `source.json`.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
import weakref
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PART_BYTES = 4 << 20  # small enough that what is acknowledged gives its room back soon
_PART = re.compile(r"([0-9]+)\.([0-9]+)\.spool")


class SpoolFull(Exception):
    """The spool has reached its limit. The event was not taken; it was counted, and the log will name it as lost."""


class SpoolBusy(Exception):
    """Another process holds the spool."""


@dataclass
class Line:
    """One line: a record with its number, or numbers that are lost."""

    first: int
    last: int
    path: Path | None = None
    offset: int = 0
    length: int = 0
    reason: str | None = None  # of a loss
    why: str = ""  # it was set aside
    again_at: float = 0.0  # when it is tried again, by the monotonic clock
    taken_at: float = float("-inf")  # when it was taken, by the same; before this process

    @property
    def lost(self) -> bool:
        return self.reason is not None


@dataclass
class Epoch:
    """One life of the source: what it gave out, and how much of that is dealt with."""

    number: int
    last: int = 0
    acked: int = 0
    sampled: int = 0
    lost: int = 0
    beat: int = 0
    lines: list[Line] = field(default_factory=list)  # not dealt with, ascending
    aside: list[Line] = field(default_factory=list)  # at or below `acked` and not dealt with: what cannot be sent now, kept while later ones are
    floor: tuple[int, int, int] = (0, 0, 0)  # acked, sampled and lost when the first of these was set aside
    parts: list[Path] = field(default_factory=list)
    beat_at: float = 0.0  # its heartbeat was refused, and is tried again then, by the monotonic clock

    def counts(self) -> dict[str, int]:
        """The counts of a heartbeat. It claims nothing from the first number on that was set aside: up to there everything is in the log."""
        acked, sampled, lost = self.floor if self.aside else (self.acked, self.sampled, self.lost)
        return {"last_seq": self.last, "sent": acked - lost, "sampled": sampled, "lost": lost, "spooled": self.last - acked}


class Spool:
    """The spool of one source. Its caller holds a lock around every call."""

    def __init__(self, directory: str | os.PathLike[str], max_bytes: int) -> None:
        self.directory, self.max_bytes = Path(directory), max_bytes
        self._part_bytes = min(PART_BYTES, max_bytes // 4)  # else what is acknowledged would fill a small spool
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: int | None = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise SpoolBusy(f"{self.directory}: another process records through this spool; give each its own") from error
        self._part: int | None = None
        self._count: int | None = None
        _held.add(self)
        self._refused: list[int] = []
        try:
            self.producer, self._last_epoch = self._source()
            self.epochs = [self._recover(number) for number in self._known()]
            self.begin()
        except BaseException:
            self.close()  # so that the next attempt finds it free
            raise

    def close(self) -> None:
        for descriptor in (self._part, self._count, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._part = self._count = self._lock = None

    @property
    def current(self) -> Epoch:
        return self.epochs[-1]

    def begin(self) -> Epoch:
        """Begins a new epoch. Its number is at least the time, so that a spool put back to an earlier state does not give a number twice; and above the one
        before, of which nothing else may be left, so that two lives within a second do not either."""
        self._declare_refused()
        before = max([self._last_epoch, *(epoch.number for epoch in self.epochs)])
        epoch = Epoch(max(before + 1, int(time.time())))
        self._keep_source(self.producer, epoch.number)
        self._last_epoch = epoch.number
        path = self.directory / f"{epoch.number}.count"
        count = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        for descriptor in (self._part, self._count):
            if descriptor is not None:
                os.close(descriptor)
        self._part, self._count = None, count
        self._sync_directory()
        self.epochs.append(epoch)
        return epoch

    def append(self, item: dict[str, Any], *, moved: bool = False) -> int:
        """Gives `item` the next number and makes it durable. `moved`: it is in the spool already and gets another number, so the limit is not asked again
        (it could not become free), and no number is spent on a failure, after which it is still where it was."""
        epoch = self.current
        number = epoch.last + 1
        data = json.dumps(item | {"seq": number}, ensure_ascii=False, separators=(",", ":")).encode()
        if not moved and not self._has_room(len(data) + 10):
            self._refuse(number)
            raise SpoolFull(f"{self.directory}: the spool is full ({self.max_bytes} bytes); number {number} will be declared lost")
        self._declare_refused()
        try:
            line = self._write(number, number, data)
        except OSError:
            if not moved:
                with contextlib.suppress(OSError):
                    self._refuse(number)
            raise
        self._counted(number)
        epoch.lines.append(line)
        return number

    def _has_room(self, count: int) -> bool:
        if self.size() + count > self.max_bytes:
            for epoch in self.epochs:
                with contextlib.suppress(OSError):  # then there is no room
                    if spare := self._spare(epoch, 0):
                        self._give_back(epoch, spare)
        return self.size() + count <= self.max_bytes

    def _refuse(self, number: int) -> None:
        # The number is spent, so that what was refused is counted: after a crash it is missing from the lines, and therefore told.
        self._refused.append(number)
        self._counted(number)

    def settle(self) -> None:
        """Puts what was refused among what is to be sent."""
        self._declare_refused()

    def _declare_refused(self) -> None:
        if self._refused:
            first, last = self._refused[0], self._refused[-1]
            self._refused = []
            line = Line(first, last, reason="spool_full")
            with contextlib.suppress(OSError):  # a full disk: the numbers stay spent, and are told from memory or after a restart
                line = self._write(first, last, json.dumps({"lost": [first, last], "reason": "spool_full"}).encode(), "spool_full")
            self.current.lines.append(line)

    def _counted(self, number: int) -> None:
        assert self._count is not None
        os.pwrite(self._count, b"%020d\n" % number, 0)
        self.current.last = number

    def _write(self, first: int, last: int, data: bytes, reason: str | None = None) -> Line:
        epoch = self.current
        if self._part is None or os.fstat(self._part).st_size >= self._part_bytes:
            if self._part is not None:
                os.close(self._part)
                self._part = None
            path = self.directory / f"{epoch.number}.{first:020d}.spool"
            self._part = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._sync_directory()
            if path not in epoch.parts:
                epoch.parts.append(path)
        offset = os.fstat(self._part).st_size
        text = b"%08x %s\n" % (zlib.crc32(data), data)
        try:
            if os.write(self._part, text) != len(text):
                raise OSError(28, "the disk took a part of the line")
            os.fdatasync(self._part)
        except OSError:
            os.ftruncate(self._part, offset)
            raise
        return Line(first, last, epoch.parts[-1], offset + 9, len(data), reason)

    def read(self, line: Line) -> dict[str, Any] | None:
        """The item of a line; None: it is damaged or gone. Raises OSError when that cannot be said now, as without a free file descriptor."""
        assert line.path is not None
        try:
            with line.path.open("rb") as file:
                file.seek(line.offset - 9)
                found = _parse(file.read(line.length + 10))
        except FileNotFoundError:
            return None
        return found if found and found.get("seq") == line.first else None

    def size(self) -> int:
        """Bytes of all parts."""
        return sum(path.stat().st_size for epoch in self.epochs for path in epoch.parts if path.exists())

    def acknowledge(self, epoch: Epoch, count: int, sampled: int) -> None:
        """The first `count` lines are dealt with; gives their room back."""
        done, epoch.lines = epoch.lines[:count], epoch.lines[count:]
        epoch.acked = max([epoch.acked, *(line.last for line in done)])
        epoch.lost += sum(line.last - line.first + 1 for line in done if line.lost)
        epoch.sampled += sampled
        # A new file for every event would be slow: the part that is written to is given back once it has some size, or when its room is needed.
        self._give_back(epoch, self._spare(epoch, self._part_bytes if epoch is self.current else 0))

    def set_aside(self, epoch: Epoch) -> Line:
        """The first line cannot be sent: it stays here, and the ones behind it go on."""
        line, epoch.lines = epoch.lines[0], epoch.lines[1:]
        if not epoch.aside:
            epoch.floor = (line.first - 1, epoch.sampled, epoch.lost)
        epoch.aside.append(line)
        epoch.acked = max(epoch.acked, line.last)
        return line

    def take_back(self, epoch: Epoch, line: Line, sampled: int) -> None:
        """A line that was set aside is dealt with."""
        epoch.aside.remove(line)
        epoch.sampled += sampled
        epoch.lost += line.last - line.first + 1 if line.lost else 0
        self._give_back(epoch, self._spare(epoch, self._part_bytes if epoch is self.current else 0))

    def _spare(self, epoch: Epoch, least: int) -> list[Path]:
        """The parts of which no line waits; the newest only when it has `least` bytes."""
        needed = {line.path for line in [*epoch.lines, *epoch.aside]}
        spare = [path for path in epoch.parts if path not in needed]
        if spare and spare[-1] == epoch.parts[-1] and spare[-1].exists() and spare[-1].stat().st_size < least:
            spare.pop()
        return spare

    def _give_back(self, epoch: Epoch, spare: list[Path]) -> None:
        self.save(epoch, durable=bool(spare))
        if spare and spare[-1] == epoch.parts[-1] and epoch is self.current and self._part is not None:
            os.close(self._part)
            self._part = None
        for path in spare:
            path.unlink(missing_ok=True)
            epoch.parts.remove(path)

    def save(self, epoch: Epoch, durable: bool) -> None:
        """Keeps what is acknowledged. Were an older state found after a crash, some records would be sent again and known there."""
        state: dict[str, Any] = {"acked": epoch.acked, "sampled": epoch.sampled, "lost": epoch.lost, "beat": epoch.beat}
        if epoch.aside:
            state |= {"aside": [[line.first, line.last] for line in epoch.aside], "floor": epoch.floor}
        _replace(self.directory / f"{epoch.number}.state", json.dumps(state).encode(), durable)

    def forget(self, epoch: Epoch) -> None:
        """Nothing of the epoch is left to send, and its end is recorded."""
        self.epochs.remove(epoch)
        for path in [*epoch.parts, self.directory / f"{epoch.number}.state", self.directory / f"{epoch.number}.count"]:
            path.unlink(missing_ok=True)
        self._sync_directory()

    def _source(self) -> tuple[str, int]:
        """Who counts, and the last epoch."""
        path = self.directory / "source.json"
        if path.exists():
            kept = json.loads(path.read_text())
            return str(kept["producer"]), int(kept.get("epoch", 0))
        producer = secrets.token_hex(16)
        self._keep_source(producer, 0)
        return producer, 0

    def _keep_source(self, producer: str, epoch: int) -> None:
        kept = {"format": "tabellion.spool/1", "producer": producer, "epoch": epoch}
        _replace(self.directory / "source.json", json.dumps(kept).encode(), True)

    def _known(self) -> list[int]:
        names = (re.match(r"([0-9]+)\.", path.name) for path in self.directory.iterdir())
        return sorted({int(name[1]) for name in names if name})

    def _recover(self, number: int) -> Epoch:
        """An epoch of an earlier process: what can be read, and what cannot, which is lost."""
        epoch, aside = Epoch(number), set[int]()
        try:
            state = json.loads((self.directory / f"{number}.state").read_text())
            floor, kept = state.get("floor", [0, 0, 0]), [(int(first), int(last)) for first, last in state.get("aside", [])]
            epoch.acked, epoch.sampled, epoch.lost, epoch.beat = (int(state[name]) for name in ("acked", "sampled", "lost", "beat"))
            epoch.floor = (int(floor[0]), int(floor[1]), int(floor[2]))
            aside = {number for first, last in kept for number in range(first, last + 1)}
        except (FileNotFoundError, ValueError, KeyError, TypeError, IndexError):
            epoch, aside = Epoch(number), set()  # everything is sent again
        try:
            epoch.last = int((self.directory / f"{number}.count").read_text()[:20])
        except (FileNotFoundError, ValueError):
            epoch.last = 0
        found: dict[int, Line] = {}
        for path in sorted(self.directory.glob(f"{number}.*.spool")):
            if _PART.fullmatch(path.name):
                epoch.parts.append(path)
                found |= {line.first: line for line in _lines(path)}
        epoch.last = max([epoch.last, epoch.acked, *(line.last for line in found.values())])
        due = epoch.acked + 1
        for first in sorted(aside):
            epoch.aside.append(found.get(first) or Line(first, first, reason="spool_damaged"))
        for _, line in sorted(found.items()):
            if line.last < due:
                continue
            if line.first > due:
                epoch.lines.append(Line(due, line.first - 1, reason="spool_damaged"))
            epoch.lines.append(line)
            due = line.last + 1
        if due <= epoch.last:
            epoch.lines.append(Line(due, epoch.last, reason="spool_damaged"))
        return epoch

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_held: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def _leave_to_parent() -> None:
    # A child that kept them would hold the lock after its parent is gone.
    for spool in list(_held):
        spool.close()


os.register_at_fork(after_in_child=_leave_to_parent)


def _parse(text: bytes) -> dict[str, Any] | None:
    """The item of a line; None unless it is whole."""
    if len(text) < 10 or not text.endswith(b"\n"):
        return None
    try:
        if int(text[:8], 16) != zlib.crc32(text[9:-1]):
            return None
        item = json.loads(text[9:-1])
    except ValueError:
        return None
    return item if isinstance(item, dict) else None


def _lines(path: Path) -> list[Line]:
    """The lines of a part that can be read. The last one of a process that died may be torn: its number was not given to anybody."""
    found, offset = [], 0
    for text in path.read_bytes().splitlines(keepends=True):
        item = _parse(text)
        if item and "lost" in item:
            first, last = item["lost"]
            found.append(Line(first, last, path, offset + 9, len(text) - 10, str(item["reason"])))
        elif item:
            found.append(Line(item["seq"], item["seq"], path, offset + 9, len(text) - 10))
        offset += len(text)
    return found


def _replace(path: Path, data: bytes, durable: bool) -> None:
    """Puts a file in the place of another, whole or not at all. Not `durable`: after power loss the earlier one may be there, but never an empty one."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    if durable:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
