"""Fails when the tree says something that we cannot keep, or something true of one machine only.

Looks at every text file that git knows or could know: documents, templates, scripts, and source, where a string literal
can end up on a page. A line may name a forbidden word when it also says never or not.
Prints one line per finding: file, line, what, the text.
"""

import re
import subprocess
import sys
from pathlib import Path

# Status is computed and stated as what is evidenced. Whether a law or a standard is met is for others to say.
CLAIM = re.compile(
    r"\b(compliant|certified|guarantee(s|d)? compliance|tamper[- ]?proof|unhackable|bullet[- ]?proof|military[- ]grade)\b",
    re.IGNORECASE,
)
DENIED = re.compile(r"\b(never|not|no|nor|cannot|neither)\b|n't\b|forbid", re.IGNORECASE)

ONE_MACHINE = re.compile(r"(?<![\w.~-])/(home|Users|root|work)/[\w.-]+")
PRIVATE_REGISTRY = re.compile(r'"resolved":\s*"[a-z+]+:|^\s*registry\s*=|index-url|--extra-index|^\[source\.', re.IGNORECASE)
REGISTRY_FILES = {"package-lock.json", ".npmrc", "pip.conf", "config.toml"}

# Not ours to word, or the list of the words itself.
SKIPPED = {"LICENSE", "scripts/check-claims.py", "scripts/test/test_check_claims.py"}
# Test code may name a word to look for it in what we hand out; nobody is shown it. Golden files are what we hand out.
TEST_CODE = re.compile(r"/tests?/.*\.(rs|mjs|js|py)$")


def findings(path, text):
    """Findings about one file; `path` is relative to the root, with forward slashes."""
    name = path.rsplit("/", 1)[-1]
    for number, line in enumerate(text.splitlines(), 1):
        shown = line.strip()[:100]
        if CLAIM.search(line) and not DENIED.search(line) and not TEST_CODE.search(path):
            yield f"{path}:{number}: a claim we do not make (say what is evidenced): {shown}"
        if ONE_MACHINE.search(line):
            yield f"{path}:{number}: a path of one machine: {shown}"
        if name in REGISTRY_FILES and PRIVATE_REGISTRY.search(line):
            yield f"{path}:{number}: names a package registry's host; leave it to the machine's settings: {shown}"


def main():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    found, looked_at = [], 0
    for path in filter(None, listed.stdout.split("\0")):
        if path in SKIPPED or not Path(path).is_file():
            continue
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary golden file
        looked_at += 1
        found += findings(path, text)
    print("\n".join(found) if found else f"wording: {looked_at} files hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
