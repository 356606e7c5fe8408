"""Steps of passthrough.sh: passthrough.py PLACE

llm-katan checks the key of each vendor, so that what answers was asked with the gateway's: OpenAI, Anthropic, Azure, Vertex, and Bedrock by a key of its own and by
the id of a key of AWS (of a signature it checks no more; aws.py has one checked whole). What its interfaces count has to be on record, what nobody opened has to
stay closed, and its stream for Bedrock, which is no binary stream of events although it says so, has to break off.
"""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from acknowledged import Notary, ask, free_port, tabellion, wait_for

# Which of llm-katan's keys is whose, and what its configuration says besides.
KEYS = {
    "openai": "llm-katan-openai-key",
    "anthropic": "llm-katan-anthropic-key",
    "azure": "llm-katan-azure-key",
    "azure-deployed": "llm-katan-azure-key",
    "vertex": "llm-katan-vertexai-key",
    "bedrock": "llm-katan-bedrock-key",
}
SETTINGS = {
    "openai": ("openai", "/v1", ""),
    "anthropic": ("anthropic", "/v1", ""),
    "azure": ("openai", "/openai/v1", 'auth = "azure_api_key"\n'),
    "azure-deployed": ("openai", "/openai/deployments/echo-azure-deployed", 'auth = "azure_api_key"\napi_version = "2024-10-21"\n'),
    "vertex": ("vertex", "", ""),
    "bedrock": ("bedrock", "", ""),
}
# What llm-katan compares of a signature is the id of its key.
SIGNED = """
[upstream.signed]
api = "bedrock"
base_url = "{url}"
models = ["echo-signed"]
auth = "aws_sigv4"
aws_region = "eu-central-1"
aws_access_key_id_file = "{place}/bedrock.key"
aws_secret_access_key_file = "{place}/secret.key"
"""
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
VERTEX = "/v1/projects/p/locations/eu/publishers/google/models/echo-vertex:generateContent"
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "What grows in pots?"}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "What grows in pots?"}]}]}
CHAT = [{"role": "user", "content": "What grows in pots?"}]
UNTIL_DAYS = 30


def katan(place):
    port = free_port()
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("llm-katan")),
            *("--model", "echo", "--backend", "echo", "--providers", "openai,anthropic,azure_openai,vertexai,bedrock", "--validate-keys"),
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
    for name, key in (*KEYS.items(), ("secret", SECRET)):
        (place / f"{name}.key").touch(mode=0o600)
        (place / f"{name}.key").write_text(key)
    for name, (api, path, more) in SETTINGS.items():
        text += f'\n[upstream.{name}]\napi = "{api}"\nbase_url = "{url}{path}"\nmodels = ["echo-{name}"]\nkey_file = "{place / name}.key"\n{more}'
    return text + SIGNED.format(url=url, place=place)


def second_person(notary):
    told = tabellion("person", "add", "Cleo Diaz", "--role", "compliance-officer", "--dir", notary.directory, "--json").stdout
    link = json.loads(told)["url"].split("#link=")[1]
    session = ask(f"{notary.control}/api/v1/session", "POST", {"link": link, "for": "program"})
    return {"authorization": f"Bearer {session.body['token']}"}


def opened(notary, system, routes="passthrough"):
    """Ada asks, Cleo confirms; nothing is open in between."""
    until = (datetime.now(timezone.utc) + timedelta(days=UNTIL_DAYS)).date()
    wanted = {"system": system, "class": routes, "until": str(until), "reason": "its tests"}
    opening = notary.api("openings", "POST", wanted).body["result"]["id"]
    own = notary.api(f"openings/{opening}/confirm", "POST", {"reason": "so it is"})
    assert own.code == "own_work", f"who asked for an opening confirms it: {own.status} {own.body}"
    done = notary.api(f"openings/{opening}/confirm", "POST", {"reason": "so it is"}, second_person(notary))
    assert done.status == 200, f"a second person cannot confirm: {done.body}"
    return opening


def usage_of(notary, got):
    fields = notary.end_of(got.headers["tabellion-record"])
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
        opening = opened(notary, system)

        answer = call(VERTEX, GEMINI)
        assert answer.status == 200 and answer.body["candidates"], f"Vertex: {answer.status} {answer.body}"
        counted = answer.body["usageMetadata"]
        fields = usage_of(notary, answer)
        assert fields["answered"]["usage"]["prompt_tokens"] == counted["promptTokenCount"], f"{fields} and {counted}"

        for model in ("echo-bedrock", "echo-signed"):
            answer = call(f"/model/{model}/converse", CONVERSE)
            assert answer.status == 200 and answer.body["output"], f"Bedrock: {answer.status} {answer.body}"
            fields = usage_of(notary, answer)
            assert fields["answered"]["usage"]["completion_tokens"] == answer.body["usage"]["outputTokens"], fields
        assert answer.body["_sigv4"]["region"] == "eu-central-1", f"a key of AWS was sent as another: {answer.body}"

        for name in ("openai", "azure", "azure-deployed"):
            answer = call("/v1/chat/completions", {"model": f"echo-{name}", "messages": CHAT})
            assert answer.status == 200 and answer.body["choices"], f"{name}: {answer.status} {answer.body}"
        answer = call("/v1/messages", {"model": "echo-anthropic", "max_tokens": 100, "messages": CHAT})
        assert answer.status == 200 and answer.body["content"], f"Anthropic: {answer.status} {answer.body}"

        broken = call("/model/echo-bedrock/converse-stream", CONVERSE)
        assert broken.status == 0, f"a stream that is none of frames passes for one: {broken.status} {broken.body}"
        for path, code in (("/model/echo-bedrock/invoke", "unknown_route"), ("/model/echo-vertex/converse", "unknown_model")):
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
