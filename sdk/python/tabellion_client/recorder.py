"""The recorder: numbers events, keeps them until the log has them, and says how many there were.

Promises: an event that `record` took arrives once, or the log names it as lost; an event that it did not take was counted. Sampling leaves out content,
never numbers. Must never: drop anything without a word, or let the application wait for the network.
"""

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

from .commitment import MAX_INTEGER, batch_root, canonical, commit
from .spool import Epoch, Line, Spool
from .wire import Answer, Wire

MAX_BATCH = 32  # what the log takes at once
BATCH_BYTES = 1 << 20  # half of what the log reads of one request
MAX_RECORD_BYTES = 900 << 10  # of a record with its number, as sent: what the log keeps in one, less what stands around it
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0

Problem = Callable[[str], None]


@dataclass(frozen=True)
class Ticket:
    """What became of an event: its number; and the salt of its commitment, when its content is not sent. Keep record and salt to prove later what it was."""

    epoch: int
    seq: int
    withheld: str | None = None
    salt: bytes | None = None
    record: dict[str, Any] | None = None


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
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`sample_rate`: the part of events whose content is sent; of the others the log gets number and commitment. `on_problem` is told, in the sender's
        thread, what goes wrong. `check_receipt` is given the receipt of every record, and raises when it does not believe it."""
        if not 0.0 <= sample_rate <= 1.0:
            raise ValueError("sample_rate is from 0 to 1")
        if heartbeat_s < 1:
            raise ValueError("heartbeat_s is at least 1")
        self._wire = Wire(url, key, context)
        self._rate, self._beat_s = sample_rate, heartbeat_s
        self._on_problem, self._check_receipt = on_problem, check_receipt
        self._process = os.getpid()
        self._spool = Spool(spool, max_spool_bytes)
        self._changed = threading.Condition()
        self._closing = self._alone = False
        self._deadline = float("inf")
        self._next_beat = 0.0
        self._told = ""
        self._random = random.SystemRandom()
        self._thread = threading.Thread(target=self._run, name="tabellion-recorder", daemon=True)
        self._thread.start()

    @property
    def source(self) -> str:
        """The id under which the log knows this source."""
        return self._spool.producer

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
            self._changed.notify_all()
            return Ticket(self._spool.current.number, number, withheld, salt, record if withheld else None)

    def flush(self, timeout: float = 30.0) -> bool:
        """Waits until everything taken so far is acknowledged or declared lost; False when that took too long. Nothing is lost by that: it stays on disk."""
        self._check_process()
        with self._changed:
            self._spool.settle()
            until = {epoch.number: epoch.last for epoch in self._spool.epochs}
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_settled(until), timeout)

    def _is_settled(self, until: dict[int, int]) -> bool:
        return all(epoch.acked >= until.get(epoch.number, 0) for epoch in self._spool.epochs)

    def close(self, timeout: float = 30.0) -> bool:
        """Sends what waits, says that this was the end, and stops. False when that took too long: the next Recorder of this spool goes on. After a fork it
        does nothing in the child: the spool is its parent's."""
        if os.getpid() != self._process:
            return False
        with self._changed:
            if not self._closing:
                self._spool.settle()
                self._closing, self._deadline = True, time.monotonic() + timeout
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
                if time.monotonic() >= self._deadline or (self._closing and not self._spool.epochs):
                    return
            try:
                self._step()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, what waits is on disk, and nobody else would send it
                self._problem(f"{type(error).__name__}: {error}")
                failures += 1
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10)) * (0.5 + self._random.random() / 2)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, min(pause, max(0.0, self._deadline - time.monotonic())))
                    closing = self._closing
                if closing:
                    time.sleep(FIRST_PAUSE_S * self._random.random())  # what is closing tries until its deadline, without a rush

    def _has_work(self) -> bool:
        due = time.monotonic() >= self._next_beat
        return self._closing or due or len(self._spool.epochs) > 1 or bool(self._spool.current.lines)

    def _patience(self) -> float:
        return max(0.0, min(self._next_beat, self._deadline) - time.monotonic())

    def _step(self) -> None:
        with self._changed:
            epoch = self._spool.epochs[0]
            is_over = self._closing or epoch is not self._spool.current
            lines = list(epoch.lines[: 1 if self._alone else MAX_BATCH])
        is_due = not is_over and time.monotonic() >= self._next_beat
        if lines and not is_due:
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
                with self._changed:
                    item = self._spool.read(line)
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
        elif taken == 1 and records and answer.code and answer.status in (400, 413, 422) and not answer.pointer.startswith("/batch_root"):
            # The log will never take this one. Its number says so.
            self._problem(f"number {lines[0].first} of epoch {epoch.number} was refused and is declared lost: {answer}")
            lines[0].reason = "refused"
        elif taken == 1 and records and answer.code in ("idempotency_conflict", "conflict"):
            self._renumber(epoch, lines[0], records[0], answer)
        elif taken > 1 and answer.status in (400, 409, 413, 422):
            self._alone = True  # one of them is the reason
        else:
            raise _TryAgain(str(answer))

    def _taken(self, epoch: Epoch, lines: list[Line], records: list[dict[str, Any]], answer: Answer) -> None:
        sampled = sum(record.get("commitment", {}).get("withheld") == "sampled" for record in records)
        with self._changed:
            self._spool.acknowledge(epoch, len(lines), sampled)
            self._alone = False
            self._changed.notify_all()
        self._told = ""
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
            if is_over and epoch.lines:
                return
            epoch.beat += 1
            beat = epoch.counts() | {"beat": epoch.beat, "interval_s": self._beat_s, "closed": is_over}
            self._spool.save(epoch, durable=False)
        answer = self._deliver({"epoch": epoch.number, "heartbeat": beat})
        if answer.status != 201:
            raise _TryAgain(str(answer))
        with self._changed:
            if is_over:
                self._spool.forget(epoch)
            else:
                self._next_beat = time.monotonic() + self._beat_s * 0.9  # so that the next is there in time
            self._changed.notify_all()

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
