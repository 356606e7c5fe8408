"""Steps of oidc.sh: oidc.py PLACE

Runs the built program, `tabellion` from PATH, and oidc-provider under Node beside it: its access tokens are taken in place of a key.
"""

import json
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

from acknowledged import Notary, ask, free_port, wait_for
from governed import Provider, nothing

ISSUER = Path(__file__).with_name("oidc") / "issuer.mjs"
SECRET = "only-for-this-test-and-long-enough"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
CLIENT = "loan-agent"


class Issuer:
    """The real one, on one port through its lives; each has other keys."""

    def __init__(self, place):
        self.port, self.log, self.process = free_port(), place / "issuer.txt", None
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        with self.log.open("a") as log:
            command = ["node", str(ISSUER), str(self.port), *ALGORITHMS]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout.readline().strip() == self.url, f"it does not start:\n{self.log.read_text()}"
        return self

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def token(self, algorithm, client=CLIENT, audience="tabellion", seconds=300):
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": SECRET,
            "resource": f"https://{audience}.example/{algorithm}/{seconds}",
            "scope": "call",
        }
        request = urllib.request.Request(f"{self.url}/token", urllib.parse.urlencode(form).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["access_token"]


def gateway(place, issuer):
    """The program; its gateway's address, and the key that stands for the client."""
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    upstream.asked, upstream.meanwhile = [], nothing
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    listen = f"127.0.0.1:{free_port()}"
    configuration = f"""
[gateway]
listen = "{listen}"

[limits]
noise_burst = 100000

[upstream.x]
base_url = "http://127.0.0.1:{upstream.server_port}/v1"
models = ["m"]
"""
    notary = Notary(place / "notary", place, configuration)
    notary.start().person()
    api = notary.api
    system = api("systems", "POST", {"name": "Loans", "purposes": ["tests"], "capture": "masked", "capture_reason": "tests"}).body["result"]["id"]
    api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    rule = f'@id("agent")\npermit (principal, action, resource) when {{ context has agent && context.agent == "corp|{CLIENT}" }};\n'
    api("policies/tests", "PUT", {"text": rule, "note": "tests"})
    secret = api(f"systems/{system}/keys", "POST", {"name": "loan agent", "purposes": ["tests"]}).body["result"]["secret"]
    key = secret.split("_")[1]
    # The client can be written down once its key is there.
    notary.stop()
    settings = notary.configuration
    settings.write_text(
        settings.read_text()
        + f"""
[identity.corp]
issuer = "{issuer.url}"
audiences = ["tabellion"]
again_seconds = 1
refresh_seconds = 2
max_age_seconds = 6

[identity.corp.clients]
{CLIENT} = "{key}"
"""
    )
    notary.start()
    return notary, listen, secret


def main(place):
    issuer = Issuer(place).start()
    notary, listen, secret = gateway(place, issuer)

    def call(bearer):
        body = {"model": "m", "messages": [{"role": "user", "content": "What grows in pots?"}]}
        return ask(f"http://{listen}/v1/chat/completions", "POST", body, {"authorization": f"Bearer {bearer}"})

    def code(got):
        return got.headers.get("tabellion-code") or got.body["error"]["code"]

    try:
        for algorithm in ALGORITHMS:
            token = issuer.token(algorithm)
            got = wait_for(f"a call by a token of {algorithm}", lambda token=token: (got := call(token)).status == 200 and got)
            entry = notary.api(f"entries/{got.headers['tabellion-entry']}").body
            caller = entry["units"][0]["fields"]["caller"]
            assert caller["agent"] == f"corp|{CLIENT}" and "person" not in caller, caller
            assert caller["proof"]["by"] == "corp" and len(caller["proof"]["sha256"]) == 64, caller
            assert all(part not in json.dumps(entry) for part in token.split(".")), "a record holds a part of a token"
        got = call(secret)
        assert (got.status, code(got)) == (403, "policy_denied"), f"a key alone passes for the agent: {got.status} {got.body}"
        for what, token in [
            ("another audience", issuer.token("ES256", audience="elsewhere")),
            ("another client", issuer.token("ES256", client="stranger")),
            ("too long a life", issuer.token("ES256", seconds=10 * 24 * 3600)),
            ("another signature", issuer.token("ES256")[:-4] + "AAAA"),
        ]:
            got = call(token)
            assert (got.status, code(got)) == (401, "invalid_api_key"), f"{what}: {got.status} {got.body}"

        old = issuer.token("RS256")
        issuer.stop()
        issuer.start()
        new = issuer.token("RS256")
        wait_for("a key that was rotated", lambda: call(new).status == 200)
        got = call(old)
        assert (got.status, code(got)) == (401, "invalid_api_key"), f"a key that is gone: {got.status} {got.body}"

        issuer.stop()
        got = call(new)
        assert got.status == 200, f"an issuer that is down for a moment: {got.status} {got.body}"
        got = wait_for("keys that are too old", lambda: (got := call(new)).status == 503 and got)
        assert code(got) == "identity_unavailable", got.body
        issuer.start()
        fresh = issuer.token("EdDSA")
        wait_for("an issuer that is back", lambda: call(fresh).status == 200)
    finally:
        issuer.stop()
        notary.stop()
    print("tokens of oidc-provider: four algorithms, rotation, outage")


main(Path(sys.argv[1]))
