"""A running notary for the tests of the client: `tabellion` from PATH, in a directory of its own."""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

WITHIN_S = 60.0
PROGRAM = shutil.which("tabellion")


def wait_for(what: str, done: Callable[[], Any], seconds: float = WITHIN_S) -> Any:
    end = time.monotonic() + seconds
    while not (found := done()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.05)
    return found


class Notary:
    """`tabellion serve`, a system and its API key."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="tabellion-client-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (self.place / "tabellion.toml").write_text(f'[console]\nlisten = "127.0.0.1:{self.port}"\n')
        self.log = self.place / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.run("init", "--dir", self.log, "--env", "sandbox", "--config", self.place / "tabellion.toml")
        self.start()
        self.token = ""
        told = json.loads(self.run("person", "add", "Ada Lovelace", "--role", "administrator", "--dir", self.log, "--json"))
        link = told["url"].split("#link=")[1]
        self.token = self.ask("session", {"link": link, "for": "program"})["token"]
        self.system = self.ask("systems", {"name": "Loan support", "purposes": ["tests"]})["result"]["id"]
        self.key = self.ask(f"systems/{self.system}/keys", {"name": "tests", "purposes": ["tests"]})["result"]["secret"]

    def run(self, *arguments: Any) -> str:
        ran = subprocess.run([PROGRAM or "tabellion", *map(str, arguments)], capture_output=True, text=True, check=False)
        if ran.returncode:
            raise AssertionError(f"tabellion {arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def start(self) -> None:
        command = [PROGRAM or "tabellion", "serve", "--dir", str(self.log), "--config", str(self.place / "tabellion.toml")]
        with (self.place / "serve.txt").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        wait_for("the server", self._is_up)

    def _is_up(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"the server does not start:\n{(self.place / 'serve.txt').read_text()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
            return True
        return False

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(WITHIN_S)
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    def ask(self, path: str, body: Any = None) -> Any:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self.token}"} if self.token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers, method="GET" if data is None else "POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error

    def source(self, source: str) -> Any:
        return self.ask(f"sources/{source}")

    def names(self) -> list[str]:
        """Names of every event that is in the log, oldest first."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = self.ask(f"entries?limit=200{before}")
            found += page["entries"]
            if not page["next"]:
                break
            before = f"&before={page['next']}"
        events = [one["index"] for one in reversed(found) if one.get("type") == "event.captured"]
        return [self.ask(f"entries/{index}")["units"][0]["fields"]["name"] for index in events]
