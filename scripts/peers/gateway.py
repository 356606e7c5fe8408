"""Steps of gateway.sh: configure PLACE PROGRAM | serve PLACE PROGRAM | enter PLACE PROGRAM LINK

`configure` writes the configuration of a gateway in front of the test's providers. `serve` runs it and prints the control plane's URL when it
answers. `enter` enters a system, its rules and its keys over the API, and prints what the tests have to know as NAME=value.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_SECONDS = 30
CONFIGURATION = "gateway.toml"
PURPOSES = ["loan-support", "letter-drafting"]
# A model that has an upstream and that no rule permits.
FORBIDDEN_MODEL = "wire-forbidden"
RULES = """
@id("tests")
permit (principal, action, resource)
unless { resource == Model::"wire-forbidden" };
"""


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def configure(place, _program):
    upstreams = {
        "katan": ("openai", os.environ["ECHO_URL"], ["echo"]),
        "claude": ("anthropic", os.environ["ECHO_URL"], ["echo-claude"]),
        "of-chats": ("openai", os.environ["ECHO_URL"], ["echo-of-chats"]),
        "of-messages": ("anthropic", os.environ["ECHO_URL"], ["echo-of-messages"]),
        "replay": ("openai", os.environ["REPLAY_URL"], ["wire-small", FORBIDDEN_MODEL]),
        "replay-claude": ("anthropic", os.environ["REPLAY_URL"], ["wire-claude"]),
        "real": ("openai", os.environ["REAL_URL"], ["smollm2-135m-instruct"]),
    }
    text = [f'[console]\nlisten = "{free_address()}"\n\n[gateway]\nlisten = "{free_address()}"\n']
    for name, (api, url, models) in upstreams.items():
        if url:
            text.append(f'\n[upstream.{name}]\napi = "{api}"\nbase_url = "{url}"\nmodels = {json.dumps(models)}\nkey_env = "PROVIDER_KEY"\n')
        if url and name.startswith("of-"):
            text.append("translate = true\n")
    (place / CONFIGURATION).write_text("".join(text))


def addresses(place):
    """(control plane, gateway), as configured."""
    lines = [line for line in (place / CONFIGURATION).read_text().splitlines() if line.startswith("listen = ")]
    return ["http://" + line.split('"')[1] for line in lines]


def serve(place, program):
    control, _ = addresses(place)
    server = subprocess.Popen(["tabellion", "serve", "--dir", program, "--config", place / CONFIGURATION])
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    end = time.monotonic() + READY_SECONDS
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{control}/readyz", timeout=5).close()
            print(control, flush=True)
            break
        except OSError:
            time.sleep(0.05)
    sys.exit(server.wait())


class Api:
    """The control plane, as somebody who is signed in."""

    def __init__(self, url, link):
        self.url, self.headers = url, {"content-type": "application/json"}
        session = self.ask("POST", "session", {"link": link.split("#link=")[1], "for": "program"})
        self.headers["authorization"] = f"Bearer {session['token']}"

    def ask(self, method, path, body):
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", json.dumps(body).encode(), self.headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def enter(place, program, link):
    control, gateway = addresses(place)
    api = Api(control, json.loads(link)["url"])
    system = api.ask("POST", "systems", {"name": "Tests of the SDK", "purposes": PURPOSES, "capture": "masked", "capture_reason": "tests"})["result"]["id"]
    api.ask("POST", f"systems/{system}/stage", {"stage": "live", "reason": "its tests begin"})
    api.ask("PUT", "policies/tests", {"text": RULES, "note": "what the tests need"})
    keys = [
        api.ask("POST", f"systems/{system}/keys", {"name": name, "purposes": PURPOSES[:1]})["result"] for name in ("tests", "revoked")
    ]
    api.ask("POST", f"keys/{keys[1]['key']['id']}/revoke", {"reason": "the tests want a key that has ended"})
    for name, value in {
        "BASE_URL": f"{gateway}/v1",
        "API_KEY": keys[0]["secret"],
        "REVOKED_KEY": keys[1]["secret"],
        "FORBIDDEN_MODEL": FORBIDDEN_MODEL,
        "FORBIDDEN_PURPOSE": PURPOSES[1],
        "CONTROL_URL": control,
        "TRUST_FILE": program / "trust.txt",
    }.items():
        print(f"{name}={value}")


if __name__ == "__main__":
    step, place, program, *rest = sys.argv[1:]
    {"configure": configure, "serve": serve, "enter": enter}[step](Path(place), Path(program), *rest)
