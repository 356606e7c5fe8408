"""Steps of mtls.sh: mtls.py PLACE

Runs the built program, `tabellion` from PATH, and asks its gateway over TLS with curl, with the certificates that mtls.sh made.
"""

import json
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from acknowledged import Notary, free_port
from governed import Provider, nothing

NAME = "uri:spiffe://corp.example/loans"


def curl(place, url, name, *more):
    """Status, headers and body of a chat with the certificate `name`; a status of 0 where there was no connection."""
    body = {"model": "m", "messages": [{"role": "user", "content": "What grows in pots?"}]}
    command = ["curl", "-sS", "-D", "-", "--cacert", place / "ours" / "ca.pem", "--json", json.dumps(body), url, *more]
    if name:
        command += ["--cert", place / f"{name}.pem", "--key", place / f"{name}.key"]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if not ran.stdout:
        return 0, {}, ran.stderr
    # Read as text, so that a line ends as Python has it.
    head, _, body = ran.stdout.partition("\n\n")
    lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split()[1]), {key.lower(): value for key, value in headers.items()}, body


def main(place):
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    upstream.asked, upstream.meanwhile = [], nothing
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    listen = f"127.0.0.1:{free_port()}"
    configuration = f"""
[upstream.x]
base_url = "http://127.0.0.1:{upstream.server_port}/v1"
models = ["m"]

[gateway]
listen = "{listen}"
tls_certificate = "{place}/gateway.pem"
tls_key = "{place}/gateway.key"
"""
    (place / "gateway.key").chmod(0o600)
    notary = Notary(place / "notary", place, configuration)
    notary.start().person()
    api = notary.api
    system = api("systems", "POST", {"name": "Loans", "purposes": ["tests"], "capture": "masked", "capture_reason": "tests"}).body["result"]["id"]
    api(f"systems/{system}/stage", "POST", {"stage": "live", "reason": "its tests begin"})
    rule = f'@id("agent")\npermit (principal, action, resource) when {{ context has agent && context.agent == "mtls|{NAME}" }};\n'
    api("policies/tests", "PUT", {"text": rule, "note": "tests"})
    secret = api(f"systems/{system}/keys", "POST", {"name": "loans", "purposes": ["tests"]}).body["result"]["secret"]
    notary.stop()
    with notary.configuration.open("a") as settings:
        settings.write(f'client_ca = "{place}/ours/ca.pem"\n')
        settings.write(f'client_crl = "{place}/clients.crl"\n')
        settings.write(f'client_certificates = "{NAME}={secret.split("_")[1]}"\n')
    notary.start()
    url = f"https://{listen}/v1/chat/completions"

    status, headers, body = curl(place, url, "loans")
    assert status == 200, f"a good certificate: {status} {body}"
    caller = api(f"entries/{headers['tabellion-entry']}").body["units"][0]["fields"]["caller"]
    assert caller["agent"] == f"mtls|{NAME}" and caller["proof"]["kind"] == "certificate", caller
    for name in (None, "revoked", "over", "foreign", "other"):
        upstream.asked = []
        status, _, body = curl(place, url, name)
        assert status in (0, 401), f"a certificate that is {name}: {status} {body}"
        assert upstream.asked == [], f"a certificate that is {name} reached the provider"
    status, _, body = curl(place, url, None, "-H", f"authorization: Bearer {secret}")
    assert status == 403, f"a key alone passes for the agent: {status} {body}"
    notary.stop()
    print("certificates of openssl, asked by curl: good, none, revoked, over, of another authority, of another name")


main(Path(sys.argv[1]))
