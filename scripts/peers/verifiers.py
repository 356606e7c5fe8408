"""The verifiers as the cross-checks ask them: each takes files and gives, for each, its exit status and where it found fault.

An answer is (exit status, ((check, outcome)…), aspects, bounds): the first check that is broken or malformed, which decides
(docs/formats.md §12); without one, every check with its outcome. The aspects are the outcomes of the four of §12.1 and the bounds
what outside clocks say of time (§11.3) and the levels as JSON, both without a fault: how far one looks after a fault is its own affair.

A job is (file, trust file or None) or, for a reader with a key directory, (file, trust file or None, directory).
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "sdk/python"))  # runs from its source: it is meant to be carried along as a folder

import tabellion_verify  # noqa: E402

TIMEOUT_SECONDS = 120  # a verifier that hangs on a damaged file is a finding
FAULTS = ("broken", "malformed")
# All of them refuse a trust file that cannot be read, and then judge nothing.
NO_ANSWER = (2, (("trust file", "malformed"),), None, None)


def outside(bounds, levels):
    """What a verifier says that outside clocks and witnesses prove, among its facts, as text that is equal where they say the same."""
    return json.dumps({"levels": levels, "time_bounds": bounds}, sort_keys=True)


def answer(status, checks, aspects, bounds):
    """`aspects` are rows of the report, or None from a verifier that does not give any; `bounds` is of `outside`."""
    fault = next((check for check in checks if check[1] in FAULTS), None)
    if fault:
        return status, (tuple(fault),), None, None
    outcomes = tuple((row["aspect"], row["outcome"]) for row in aspects) if aspects else None
    return status, tuple(tuple(check) for check in checks), outcomes, bounds


def _rust_one(job):
    path, trust, keys = (*job, None)[:3]
    command = ["tabellion-verify", path, *(["--trust", trust] if trust else []), *(["--keys", keys] if keys else []), "--json"]
    ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS)
    if not ran.stdout:
        return NO_ANSWER if ran.returncode == 2 else (ran.returncode, (), None, None)
    report = json.loads(ran.stdout)
    checks = [(check["name"], check["outcome"]) for check in report["checks"]]
    return answer(ran.returncode, checks, report.get("aspects"), outside(report["facts"].get("time_bounds"), report["facts"].get("levels")))


def rust(jobs):
    """A process for each file: it is what people run."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_rust_one, jobs))


def javascript(jobs):
    """One process for all: node takes longer to start than to verify."""
    lines = "".join("\t".join(part or "" for part in job) + "\n" for job in jobs)
    command = ["node", str(ROOT / "web/verify/test/many.mjs")]
    ran = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=TIMEOUT_SECONDS * 60)
    if ran.returncode:
        raise SystemExit(f"many.mjs failed: {ran.stderr[-2000:]}")
    answers = []
    for line in ran.stdout.splitlines():
        said = json.loads(line)
        given = answer(said["exit"], said["checks"], said["aspects"], outside(said["bounds"], said["levels"]))
        answers.append(given if said["readable"] else NO_ANSWER)
    return answers


@cache
def _policy(trust):
    try:
        return tabellion_verify.read_trust(Path(trust).read_bytes()) if trust else None
    except tabellion_verify.Malformed as error:
        return error


def _python_one(job):
    path, trust, keys = (*job, None)[:3]
    policy = _policy(trust)
    if isinstance(policy, Exception):
        return NO_ANSWER
    directory = tabellion_verify.read_directory(Path(keys).read_bytes()) if keys else None
    report = tabellion_verify.verify(Path(path).read_bytes(), policy, directory)
    checks = [(check.name, check.outcome) for check in report.checks]
    return answer(report.exit_code, checks, report.aspects, outside(report.facts.get("time_bounds"), report.facts.get("levels")))


def python(jobs):
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_python_one, jobs, chunksize=16))


ALL = {"Rust": rust, "JavaScript": javascript, "Python": python}
