"""The built program, `tabellion` from PATH, with a guard of somebody else's, between a scripted provider and somebody who calls."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from acknowledged import Notary, ask, free_port

# Cut by the provider's stream so that no event holds it.
PIECES = ["The number ", "is 4111 ", "1111 11", "11 1111", ", kept ", "in a drawer."]
CARD = "4111 1111 1111 1111"
CLEAN = "Kumquats grow in pots."


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


def shown(got):
    """All that a client got, as text."""
    return got.body.decode() if isinstance(got.body, bytes) else json.dumps(got.body)


class Governed:
    """The program with one guard, and somebody who calls."""

    def __init__(self, place, guard, version, settings, kind="http"):
        """`settings` are those of `[guard.GUARD]`; `version` is what the service is known by."""
        self.guard, self.version, self.kind = guard, version, kind
        self.provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        self.provider.asked, self.provider.meanwhile = [], nothing
        threading.Thread(target=self.provider.serve_forever, daemon=True).start()
        self.gateway = f"127.0.0.1:{free_port()}"
        self.notary = Notary(place / "notary", place, self.configuration(settings))
        self.notary.start().person()
        api = self.notary.api
        system = api("systems", "POST", {"name": "Tests", "purposes": ["tests"], "capture": "masked", "capture_reason": "tests"}).body["result"]["id"]
        api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
        api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
        self.secret = api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]

    def configuration(self, settings):
        return f"""
[gateway]
listen = "{self.gateway}"

[upstream.x]
base_url = "http://127.0.0.1:{self.provider.server_port}/v1"
models = ["m"]

[guard.{self.guard}]
kind = "{self.kind}"
version = "{self.version}"
private_network = true
{settings}"""

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
        self.said(fields, outcome, labels)

    def ended(self, got, outcome, labels):
        """Of a call whose prompt was let through: what is on record of its prompt, and the end that it had."""
        entry = self.notary.api(f"entries/{got.headers['tabellion-entry']}").body
        self.said(entry["units"][0]["fields"], "passed", [[]])
        fields = self.notary.end_of(got.headers["tabellion-record"])
        self.said(fields, outcome, labels)
        return fields

    def withheld(self, got, outcome, labels, code):
        """Of a call whose answer was stopped: the client has nothing of it."""
        for piece in PIECES + [CARD, CLEAN]:
            assert piece not in shown(got), f"{piece!r} of an answer that was stopped reached the client: {shown(got)}"
        assert code in shown(got), f"the client is not told {code}: {shown(got)}"
        fields = self.ended(got, outcome, labels)
        end = (fields["outcome"], fields["delivered"], fields["code"])
        assert end == ("cut", "nothing", code), f"the end on record: {end}"

    def said(self, fields, outcome, labels):
        """What a record has of guards: this one alone, its version, this outcome, and one of these lists of labels."""
        assert len(fields["guards"]) == 1, f"guards on record: {fields['guards']}"
        guard = fields["guards"][0]
        assert (guard["guard"], guard["outcome"]) == (self.guard, outcome), guard
        assert guard["found"] in labels, f"labels on record: {guard}"
        version = rf"{self.kind}\.[0-9]+-[0-9a-f]{{12}}:{re.escape(self.version)}"
        assert re.fullmatch(version, guard["version"]), f"the record does not name the guard's version: {guard}"
