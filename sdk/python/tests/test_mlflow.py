"""What a verifier found, written back as tags: against a tracking server that is played, and against MLflow's own where `mlflow` is in PATH."""

import contextlib
import http.server
import io
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import tabellion_verify
from tabellion_client import mlflow
from tests import GOLDEN
from tests.notary import wait_for

MLFLOW = shutil.which("mlflow")


def report_of(name: str, trust: str | None = "trust.txt") -> dict[str, Any]:
    policy = tabellion_verify.read_trust((GOLDEN / trust).read_bytes()) if trust else None
    return dict(tabellion_verify.verify((GOLDEN / name).read_bytes(), policy).to_json())


class Played(http.server.BaseHTTPRequestHandler):
    """`runs/set-tag` and `runs/get` of MLflow's REST API, of one run."""

    tags: dict[str, str]
    forgets = ""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body["run_id"] != "r1":
            return self._say(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"})
        if body["key"] != self.forgets:
            self.tags[body["key"]] = body["value"]
        return self._say(200, {})

    def do_GET(self) -> None:
        assert parse_qs(urlsplit(self.path).query) == {"run_id": ["r1"]}
        self._say(200, {"run": {"data": {"tags": [{"key": key, "value": value} for key, value in self.tags.items()]}}})

    def _say(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


class Tags(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)
        self.handler = type("Handler", (Played,), {"tags": {"mlflow.runName": "kept"}})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_tags_say_what_the_report_says_each_aspect_apart(self) -> None:
        """Requirement: R19"""
        evidence = (GOLDEN / "record.receipt").read_bytes()
        known = mlflow.tags_of(report_of("record.receipt"), evidence)
        self.assertEqual((known["tabellion.verdict"], known["tabellion.aspect.signature"], known["tabellion.aspect.time"]), ("holds", "holds", "not checked"))
        self.assertEqual(known["tabellion.evidence.log"], "notary.example/log/demo")
        self.assertEqual(len(known["tabellion.evidence.sha256"]), 64)
        nobody = mlflow.tags_of(report_of("record.receipt", None))
        self.assertEqual(nobody["tabellion.verdict"], "undetermined", "evidence of an unknown log is tagged as good")
        self.assertNotIn("tabellion.evidence.sha256", nobody)
        for wrong in ({}, {"format": "tabellion.report/1"}, report_of("record.receipt") | {"verdict": "certain"}, report_of("record.receipt") | {"format": "x"}):
            with self.assertRaises(ValueError, msg="something that is no report would be written to a run"):
                mlflow.tags_of(wrong)

    def test_tags_are_written_and_read_back(self) -> None:
        """Requirement: R19"""
        tags = mlflow.tags_of(report_of("record.receipt"))
        mlflow.write_tags(tags, self.url + "/", "r1")
        self.assertEqual(self.handler.tags, tags | {"mlflow.runName": "kept"})
        with self.assertRaisesRegex(mlflow.TagsRefused, "no such run"):
            mlflow.write_tags(tags, self.url, "r2")
        self.handler.tags, self.handler.forgets = {}, "tabellion.verdict"  # type: ignore[attr-defined]
        with self.assertRaisesRegex(mlflow.TagsRefused, "does not show it", msg="a tag that is not there is called written"):
            mlflow.write_tags(tags, self.url, "r1")
        with self.assertRaises(ValueError):
            mlflow.write_tags(tags, "file:///tmp/mlruns", "r1")

    def command(self, *arguments: Any) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = mlflow.main([str(argument) for argument in arguments])
        return code, said.getvalue()

    def test_as_a_command_it_ends_as_what_became_of_it(self) -> None:
        report = self.place / "report.json"
        report.write_text(json.dumps(report_of("record.receipt")))
        rest = ("--tracking", self.url, "--run")
        code, said = self.command(report, *rest, "r1", "--evidence", GOLDEN / "record.receipt")
        self.assertEqual((code, self.handler.tags["tabellion.verdict"]), (0, "holds"), said)
        self.assertIn("tabellion.aspect.signature = holds", said)
        self.assertEqual(self.command(report, *rest, "r2")[0], 1, "a run that is not there looks tagged")
        for damaged in ("", "[]", "{}", '{"format":"tabellion.report/1","verdict":"holds","aspects":[1]}'):
            report.write_text(damaged)
            self.assertEqual(self.command(report, *rest, "r1")[0], 2, f"{damaged!r} is taken for a report")
        self.assertEqual(self.command(self.place / "none.json", *rest, "r1")[0], 2)

    @unittest.skipUnless(MLFLOW, "needs the program `mlflow` in PATH")
    def test_mlflow_itself_takes_the_tags(self) -> None:
        """Requirement: R19. A real tracking server with a run of its own."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        store = f"sqlite:///{self.place}/runs.db"
        command = [MLFLOW or "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store, "--workers", "1"]
        server = subprocess.Popen(command, cwd=self.place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait, 60)
        self.addCleanup(server.terminate)

        def is_up() -> bool:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):
                return True
            return False

        wait_for("MLflow's server", is_up, 180.0)
        body = json.dumps({"experiment_id": "0", "run_name": "loan model"}).encode()
        request = urllib.request.Request(f"{url}/api/2.0/mlflow/runs/create", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            run = json.loads(answer.read())["run"]["info"]["run_id"]
        mlflow.write_tags(mlflow.tags_of(report_of("record.receipt")), url, run)
        with self.assertRaises(mlflow.TagsRefused):
            mlflow.write_tags({"tabellion.verdict": "holds"}, url, "0" * 32)


if __name__ == "__main__":
    unittest.main()
