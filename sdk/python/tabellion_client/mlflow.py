"""Writes what a verifier found back to the MLflow run that the evidence is about, as tags.

    tabellion verify run.receipt --trust trust.txt --json > report.json
    python -m tabellion_client.mlflow report.json --evidence run.receipt --tracking http://127.0.0.1:5000 --run RUN_ID

Promises: the tags say no more than the report, each aspect apart; what was not checked is written as that. Must never: tag a run by a report that cannot be read,
or say that a tag is there which the server did not take. Standard library only, over MLflow's REST API (`runs/set-tag`, `runs/get`).
"""

import argparse
import base64
import hashlib
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PREFIX = "tabellion."
TIMEOUT_S = 30.0
MAX_REPORT_BYTES = 16 << 20
MAX_ANSWER_BYTES = 4 << 20
_FORMAT = "tabellion.report/1"
_VERDICTS = ("holds", "broken", "malformed", "undetermined")
_FACTS = ("log", "index", "first", "count", "size")


class TagsRefused(Exception):
    """The tracking server did not take a tag, or does not show it."""


def tags_of(report: dict[str, Any], evidence: bytes | None = None) -> dict[str, str]:
    """The tags of a report (docs/formats.md §12). `evidence`: the file that it is about, whose SHA-256 is told. Raises ValueError for what is no report."""
    aspects = report.get("aspects")
    if report.get("format") != _FORMAT or report.get("verdict") not in _VERDICTS or not isinstance(aspects, list):
        raise ValueError(f"this is no report of the form {_FORMAT}")
    tags = {"verdict": str(report["verdict"]), "subject": str(report.get("subject", ""))}
    for row in aspects:
        tags["aspect." + str(row["aspect"]).replace(" ", "_")] = str(row["outcome"])
    facts = report.get("facts", {})
    tags |= {f"evidence.{name}": str(facts[name]) for name in _FACTS if name in facts}
    if evidence is not None:
        tags["evidence.sha256"] = hashlib.sha256(evidence).hexdigest()
    return {PREFIX + name: value for name, value in sorted(tags.items())}


def _authorization() -> dict[str, str]:
    """As MLflow's own clients are given it: a token, or a name and a password."""
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    name, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if name and password:
        return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
    return {}


def _ask(url: str, body: dict[str, str] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **_authorization()}
    request = urllib.request.Request(url, data, headers, method="GET" if data is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read(MAX_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        raise TagsRefused(f"{url}: {error.code} {error.read(2000).decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise TagsRefused(f"{url}: {error}") from error


def write_tags(tags: dict[str, str], tracking: str, run: str) -> None:
    """Sets the tags of a run, and reads them back. Raises TagsRefused when one is not there afterwards; those before it may be."""
    if not tracking.startswith(("http://", "https://")):
        raise ValueError(f"{tracking!r} is no address of a tracking server like http://127.0.0.1:5000")
    api = tracking.rstrip("/") + "/api/2.0/mlflow/runs/"
    for key, value in tags.items():
        _ask(api + "set-tag", {"run_id": run, "key": key, "value": value})
    answer = _ask(api + "get?" + urllib.parse.urlencode({"run_id": run}), None)
    try:
        there = {row["key"]: row["value"] for row in answer["run"]["data"].get("tags", [])}
    except (KeyError, TypeError) as error:
        raise TagsRefused(f"{api}get: answers in another form than MLflow's") from error
    if missing := [key for key, value in tags.items() if there.get(key) != value]:
        raise TagsRefused(f"run {run}: the server took {missing[0]} and does not show it")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tabellion_client.mlflow", description="Write a verifier's findings back to an MLflow run as tags.")
    parser.add_argument("report", type=Path, help="report of `tabellion verify --json`")
    parser.add_argument("--evidence", type=Path, help="the file that was verified; its SHA-256 is told")
    parser.add_argument("--tracking", required=True, metavar="URL", help="the tracking server")
    parser.add_argument("--run", required=True, metavar="RUN_ID", help="the run")
    given = parser.parse_args(arguments)
    try:
        if given.report.stat().st_size > MAX_REPORT_BYTES:
            raise ValueError(f"{given.report} is larger than any report")
        report = json.loads(given.report.read_bytes())
        if not isinstance(report, dict):
            raise ValueError(f"{given.report} is no report")
        tags = tags_of(report, given.evidence.read_bytes() if given.evidence else None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{given.report}: {error}", file=sys.stderr)
        return 2
    try:
        write_tags(tags, given.tracking, given.run)
    except (TagsRefused, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for key, value in tags.items():
        print(f"{key} = {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
