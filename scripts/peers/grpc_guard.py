"""Steps of grpc-guard.sh: grpc_guard.py PLACE

Runs the built program, `tabellion` from PATH, between a scripted provider and a guard of Google's gRPC (grpc_guard_server.py), whose code was generated from our
description by Google's tools. Needs both on PYTHONPATH.
"""

import importlib.metadata
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from acknowledged import free_port, tabellion, wait_for
from governed import CLEAN, Governed, shown

VERSION = importlib.metadata.version("grpcio")
SERVER = Path(__file__).with_name("grpc_guard_server.py")
KEY = "of-the-grpc-service"
TIMEOUT_MS = 4000
# What is on record of a guard that could not look: nobody took the question, or it broke off on a connection that stood.
GONE = [["unreachable"], ["broke_off"], ["grpc_14"]]
# By the word that the server answers so to.
NO_VERDICT = {
    "egret": ["malformed"],
    "stork": ["malformed"],
    "crane": ["malformed"],
    "owl": ["too_large"],
    "raven": ["grpc_14"],
    "rook": ["grpc_8"],
}


class Service:
    """The real one, on one port through its lives."""

    def __init__(self, place):
        self.port, self.log, self.process = free_port(), place / "service.txt", None
        self.key_file = place / "service.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(KEY + "\n")

    def start(self):
        with self.log.open("a") as log:
            command = [sys.executable, "-B", str(SERVER), str(self.port), KEY]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ)
        # Its first line says where it answers; without one it has ended.
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"the service does not start:\n{self.log.read_text()}"
        return self

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def hold(self):
        """It lives, its connections stand, and it says nothing."""
        self.process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{self.process.pid}/stat")
        wait_for("a service that stands still", lambda: state.read_text().rpartition(")")[2].split()[0] == "T")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)


def passes(governed):
    for stream in (False, True):
        got = governed.call("What grows in pots?", stream)
        assert got.status == 200 and CLEAN in shown(got), f"a clean call: {got.status} {shown(got)}"
        fields = governed.ended(got, "passed", [[]])
        assert (fields["outcome"], fields["delivered"]) == ("answered", "whole"), fields


def finds(governed):
    got = governed.call("Give me a number.", True)
    governed.withheld(got, "blocked", [["card"]], "guard_blocked")
    for word, labels in NO_VERDICT.items():
        got = governed.call(f"What of the {word}?")
        # How much is said of a prompt is in the hands of whoever sends it: trying again changes nothing.
        due = (413, "body_too_large") if labels == ["too_large"] else (503, "guard_errored")
        assert (got.status, got.headers["tabellion-code"]) == due, f"{word}: {got.status} {shown(got)}"
        governed.denied(got, "errored", [labels])


def edits(place, settings):
    """One that may have texts changed, and whose answers are what Google's code makes of the description."""
    (place / "edits").mkdir()
    governed = Governed(place / "edits", "words", VERSION, settings + "may_edit = true\n", kind="grpc")
    for stream in (False, True):
        got = governed.call("Über kumquats: what is a kumquat?", stream)
        assert got.status == 200 and CLEAN in shown(got), f"a prompt that is changed: {got.status} {shown(got)}"
        assert governed.provider.asked == ["Über fruits: what is a fruit?"], governed.provider.asked
        entry = governed.notary.api(f"entries/{got.headers['tabellion-entry']}").body
        guard = entry["units"][0]["fields"]["guards"][0]
        assert (guard["outcome"], guard["found"], guard["edits"]) == ("flagged", ["fruit"], 2), guard
    governed.notary.stop()


def looks_afterwards(place, settings):
    """One that is asked when calls are over, about several at once: it stops none, and each has its word on record."""
    (place / "after").mkdir()
    governed = Governed(place / "after", "words", VERSION, settings + 'when = "after"\n', kind="grpc")
    prompts = {"What grows in pots?": ("passed", []), "What of the heron?": ("flagged", ["off-topic"])}
    calls = {}
    for prompt in prompts:
        got = governed.call(prompt)
        assert got.status == 200 and CLEAN in shown(got), f"a call that nothing waits for: {got.status} {shown(got)}"
        calls[prompt] = got.headers["tabellion-record"]
    for prompt, due in prompts.items():

        def assessed(call=calls[prompt]):
            said = governed.notary.api(f"calls/{call}").body["assessments"]
            return said["guards"] if said["state"] == "recorded" else None

        guards = wait_for("what was said of the call", assessed)
        said = [(guard["outcome"], guard["found"]) for guard in guards if guard["side"] == "prompt"]
        assert said == [due], f"{prompt}: {guards}"
    governed.notary.stop()


def dies(governed, service):
    service.kill()
    got = governed.call("What grows in pots?")
    assert (got.status, got.headers["tabellion-code"]) == (503, "guard_errored"), f"without a service: {got.status} {shown(got)}"
    governed.denied(got, "errored", GONE)
    service.start()
    # A connection that ended may be noticed by the question that it costs.
    wait_for("a service that is asked again", lambda: governed.call("What grows in pots?").status == 200)


def hangs(governed, service):
    service.hold()
    begin = time.monotonic()
    got = governed.call("What grows in pots?")
    waited = time.monotonic() - begin
    service.go_on()
    governed.denied(got, "errored", [["timeout"]])
    # As long as it may take, and not much longer: a loaded machine gets the same again.
    assert TIMEOUT_MS / 1000 <= waited < 2 * TIMEOUT_MS / 1000, f"a call waited {waited:.1f} s, {TIMEOUT_MS} ms were set"
    return waited


def main(place):
    service = Service(place).start()
    try:
        settings = f'url = "{service.url}"\nkey_file = "{service.key_file}"\ntimeout_ms = {TIMEOUT_MS}\n'
        governed = Governed(place, "words", VERSION, settings, kind="grpc")
        passes(governed)
        print(f"grpcio {VERSION}, made from our description: what it finds nothing in passes, whole and streamed")
        finds(governed)
        print("  a card in an answer: blocked, none of it at the client; no verdict, junk, a large answer and errors of gRPC: denied")
        dies(governed, service)
        print("  killed: denied; started again: passes")
        longest = hangs(governed, service)
        passes(governed)
        print(f"  stopped in its tracks: denied after {longest:.1f} s, {TIMEOUT_MS / 1000} s were set; goes on: passes")
        governed.notary.stop()
        edits(place, settings)
        print("  may edit: what it names is changed in the prompt that goes, on record with how much, and nothing else")
        looks_afterwards(place, settings)
        print("  when calls are over: asked about several at once, stops none, and each has its word on record")
        told = tabellion("fsck", governed.notary.directory).stdout
        assert "sound" in told, told
    finally:
        service.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
