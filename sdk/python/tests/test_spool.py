"""The client's spool and sender against a log that is played: what goes wrong around them loses nothing, and nothing that waits is deleted."""

import contextlib
import http.server
import json
import os
import signal
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from tabellion_client import Recorder, SpoolBusy, SpoolFull
from tabellion_client.commitment import canonical
from tabellion_client.recorder import MAX_RECORD_BYTES
from tabellion_client.spool import Line, Spool
from tabellion_client.wire import Answer, Wire
from tests.notary import wait_for

TAKEN = Answer(201, {"records": []}, "application/json")


def refusal(status: int, code: str) -> Answer:
    return Answer(status, {"type": f"urn:tabellion:problem:{code}", "status": status, "code": code, "detail": "as played"}, "application/problem+json")


class Played:
    """Stands for the wire: takes everything, except what `answer` answers otherwise or raises."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], Answer | None] = lambda _: None
        self.taken: list[dict[str, Any]] = []
        self.asked = 0

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        self.asked += 1
        answer = self.answer(body) or TAKEN
        if answer.status == 201:
            self.taken.append(body)
        return answer

    def numbers(self) -> list[int]:
        return [record["seq"] for body in self.taken for record in body.get("records", [])]

    def names(self) -> list[str]:
        return [record["record"]["event"]["name"] for body in self.taken for record in body.get("records", [])]

    def lost(self) -> list[tuple[int, int, str]]:
        return [(loss["first"], loss["last"], loss["reason"]) for body in self.taken for loss in body.get("lost", [])]


class Place(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name) / "spool"

    def spool(self, max_bytes: int = 1 << 20) -> Spool:
        spool = Spool(self.place, max_bytes)
        self.addCleanup(spool.close)
        return spool

    def parts(self) -> int:
        return len(list(self.place.glob("*.spool")))


class Kept(Place):
    """The spool alone."""

    def test_a_small_spool_gives_back_what_is_acknowledged(self) -> None:
        spool = self.spool(4096)
        for _ in range(200):
            spool.append({"text": "x" * 200})
            spool.acknowledge(spool.current, 1, 0)
        self.assertEqual(spool.current.last, 200)

    def test_an_event_that_needs_the_whole_spool_is_taken_when_nothing_waits(self) -> None:
        spool = self.spool(4096)
        for _ in range(3):
            spool.append({"text": "x" * 200})
        spool.acknowledge(spool.current, 3, 0)
        spool.append({"text": "x" * 3900})
        spool.acknowledge(spool.current, 1, 0)
        spool.append({"text": "x" * 3900})

    def test_what_waits_is_never_given_back(self) -> None:
        """Every step is followed by what a restart would find."""
        spool = self.spool(4096)
        waiting: list[int] = []
        for step in range(300):
            with contextlib.suppress(SpoolFull):
                waiting.append(spool.append({"text": "x" * (step * 37 % 900)}))
            if step % 5 == 0 and waiting:
                count = min(len(spool.current.lines), step % 4)
                spool.acknowledge(spool.current, count, 0)
            found = [line for line in spool.current.lines if not line.lost]
            waiting = [number for number in waiting if number > spool.current.acked]
            self.assertEqual([line.first for line in found], waiting)
            self.assertTrue(all(spool.read(line) for line in found), f"step {step}: what waits was deleted")
            again = spool._recover(spool.current.number)
            self.assertEqual([line.first for line in again.lines if not line.lost], waiting, f"step {step}: a restart would miss events")

    def test_what_was_given_back_is_not_lost_after_a_restart(self) -> None:
        spool = self.spool(4096)
        for _ in range(10):
            spool.append({"text": "x" * 200})
        spool.acknowledge(spool.current, 10, 0)
        self.assertEqual(self.parts(), 0, "nothing waits, and its room is not free")
        number = spool.append({"text": "after"})
        spool.close()
        epoch = self.spool().epochs[0]
        self.assertEqual([(line.first, line.lost) for line in epoch.lines], [(number, False)])

    def test_no_free_descriptor_is_no_damage(self) -> None:
        spool = self.spool()
        spool.append({"text": "sound"})
        [line] = spool.current.lines
        with mock.patch.object(Path, "open", side_effect=OSError(24, "Too many open files")), self.assertRaises(OSError):
            spool.read(line)
        self.assertEqual(spool.read(line), {"text": "sound", "seq": 1})
        [part] = self.place.glob("*.spool")
        part.unlink()
        self.assertIsNone(spool.read(line), "a file that is gone is damage")

    def test_a_start_without_free_descriptors_forgets_nothing(self) -> None:
        spool = self.spool()
        spool.append({"text": "x"})
        spool.acknowledge(spool.current, 1, 0)
        spool.close()
        with mock.patch.object(Spool, "_recover", side_effect=OSError(24, "Too many open files")), self.assertRaises(OSError):
            Spool(self.place, 1 << 20)
        self.assertEqual(self.spool().epochs[0].acked, 1, "the failed start held the spool, or lost its state")

    def test_two_lives_in_one_second_are_two_epochs(self) -> None:
        numbers = []
        with mock.patch("tabellion_client.spool.time.time", return_value=1_772_000_000.0):
            for _ in range(3):
                spool = Spool(self.place, 1 << 20)
                numbers.append(spool.current.number)
                spool.forget(spool.current)
                spool.close()
        self.assertEqual(numbers, [1_772_000_000, 1_772_000_001, 1_772_000_002], "a number would be given twice")

    def test_a_source_without_its_last_epoch_is_read(self) -> None:
        """As an earlier client wrote it."""
        self.place.mkdir()
        (self.place / "source.json").write_text('{"format": "tabellion.spool/1", "producer": "00ff"}')
        self.assertEqual(self.spool().producer, "00ff")

    def test_text_takes_the_bytes_that_it_has(self) -> None:
        spool = self.spool()
        text = "ü漢\u2028\x85\r\n" * 100
        spool.append({"text": text})
        [line] = spool.current.lines
        self.assertLess(line.length, len(text.encode()) + 300)
        spool.close()
        again = self.spool()
        self.assertEqual(again.read(again.epochs[0].lines[0]), {"text": text, "seq": 1})


class Sender(Place):
    """The recorder and a log that is played."""

    def setUp(self) -> None:
        super().setUp()
        self.wire, self.problems = Played(), list[str]()
        for target in (mock.patch("tabellion_client.recorder.Wire", lambda *_: self.wire), mock.patch("tabellion_client.recorder.FIRST_PAUSE_S", 0.01)):
            target.start()
            self.addCleanup(target.stop)

    def recorder(self, **options: Any) -> Recorder:
        log = Recorder("http://127.0.0.1:1", "none", self.place, **({"on_problem": self.problems.append} | options))
        self.addCleanup(log.close, 1.0)
        return log

    def told(self, text: str) -> None:
        self.assertTrue(any(text in told for told in self.problems), f"{text!r} was not told: {self.problems}")

    def test_a_small_spool_does_not_wedge(self) -> None:
        log = self.recorder(max_spool_bytes=4096)
        for number in range(100):
            log.record(f"event {number}", {"text": "x" * 100})
            if number % 8 == 7:
                self.assertTrue(log.flush(10), str(self.problems))
        self.assertTrue(log.close(), str(self.problems))
        self.assertEqual(self.wire.names(), [f"event {number}" for number in range(100)])

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_fork_is_told_to_make_its_own(self) -> None:
        log = self.recorder()
        log.record("parent")
        read, write = os.pipe()
        child = os.fork()
        if not child:
            said = "nothing was said"
            try:
                for call in (lambda: log.record("child"), log.flush):
                    try:
                        call()
                        said = "it was taken"
                        break
                    except RuntimeError as error:
                        said = str(error)
                said += f"; closed {log.close()}"
            finally:
                os.write(write, said.encode())
                os.close(write)
                time.sleep(60)  # it lives on while its parent starts anew
                os._exit(0)
        os.close(write)
        with open(read, "rb") as pipe:
            said = pipe.read().decode()
        log.record("parent again")
        self.assertTrue(log.close(), str(self.problems))
        try:
            Spool(self.place, 1 << 20).close()
        except SpoolBusy:
            self.fail("the child holds its parent's spool")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self.assertIn("make a Recorder in each process", said)
        self.assertIn("closed False", said)
        self.assertEqual(self.wire.names(), ["parent", "parent again"])

    def test_no_free_descriptor_loses_nothing(self) -> None:
        opened = Path.open

        def without(path: Path, *arguments: Any, **named: Any) -> Any:
            if path.suffix == ".spool" and not self.problems:
                raise OSError(24, "Too many open files")
            return opened(path, *arguments, **named)

        with mock.patch.object(Path, "open", without):
            log = self.recorder()
            log.record("sound")
            self.assertTrue(log.flush(10), str(self.problems))
        self.assertEqual((self.wire.names(), self.wire.lost()), (["sound"], []))
        self.told("Too many open files")

    def test_losses_are_told(self) -> None:
        spool = Spool(self.place, 1 << 20)
        for _ in range(3):
            spool.append({"record": {"kind": "event", "event": {"name": "x", "fields": {}}}})
        spool.close()
        [part] = self.place.glob("*.spool")
        part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[::2]))
        self.assertTrue(self.recorder().close(), str(self.problems))
        self.assertEqual(self.wire.lost(), [(2, 2, "spool_damaged")])
        self.told("numbers 2 to 2")

    def test_the_sender_outlives_what_it_did_not_expect(self) -> None:
        def on_problem(text: str) -> None:
            self.problems.append(text)
            raise KeyError("the caller's")

        def answer(_: Any) -> None:
            if not self.problems:
                raise KeyError("unexpected")

        self.wire.answer = answer
        with self.assertLogs("tabellion_client.recorder", "ERROR"):
            log = self.recorder(on_problem=on_problem)
            log.record("after all")
            self.assertTrue(log.close(10), "the sender died")
        self.assertEqual(self.wire.names(), ["after all"])
        self.told("KeyError")

    def test_a_number_given_twice_moves_although_the_spool_is_full(self) -> None:
        spool = Spool(self.place, 4096)
        taken = 0
        with contextlib.suppress(SpoolFull):
            while True:
                spool.append({"record": {"kind": "event", "event": {"name": f"event {taken}", "fields": {}}}})
                taken += 1
        old = spool.current.number
        spool.close()
        self.wire.answer = lambda body: refusal(409, "idempotency_conflict") if body["epoch"] == old and body.get("records") else None
        log = self.recorder(max_spool_bytes=4096)
        self.assertTrue(log.close(10), str(self.problems))
        self.assertEqual(sorted(self.wire.names()), sorted(f"event {number}" for number in range(taken)))
        self.assertEqual([loss[:2] for loss in self.wire.lost()], [(taken + 1, taken + 1)], "a moved event was also called lost")

    def test_a_moved_event_that_finds_no_disk_spends_no_number(self) -> None:
        spool = self.spool()
        with mock.patch.object(spool, "_write", side_effect=OSError(28, "No space left")), self.assertRaises(OSError):
            spool.append({"text": "x"}, moved=True)
        self.assertEqual(spool.append({"text": "x"}, moved=True), 1)

    def test_a_loss_that_the_log_has_already_does_not_block(self) -> None:
        self.wire.answer = lambda body: refusal(409, "idempotency_conflict") if body.get("lost") else None
        log = self.recorder()
        with log._changed:
            log._spool.current.last = 2
            log._spool.current.lines.append(Line(1, 2, reason="spool_full"))
        log.record("behind it")
        self.assertTrue(log.close(10), f"a declared loss blocks the spool: {self.problems}")
        self.assertEqual(self.wire.names(), ["behind it"])
        self.told("as lost already")

    def test_only_the_log_refuses_for_good(self) -> None:
        page = b"<html>Request Entity Too Large</html>"
        others = [
            *(Answer(status, page, "text/html") for status in (400, 413, 422)),
            Answer(422, {"code": "malformed", "detail": "of something else"}, "application/json"),
            Answer(400, {"type": "about:blank", "code": "malformed"}, "application/problem+json"),
            Answer(409, {"code": "idempotency_erased"}, "application/json"),
        ]

        def answer(body: dict[str, Any]) -> Answer | None:
            return others.pop() if others and body.get("records") else None

        self.wire.answer = answer
        log = self.recorder()
        with mock.patch("tabellion_client.recorder.ASIDE_PAUSE_S", 0.05):
            log.record("sound")
            self.assertTrue(log.flush(10), str(self.problems))
        self.assertEqual((self.wire.names(), self.wire.lost(), others), (["sound"], [], []), "what stands in between destroys a sound event")
        self.wire.answer = lambda body: refusal(422, "unknown_reference") if body.get("records") else None
        log.record("faulty")
        self.assertTrue(log.close(10), str(self.problems))
        self.assertEqual(self.wire.lost(), [(2, 2, "refused")])

    def test_a_record_that_a_proxy_refuses_is_kept_and_keeps_nobody_waiting(self) -> None:
        """Requirement: W07."""
        page = Answer(400, b"<html>blocked</html>", "text/html")

        def answer(body: dict[str, Any]) -> Answer | None:
            return page if any(record["record"]["event"]["name"] == "<script>" for record in body.get("records", [])) else None

        self.wire.answer = answer
        with mock.patch("tabellion_client.recorder.ASIDE_PAUSE_S", 0.05):
            log = self.recorder()
            for name in ("before", "<script>", "after"):
                log.record(name)
            wait_for("the event behind it", lambda: "after" in self.wire.names())
            status = log.status()
            self.assertEqual([(aside.first, "400" in aside.why) for aside in status.set_aside], [(2, True)], status)
            self.assertEqual(status.waiting, 1, "an operator is not told that one is left")
            self.told("number 2")
            self.assertFalse(log.flush(0.2), "what was set aside is called settled")
            with log._changed:
                beat = log._spool.current.counts()
            self.assertEqual((beat["sent"], beat["spooled"]), (1, 2), "the source claims that the log has what it has not")
            # The proxy is set right: it arrives, with its own number.
            self.wire.answer = lambda _: None
            wait_for("what was set aside", lambda: "<script>" in self.wire.names())
        self.assertTrue(log.close(10), str(self.problems))
        self.assertEqual((sorted(self.wire.numbers()), self.wire.lost()), ([1, 2, 3], []))

    def test_a_way_that_is_closed_sets_nothing_aside(self) -> None:
        self.wire.answer = lambda _: Answer(400, b"<html>plain HTTP on a TLS port</html>", "text/html")
        log = self.recorder()
        for number in range(3):
            log.record(f"event {number}")
        wait_for("several tries", lambda: self.wire.asked > 9)
        status = log.status()
        self.assertEqual((status.set_aside, status.waiting), ((), 3), "every record would be set aside, one after the other")
        self.assertIn("400", status.trouble or "", "an operator is not told why nothing arrives")
        self.wire.answer = lambda _: None
        self.assertTrue(log.close(10), str(self.problems))
        self.assertEqual(self.wire.names(), [f"event {number}" for number in range(3)], "order was given up without need")

    def test_a_disk_that_does_not_give_one_record_keeps_no_other_waiting(self) -> None:
        """Requirement: W07. Also over a restart."""
        broken = {2}
        read = Spool.read

        def without(spool: Spool, line: Line) -> Any:
            if line.first in broken:
                raise OSError(5, "Input/output error")
            return read(spool, line)

        with mock.patch.object(Spool, "read", without):
            log = self.recorder()
            for number in range(1, 4):
                log.record(f"event {number}")
            wait_for("the event behind it", lambda: "event 3" in self.wire.names())
            [aside] = log.status().set_aside
            self.assertIn("Input/output error", aside.why)
            self.assertFalse(log.close(5), "an event that is on disk and nowhere else is called sent")
            self.assertEqual(self.wire.names(), ["event 1", "event 3"])
            again = self.recorder()
            wait_for("what was set aside", lambda: bool(again.status().set_aside))
            self.assertEqual([aside.first for aside in again.status().set_aside], [2], "a restart forgot it")
            broken.clear()
            self.assertTrue(again.close(10), str(self.problems))
        self.assertEqual(self.wire.names(), ["event 1", "event 3", "event 2"])
        self.assertEqual(self.wire.lost(), [], "an event that was there after all is called lost")

    def test_what_was_set_aside_and_then_refused_by_the_log_is_declared_lost(self) -> None:
        self.wire.answer = lambda body: Answer(413, b"too large", "text/plain") if body.get("records") else None
        with mock.patch("tabellion_client.recorder.ASIDE_PAUSE_S", 0.05):
            log = self.recorder()
            log.record("x")
            wait_for("the first to be set aside", lambda: bool(log.status().set_aside))
            self.wire.answer = lambda body: refusal(422, "unknown_reference") if body.get("records") else None
            wait_for("the loss", lambda: bool(self.wire.lost()))
        self.assertTrue(log.close(10), str(self.problems))
        self.assertEqual(self.wire.lost(), [(1, 1, "refused")])

    def test_a_disk_that_keeps_no_state_stops_no_delivery(self) -> None:
        with mock.patch.object(Spool, "save", side_effect=OSError(5, "Input/output error")):
            log = self.recorder()
            for number in range(3):
                log.record(f"event {number}")
                self.assertTrue(log.flush(5), str(self.problems))
            self.told("sends some again after a restart")
        self.assertEqual(self.wire.names(), [f"event {number}" for number in range(3)])

    def test_the_limit_is_on_what_is_sent(self) -> None:
        log = self.recorder()
        around = len(canonical({"kind": "event", "event": {"name": "x", "fields": {"text": ""}}})) + 100
        log.record("x", {"text": "漢" * ((MAX_RECORD_BYTES - around) // 3)})
        with self.assertRaises(ValueError):
            log.record("x", {"text": "漢" * (MAX_RECORD_BYTES // 3)})
        self.assertTrue(log.close(10), str(self.problems))
        [sent] = [record for body in self.wire.taken for record in body.get("records", [])]
        self.assertLessEqual(len(json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()), MAX_RECORD_BYTES)

    def test_what_is_too_deep_for_the_root_is_refused_before_it_has_a_number(self) -> None:
        log = self.recorder()
        deepest = 0
        for depth in range(15, 30):
            value: Any = 1
            for _ in range(depth):
                value = [value]
            try:
                log.record("deep", {"value": value})
                deepest = depth
            except ValueError:
                pass
        self.assertTrue(15 <= deepest < 29)
        self.assertTrue(log.close(10), f"what was taken cannot be sent: {self.problems}")


class Bytes(unittest.TestCase):
    """What is on the wire."""

    def test_text_is_sent_as_utf_8_and_a_page_of_a_proxy_has_no_code(self) -> None:
        got: list[bytes] = []

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(self.rfile.read(int(self.headers["content-length"])))
                media, text = replies.pop(0)
                self.send_response(413)
                self.send_header("content-type", media)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                pass

        problem = b'{"type":"urn:tabellion:problem:too_large","code":"too_large"}'
        replies = [("text/html", b"<html>"), ("application/json", problem), ("application/problem+json; charset=utf-8", problem)]
        server = http.server.HTTPServer(("127.0.0.1", 0), Proxy)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        wire = Wire(f"http://127.0.0.1:{server.server_port}", "none")
        codes = [wire.ask("POST", "/", {"text": "ü漢😀"}).code for _ in range(3)]
        self.assertEqual(got[0], '{"text":"ü漢😀"}'.encode())
        self.assertEqual(codes, ["", "", "too_large"])
        wait_for("all replies", lambda: not replies, 1)


if __name__ == "__main__":
    unittest.main()
