"""The key of a source: kept beside its spool, and what it signs is what every verifier asks for."""

import contextlib
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from tabellion_client import Recorder, signing
from tabellion_client.signing import SourceKey, open_key
from tabellion_client.wire import Answer
from tabellion_verify import entry, sourcekeys
from tests import REPOSITORY
from tests.notary import wait_for
from tests.test_spool import Played, refusal

GOLDEN = REPOSITORY / "crates/model/tests/golden"


class Place(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)


class Signed(Place):
    def test_the_golden_heartbeat_is_signed_the_same_way_here(self) -> None:
        """Requirement: W07. One vector for the client, the notary and every verifier."""
        record = entry.read((GOLDEN / "source.heartbeat-signed.json").read_bytes()).record
        assert record and record.clear
        counts = {name: value for name, value in record.clear.items() if name != "signed"}
        kept = record.clear["signed"]
        self.assertEqual(sourcekeys.message(record.clear), (GOLDEN / "source.heartbeat-signed.message").read_bytes(), "other bytes are checked than were signed")
        key = SourceKey(bytes([0x5A]) * 32)
        self.assertEqual((key.key_id, key.public_text), (kept["key"]["key_id"], kept["key"]["public"]), "another key comes of the same seed")
        given = key.sign(counts, kept["at"])
        self.assertEqual(given, {"at": kept["at"], "public_key": kept["key"]["public"], "signature": kept["signature"]}, "a notary would refuse the client's heartbeats")

    def test_the_key_is_made_once_and_nobody_else_reads_it(self) -> None:
        first = open_key(self.place, None)
        assert first
        path = self.place / signing.NAME
        self.assertEqual(path.stat().st_mode & 0o777, 0o600, "others on the machine could sign for the source")
        again = open_key(self.place, True)
        assert again
        self.assertEqual(again.public, first.public, "a restart would take another key, and the notary refuse it")
        path.chmod(0o640)
        with self.assertRaisesRegex(ValueError, "others may read"):
            open_key(self.place, None)
        path.chmod(0o600)
        for damaged in ("", "{}", '{"format":"tabellion.source-key/1","seed":"AAAA"}', path.read_text().replace("source-key/1", "source-key/2")):
            path.write_text(damaged)
            with self.assertRaisesRegex(ValueError, "no key of a source", msg=f"{damaged!r} would be taken for a key"):
                open_key(self.place, None)

    def test_a_source_with_a_key_does_not_fall_silent_about_it(self) -> None:
        self.assertIsNone(open_key(self.place, False))
        open_key(self.place, True)
        with self.assertRaisesRegex(ValueError, "refuses them without"):
            open_key(self.place, False)
        with mock.patch.object(signing, "IS_POSSIBLE", False), self.assertRaises(ImportError):
            open_key(self.place, None)
        with tempfile.TemporaryDirectory() as other, mock.patch.object(signing, "IS_POSSIBLE", False):
            self.assertIsNone(open_key(Path(other), None), "recording would need a package that it does not")
            with self.assertRaises(ImportError):
                open_key(Path(other), True)


class Sent(Place):
    def recorder(self, played: Played, **options: Any) -> Recorder:
        with mock.patch("tabellion_client.recorder.Wire", return_value=played):
            log = Recorder("http://notary.invalid", "key", self.place / "spool", **options)
        self.addCleanup(lambda: contextlib.suppress(RuntimeError) and log.close(0.1))
        return log

    def test_every_heartbeat_is_signed_and_none_is_after_another_key_was_refused(self) -> None:
        played = Played()
        log = self.recorder(played)
        log.record("x")
        self.assertTrue(log.close())
        beats = [(body["epoch"], body["heartbeat"]) for body in played.taken if "heartbeat" in body]
        self.assertTrue(beats[-1][1]["closed"], "the end is not told")
        for epoch, beat in beats:
            signed = beat.pop("signed")
            clear = beat | {"epoch": epoch, "producer": log.source}
            assert log._key
            self.assertEqual(signed, log._key.sign(clear, signed["at"]), "a heartbeat goes out unsigned, or under a signature of other counts")
        self.assertEqual(log.public_key, signed["public_key"])

    def test_events_go_on_while_the_log_has_another_key_on_record(self) -> None:
        problems: list[str] = []
        played = Played()
        played.answer = lambda body: refusal(403, "heartbeat_unsigned") if "heartbeat" in body else None
        log = self.recorder(played, on_problem=problems.append)
        log.record("x")
        self.assertTrue(log.flush(), "events wait behind a heartbeat that is refused")
        wait_for("a word about it", lambda: any("heartbeat_unsigned" in told for told in problems))
        self.assertFalse(log.close(0.5), "an epoch whose end the log does not know is called closed")
        played.answer = lambda body: Answer(201, {"records": []}, "application/json")
        self.assertTrue(self.recorder(played).close(), "the next life does not close what was left open")

    def test_a_loss_is_declared_after_a_heartbeat_that_reaches_it(self) -> None:
        """Requirement: W07. The log takes losses from a source with a key as far as its signed heartbeats go; events behind a loss do not wait for the next one."""
        played, signed_for = Played(), 0

        def answer(body: dict[str, Any]) -> Answer | None:
            nonlocal signed_for
            if "heartbeat" in body:
                signed_for = max(signed_for, body["heartbeat"]["last_seq"] * ("signed" in body["heartbeat"]))
            if any(record["record"]["event"]["name"] == "bad" for record in body.get("records", [])):
                return refusal(400, "malformed")
            if any(loss["last"] > signed_for for loss in body.get("lost", [])):
                told = refusal(409, "conflict")
                assert isinstance(told.body, dict)
                return Answer(told.status, told.body | {"pointer": "/lost/0"}, told.media)
            return None

        played.answer = answer
        log = self.recorder(played)
        wait_for("the first heartbeat", lambda: any("heartbeat" in body for body in played.taken))
        for name in ("first", "bad", "last"):
            log.record(name)
        self.assertTrue(log.flush(20), "events wait behind a loss until the next heartbeat")
        self.assertEqual((played.lost(), played.numbers()), ([(2, 2, "refused")], [1, 3]))
        self.assertTrue(log.close())

    def test_what_is_in_the_file_is_the_seed_of_what_is_shown(self) -> None:
        log = self.recorder(Played())
        kept = json.loads((self.place / "spool" / signing.NAME).read_text())
        self.assertEqual(sorted(kept), ["format", "seed"])
        self.assertIsNotNone(log.public_key)
        self.assertIsNone(self.unsigned().public_key)

    def unsigned(self) -> Recorder:
        with mock.patch("tabellion_client.recorder.Wire", return_value=Played()):
            log = Recorder("http://notary.invalid", "key", self.place / "other", sign=False)
        self.addCleanup(log.close, 0.1)
        return log


if __name__ == "__main__":
    unittest.main()
