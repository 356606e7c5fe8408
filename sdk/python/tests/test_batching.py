"""When what waits is sent: by count, by age and by idle time, each by a clock that only the test moves."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tabellion_client import Batching, Recorder
from tests.notary import wait_for
from tests.test_spool import Played


class Rule(unittest.TestCase):
    def test_each_reason_is_enough_by_itself(self) -> None:
        """Requirement: R27"""
        rule = Batching(count=3, age_s=10.0, idle_s=2.0)
        for waiting, oldest, newest, due in ((1, 100.0, 100.0, 102.0), (2, 100.0, 109.0, 110.0), (2, 100.0, 101.5, 103.5), (3, 100.0, 109.0, 100.0), (32, 5.0, 9.0, 5.0)):
            self.assertEqual(rule.due_at(waiting, oldest, newest), due, f"{waiting} waiting since {oldest}, the last since {newest}")
        self.assertEqual(Batching(count=3, age_s=10.0).due_at(2, 100.0, 100.0), 110.0, "idle time counts without being asked for")
        self.assertEqual(Batching().due_at(1, 100.0, 100.0), 100.0, "without a rule something waits")

    def test_rules_that_send_nothing_or_too_much_are_refused(self) -> None:
        for wrong in ({"count": 0}, {"count": 33}, {"age_s": -1.0}, {"idle_s": -0.1}):
            with self.assertRaises(ValueError, msg=str(wrong)):
                Batching(**wrong)  # type: ignore[arg-type]


class Sending(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name) / "spool"
        self.now, self.played = 1000.0, Played()

    def recorder(self, **rule: float) -> Recorder:
        with mock.patch("tabellion_client.recorder.Wire", return_value=self.played):
            batching = Batching(**rule)  # type: ignore[arg-type]
            log = Recorder("http://notary.invalid", "key", self.place, batching=batching, clock=lambda: self.now, heartbeat_s=86_400)
        self.addCleanup(log.close, 0.1)
        wait_for("the first heartbeat", lambda: self.played.taken)
        return log

    def settled(self, **rule: float) -> Recorder:
        """The same with nothing to do."""
        log = self.recorder(**rule)
        wait_for("an idle sender", lambda: self.is_waiting(log))
        return log

    def after(self, log: Recorder, seconds: float) -> None:
        with log._changed:
            self.now += seconds
            log._changed.notify_all()

    def is_waiting(self, log: Recorder) -> bool:
        """Whether the sender has nothing to do: what it looks at before each step, under the lock that it takes for it."""
        with log._changed:
            return not log._has_work()

    def batches(self) -> list[list[int]]:
        return [[record["seq"] for record in body["records"]] for body in self.played.taken if body.get("records")]

    def sent(self, log: Recorder, *batches: list[int]) -> None:
        wait_for(f"{batches}", lambda: self.batches() == list(batches) and self.is_waiting(log))

    def test_a_batch_goes_when_it_is_full(self) -> None:
        """Requirement: R27"""
        log = self.settled(count=3, age_s=3600.0)
        log.record("a")
        log.record("b")
        self.assertTrue(self.is_waiting(log), "two of three are sent")
        log.record("c")
        self.sent(log, [1, 2, 3])
        log.record("d")
        self.assertTrue(self.is_waiting(log), "the next batch does not begin anew")
        self.assertEqual(self.batches(), [[1, 2, 3]])

    def test_a_batch_goes_when_its_first_record_is_old_enough(self) -> None:
        """Requirement: R27"""
        log = self.settled(count=32, age_s=10.0)
        log.record("a")
        self.after(log, 6.0)
        log.record("b")
        self.after(log, 3.9)
        self.assertTrue(self.is_waiting(log), "sent before its time")
        self.assertEqual(self.batches(), [])
        self.after(log, 0.1)
        self.sent(log, [1, 2])

    def test_a_batch_goes_when_nothing_more_comes(self) -> None:
        """Requirement: R27"""
        log = self.settled(count=32, age_s=3600.0, idle_s=2.0)
        log.record("a")
        self.after(log, 1.9)
        log.record("b")
        self.after(log, 1.9)
        self.assertTrue(self.is_waiting(log), "the last one's time does not count")
        self.after(log, 0.2)
        self.sent(log, [1, 2])

    def test_flush_close_and_a_new_life_wait_for_nobody(self) -> None:
        log = self.settled(count=32, age_s=3600.0)
        log.record("a")
        self.assertTrue(log.flush(), "a flush waits for others to come")
        self.after(log, 1.0)
        log.record("b")
        self.assertTrue(self.is_waiting(log), "what came after the flush is sent with it")
        self.assertTrue(log.close(), "the end waits for others to come")
        self.assertEqual(self.batches(), [[1], [2]])

    def test_what_an_earlier_process_left_is_sent_at_once(self) -> None:
        self.played.answer = lambda body: (_ for _ in ()).throw(OSError("down")) if body.get("records") else None
        log = self.settled(count=32, age_s=3600.0)
        log.record("a")
        self.assertFalse(log.close(0.0), "what nobody took is called sent")
        self.played = Played()
        self.sent(self.recorder(count=32, age_s=3600.0), [1])


if __name__ == "__main__":
    unittest.main()
