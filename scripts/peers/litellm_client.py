"""Steps of litellm.sh: litellm_client.py PLACE

LiteLLM's own client of its generic guardrail API and the built program ask one guardrail the same. What the program sends has to be what LiteLLM's types read and
LiteLLM itself sends, and it lets nothing through that LiteLLM would stop.
"""

import asyncio
import importlib.metadata
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from governed import CLEAN, Governed, shown
from litellm.exceptions import GuardrailRaisedException
from litellm.proxy.guardrails.guardrail_hooks.generic_guardrail_api.generic_guardrail_api import GenericGuardrailAPI
from litellm.types.proxy.guardrails.guardrail_hooks.generic_guardrail_api import GenericGuardrailAPIRequest

PATH = "/beta/litellm_basic_guardrail_api"
KEY = "a-key-of-the-guardrail"
PROMPT = "What grows in pots?"
REASON = "It speaks of kumquats"
# What the guardrail answers to texts; what LiteLLM makes of it; what the program does.
ANSWERS = [
    (lambda _: (200, {"action": "NONE"}), "same texts", (200, "passed", [])),
    (lambda texts: (200, {"action": "NONE", "blocked_reason": None, "texts": texts, "images": None}), "same texts", (200, "passed", [])),
    (lambda _: (200, {"action": "BLOCKED", "blocked_reason": REASON}), "blocked", (403, "blocked", ["blocked"])),
    # LiteLLM goes on with other texts; here a guard has to be told that it may (`may_edit`, docs/guards.md).
    (lambda texts: (200, {"action": "GUARDRAIL_INTERVENED", "texts": ["*"] * len(texts)}), "other texts", (503, "errored", ["edited"])),
    (lambda _: (503, {"error": "busy"}), "503", (503, "errored", ["status_503"])),
]


class Guardrail(BaseHTTPRequestHandler):
    """Answers as it is told, and notes what it was asked, with the key."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, self.headers["x-api-key"], self.headers["content-type"], asked))
        status, body = self.server.answer(asked["texts"])
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def ours(server):
    """What it was asked about the calls made here: the notary probes its guards with calls of its own in between."""
    return [question for question in server.asked if {PROMPT, CLEAN} & set(question[3]["texts"])]


async def applied(url, asked):
    client = GenericGuardrailAPI(api_base=url, api_key=KEY, guardrail_name="tests")
    try:
        return await client.apply_guardrail(inputs={"texts": asked["texts"], "model": asked["model"]}, request_data={}, input_type=asked["input_type"])
    finally:
        await client.async_handler.close()


def by_litellm(server, asked):
    """What LiteLLM makes of the guardrail's answer when it asks about the same; and what it sent."""
    server.asked.clear()
    try:
        said = asyncio.run(applied(f"http://127.0.0.1:{server.server_port}", asked))
        made = "same texts" if said["texts"] == asked["texts"] else "other texts"
    except GuardrailRaisedException:
        made = "blocked"
    except Exception as error:  # it has no type of its own for an answer that is none
        made = str(error)
    questions = ours(server)
    assert len(questions) == 1, f"LiteLLM asked {len(questions)} times, and made {made!r} of it"
    return made, questions[0]


def same_form(ours, theirs):
    """What the program asked is read by LiteLLM's types, with nothing that they do not know, and says what LiteLLM says."""
    assert ours[:3] == theirs[:3], f"asked otherwise than LiteLLM does: {ours[:3]}, {theirs[:3]}"
    asked = ours[3]
    read = GenericGuardrailAPIRequest.model_validate(asked, strict=True).model_dump(mode="json")
    for name, value in asked.items():
        assert name in GenericGuardrailAPIRequest.model_fields, f"LiteLLM knows no {name}"
        assert read[name] == value == theirs[3][name], f"{name}: {value}, as LiteLLM reads it {read[name]}, as it sends it {theirs[3][name]}"
    needed = [name for name, field in GenericGuardrailAPIRequest.model_fields.items() if field.is_required()]
    assert set(needed) <= asked.keys(), f"LiteLLM needs {needed}, sent were {list(asked)}"


def check(governed, server, answer, litellm, expected):
    server.answer = answer
    server.asked.clear()
    got = governed.call(PROMPT)
    status, outcome, labels = expected
    assert got.status == status, f"{answer([PROMPT])}: {got.status} {shown(got)}"
    questions = ours(server)
    # About the prompt, and when it passes about the answer.
    assert [question[3]["input_type"] for question in questions] == ["request", "response"][: 2 if outcome == "passed" else 1]
    for question, text in zip(questions, [PROMPT, CLEAN]):
        assert text in question[3]["texts"], f"{text!r} was not shown: {question[3]['texts']}"
        made, theirs = by_litellm(server, question[3])
        assert litellm in made, f"LiteLLM makes {made!r} of {answer(question[3]['texts'])}, not {litellm!r}"
        same_form(question, theirs)
    if outcome == "passed":
        governed.ended(got, outcome, [labels])
    else:
        governed.denied(got, outcome, [labels])
        record = governed.notary.api(f"entries/{got.headers['tabellion-entry']}").body
        assert REASON not in shown(got) + json.dumps(record), "free text of a guardrail was taken over"


def changes(place, server, settings):
    """What LiteLLM goes on with is what the program sends, where the guard may have texts changed."""
    (place / "edits").mkdir()
    governed = Governed(place / "edits", "guardrail", "1", settings + "may_edit = true\n")
    server.answer = lambda texts: (200, {"action": "GUARDRAIL_INTERVENED" if PROMPT in texts else "NONE", "texts": [text.replace("pots", "tubs") if text == PROMPT else text for text in texts]})
    server.asked.clear()
    got = governed.call(PROMPT)
    assert got.status == 200 and CLEAN in shown(got), f"a prompt that is changed: {got.status} {shown(got)}"
    assert governed.provider.asked == [PROMPT.replace("pots", "tubs")], governed.provider.asked
    made, _ = by_litellm(server, ours(server)[0][3])
    assert made == "other texts", made
    guard = governed.notary.api(f"entries/{got.headers['tabellion-entry']}").body["units"][0]["fields"]["guards"][0]
    assert (guard["outcome"], guard["found"], guard["edits"]) == ("flagged", ["intervened"], 1), guard
    governed.notary.stop()


def main(place):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Guardrail)
    server.asked, server.answer = [], ANSWERS[0][0]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (place / "guard.key").write_text(KEY + "\n")
    (place / "guard.key").chmod(0o600)
    settings = f'url = "http://127.0.0.1:{server.server_port}{PATH}"\nshape = "litellm"\nkey_file = "{place / "guard.key"}"\ntimeout_ms = 30000\n'
    governed = Governed(place, "guardrail", "1", settings)
    for answer, litellm, expected in ANSWERS:
        check(governed, server, answer, litellm, expected)
    governed.notary.stop()
    changes(place, server, settings)
    version = importlib.metadata.version("litellm")
    print(f"litellm {version}: {len(ANSWERS)} answers; asked as its own client asks, and nothing passes that LiteLLM would stop or change")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
