"""Fails when the tree names a clause heading's or control's id of ISO/IEC 42001 that the standard does not have.

Many public lists are wrong: control numbers begin at .2, and A.8.1, A.9.1 or A.10.1 presented as a control is a mistake. Looks at
documents, templates, data and source, without test code, which names wrong ids in order to see them refused.
Prints one line per finding: file, line, the id.
"""

import csv
import re
import subprocess
import sys
from pathlib import Path

CATALOGUE = "crates/model/catalog/iso42001.csv"
ANNEX_A = re.compile(r"(?<![\w.])A\.\d+(?:\.\d+)*(?![\w])")
LOOKED_AT = re.compile(r"\.(rs|md|html|css|toml|csv|json|jsonl|js|mjs|txt)$")
# The third column of the crosswalk names places of other frameworks, some of which look alike; its first is checked by a test in Rust.
SKIPPED = {"crates/model/catalog/crosswalk.csv"}
TEST_CODE = re.compile(r"(^|/)(tests?|e2e)/.*\.(rs|mjs|js|py)$")


def known_ids(path):
    with open(path, encoding="utf-8", newline="") as table:
        return {row["ref"] for row in csv.DictReader(table)}


def findings(path, text, known):
    """Findings about one file; `path` is relative to the root, with forward slashes."""
    for number, line in enumerate(text.splitlines(), 1):
        if path.endswith(".rs") and line.startswith("#[cfg(test)]"):
            return
        for found in ANNEX_A.findall(line):
            if found not in known:
                yield f"{path}:{number}: {found} is no control or objective of ISO/IEC 42001 ({CATALOGUE} has them)"


def main():
    known = known_ids(CATALOGUE)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    found, looked_at = [], 0
    for path in filter(None, listed.stdout.split("\0")):
        if path in SKIPPED or TEST_CODE.search(path) or not LOOKED_AT.search(path) or not Path(path).is_file():
            continue
        looked_at += 1
        found += findings(path, Path(path).read_text(encoding="utf-8"), known)
    print("\n".join(found) if found else f"references: {looked_at} files hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
