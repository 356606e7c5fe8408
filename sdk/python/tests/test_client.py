"""The client against a running notary: what it took arrives once, or the log names it."""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import tabellion_verify
from tabellion_client import Recorder, SpoolBusy, SpoolFull, commit
from tabellion_client.spool import Spool
from tests import REPOSITORY
from tests.notary import PROGRAM, Notary, wait_for
from tests.wire import Wire

# Records without end and says each number once `record` has returned it.
APPLICATION = """
import sys
from tabellion_client import Recorder
url, key, spool, life = sys.argv[1:]
log = Recorder(url, key, spool)
number = 0
while True:
    number += 1
    log.record(f"life {life} event {number}", {"number": number})
    print(number, flush=True)
"""


class Spooled(unittest.TestCase):
    """What needs no notary."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name) / "spool"

    def reopened(self) -> Spool:
        spool = Spool(self.place, 1 << 20)
        self.addCleanup(spool.close)
        return spool

    def filled(self, events: int) -> int:
        spool = Spool(self.place, 1 << 20)
        for number in range(events):
            spool.append({"record": {"number": number}})
        spool.close()
        return spool.current.number

    def test_what_was_taken_is_there_after_a_restart_and_numbers_are_not_given_twice(self) -> None:
        first = self.filled(5)
        spool = self.reopened()
        epoch = spool.epochs[0]
        self.assertEqual((epoch.number, epoch.last, [line.first for line in epoch.lines]), (first, 5, [1, 2, 3, 4, 5]))
        self.assertEqual([spool.read(line)["record"]["number"] for line in epoch.lines], list(range(5)))  # type: ignore[index]
        self.assertGreater(spool.current.number, first, "a number would be given twice")

    def test_a_torn_last_line_was_given_to_nobody(self) -> None:
        self.filled(3)
        [part] = self.place.glob("*.spool")
        part.write_bytes(part.read_bytes() + b'1234abcd {"seq":4,"rec')
        epoch = self.reopened().epochs[0]
        self.assertEqual((epoch.last, [line.lost for line in epoch.lines]), (3, [False] * 3), "an event that was never taken is called lost")

    def test_lines_that_are_gone_or_changed_are_called_lost(self) -> None:
        """Requirement: W07. Deleting from the spool by hand, its end too."""
        self.filled(6)
        [part] = self.place.glob("*.spool")
        lines = part.read_bytes().splitlines(keepends=True)
        part.write_bytes(lines[0] + lines[2].replace(b"2", b"3") + lines[3] + lines[4])
        epoch = self.reopened().epochs[0]
        told = [(line.first, line.last, line.reason) for line in epoch.lines]
        damaged = "spool_damaged"
        self.assertEqual(told, [(1, 1, None), (2, 3, damaged), (4, 4, None), (5, 5, None), (6, 6, damaged)], "a deletion would go unseen")

    def test_one_process_at_a_time(self) -> None:
        self.reopened()
        with self.assertRaises(SpoolBusy):
            Spool(self.place, 1 << 20)

    def test_what_no_log_keeps_is_refused_before_it_has_a_number(self) -> None:
        log = Recorder("http://127.0.0.1:1", "none", self.place)
        self.addCleanup(log.close, 0.1)
        for fields in ({"score": 0.5}, {"big": 1 << 60}, {"text": "\ud800"}, {"bytes": b"x"}):
            with self.assertRaises(ValueError, msg=f"{fields} would be taken and never arrive"):
                log.record("x", fields)
        self.assertEqual(log.record("x", {"score_per_mille": 500}).seq, 1, "a refused event took a number")


@unittest.skipUnless(PROGRAM, "needs the program `tabellion` in PATH; scripts/test-python.sh puts it there")
class Sent(unittest.TestCase):
    notary: Notary

    @classmethod
    def setUpClass(cls) -> None:
        cls.notary = Notary()
        cls.addClassCleanup(cls.notary.remove)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name) / "spool"
        self.problems: list[str] = []

    def recorder(self, **options: object) -> Recorder:
        return Recorder(self.notary.url, self.notary.key, self.place, on_problem=self.problems.append, **options)  # type: ignore[arg-type]

    def standing(self, log: Recorder) -> tuple[str, dict[str, object]]:
        source = self.notary.source(log.source)
        return source["state"], source["epochs"][0]

    def test_events_arrive_in_order_and_the_end_is_known(self) -> None:
        """Requirement: A06, W07. Each is committed when it is acknowledged: its receipt is checked by the verifier."""
        trust = tabellion_verify.read_trust((self.notary.log / "trust.txt").read_bytes())
        believed: list[int] = []

        def check(receipt: bytes) -> None:
            report = tabellion_verify.verify(receipt, trust)
            if report.exit_code:
                raise ValueError(str(report.to_json()))
            believed.append(1)

        log = self.recorder(check_receipt=check)
        for number in range(70):
            log.record(f"ordered {number}", {"number": number})
        self.assertTrue(log.close(), f"not everything was sent: {self.problems}")
        names = [name for name in self.notary.names() if name.startswith("ordered ")]
        self.assertEqual(names, [f"ordered {number}" for number in range(70)], "events are missing, twice or out of order")
        state, epoch = self.standing(log)
        self.assertEqual((state, epoch["complete_through"], epoch["closed"]), ("complete", 70, True), epoch)
        self.assertEqual(len(believed), 70, f"receipts were not checked: {self.problems}")

    def test_a_heartbeats_receipt_shows_that_the_application_signed_its_counts(self) -> None:
        """Requirement: W07, A18. From the key beside the spool to a verifier that asks nobody; and another key is refused until a person puts it on record."""
        log = self.recorder()
        log.record("signed")
        self.assertTrue(log.close(), str(self.problems))
        known = self.notary.source(log.source)["key"]
        self.assertEqual(known["public_key"], log.public_key, "the notary has another key on record")
        receipt = log._wire.ask("GET", f"/api/v1/entries/{known['since']['index']}/receipt").body
        report = tabellion_verify.verify(receipt, tabellion_verify.read_trust((self.notary.log / "trust.txt").read_bytes()))
        check = report.find("source signature")
        self.assertEqual((check.outcome, report.exit_code), ("holds", 0), check.detail)
        self.assertIn(known["id"], check.detail)

        (self.place / "source.key").unlink()  # lost, and the spool is not
        other = self.recorder()
        other.record("under another key")
        self.assertTrue(other.flush(), f"events wait for the heartbeat: {self.problems}")
        wait_for("a refusal", lambda: any("heartbeat_unsigned" in told for told in self.problems))
        self.assertFalse(other.close(0.5))
        self.notary.ask(f"sources/{log.source}/key", {"public_key": other.public_key, "reason": "its disk was replaced"})
        self.assertTrue(self.recorder().close(), f"the key on record is not taken: {self.problems}")
        state, _ = self.standing(log)
        self.assertEqual(state, "complete", self.notary.source(log.source))

    def test_kill_9_loses_nothing_and_repeats_nothing(self) -> None:
        """Requirement: W07. Killed at work, several times; everything that `record` returned from arrives once."""
        taken: list[str] = []
        for life in range(3):
            command = [sys.executable, "-c", APPLICATION, self.notary.url, self.notary.key, str(self.place), str(life)]
            environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "sdk/python")}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
            assert process.stdout
            said = [process.stdout.readline() for _ in range(60 + 37 * life)]
            process.send_signal(signal.SIGKILL)
            said += process.stdout.read().splitlines(keepends=True)
            process.stdout.close()
            process.wait()
            taken += [f"life {life} event {int(line)}" for line in said if line.endswith(b"\n")]
        log = self.recorder()
        self.assertTrue(log.close(60), f"what was left was not sent: {self.problems}")
        names = [name for name in self.notary.names() if name.startswith("life ")]
        self.assertEqual(len(names), len(set(names)), "an event was recorded twice")
        self.assertEqual(set(taken) - set(names), set(), "events that were taken never arrived")
        self.assertLessEqual(len(names) - len(taken), 3, "more arrived than could have been taken")
        state, _ = self.standing(log)
        self.assertEqual(state, "complete", self.notary.source(log.source))

    def test_a_server_that_is_down_is_waited_for(self) -> None:
        log = self.recorder()
        self.assertTrue(log.flush() and log.record("before it fell") and log.flush())
        self.notary.stop()
        for number in range(40):
            log.record(f"meanwhile {number}")
        self.assertFalse(log.flush(0.5), "what cannot have been sent is called sent")
        wait_for("a word of trouble", lambda: self.problems)
        self.notary.start()
        self.assertTrue(log.close(60), f"what waited was not sent: {self.problems}")
        names = [name for name in self.notary.names() if name.startswith("meanwhile ")]
        self.assertEqual(names, [f"meanwhile {number}" for number in range(40)], "events are missing or twice")

    def test_a_line_deleted_by_hand_is_named_in_the_log(self) -> None:
        """Requirement: W07, B01"""
        spool = Spool(self.place, 1 << 20)
        for number in range(5):
            spool.append({"record": {"kind": "event", "event": {"name": f"by hand {number}", "fields": {}}}})
        spool.close()
        [part] = self.place.glob("*.spool")
        lines = part.read_bytes().splitlines(keepends=True)
        part.write_bytes(b"".join(lines[:1] + lines[3:]))
        log = self.recorder()
        self.assertTrue(log.close(), str(self.problems))
        epochs = {epoch["epoch"]: epoch for epoch in self.notary.source(log.source)["epochs"]}
        epoch = epochs[spool.current.number]
        self.assertEqual((epoch["records"], epoch["lost"], epoch["missing"], epoch["closed"]), (3, 2, 0, True), "a deletion went unseen")

    def test_a_full_spool_refuses_and_what_it_refused_is_counted(self) -> None:
        self.notary.stop()
        self.addCleanup(lambda: self.notary.process or self.notary.start())
        log = self.recorder(max_spool_bytes=4096)
        taken = refused = 0
        for _ in range(60):
            try:
                log.record("filling", {"text": "x" * 200})
                taken += 1
            except SpoolFull:
                refused += 1
        self.assertGreater(min(taken, refused), 0, "the spool has no limit, or no room")
        self.notary.start()
        self.assertTrue(log.flush(60), str(self.problems))
        log.record("there is room again")
        self.assertTrue(log.close(), str(self.problems))
        state, epoch = self.standing(log)
        counted = (state, epoch["records"], epoch["lost"], epoch["missing"])
        self.assertEqual(counted, ("complete", taken + 1, refused, 0), f"what was refused is not told: {epoch}")

    def test_sampling_leaves_out_content_and_never_numbers(self) -> None:
        """Requirement: P14. What the log holds of a sampled event is a commitment that its record and salt open."""
        log = self.recorder(sample_rate=0.5)
        tickets = [log.record("sampled", {"number": number}) for number in range(60)]
        self.assertTrue(log.close(), str(self.problems))
        sampled = [ticket for ticket in tickets if ticket.withheld]
        self.assertTrue(10 < len(sampled) < 50, f"half of sixty are to be sampled out, {len(sampled)} were")
        state, epoch = self.standing(log)
        self.assertEqual((state, epoch["records"], epoch["sampled"]), ("complete", 60, len(sampled)), "sampling changed the count")
        ticket = sampled[0]
        assert ticket.salt and ticket.record
        entries = self.notary.ask("entries?limit=200")["entries"]
        kept = [self.notary.ask(f"entries/{one['index']}")["units"][0]["fields"] for one in entries if one.get("type") == "event.committed"]
        names = {name for fields in kept for name in fields}
        self.assertEqual(names, {"captured_at", "commitment", "content_withheld"}, "content that was sampled out is in the log")
        self.assertIn(commit(ticket.salt, ticket.record), [fields["commitment"] for fields in kept], "nobody could prove later what was left out")

    def test_of_a_private_event_only_32_bytes_and_its_number_leave_the_house(self) -> None:
        """Requirement: P07. Every byte on the wire is looked at; whoever kept record and salt proves later what was said."""
        wire = Wire(self.notary.port)
        self.addCleanup(wire.close)
        log = Recorder(wire.url, self.notary.key, self.place, on_problem=self.problems.append)
        ticket = log.record("loan refused", {"applicant": "Ines Calderon", "reason": "income of 1250"}, private=True)
        self.assertTrue(log.close(), str(self.problems))
        assert ticket.salt and ticket.record
        sent, commitment = wire.sent(), commit(ticket.salt, ticket.record)
        self.assertIn(commitment.encode(), sent, "the commitment did not come this way")
        told = (b"loan refused", b"applicant", b"Ines", b"Calderon", b"reason", b"1250", ticket.salt, ticket.salt.hex().encode(), base64.b64encode(ticket.salt))
        self.assertEqual([word for word in told if word in sent], [], "content left the house")
        bodies = [json.JSONDecoder().raw_decode(part.decode())[0] for part in sent.split(b"\r\n\r\n") if part.startswith(b'{"') and b"commitment" in part]
        [record] = [record for body in bodies for record in body["records"]]
        self.assertEqual(set(record), {"seq", "captured_at", "commitment"}, "more than number, time and commitment leaves the house")
        state, epoch = self.standing(log)
        self.assertEqual((state, epoch["records"], epoch["missing"]), ("complete", 1, 0), "what is private is not counted")

    def test_a_record_that_the_log_refuses_for_good_does_not_stop_the_others(self) -> None:
        log = self.recorder()
        log.record("first")
        log.record_as({"kind": "no such kind", "event": {"name": "x", "fields": {}}})
        log.record("third")
        self.assertTrue(log.close(), str(self.problems))
        _, epoch = self.standing(log)
        self.assertEqual((epoch["records"], epoch["lost"], epoch["missing"]), (2, 1, 0), "one bad record stops all that follow")
        self.assertTrue(any("was refused and is declared lost" in told for told in self.problems), self.problems)


if __name__ == "__main__":
    unittest.main()
