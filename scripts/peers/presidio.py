"""Steps of presidio.sh: presidio.py PLACE

Runs the built program, `tabellion` from PATH, between a scripted provider and a real Presidio (presidio_server.py), which takes its packages from the Python that
runs this.
"""

import importlib.metadata
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from acknowledged import free_port, tabellion, wait_for
from governed import CARD, CLEAN, Governed, nothing, shown

VERSION = importlib.metadata.version("presidio-analyzer")
SERVER = Path(__file__).with_name("presidio_server.py")
# Presidio knows it by its check digit. Our mask wants a word beside it (docs/masking.md), so it would go out.
LICENCE = "AB1234563"
PROMPT_WITH_LICENCE = f"{LICENCE} may prescribe."
# Enough for a loaded machine; every hang costs it.
TIMEOUT_MS = 4000
# What is on record of a guard that could not look: nobody took the question, or it broke off on a connection that stood.
GONE = [["unreachable"], ["broke_off"]]


class Presidio:
    """The real one, on one port through its lives."""

    def __init__(self, place):
        self.port, self.log, self.process = free_port(), place / "presidio.txt", None

    def start(self):
        with self.log.open("a") as log:
            command = [sys.executable, "-B", str(SERVER), str(self.port)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        # Its first line says where it answers; without one it has ended.
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"Presidio does not start:\n{self.log.read_text()}"
        return self

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def hold(self):
        """It lives, takes connections, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{self.process.pid}/stat")
        wait_for("a Presidio that stands still", lambda: state.read_text().rpartition(")")[2].split()[0] == "T")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)


def settings(presidio):
    return f"""url = "{presidio.url}"
shape = "presidio"
entities = ["MEDICAL_LICENSE", "CREDIT_CARD"]
timeout_ms = {TIMEOUT_MS}
"""


def passes(governed):
    for stream in (False, True):
        got = governed.call("What grows in pots?", stream)
        assert got.status == 200 and CLEAN in shown(got), f"a clean call: {got.status} {shown(got)}"
        fields = governed.ended(got, "passed", [[]])
        assert (fields["outcome"], fields["delivered"]) == ("answered", "whole"), fields
    # Presidio is asked about what would go out: the mask has been there before it.
    got = governed.call(f"Remember {CARD}.")
    assert got.status == 200, f"a card that is masked: {got.status} {shown(got)}"
    assert len(governed.provider.asked) == 1 and CARD not in governed.provider.asked[0], governed.provider.asked
    governed.ended(got, "passed", [[]])


def finds(governed):
    got = governed.call(PROMPT_WITH_LICENCE)
    assert (got.status, got.headers["tabellion-code"]) == (403, "guard_blocked"), f"a licence: {got.status} {shown(got)}"
    assert LICENCE not in shown(got), f"a refusal repeats what it is about: {shown(got)}"
    governed.denied(got, "blocked", [["MEDICAL_LICENSE"]])
    for stream in (False, True):
        got = governed.call("Give me a number.", stream)
        assert got.status == (200 if stream else 403), f"an answer with a card: {got.status} {shown(got)}"
        assert len(governed.provider.asked) == 1, governed.provider.asked
        governed.withheld(got, "blocked", [["CREDIT_CARD"]], "guard_blocked")


def edits(place, presidio):
    """One that may have texts changed: what it finds gives way to its kind, in the prompt that goes and in the answer."""
    (place / "edits").mkdir()
    governed = Governed(place / "edits", "presidio", VERSION, settings(presidio) + "may_edit = true\n")
    for stream in (False, True):
        got = governed.call(f"Ü: {PROMPT_WITH_LICENCE}", stream)
        assert got.status == 200 and CLEAN in shown(got), f"a licence that is changed: {got.status} {shown(got)}"
        assert governed.provider.asked == ["Ü: <MEDICAL_LICENSE> may prescribe."], governed.provider.asked
        entry = governed.notary.api(f"entries/{got.headers['tabellion-entry']}").body
        guard = entry["units"][0]["fields"]["guards"][0]
        assert (guard["outcome"], guard["found"], guard["edits"]) == ("flagged", ["MEDICAL_LICENSE"], 1), guard
        got = governed.call("Give me a number.", stream)
        assert got.status == 200 and CARD not in shown(got), f"an answer with a card: {got.status} {shown(got)}"
        said = text_of(got, stream)
        assert said == "The number is <CREDIT_CARD>, kept in a drawer.", said
        assert governed.ended(got, "flagged", [["CREDIT_CARD"]])["guards"][0]["edits"] == 1
    governed.notary.stop()


def text_of(got, stream):
    """What a client reads."""
    if not stream:
        return got.body["choices"][0]["message"]["content"]
    events = [line.removeprefix("data: ") for line in shown(got).splitlines() if line.startswith("data: {")]
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def dies(governed, presidio):
    presidio.kill()
    got = governed.call("What grows in pots?")
    assert (got.status, got.headers["tabellion-code"]) == (503, "guard_errored"), f"without Presidio: {got.status} {shown(got)}"
    governed.denied(got, "errored", GONE)
    for stream in (False, True):
        presidio.start()
        got = governed.call("What grows in pots?", stream, meanwhile=presidio.kill)
        assert got.status == (200 if stream else 503), f"Presidio gone before the answer: {got.status} {shown(got)}"
        governed.withheld(got, "errored", GONE, "guard_errored")
    presidio.start()


def hangs(governed, presidio):
    waited = []
    for stream, meanwhile in [(False, nothing), (False, presidio.hold), (True, presidio.hold)]:
        if meanwhile is nothing:
            presidio.hold()
        begin = time.monotonic()
        got = governed.call("What grows in pots?", stream, meanwhile)
        waited.append(time.monotonic() - begin)
        presidio.go_on()
        assert got.status == (200 if stream else 503), f"a Presidio that hangs: {got.status} {shown(got)}"
        if meanwhile is nothing:
            governed.denied(got, "errored", [["timeout"]])
        else:
            governed.withheld(got, "errored", [["timeout"]], "guard_errored")
        # As long as it may take, and not much longer: a loaded machine gets the same again.
        assert TIMEOUT_MS / 1000 <= waited[-1] < 2 * TIMEOUT_MS / 1000, f"a call waited {waited[-1]:.1f} s, {TIMEOUT_MS} ms were set"
    return max(waited)


def main(place):
    presidio = Presidio(place).start()
    try:
        governed = Governed(place, "presidio", VERSION, settings(presidio))
        passes(governed)
        print(f"presidio {VERSION}: what it finds nothing in passes, whole and streamed; what is masked it does not see")
        finds(governed)
        print("  a licence in a prompt: denied, nobody asked; a card in an answer: blocked, whole and streamed, none of it at the client")
        dies(governed, presidio)
        passes(governed)
        print("  killed: denied, and so is an answer that it no longer looked at; started again: passes")
        longest = hangs(governed, presidio)
        passes(governed)
        print(f"  stopped in its tracks: denied after {longest:.1f} s, {TIMEOUT_MS / 1000} s were set; goes on: passes")
        governed.notary.stop()
        edits(place, presidio)
        print("  may edit: a licence gives way to its kind in the prompt that goes, and a card in the answer, whole and streamed")
        told = tabellion("fsck", governed.notary.directory).stdout
        assert "sound" in told, told
    finally:
        presidio.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
