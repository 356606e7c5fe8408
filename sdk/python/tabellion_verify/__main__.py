"""`python -m tabellion_verify PATH [--trust FILE] [--keys FILE] [--json]`: the verifier as one command."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from . import Malformed, read_directory, read_trust, verify

_EXIT_CODES = """exit status: 0 everything required holds, 1 something is broken, 2 the file is malformed, 3 nothing is broken but
something required is unknown (no trust file, the issuer is not in it, or a key is not in your key directory)"""
_EXIT_USAGE = 2  # as the other verifiers have it, and argparse

T = TypeVar("T")


def _open(path: Path | None, what: str, read: Callable[[bytes], T]) -> T | None:
    if path is None:
        return None
    try:
        return read(path.read_bytes())
    except (OSError, Malformed) as error:
        print(f"{what} {path} cannot be used: {error}", file=sys.stderr)
        sys.exit(_EXIT_USAGE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tabellion_verify", description=__doc__, epilog=_EXIT_CODES)
    parser.add_argument("path", type=Path, help="the package, receipt, transparent statement or verification run")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="the issuer's trust file, got by another way than PATH")
    parser.add_argument("--keys", type=Path, metavar="FILE", help="your own directory of keys")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args()
    trust = _open(options.trust, "the trust file", read_trust)
    directory = _open(options.keys, "the key directory", read_directory)
    report = verify(_open(options.path, "the file", bytes) or b"", trust, directory)
    print(json.dumps(report.to_json(), indent=1) if options.json else report.to_text(), end="\n" if options.json else "")
    return report.exit_code


def run() -> None:
    """The installed command."""
    sys.exit(main())


if __name__ == "__main__":
    run()
