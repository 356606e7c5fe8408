"""Tests of the verifier alone; against the other verifiers it is tested by scripts/peers/mutations.py."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
GOLDEN = REPOSITORY / "crates/model/tests/golden/packages"
TLOG_GOLDEN = REPOSITORY / "crates/tlog/tests/golden"
