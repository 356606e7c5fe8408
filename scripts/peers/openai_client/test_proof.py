"""A call is proved to somebody else: its receipts are fetched over the API and verified offline, against a trust file alone."""

import hashlib
import subprocess
import tempfile
import unittest
from pathlib import Path

import httpx2
from settings import ECHO, RECORD_HEADER, SALT_HEADER, api_key, client, governed, required, says

CONTENT = "A question that nobody else is to read"


def control(path):
    """What the control plane answers to the application's own key."""
    answer = httpx2.get(f"{required('CONTROL_URL')}/api/v1/{path}", headers={"authorization": f"Bearer {api_key()}"})
    answer.raise_for_status()
    return answer


def verify(receipt, *options):
    """(exit status, what it said) of the verifier."""
    done = subprocess.run(["tabellion", "verify", receipt, *options], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@governed
class Proof(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.trust = ["--trust", required("TRUST_FILE")]

    def receipts(self, call):
        """The receipts of a call's records, as files."""
        for which in ("decided", "ended"):
            if call["proof"][which]:
                index = call["proof"][which]["index"]
                path = self.place / f"{index}.receipt"
                path.write_bytes(control(f"entries/{index}/receipt").content)
                yield path

    def test_an_answered_call(self):
        raw = client(ECHO)[0].chat.completions.with_raw_response.create(model=ECHO, messages=says(CONTENT))
        call = control(f"calls/{raw.headers[RECORD_HEADER]}").json()
        self.assertEqual((call["state"], call["model"], call["decision"]["permitted"]), ("answered", ECHO, True))
        receipts = list(self.receipts(call))
        self.assertEqual(len(receipts), 2, "a call has a record of its beginning and of its end")
        for receipt in receipts:
            self.assertEqual(verify(receipt, *self.trust)[0], 0, "the proof of a call does not hold")
            self.assertEqual(verify(receipt)[0], 3, "without a trust file nobody can know whose log it is")
        changed = bytearray(receipts[0].read_bytes())
        middle = len(changed) // 2
        changed[middle] = ord("A") if changed[middle] != ord("A") else ord("B")
        receipts[0].write_bytes(changed)
        self.assertIn(verify(receipts[0], *self.trust)[0], (1, 2), "a changed receipt passes for the real one")

    def test_a_streamed_call_is_proved_when_its_stream_ends(self):
        with client(ECHO)[0].chat.completions.with_streaming_response.create(
            model=ECHO, messages=says(CONTENT), stream=True
        ) as raw:
            record = raw.headers[RECORD_HEADER]
            for _ in raw.iter_bytes():
                pass
        call = control(f"calls/{record}").json()
        self.assertEqual((call["state"], call["evidence"]["stream"]), ("answered", True), "the end came before its record")
        self.assertEqual([verify(receipt, *self.trust)[0] for receipt in self.receipts(call)], [0, 0])

    def test_the_caller_alone_shows_what_it_sent_and_got(self):
        own, attempts = client(ECHO)
        raw = own.chat.completions.with_raw_response.create(model=ECHO, messages=says(CONTENT))
        salt, sent = bytes.fromhex(raw.headers[SALT_HEADER]), attempts.requests[-1].content
        evidence = control(f"calls/{raw.headers[RECORD_HEADER]}").json()["evidence"]
        for name, data in (("request", sent), ("released", raw.content)):
            self.assertEqual(evidence[f"{name}_salted_sha256"], hashlib.sha256(salt + data).hexdigest(), f"{name}: nothing is shown")
            self.assertIsNone(evidence[f"{name}_sha256"], f"{name}: a guess can be seen to be right")
        self.assertNotIn(hashlib.sha256(sent).hexdigest(), str(evidence))

    def test_a_denied_call(self):
        answer = httpx2.post(
            f"{required('BASE_URL')}/chat/completions",
            json={"model": required("FORBIDDEN_MODEL"), "messages": says(CONTENT)},
            headers={"authorization": f"Bearer {api_key()}"},
        )
        call = control(f"calls/{answer.headers[RECORD_HEADER]}").json()
        self.assertEqual((call["state"], call["decision"]["permitted"]), ("denied", False))
        shown = hashlib.sha256(bytes.fromhex(answer.headers[SALT_HEADER]) + answer.request.content).hexdigest()
        self.assertEqual(call["evidence"]["request_salted_sha256"], shown, "what was denied cannot be shown")
        self.assertEqual([verify(receipt, *self.trust)[0] for receipt in self.receipts(call)], [0], "a denial cannot be proved")
