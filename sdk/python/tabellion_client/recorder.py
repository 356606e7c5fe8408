"""The recorder: numbers events, keeps them until the log has them, and says how many there were.

Promises: an event that `record` took arrives once, or the log names it as lost; an event that it did not take was counted. Sampling leaves out content,
never numbers. Must never: drop anything without a word, or let the application wait for the network.
"""

import errno
import logging
import os
import random
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import signing
from .batching import MAX_BATCH, Batching
from .commitment import MAX_INTEGER, batch_root, canonical, commit
from .spool import Epoch, Line, Spool
from .wire import Answer, Wire

BATCH_BYTES = 1 << 20  # half of what the log reads of one request
MAX_RECORD_BYTES = 900 << 10  # of a record with its number, as sent: what the log keeps in one, less what stands around it
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
TRIES = 5  # of a record by itself, before it is set aside
ASIDE_PAUSE_S = 60.0  # until what was set aside is tried again
PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR)  # no fault of a record
STATE_NOT_KEPT = "the spool cannot keep how far it is, and sends some again after a restart"
UNSIGNED = "heartbeat_unsigned"  # the log's code for a heartbeat that is not signed by the key it has on record
LOSS = "/lost/"  # where the log points when it refuses losses above what it has a signed heartbeat for
MAX_ASIDE = 64  # of one epoch; with more of them it is not single records that are at fault, and the rest waits

Problem = Callable[[str], None]


@dataclass(frozen=True)
class Ticket:
    """What became of an event: its number; and the salt of its commitment, when its content is not sent. Keep record and salt to prove later what it was."""

    epoch: int
    seq: int
    withheld: str | None = None
    salt: bytes | None = None
    record: dict[str, Any] | None = None


@dataclass(frozen=True)
class SetAside:
    """A record that cannot be sent now. It stays on disk, is tried again once a minute, and its number is named in the log as missing until it arrives."""

    epoch: int
    first: int
    last: int
    why: str


@dataclass(frozen=True)
class Status:
    """How the sending goes. `waiting`: numbers that are not dealt with, those set aside included. `trouble`: why the last attempt failed; None: it did not."""

    waiting: int
    set_aside: tuple[SetAside, ...]
    trouble: str | None


class Recorder:
    """Records through a spool on disk. Safe to use from several threads; one process for each spool. It does not go with a fork: a child makes a Recorder of
    its own, with a spool of its own; what it asks of its parent's raises RuntimeError."""

    def __init__(
        self,
        url: str,
        key: str,
        spool: str | os.PathLike[str],
        *,
        sample_rate: float = 1.0,
        max_spool_bytes: int = 256 << 20,
        heartbeat_s: int = 60,
        on_problem: Problem | None = None,
        check_receipt: Callable[[bytes], None] | None = None,
        sign: bool | None = None,
        batching: Batching | None = None,
        clock: Callable[[], float] = time.monotonic,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`sample_rate`: the part of events whose content is sent; of the others the log gets number and commitment. `on_problem` is told, in the sender's
        thread, what goes wrong. `check_receipt` is given the receipt of every record, and raises when it does not believe it. `sign`: whether heartbeats are signed
        with a key that is kept beside the spool; None: where the package `cryptography` is there. `batching`: when what waits is sent; None: at once. `clock`: seconds
        that never go back."""
        if not 0.0 <= sample_rate <= 1.0:
            raise ValueError("sample_rate is from 0 to 1")
        if heartbeat_s < 1:
            raise ValueError("heartbeat_s is at least 1")
        self._wire = Wire(url, key, context)
        self._rate, self._beat_s = sample_rate, heartbeat_s
        self._on_problem, self._check_receipt = on_problem, check_receipt
        self._batching, self._clock = batching or Batching(), clock
        self._hurry = float("-inf")  # what was taken up to then waits for no others
        self._process = os.getpid()
        self._spool = Spool(spool, max_spool_bytes)
        try:
            self._key = signing.open_key(self._spool.directory, sign)
        except BaseException:
            self._spool.close()  # so that the next attempt finds it free
            raise
        self._changed = threading.Condition()
        self._closing = self._alone = False
        self._deadline = float("inf")
        self._next_beat = 0.0
        self._told = ""
        self._trouble: str | None = None
        self._tries = 0  # of the line that is sent by itself
        self._tried_at_end: set[int] = set()  # what was set aside and tried once more while closing
        self._random = random.SystemRandom()
        self._thread = threading.Thread(target=self._run, name="tabellion-recorder", daemon=True)
        self._thread.start()

    @property
    def source(self) -> str:
        """The id under which the log knows this source."""
        return self._spool.producer

    @property
    def public_key(self) -> str | None:
        """The public key that heartbeats are signed with, 32 bytes in base64; None: they are not signed."""
        return self._key.public_text if self._key else None

    def record(self, name: str, fields: dict[str, Any] | None = None, *, subject: str | None = None, private: bool = False) -> Ticket:
        """Takes an event: it is on disk and has its number when this returns. `subject`: whom it is about, so that it can be erased with everything else
        about them. `private`: send a commitment and no content. Raises SpoolFull, ValueError for what no log can keep, OSError when the disk fails,
        RuntimeError when it is closed or after a fork: make a Recorder in each process."""
        return self.record_as({"kind": "event", "event": {"name": name, "fields": fields or {}}}, subject=subject, private=private)

    def record_as(self, record: dict[str, Any], *, subject: str | None = None, private: bool = False) -> Ticket:
        """The same for anything that POST /api/v1/records takes, such as a file by its digest."""
        self._check_process()
        record = record | ({"subject": subject} if subject is not None else {})
        item: dict[str, Any] = {"captured_at": time.time_ns() // 1000}
        # As it is sent, and as deep as the root over a delivery is computed: what fails there would stop the sender.
        if len(canonical(item | {"record": record, "seq": MAX_INTEGER})) > MAX_RECORD_BYTES:
            raise ValueError(f"the record has more than {MAX_RECORD_BYTES} bytes; keep it as a file and record its digest")
        withheld = "private" if private else "sampled" if self._random.random() >= self._rate else None
        salt = None
        if withheld:
            salt = secrets.token_bytes(16)
            item["commitment"] = {"sha256": commit(salt, record), "withheld": withheld}
        else:
            item["record"] = record
        with self._changed:
            if self._closing:
                raise RuntimeError("the recorder is closed")
            number = self._spool.append(item)
            self._spool.current.lines[-1].taken_at = self._clock()
            self._changed.notify_all()
            return Ticket(self._spool.current.number, number, withheld, salt, record if withheld else None)

    def flush(self, timeout: float = 30.0) -> bool:
        """Waits until everything taken so far is acknowledged or declared lost; False when that took too long. Nothing is lost by that: it stays on disk."""
        self._check_process()
        with self._changed:
            self._spool.settle()
            self._hurry = self._clock()
            until = {epoch.number: epoch.last for epoch in self._spool.epochs}
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_settled(until), timeout)

    def _is_settled(self, until: dict[int, int]) -> bool:
        def settled(epoch: Epoch) -> bool:
            last = until.get(epoch.number, 0)
            return epoch.acked >= last and not any(line.first <= last for line in epoch.aside)

        return all(settled(epoch) for epoch in self._spool.epochs)

    def status(self) -> Status:
        """How it goes: what waits, what was set aside and why, and what is in the way now."""
        self._check_process()
        with self._changed:
            aside = tuple(
                SetAside(epoch.number, line.first, line.last, line.why or "an earlier process set it aside") for epoch in self._spool.epochs for line in epoch.aside
            )
            waiting = sum(line.last - line.first + 1 for epoch in self._spool.epochs for line in [*epoch.lines, *epoch.aside])
            return Status(waiting, aside, self._trouble)

    def close(self, timeout: float = 30.0) -> bool:
        """Sends what waits, says that this was the end, and stops. False when that took too long: the next Recorder of this spool goes on. After a fork it
        does nothing in the child: the spool is its parent's."""
        if os.getpid() != self._process:
            return False
        with self._changed:
            if not self._closing:
                self._spool.settle()
                self._closing, self._deadline = True, self._clock() + timeout
                self._changed.notify_all()
        self._thread.join(timeout + 1.0)
        with self._changed:
            ended = not self._thread.is_alive() and not self._spool.epochs
            if not self._thread.is_alive():
                self._spool.close()
        return ended

    def _check_process(self) -> None:
        # A child has the numbers and the lock of its parent and no sender: both would give out the same numbers.
        if os.getpid() != self._process:
            raise RuntimeError("this Recorder belongs to the process that forked this one: make a Recorder in each process, each with its own spool")

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # What follows runs in the sender's thread. Only it takes lines away; the spool is touched under the lock, the network is not.

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, self._patience())
                if not self._has_work():
                    continue  # by another clock than ours the time had come
                if self._clock() >= self._deadline or (self._closing and not self._is_worth_while()):
                    return
            try:
                self._step()
                failures, self._trouble = 0, None
            except Exception as error:  # noqa: BLE001 - whatever it is, what waits is on disk, and nobody else would send it
                self._trouble = f"{type(error).__name__}: {error}"
                self._problem(self._trouble)
                failures += 1
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10)) * (0.5 + self._random.random() / 2)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, min(pause, max(0.0, self._deadline - self._clock())))
                    closing = self._closing
                if closing:
                    time.sleep(FIRST_PAUSE_S * self._random.random())  # what is closing tries until its deadline, without a rush

    def _has_work(self) -> bool:
        now = self._clock()
        is_over = any(not epoch.lines and not epoch.aside and now >= epoch.beat_at for epoch in self._spool.epochs[:-1])
        is_sendable = any(self._due_at(epoch) <= now or self._aside_due(epoch, now) for epoch in self._spool.epochs)
        return self._closing or now >= self._next_beat or is_over or is_sendable

    def _due_at(self, epoch: Epoch) -> float:
        """From when on the lines of an epoch are sent. Only what a living process goes on filling waits for more."""
        if not epoch.lines:
            return float("inf")
        oldest, newest = epoch.lines[0].taken_at, epoch.lines[-1].taken_at
        if self._closing or self._alone or self._tries or epoch is not self._spool.current or oldest <= self._hurry:
            return float("-inf")
        return self._batching.due_at(len(epoch.lines), oldest, newest)

    def _patience(self) -> float:
        again = [line.again_at for epoch in self._spool.epochs for line in epoch.aside]
        again += [epoch.beat_at for epoch in self._spool.epochs[:-1] if epoch.beat_at and not epoch.lines and not epoch.aside]
        again += [self._due_at(epoch) for epoch in self._spool.epochs]
        return min(threading.TIMEOUT_MAX, max(0.0, min([self._next_beat, self._deadline, *again]) - self._clock()))

    def _is_worth_while(self) -> bool:
        """While closing: whether anything is left but what was set aside and tried once more."""
        return any(epoch.lines or not epoch.aside or self._aside_due(epoch, self._clock()) for epoch in self._spool.epochs)

    def _aside_due(self, epoch: Epoch, now: float) -> Line | None:
        """What was set aside and is to be tried again; while closing each once more."""
        for line in epoch.aside:
            if id(line) not in self._tried_at_end if self._closing else line.again_at <= now:
                return line
        return None

    def _step(self) -> None:
        now, again = self._clock(), None
        with self._changed:
            for epoch in self._spool.epochs:
                is_over = self._closing or (epoch is not self._spool.current and now >= epoch.beat_at)
                is_due = not is_over and epoch is self._spool.current and now >= self._next_beat
                again = None if is_due else self._aside_due(epoch, now)
                is_ready = self._due_at(epoch) <= now
                if is_due or again or is_ready or (is_over and not epoch.lines and not epoch.aside):
                    break
            lines = [] if is_due or not is_ready else list(epoch.lines[: 1 if self._alone else MAX_BATCH])
            if again:
                again.again_at = now + ASIDE_PAUSE_S
                if self._closing:
                    self._tried_at_end.add(id(again))
        if again:
            self._retry(epoch, again)
        elif lines:
            self._send(epoch, lines)
        else:
            self._heartbeat(epoch, is_over)

    def _send(self, epoch: Epoch, lines: list[Line]) -> None:
        records: list[dict[str, Any]] = []
        losses: list[dict[str, Any]] = []
        size = taken = 0
        for line in lines:
            if line.lost:
                losses.append({"first": line.first, "last": line.last, "reason": line.reason})
            else:
                if records and size + line.length > BATCH_BYTES:
                    break
                try:
                    with self._changed:
                        item = self._spool.read(line)
                except OSError as error:
                    if taken:
                        break  # those before it go first; then it is asked for by itself
                    self._put_off(epoch, f"it cannot be read from the spool: {error}", error)
                    return
                if item is None:
                    line.reason = "spool_damaged"  # told when the log has it
                    losses.append({"first": line.first, "last": line.last, "reason": line.reason})
                else:
                    records.append(item)
                    size += line.length
            taken += 1
        delivery: dict[str, Any] = {"epoch": epoch.number, "records": records, "lost": losses}
        if records:
            delivery["batch_root"] = batch_root(records)
        answer = self._deliver(delivery)
        if answer.status == 201 or (taken == 1 and answer.code == "idempotency_erased"):
            self._taken(epoch, lines[:taken], records, answer)
        elif taken == 1 and losses and answer.code == "idempotency_conflict":
            # The key is these numbers: the log has them as lost, for another reason.
            self._taken(epoch, lines[:1], records, answer)
        elif taken == 1 and losses and answer.pointer.startswith(LOSS):
            self._sign_for(epoch)
            self._put_off(epoch, f"the log does not take it as lost: {answer}", _TryAgain(str(answer)))
        elif taken == 1 and records and answer.code and answer.status in (400, 413, 422) and not answer.pointer.startswith("/batch_root"):
            # The log will never take this one. Its number says so.
            self._problem(f"number {lines[0].first} of epoch {epoch.number} was refused and is declared lost: {answer}")
            lines[0].reason = "refused"
        elif taken == 1 and records and answer.code in ("idempotency_conflict", "conflict"):
            self._renumber(epoch, lines[0], records[0], answer)
        elif taken > 1 and answer.status in (400, 409, 413, 422):
            self._alone = True  # one of them is the reason
        elif taken == 1 and records and not answer.code and answer.status in (400, 413, 422):
            # Something in between will not let this one through. Is it this one?
            self._put_off(epoch, f"something between here and the log answers: {answer}", _TryAgain(str(answer)))
        else:
            raise _TryAgain(str(answer))

    def _sign_for(self, epoch: Epoch) -> None:
        """Says by a signed heartbeat how far this epoch's numbers go: losses above that are taken from nobody. Where the heartbeat is refused too, somebody has to
        put this source's key on record."""
        with self._changed:
            epoch.beat += 1
            beat = self._beat(epoch, closed=False)
            self._save(epoch)
        answer = self._deliver({"epoch": epoch.number, "heartbeat": beat})
        if answer.status != 201 and answer.code != UNSIGNED:
            raise _TryAgain(str(answer))

    def _put_off(self, epoch: Epoch, why: str, error: Exception) -> None:
        """The first line failed by itself. After some tries it is set aside, if others can go on: the disk does not give it, or a heartbeat takes the way
        that it does not."""
        self._tries += 1
        if self._tries < TRIES or len(epoch.aside) >= MAX_ASIDE:
            raise error
        if error.errno in PASSING if isinstance(error, OSError) else not self._is_open():
            raise error
        with self._changed:
            line = self._spool.set_aside(epoch)
            line.why, line.again_at = why, self._clock() + ASIDE_PAUSE_S
            self._save(epoch)
            self._alone, self._tries = False, 0
            self._changed.notify_all()
        self._problem(f"number {line.first} of epoch {epoch.number} is set aside and stays in the spool; later ones go on, and it is tried once a minute: {why}")

    def _is_open(self) -> bool:
        """Whether the log can be reached on the same way."""
        with self._changed:
            current = self._spool.current
            current.beat += 1
            beat = self._beat(current, closed=False)
            self._save(current)
        answer = self._deliver({"epoch": current.number, "heartbeat": beat})
        return answer.status == 201 or answer.code == UNSIGNED

    def _retry(self, epoch: Epoch, line: Line) -> None:
        """Tries again what was set aside. That it fails again is in the status, and keeps nobody waiting."""
        try:
            with self._changed:
                item = None if line.lost else self._spool.read(line)
        except OSError as error:
            line.why = f"it cannot be read from the spool: {error}"
            return
        if item is None:
            line.reason = line.reason or "spool_damaged"
        records = [] if item is None else [item]
        losses = [{"first": line.first, "last": line.last, "reason": line.reason}] if item is None else []
        delivery: dict[str, Any] = {"epoch": epoch.number, "records": records, "lost": losses}
        if records:
            delivery["batch_root"] = batch_root(records)
        answer = self._deliver(delivery)
        if answer.status == 201 or answer.code == "idempotency_erased" or (losses and answer.code == "idempotency_conflict"):
            sampled = sum(record.get("commitment", {}).get("withheld") == "sampled" for record in records)
            with self._changed:
                try:
                    self._spool.take_back(epoch, line, sampled)
                except OSError as error:
                    self._problem(f"{STATE_NOT_KEPT}: {error}")
                self._changed.notify_all()
            self._problem(f"number {line.first} of epoch {epoch.number}, which was set aside, is dealt with")
        elif losses and answer.pointer.startswith(LOSS):
            self._sign_for(epoch)
            line.why = f"the log does not take it as lost: {answer}"
        elif answer.code and answer.status in (400, 409, 413, 422):
            # Now it is the log itself that refuses it, and will never take it. Its number says so, at the next try.
            line.reason, line.why, line.again_at = "refused", str(answer), 0.0
            self._tried_at_end.discard(id(line))
            self._problem(f"number {line.first} of epoch {epoch.number} was refused and is declared lost: {answer}")
        else:
            line.why = f"something between here and the log answers: {answer}"

    def _save(self, epoch: Epoch) -> None:
        # A state that is older than what was done costs a repeat after a restart, which the log knows; the sending need not wait for the disk.
        try:
            self._spool.save(epoch, durable=False)
        except OSError as error:
            self._problem(f"{STATE_NOT_KEPT}: {error}")

    def _taken(self, epoch: Epoch, lines: list[Line], records: list[dict[str, Any]], answer: Answer) -> None:
        sampled = sum(record.get("commitment", {}).get("withheld") == "sampled" for record in records)
        self._told = ""
        with self._changed:
            try:
                self._spool.acknowledge(epoch, len(lines), sampled)
            except OSError as error:  # the lines are dealt with all the same; their room is given back later
                self._problem(f"{STATE_NOT_KEPT}: {error}")
            self._alone, self._tries = False, 0
            self._changed.notify_all()
        for line in lines:
            if line.lost and line.reason != "refused":  # that was told with the log's answer
                known = "" if answer.status == 201 else f"; the log has them as lost already: {answer}"
                self._problem(f"numbers {line.first} to {line.last} of epoch {epoch.number} are declared lost: {line.reason}{known}")
        if self._check_receipt and answer.status == 201:
            for record in answer.body["records"]:
                self._check(int(record["index"]))

    def _check(self, index: int) -> None:
        receipt = self._wire.ask("GET", f"/api/v1/entries/{index}/receipt")
        try:
            if receipt.status != 200 or not isinstance(receipt.body, bytes):
                raise ValueError(f"the log gives no receipt: {receipt}")
            if self._check_receipt:
                self._check_receipt(receipt.body)
        except Exception as error:  # noqa: BLE001 - whatever the caller's check raises is told, and nothing more depends on it
            self._problem(f"the receipt of entry {index} is not believed: {error}")

    def _renumber(self, epoch: Epoch, line: Line, item: dict[str, Any], answer: Answer) -> None:
        """The log has another record under this number: the spool was put back to an earlier state. The event gets a number in a new epoch."""
        with self._changed:
            if epoch is self._spool.current:
                self._spool.begin()
            number = self._spool.append({name: value for name, value in item.items() if name != "seq"}, moved=True)
            self._spool.acknowledge(epoch, 1, 0)
        self._problem(
            f"number {line.first} of epoch {epoch.number} was given twice; the event is number {number} of epoch {self._spool.current.number} now: {answer}"
        )

    def _heartbeat(self, epoch: Epoch, is_over: bool) -> None:
        with self._changed:
            if is_over and (epoch.lines or epoch.aside):
                return
            epoch.beat += 1
            beat = self._beat(epoch, closed=is_over)
            self._save(epoch)
        answer = self._deliver({"epoch": epoch.number, "heartbeat": beat})
        if answer.code == UNSIGNED and not self._closing:
            # The log knows another key of this source. Events go on all the same; a person puts this key on record, or finds out who has the other.
            with self._changed:
                epoch.beat_at = self._next_beat = self._clock() + self._beat_s
            self._problem(f"the log refuses this source's heartbeats, and events go on without them: {answer}")
            return
        if answer.status != 201:
            raise _TryAgain(str(answer))
        with self._changed:
            epoch.beat_at = 0.0
            if is_over:
                self._spool.forget(epoch)
            else:
                self._next_beat = self._clock() + self._beat_s * 0.9  # so that the next is there in time
            self._changed.notify_all()

    def _beat(self, epoch: Epoch, *, closed: bool) -> dict[str, Any]:
        """A heartbeat as it is sent: its counts, and the source's own signature."""
        beat = epoch.counts() | {"beat": epoch.beat, "interval_s": self._beat_s, "closed": closed}
        if self._key is None:
            return beat
        return beat | {"signed": self._key.sign(beat | {"epoch": epoch.number, "producer": self.source})}

    def _deliver(self, delivery: dict[str, Any]) -> Answer:
        return self._wire.ask("POST", f"/api/v1/sources/{self.source}/deliveries", delivery)

    def _problem(self, text: str) -> None:
        if self._on_problem and text != self._told:
            try:
                self._on_problem(text)
            except Exception:  # noqa: BLE001 - the caller's; the sender goes on
                logging.getLogger(__name__).exception("on_problem failed; it was told: %s", text)
        self._told = text


class _TryAgain(Exception):
    """The log answered, and later may answer otherwise."""
