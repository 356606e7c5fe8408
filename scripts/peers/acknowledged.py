"""A notary that is made to fail, and a journal of what it acknowledged, kept outside of it.

What is sent carries an idempotency key. After every life the journal is held against the log: what was acknowledged is there, once, at its place, and its
receipt verifies; what was not answered is sent again under its key and is there once.
"""

import atexit
import http.client
import json
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

WITHIN_SECONDS = 60
# Receipts that the verifier looks at after each story; all entries are compared by place and id.
RECEIPTS = 12


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, done, seconds=WITHIN_SECONDS):
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return found


def tabellion(*arguments, codes=(0,)):
    ran = subprocess.run(["tabellion", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode in codes, f"tabellion {arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran


class Answer:
    """What came back: a status (0: nothing), the body as JSON where it is one, headers."""

    def __init__(self, status, body=b"", headers=None):
        self.status, self.headers = status, headers or {}
        try:
            self.body = json.loads(body)
        except ValueError:
            self.body = body

    @property
    def code(self):
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def detail(self):
        return str(self.body.get("detail")) if isinstance(self.body, dict) else str(self.body)


def ask(url, method="GET", body=None, headers=None, timeout=20):
    data = None if body is None else json.dumps(body).encode()
    head = {"content-type": "application/json", **(headers or {})} if data else dict(headers or {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, head, method=method), timeout=timeout) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), error.headers)
    except (OSError, http.client.HTTPException):
        return Answer(0)


class Notary:
    """`tabellion serve` over one directory."""

    def __init__(self, directory, logs, settings=""):
        self.directory, self.logs, self.lives, self.process = directory, logs, 0, None
        self.port = free_port()
        self.control = f"http://127.0.0.1:{self.port}"
        self.configuration = logs / "configuration.toml"
        self.configuration.write_text(f'[console]\nlisten = "127.0.0.1:{self.port}"\n{settings}')
        tabellion("init", "--dir", directory, "--env", "sandbox", "--config", self.configuration)
        self.authorization = {}
        atexit.register(self.kill)

    def start(self, prefix=(), ready=True):
        self.lives += 1
        self.said = self.logs / f"serve-{self.lives}.txt"
        with self.said.open("w") as said:
            command = [*prefix, "tabellion", "serve", "--dir", str(self.directory), "--config", str(self.configuration)]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        if ready:
            self.wait_until_ready()
        return self

    def wait_until_ready(self):
        wait_for("the server", lambda: ask(self.control + "/healthz").status == 200 or self.process.poll() is not None)
        assert self.process.poll() is None, f"the server does not start:\n{self.said.read_text()}"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(WITHIN_SECONDS) == 0, f"a stop that is not clean:\n{self.said.read_text()}"

    def person(self):
        """Signs somebody in who may do everything; the session outlives the server."""
        told = tabellion("person", "add", "Ada Lovelace", "--role", "administrator", "--dir", self.directory, "--json").stdout
        link = json.loads(told)["url"].split("#link=")[1]
        session = ask(f"{self.control}/api/v1/session", "POST", {"link": link, "for": "program"})
        assert session.status in (200, 201), session.body
        self.authorization = {"authorization": f"Bearer {session.body['token']}"}

    def api(self, path, method="GET", body=None, headers=None):
        return ask(f"{self.control}/api/v1/{path}", method, body, {**self.authorization, **(headers or {})})

    def end_of(self, call):
        """The record of how a call of the gateway ended, `call` being the id of the record that decided it."""

        def ended():
            told = self.api(f"calls/{call}")
            return told.body["proof"]["ended"] if told.status == 200 else None

        return self.api(f"entries/{wait_for(f'the end of call {call}', ended)['index']}").body["units"][0]["fields"]


class Journal:
    """Requests by their keys, and what was said to them. Each line is on its way to the file before the next request leaves."""

    def __init__(self, path, padding=0):
        self.file, self.padding = path.open("a", buffering=1), padding
        self.lock, self.number = threading.Lock(), 0
        self.sent, self.acknowledged, self.refused = set(), {}, {}

    def next_key(self):
        with self.lock:
            self.number += 1
            key = f"request-{self.number}"
            self.sent.add(key)
            self.file.write(f"sent {key}\n")
            return key

    def post(self, notary, key):
        fields = {"text": key, "padding": "x" * self.padding}
        body = {"kind": "event", "event": {"name": "a fault is near", "fields": fields}}
        answer = notary.api("records", "POST", body, {"idempotency-key": key})
        with self.lock:
            if answer.status == 201:
                self.acknowledge(key, answer)
            elif answer.status:
                assert answer.code, f"{key}: a refusal without a code: {answer.status} {answer.body}"
                self.refused[key] = (answer.status, answer.code, answer.detail)
                self.file.write(f"refused {key} {answer.status} {answer.code}\n")
        return answer

    def acknowledge(self, key, answer):
        place = (int(answer.headers["tabellion-entry"]), answer.headers["tabellion-record"])
        before = self.acknowledged.setdefault(key, place)
        assert before == place, f"{key} was acknowledged at {before} and then at {place}"
        self.file.write(f"acknowledged {key} {place[0]} {place[1]}\n")

    def load(self, notary, clients, until):
        """Sends new requests from so many clients until `until` says so."""

        def client():
            while not until():
                if not self.post(notary, self.next_key()).status:
                    time.sleep(0.005)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        return threads

    def check(self, notary, name):
        """Everything that was acknowledged is there, once, and proves it. The server runs without faults."""
        for key, (index, record) in sorted(self.acknowledged.items()):
            entry = notary.api(f"entries/{index}")
            assert entry.status == 200, f"{name}: {key} was acknowledged as entry {index} and is lost: {entry.body}"
            assert entry.body["record_id"] == record, f"{name}: entry {index} is another record than {key}'s"
        for key in sorted(self.sent):
            answer = self.post(notary, key)
            assert answer.status == 201, f"{name}: {key}, sent again: {answer.status} {answer.body}"
        shown, before = {}, None
        while before is None or before:
            page = notary.api("entries?type=event.captured&limit=200" + (f"&before={before}" if before else "")).body
            for entry in page["entries"]:
                text = entry["units"][0]["fields"]["event"]["text"]
                assert text not in shown, f"{name}: {text} is in the log twice, at {shown[text]} and {entry['index']}"
                shown[text] = entry["index"]
            before = page["next"] or 0
        assert shown.keys() == self.sent, f"{name}: {self.sent ^ shown.keys()} are on one side only"
        # Taken from all over the journal.
        chosen = sorted(self.acknowledged.values())[:: max(1, len(self.acknowledged) // RECEIPTS)]
        for index, _ in chosen:
            receipt = notary.logs / f"{index}.receipt"
            tabellion("log", "prove", index, "--dir", notary.directory, "--out", receipt)
            tabellion("verify", receipt, "--trust", notary.directory / "trust.txt")
            receipt.unlink()
        notary.stop()
        told = tabellion("fsck", notary.directory).stdout
        assert "sound" in told, told
        return f"{len(self.acknowledged)} acknowledged and found"


def last_line(path):
    return re.sub(r"\s+", " ", path.read_text().strip().splitlines()[-1])
