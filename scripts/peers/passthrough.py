"""Steps of passthrough.sh: passthrough.py PLACE

llm-katan checks the key of each vendor, so that what answers was asked with the gateway's. What its interfaces count has to be on record, what nobody opened has to
stay closed, and its stream for Bedrock, which is no binary stream of events although it says so, has to break off.
"""

import json
import subprocess
import sys
from pathlib import Path

from acknowledged import Notary, ask, free_port, tabellion, wait_for

KEYS = {"vertex": "llm-katan-vertexai-key", "bedrock": "llm-katan-bedrock-key"}
VERTEX = "/v1/projects/p/locations/eu/publishers/google/models/echo-v:generateContent"
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "What grows in pots?"}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "What grows in pots?"}]}]}
UNTIL_DAYS = 30


def katan(place):
    port = free_port()
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("llm-katan")),
            *("--model", "echo", "--backend", "echo", "--providers", "vertexai,bedrock", "--validate-keys"),
            *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--disable-dashboard"),
            *("--stats-file", str(place / "stats.json")),
        ],
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    wait_for("llm-katan", lambda: ask(f"{url}/health").status == 200 or server.poll() is not None)
    assert server.poll() is None, "llm-katan does not start"
    return server, url


def configuration(gateway, url, place):
    text = f'[gateway]\nlisten = "{gateway}"\n'
    for api, model in (("vertex", "echo-v"), ("bedrock", "echo-b")):
        key = place / f"{api}.key"
        key.touch(mode=0o600)
        key.write_text(KEYS[api])
        text += f'\n[upstream.{api}]\napi = "{api}"\nbase_url = "{url}"\nmodels = ["{model}"]\nkey_file = "{place / api}.key"\n'
    return text


def second_person(notary):
    told = tabellion("person", "add", "Cleo Diaz", "--role", "compliance-officer", "--dir", notary.directory, "--json").stdout
    link = json.loads(told)["url"].split("#link=")[1]
    session = ask(f"{notary.control}/api/v1/session", "POST", {"link": link, "for": "program"})
    return {"authorization": f"Bearer {session.body['token']}"}


def opened(notary, system, day):
    """Ada asks, Cleo confirms; nothing is open in between."""
    wanted = {"system": system, "class": "passthrough", "until": day, "reason": "its tests"}
    opening = notary.api("openings", "POST", wanted).body["result"]["id"]
    own = notary.api(f"openings/{opening}/confirm", "POST", {"reason": "so it is"})
    assert own.code == "own_work", f"who asked for an opening confirms it: {own.status} {own.body}"
    done = notary.api(f"openings/{opening}/confirm", "POST", {"reason": "so it is"}, second_person(notary))
    assert done.status == 200, f"a second person cannot confirm: {done.body}"
    return opening


def usage_of(notary, got):
    call = notary.api(f"entries/{got.headers['tabellion-entry']}").body["stream"]

    def end():
        # Not merely the newest: the notary probes its guards with calls of its own in between.
        entries = notary.api("entries?type=call.completed&limit=200").body["entries"]
        return next((entry for entry in entries if entry["stream"] == call), None)

    fields = wait_for("the end of a call on record", end)["units"][0]["fields"]
    assert all(guard["outcome"] == "not_run" for guard in fields["guards"]) and fields["guards"], fields["guards"]
    return fields


def main(place):
    server, url = katan(place)
    try:
        gateway = f"127.0.0.1:{free_port()}"
        notary = Notary(place / "notary", place, configuration(gateway, url, place))
        notary.start().person()
        system = notary.api("systems", "POST", {"name": "Tests", "purposes": ["tests"]}).body["result"]["id"]
        notary.api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
        notary.api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
        secret = notary.api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]
        head = {"authorization": f"Bearer {secret}"}

        def call(path, body):
            return ask(f"http://{gateway}{path}", "POST", body, head)

        closed = call(VERTEX, GEMINI)
        assert closed.headers["tabellion-code"] == "opaque_not_enabled", f"nobody opened it: {closed.status} {closed.body}"
        day = subprocess.run(["date", "-u", "-d", f"+{UNTIL_DAYS} days", "+%F"], capture_output=True, text=True, check=True).stdout.strip()
        opening = opened(notary, system, day)

        answer = call(VERTEX, GEMINI)
        assert answer.status == 200 and answer.body["candidates"], f"Vertex: {answer.status} {answer.body}"
        counted = answer.body["usageMetadata"]
        fields = usage_of(notary, answer)
        assert fields["answered"]["usage"]["prompt_tokens"] == counted["promptTokenCount"], f"{fields} and {counted}"

        answer = call("/model/echo-b/converse", CONVERSE)
        assert answer.status == 200 and answer.body["output"], f"Bedrock: {answer.status} {answer.body}"
        fields = usage_of(notary, answer)
        assert fields["answered"]["usage"]["completion_tokens"] == answer.body["usage"]["outputTokens"], fields

        broken = call("/model/echo-b/converse-stream", CONVERSE)
        assert broken.status == 0, f"a stream that is none of frames passes for one: {broken.status} {broken.body}"
        for path, code in (("/model/echo-b/invoke", "unknown_route"), ("/model/echo-v/converse", "unknown_model")):
            refused = call(path, CONVERSE)
            assert refused.headers["tabellion-code"] == code, f"{path}: {refused.status} {refused.body}"

        notary.api(f"openings/{opening}/withdraw", "POST", {"reason": "the tests are over"})
        closed = call(VERTEX, GEMINI)
        assert closed.headers["tabellion-code"] == "opaque_not_enabled", f"it was withdrawn: {closed.status} {closed.body}"
        notary.stop()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
