"""Steps of presidio.sh: presidio.py PLACE

Runs the built program, `tabellion` from PATH, between a scripted provider and a real Presidio (presidio_server.py), which takes its packages from the Python that
runs this.
"""

import importlib.metadata
import json
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from acknowledged import Notary, ask, free_port, tabellion, wait_for

VERSION = importlib.metadata.version("presidio-analyzer")
SERVER = Path(__file__).with_name("presidio_server.py")
# Presidio knows it by its check digit. Our mask wants a word beside it (docs/masking.md), so it would go out.
LICENCE = "AB1234563"
PROMPT_WITH_LICENCE = f"{LICENCE} may prescribe."
# Cut by the provider's stream so that no event holds it.
PIECES = ["The number ", "is 4111 ", "1111 11", "11 1111", ", kept ", "in a drawer."]
CARD = "4111 1111 1111 1111"
CLEAN = "Kumquats grow in pots."
# Enough for a loaded machine; every hang costs it.
TIMEOUT_MS = 4000
# What is on record of a guard that could not look: nobody took the question, or it broke off on a connection that stood.
GONE = ("unreachable", "broke_off")


def nothing():
    pass


class Provider(BaseHTTPRequestHandler):
    """A model whose answer its prompt asks for; it notes every request that reaches it."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = asked["messages"][-1]["content"]
        self.server.asked.append(prompt)
        self.server.meanwhile()
        pieces = PIECES if "number" in prompt else [CLEAN]
        head = {"id": "x", "created": 1, "model": asked["model"]}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if asked.get("stream"):
            choices = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
            choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
            events = [{**head, "object": "chat.completion.chunk", "choices": [choice]} for choice in choices]
            events.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
            text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
            self.say("text/event-stream", text.encode())
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": "".join(pieces)}, "finish_reason": "stop"}
            self.say("application/json", json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode())

    def say(self, kind, text):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


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


class Governed:
    """The program, with Presidio as its one guard, and somebody who calls."""

    def __init__(self, place, presidio):
        self.provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        self.provider.asked, self.provider.meanwhile = [], nothing
        threading.Thread(target=self.provider.serve_forever, daemon=True).start()
        self.gateway = f"127.0.0.1:{free_port()}"
        self.notary = Notary(place / "notary", place, self.settings(presidio))
        self.notary.start().person()
        api = self.notary.api
        system = api("systems", "POST", {"name": "Tests", "purposes": ["tests"], "capture": "masked"}).body["result"]["id"]
        api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
        api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
        self.secret = api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]

    def settings(self, presidio):
        return f"""
[gateway]
listen = "{self.gateway}"

[upstream.x]
base_url = "http://127.0.0.1:{self.provider.server_port}/v1"
models = ["m"]

[guard.presidio]
kind = "http"
url = "{presidio.url}"
shape = "presidio"
version = "{VERSION}"
private_network = true
entities = ["MEDICAL_LICENSE", "CREDIT_CARD"]
timeout_ms = {TIMEOUT_MS}
"""

    def call(self, prompt, stream=False, meanwhile=nothing):
        """Asks the model; `meanwhile` happens at the provider, after the prompt was looked at and before the answer is."""
        self.provider.asked, self.provider.meanwhile = [], meanwhile
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": stream}
        return ask(f"http://{self.gateway}/v1/chat/completions", "POST", body, {"authorization": f"Bearer {self.secret}"})

    def denied(self, got, outcome, labels):
        """Of a call whose prompt was stopped: nobody was asked, and the record says which guard it was."""
        assert self.provider.asked == [], f"a prompt that was stopped reached the provider: {self.provider.asked}"
        entry = self.notary.api(f"entries/{got.headers['tabellion-entry']}").body
        assert entry["type"] == "call.denied", f"a call that was denied is on record as {entry['type']}"
        fields = entry["units"][0]["fields"]
        assert fields["code"] == got.headers["tabellion-code"], fields
        said(fields, outcome, labels)

    def ended(self, got, outcome, labels):
        """Of a call whose prompt was let through: what is on record of its prompt, and the end that it had."""
        begun = int(got.headers["tabellion-entry"])
        said(self.notary.api(f"entries/{begun}").body["units"][0]["fields"], "passed", [[]])

        def end():
            entries = self.notary.api("entries?type=call.completed&limit=1").body["entries"]
            return next((entry for entry in entries if entry["index"] > begun), None)

        fields = wait_for("the end of a call on record", end)["units"][0]["fields"]
        said(fields, outcome, labels)
        return fields

    def withheld(self, got, outcome, labels, code):
        """Of a call whose answer was stopped: the client has nothing of it."""
        for piece in PIECES + [CARD, CLEAN]:
            assert piece not in shown(got), f"{piece!r} of an answer that was stopped reached the client: {shown(got)}"
        assert code in shown(got), f"the client is not told {code}: {shown(got)}"
        fields = self.ended(got, outcome, labels)
        end = (fields["outcome"], fields["delivered"], fields["code"])
        assert end == ("cut", "nothing", code), f"the end on record: {end}"


def shown(got):
    """All that a client got, as text."""
    return got.body.decode() if isinstance(got.body, bytes) else json.dumps(got.body)


def said(fields, outcome, labels):
    """What a record has of guards: Presidio alone, its version, this outcome, and one of these lists of labels."""
    assert len(fields["guards"]) == 1, f"guards on record: {fields['guards']}"
    guard = fields["guards"][0]
    assert (guard["guard"], guard["outcome"]) == ("presidio", outcome), guard
    assert guard["found"] in labels, f"labels on record: {guard}"
    version = rf"http\.[0-9]+-[0-9a-f]{{12}}:{re.escape(VERSION)}"
    assert re.fullmatch(version, guard["version"]), f"the record does not name the guard's version: {guard}"


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


def dies(governed, presidio):
    presidio.kill()
    got = governed.call("What grows in pots?")
    assert (got.status, got.headers["tabellion-code"]) == (503, "guard_errored"), f"without Presidio: {got.status} {shown(got)}"
    governed.denied(got, "errored", [[label] for label in GONE])
    for stream in (False, True):
        presidio.start()
        got = governed.call("What grows in pots?", stream, meanwhile=presidio.kill)
        assert got.status == (200 if stream else 503), f"Presidio gone before the answer: {got.status} {shown(got)}"
        governed.withheld(got, "errored", [[label] for label in GONE], "guard_errored")
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
        governed = Governed(place, presidio)
        passes(governed)
        print(f"presidio {VERSION}: what it finds nothing in passes, whole and streamed; what is masked it does not see")
        finds(governed)
        print("  a licence in a prompt: denied, nobody asked; a card in an answer: blocked, whole and streamed, none of it at the client")
        dies(governed, presidio)
        passes(governed)
        print("  killed: denied, and so is an answer that it no longer looked at; started again: passes")
        longest = hangs(governed, presidio)
        passes(governed)
        print(f"  stopped in its tracks: denied after {longest:.1f} s of {TIMEOUT_MS / 1000} s at most; goes on: passes")
        governed.notary.stop()
        told = tabellion("fsck", governed.notary.directory).stdout
        assert "sound" in told, told
    finally:
        presidio.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
