"""Steps of witness.sh: witness.py PLACE PEER

Runs PEER, an independent witness, and logs of ours in PLACE, with `tabellion` from PATH. Fails with the first thing that is not as it must be.
"""

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

NAME = "witness.example/w1"
ORIGIN = "log.example.org/log/acme"
WITHIN_SECONDS = 60
DRAFT = json.dumps({"type": "event.logged", "body": {"n": 1}}) + "\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tabellion(*arguments, code=0):
    ran = subprocess.run(["tabellion", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == code, f"tabellion {arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def wait_for(what, done):
    end = time.monotonic() + WITHIN_SECONDS
    while not done():
        assert time.monotonic() < end, f"waited {WITHIN_SECONDS} s for {what}"
        time.sleep(0.1)


class Served:
    """A running `tabellion serve`."""

    def __init__(self, place, notary):
        self.log = place / "serve.log"
        with self.log.open("w") as log:
            command = ["tabellion", "serve", "--dir", str(notary)]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)

    def __enter__(self):
        wait_for("the server", lambda: "serving the log" in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(WITHIN_SECONDS)


def size_of(notary):
    return json.loads(tabellion("log", "head", "--dir", notary, "--json"))["size"]


def cosigned_size(notary):
    try:
        return int((notary / "log" / "cosigned").read_text().splitlines()[1])
    except (FileNotFoundError, IndexError):
        return 0


def append(place, notary):
    (place / "draft.jsonl").write_text(DRAFT)
    return json.loads(tabellion("record", "--drafts", place / "draft.jsonl", "--json", "--dir", notary))["index"]


def ask(port, path, body=None, session=None):
    """The bytes that the server answers."""
    headers = {"authorization": f"Bearer {session}"} if session else {}
    data = json.dumps(body).encode() if body is not None else None
    headers |= {"content-type": "application/json"} if data else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=WITHIN_SECONDS) as answer:
        return answer.read()


def witnessed_over_http(place, notary, port):
    """An append that waits for the peer names a receipt, and the receipt alone shows to a verifier what the answer says."""
    link = tabellion("person", "add", "Ada", "--role", "administrator", "--dir", notary).split("#link=")[1].split()[0]
    session = json.loads(ask(port, "/api/v1/session", {"link": link, "for": "program"}))["token"]
    record = {"kind": "event", "event": {"name": "n", "fields": {"a": 1}}, "acknowledge": {"level": "witnessed", "within_seconds": 50}}
    made = json.loads(ask(port, "/api/v1/records", record, session))
    acknowledged = (made.get("result") or made)["acknowledged"]
    assert acknowledged["met"] is True, f"the peer did not cosign in time: {acknowledged}"
    receipts = {one["level"]: one["receipt"] for one in acknowledged["receipts"]}
    assert set(receipts) == {"included", "witnessed"}, receipts
    for level, path in receipts.items():
        (place / "http.receipt").write_bytes(ask(port, path, session=session))
        trust = place / "trust.txt" if level == "witnessed" else notary / "trust.txt"
        report = json.loads(tabellion("verify", place / "http.receipt", "--trust", trust, "--json"))
        assert level in report["facts"]["levels"], f"{path} shows {report['facts']['levels']}, and was named for {level}"
    print("an append over HTTP waited for mosskeys-witness, and its receipt shows the level by itself")


def start_peer(place, peer, log_keys):
    """The peer's process, its address and its two keys."""
    ran = subprocess.run([peer, "keygen", "--name", NAME, "--out-dir", place / "keys"], capture_output=True, text=True, check=True)
    words = (ran.stdout + ran.stderr).split()
    keys = sorted({word.strip("\"',`") for word in words if word.strip("\"',`").startswith(NAME + "+")}, key=len)
    assert len(keys) == 2, f"two verifier keys in\n{ran.stdout}{ran.stderr}"
    port = free_port()
    seeds = {"ed25519": None, "mldsa44": None}
    for path in sorted((place / "keys").iterdir()):
        for kind in seeds:
            if kind in path.name and path.name.endswith(".seed"):
                seeds[kind] = path
    config = [f'name = "{NAME}"', f'listen = "127.0.0.1:{port}"', f'state_file = "{place}/state.jsonl"', "[keys]"]
    config += [f'{kind}_seed = "{path}"' for kind, path in seeds.items()]
    config += ["[[log]]", f'origin = "{ORIGIN}"', f"vkeys = {json.dumps(log_keys)}"]
    (place / "witness.toml").write_text("\n".join(config) + "\n")
    log = (place / "peer.log").open("w")
    process = subprocess.Popen([peer, "run", "--config", place / "witness.toml"], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"

    def up():
        assert process.poll() is None, (place / "peer.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for("the peer", up)
    return process, address, keys


def main():
    place, peer = Path(sys.argv[1]), sys.argv[2]
    notary = place / "notary"
    tabellion("init", "--dir", notary, "--origin", ORIGIN)
    trust = (notary / "trust.txt").read_text().splitlines()
    log_keys = [line.split()[1] for line in trust if line.startswith("log ") and "/root+" not in line]
    process, address, keys = start_peer(place, peer, log_keys)
    try:
        story(place, notary, address, keys)
    finally:
        process.terminate()
        process.wait(WITHIN_SECONDS)


def story(place, notary, address, keys):
    lines = [f"witness {name} {key} {address}" for name, key in zip(["classic", "quantum"], keys)]
    (notary / "witnesses.txt").write_text("\n".join([*lines, "group both all classic quantum", "quorum both"]) + "\n")
    port = free_port()
    (notary / "tabellion.toml").write_text(f'[console]\nlisten = "127.0.0.1:{port}"\n[witness]\npolicy = "witnesses.txt"\n')
    with Served(place, notary):
        pass
    shutil.copytree(notary, place / "snapshot", ignore=shutil.ignore_patterns("*.sock"))
    with Served(place, notary):
        for _ in range(3):
            index = append(place, notary)
            wait_for("the peer's cosignatures", lambda index=index: cosigned_size(notary) > index)
        (place / "trust.txt").write_text(tabellion("key", "trust", "--witnessed", "--dir", notary))
        tabellion("log", "prove", index, "--witnessed", "--out", place / "w.receipt", "--dir", notary)
        tabellion("export", "--witnessed", "--out", place / "p.zip", "--dir", notary)
        for what in ["w.receipt", "p.zip"]:
            report = json.loads(tabellion("verify", place / what, "--trust", place / "trust.txt", "--json"))
            said = next(check["detail"] for check in report["checks"] if check["name"] == "issuer")
            assert "classic at" in said and "quantum at" in said, f"both signatures of the peer count: {said}"
        shown = f"{address}/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
        with urllib.request.urlopen(shown) as answer:
            assert answer.read().decode().splitlines()[0] == ORIGIN, "the peer shows our checkpoint to monitors"
        witnessed_over_http(place, notary, port)
        known = cosigned_size(notary)
    print(f"mosskeys-witness cosigned {known} entries with both keys; receipt and package verify")

    # An old copy of the log, started by mistake.
    shutil.rmtree(notary)
    shutil.copytree(place / "snapshot", notary)
    with Served(place, notary) as served:
        assert "ALARM" in served.log.read_text(), served.log.read_text()
        before = size_of(notary)
        refused = subprocess.run(
            ["tabellion", "record", "--drafts", str(place / "draft.jsonl"), "--dir", str(notary)], capture_output=True, text=True, check=False
        )
        assert refused.returncode == 1 and "a witness knows a tree" in refused.stderr, refused.stderr
        assert size_of(notary) == before, "a stopped log signed more"
    print("the old copy was found out by mosskeys-witness and stopped")


main()
