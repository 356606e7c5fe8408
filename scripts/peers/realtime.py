"""Steps of realtime.sh: realtime.py PLACE

The socket at both ends is the library `websockets`, which the SDK uses as well: it refuses frames that are not as the standard has them. What is said comes through both
ways, is counted, stays closed until two people opened it, and ends at once when the opening is withdrawn.
"""

import json
import sys
import threading
from pathlib import Path

import openai
from acknowledged import Notary, free_port
from passthrough import opened, usage_of
from websockets.sync.server import serve

KEY = "sk-provider-of-conversations-4711"
MODEL = "live-1"
WORDS = ["Herbs ", "grow ", "in ", "pots."]
COUNTED = {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}


class Provider:
    """Answers each wish for a response with its words and what it took."""

    def __init__(self):
        self.heads, self.heard = [], []
        self.port = free_port()
        self.server = serve(self.converse, "127.0.0.1", self.port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def converse(self, socket):
        self.heads.append(socket.request)
        socket.send(json.dumps({"type": "session.created", "session": {"id": "s", "type": "realtime"}}))
        for message in socket:
            asked = json.loads(message)
            self.heard.append(asked)
            if asked["type"] != "response.create":
                continue
            socket.send(json.dumps({"type": "response.created", "response": {"id": "r", "status": "in_progress"}}))
            for word in WORDS:
                delta = {"item_id": "i", "output_index": 0, "content_index": 0, "response_id": "r", "delta": word}
                socket.send(json.dumps({"type": "response.output_text.delta", **delta}))
            socket.send(json.dumps({"type": "response.done", "response": {"id": "r", "status": "completed", "usage": COUNTED}}))


def respond(connection, text):
    """Asks for a response; gives its text and what it took."""
    connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    )
    connection.response.create()
    said = ""
    for event in connection:
        if event.type == "response.output_text.delta":
            said += event.delta
        if event.type == "response.done":
            return said, event.response.usage
    raise AssertionError("the socket ended before the response")


class Opened:
    """What `usage_of` asks of an answer: the entry that permitted the call."""

    def __init__(self, connection):
        self.headers = connection._connection.response.headers


def main(place):
    provider = Provider()
    key = place / "provider.key"
    key.touch(mode=0o600)
    key.write_text(KEY)
    gateway = f"127.0.0.1:{free_port()}"
    settings = f'[gateway]\nlisten = "{gateway}"\n[upstream.live]\nbase_url = "http://127.0.0.1:{provider.port}/v1"\nmodels = ["{MODEL}"]\nkey_file = "{key}"\n'
    notary = Notary(place / "notary", place, settings)
    notary.start().person()
    system = notary.api("systems", "POST", {"name": "Tests", "purposes": ["tests"]}).body["result"]["id"]
    notary.api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    notary.api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
    secret = notary.api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]
    client = openai.OpenAI(api_key=secret, base_url=f"http://{gateway}/v1", websocket_base_url=f"ws://{gateway}/v1")

    def refused(why):
        try:
            with client.realtime.connect(model=MODEL):
                raise AssertionError(f"{why}, and a socket opens")
        except Exception as error:  # noqa: BLE001 of whichever library the SDK stands on
            status = getattr(getattr(error, "response", None), "status_code", None)
            assert status == 403, f"{why}: {error!r}"

    refused("nobody opened it")
    opening = opened(notary, system, "realtime")
    with client.realtime.connect(model=MODEL) as connection:
        for _ in range(2):
            said, usage = respond(connection, "What grows in pots?")
            assert said == "".join(WORDS), f"it came as {said!r}"
            assert usage.total_tokens == COUNTED["total_tokens"], usage
        answer = Opened(connection)
    head = provider.heads[-1].headers
    assert head["Authorization"] == f"Bearer {KEY}", "the client's own key left"
    assert [heard["type"] for heard in provider.heard] == ["conversation.item.create", "response.create"] * 2
    fields = usage_of(notary, answer)
    assert fields["answered"]["usage"] == {"prompt_tokens": 40, "completion_tokens": 20}, fields
    assert fields["conversed"]["responses"] == 2 and fields["conversed"]["unfinished"] == 0, fields
    assert fields["outcome"] == "answered", fields

    with client.realtime.connect(model=MODEL) as connection:
        answer = Opened(connection)
        respond(connection, "And in beds?")
        notary.api(f"openings/{opening}/withdraw", "POST", {"reason": "the tests are over"})
        try:
            respond(connection, "And on roofs?")
            raise AssertionError("it was withdrawn, and the conversation goes on")
        except Exception as error:  # noqa: BLE001
            close = getattr(error, "rcvd", None)
            assert close and (close.code, close.reason) == (1008, "opaque_not_enabled"), repr(error)
    fields = usage_of(notary, answer)
    assert (fields["outcome"], fields["code"]) == ("cut", "opaque_not_enabled"), fields
    refused("it was withdrawn")
    notary.stop()
    print("conversations: open to whom two people opened them, counted, cut and on record")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
