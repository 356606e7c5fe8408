"""Fails when the tree no longer has the shape that ARCHITECTURE.md draws.

Arrows between crates, purity of the two pure crates, size of files, a promise (`//!`) at the top of every module.
Prints one line per finding: file, line, what, what to do.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

# Arrows point one way only. A new one is a decision for docs/decisions/.
MAY_USE = {
    "tabellion-tlog": set(),
    "tabellion-model": {"tabellion-tlog"},
    "tabellion-ledger": {"tabellion-tlog", "tabellion-model"},
    "tabellion-app": {"tabellion-tlog", "tabellion-model", "tabellion-ledger", "tabellion-policy", "tabellion-views"},
    "tabellion-policy": {"tabellion-tlog", "tabellion-model"},
    "tabellion-views": {"tabellion-tlog", "tabellion-model", "tabellion-ledger"},
    "tabellion-guard": set(),
    "tabellion-mask": set(),
    "tabellion-gateway": {
        "tabellion-tlog",
        "tabellion-model",
        "tabellion-ledger",
        "tabellion-guard",
        "tabellion-mask",
        "tabellion-policy",
        "tabellion-views",
    },
    "tabellion": {
        "tabellion-tlog",
        "tabellion-model",
        "tabellion-ledger",
        "tabellion-views",
        "tabellion-gateway",
        "tabellion-app",
        "tabellion-policy",
    },
    "tabellion-testkit": {"tabellion-tlog", "tabellion-model", "tabellion-ledger"},
    "tabellion-bench": {"tabellion-tlog", "tabellion-model", "tabellion-ledger", "tabellion-views", "tabellion-app"},
}
MAX_CRATES = 12  # where splitting starts to cost more than it gives

# What a pure crate may not name: files, network, clock, environment, threads that outlive a call, randomness.
PURE = {"tlog", "model", "mask", "guard"}
IMPURE = re.compile(
    r"\bstd::(fs|net|env|process|os)\b|\b(SystemTime|Instant)::now\b|\bstd::thread::(spawn|sleep)\b"
    r"|\b(getrandom|rand|tokio|rustix)::"
)
MAX_LINES = 600  # a file has one reason to change; past this it has several


def arrows(packages):
    """Findings about the crates as `cargo metadata` describes them."""
    crates = [package for package in packages if package["name"] != "tabellion-bench"]  # measures the product, is no part of it
    if len(crates) > MAX_CRATES:
        yield f"Cargo.toml: {len(crates)} crates, {MAX_CRATES} at most: fold one into its only user"
    names = {package["name"] for package in packages}
    for package in packages:
        allowed = MAY_USE.get(package["name"])
        if allowed is None:
            yield f"crates: {package['name']} is in no row of MAY_USE: add its arrows to {Path(__file__).name} and ARCHITECTURE.md"
            continue
        for dependency in package["dependencies"]:
            for_tests = dependency["kind"] == "dev"
            wrong = dependency["name"] in names - allowed - ({"tabellion-testkit"} if for_tests else set())
            if wrong:
                yield f"crates: {package['name']} must not use {dependency['name']}: arrows point one way (ARCHITECTURE.md)"


def product_lines(text):
    """(number, line) of a module without comments and without the unit tests at its end."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#[cfg(test)]"):
            return
        if not line.lstrip().startswith("//"):
            yield number, line


def module(path, text):
    """Findings about one Rust file; `path` is relative to the root, with forward slashes."""
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines, {MAX_LINES} at most: split it where its second reason to change begins"
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#![")), "")
    if not first.startswith("//!"):
        yield f"{path}:1: starts without //!: say what the module promises and what it must never do"
    parts = path.split("/")
    if parts[0] == "crates" and parts[1] in PURE and parts[2] == "src":
        for number, line in product_lines(text):
            found = IMPURE.search(line)
            if found:
                yield f"{path}:{number}: {found.group()} in a pure crate: pass the value in from ledger, app or the program"


def main():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs"], capture_output=True, text=True, check=True
    )
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"], capture_output=True, text=True, check=True
    )
    findings = list(arrows(json.loads(metadata.stdout)["packages"]))
    paths = [path for path in listed.stdout.splitlines() if Path(path).is_file()]
    for path in paths:
        findings += module(path, Path(path).read_text(encoding="utf-8"))
    print("\n".join(findings) if findings else f"layout: {len(paths)} modules hold")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
