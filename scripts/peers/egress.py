"""A network of applications, the gateway between it and a provider, and the rules of examples/egress: inside the namespaces that egress.sh makes."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from acknowledged import Notary, ask, wait_for

GATEWAY = "10.77.1.1:8088"
PROVIDER = "10.77.2.2:8090"
RULES = "examples/egress/nftables.conf"
# Longest wait for an answer that does not come.
SILENCE_SECONDS = 3


class Provider(BaseHTTPRequestHandler):
    """A model beyond the gateway; it says who asked."""

    def do_GET(self):
        self.say({"asked": self.server.asked})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(self.client_address[0])
        choice = {"index": 0, "message": {"role": "assistant", "content": "Kumquats."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        self.say({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage})

    def say(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def provide(address):
    host, port = address.split(":")
    server = ThreadingHTTPServer((host, int(port)), Provider)
    server.asked = []
    threading.Thread(target=sys.stdin.read, daemon=True).start()
    server.serve_forever()


def from_application(url, body=None, key="none"):
    """One request out of the applications' network: its status; 0: nothing came back."""
    code = (
        "import json, sys; sys.path.insert(0, 'scripts/peers'); from acknowledged import ask; "
        "url, body, key, wait = sys.argv[1:]; "
        "got = ask(url, 'POST' if body else 'GET', json.loads(body or 'null'), {'authorization': 'Bearer ' + key}, int(wait)); print(got.status)"
    )
    text = json.dumps(body) if body else ""
    command = ["ip", "netns", "exec", "applications", sys.executable, "-B", "-c", code, url, text, key, str(SILENCE_SECONDS)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def resolves():
    """Whether a query for a name gets out of the applications' network."""
    code = (
        "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(int(sys.argv[1])); s.sendto(b'who', ('10.77.2.2', 53))\n"
        "try:\n print(s.recv(9).decode())\nexcept OSError:\n print('')"
    )
    command = ["ip", "netns", "exec", "applications", sys.executable, "-B", "-c", code, str(SILENCE_SECONDS)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "here"


def main(place):
    outside = ["ip", "netns", "exec", "outside", sys.executable, "-B"]
    answering = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.77.2.2', 53))\nwhile True: s.sendto(b'here', s.recvfrom(9)[1])"
    beyond = [subprocess.Popen([*outside, __file__, "provider"], stdin=subprocess.PIPE), subprocess.Popen([*outside, "-c", answering])]
    try:
        tried(place)
    finally:
        for process in beyond:
            process.kill()
            process.wait()


def tried(place):
    settings = f"""
[gateway]
listen = "{GATEWAY}"

[upstream.x]
base_url = "http://{PROVIDER}/v1"
models = ["m"]
"""
    notary = Notary(place / "notary", place, settings)
    notary.start().person()
    system = notary.api("systems", "POST", {"name": "Tests", "purposes": ["tests"]}).body["result"]["id"]
    notary.api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    notary.api("policies/tests", "PUT", {"text": '@id("all")\npermit (principal, action, resource);\n', "note": "tests"})
    key = notary.api(f"systems/{system}/keys", "POST", {"name": "tests", "purposes": ["tests"]}).body["result"]["secret"]
    asked = {"model": "m", "messages": [{"role": "user", "content": "What grows in pots?"}]}
    direct, governed = f"http://{PROVIDER}/v1/chat/completions", f"http://{GATEWAY}/v1/chat/completions"
    wait_for("the provider", lambda: ask(f"http://{PROVIDER}/").status == 200)

    def reached():
        return ask(f"http://{PROVIDER}/").body["asked"]

    # Without the rules the way is open: what is tried below can succeed.
    assert from_application(direct, asked) == 200, "a direct call fails before there is a rule against it: this would prove nothing"
    assert resolves(), "names do not resolve before there is a rule against it: this would prove nothing"
    subprocess.run(["nft", "-f", RULES], check=True)
    subprocess.run(["nft", "-f", RULES], check=True)
    before = reached()
    assert from_application(direct, asked) == 0, "a direct call went past the gateway"
    assert from_application(f"http://10.77.1.1:{notary.port}/healthz") == 0, "the console is reached from the applications' network"
    assert not resolves(), "a query for a name went past the gateway"
    assert reached() == before, f"a direct call reached the provider: {reached()}"
    assert from_application(governed, asked, key) == 200, "a call through the gateway does not pass"
    assert reached() == [*before, "10.77.2.1"], f"the provider was asked by somebody else than the gateway: {reached()}"
    assert from_application(governed, asked, "tbl_none") == 401, "a call without a key of ours passes"
    calls = notary.api("calls").body["calls"]
    assert len(calls) == 1, f"one call went through the gateway, and on record are {len(calls)}"
    found(notary)
    notary.stop()
    print("a direct call, a query for a name and the console are out of reach; a call through the gateway passes and is on record")


def found(notary):
    """The direct call of before the rules is in the provider's own count, and in ours it is not."""
    unknown = notary.api("inventory/unknown")
    if unknown.status == 404:
        return
    assert unknown.body["inventory_approved"] is False, unknown.body
    assert [one["model"] for one in unknown.body["unknown"]] == ["m"], unknown.body


if __name__ == "__main__":
    if sys.argv[1] == "provider":
        provide(PROVIDER)
    else:
        main(Path(sys.argv[1]))
