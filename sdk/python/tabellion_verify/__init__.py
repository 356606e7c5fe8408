"""A small, independent verifier of Tabellion's evidence: packages, receipts, transparent statements and verification runs.

Written from docs/formats.md, with `cryptography` for Ed25519 and the standard library for everything else. It reads what it is
given and nothing else: no network, no clock, no account.
"""

from . import directory as directories
from . import findings, package, plans, policy, receipt, run, tlogproof, transparent
from .directory import Directory
from .faults import Malformed
from .policy import Policy
from .report import MALFORMED, Check, Report

__all__ = ["Directory", "Malformed", "Policy", "Report", "read_directory", "read_trust", "verify"]

read_trust = policy.read
read_directory = directories.read


def verify(data: bytes, trust: Policy | None = None, directory: Directory | None = None) -> Report:
    """Verifies a package, a receipt, a transparent statement or a verification run, whichever the bytes are. Never raises for bad input.

    `trust` says whom the reader believes; without it the best outcome is undetermined. With `directory` every signing key must
    be one that the reader has registered.
    """
    if data.startswith(b"PK"):
        report, uses = package.verify(data, trust)
    elif data.startswith(tlogproof.FIRST_LINE):
        report, uses = receipt.verify(data, trust)
    elif data.startswith(run.FIRST_LINE):
        report, uses = run.verify(data, trust)
    elif data.startswith(b"\xd2"):
        report, uses = transparent.verify(data, trust, directory)
    else:
        report = Report.planned("unknown file", plans.SCOPES["unknown file"], plans.UNKNOWN)
        report.set("form", MALFORMED, "the file begins like no package, receipt, transparent statement or verification run")
        return report
    if directory:
        plan = plans.KEY_DIRECTORY
        report.checks.append(Check(plan.name, plan.proves, plan.does_not_prove))
        report.set(plan.name, *directory.judge(uses))
        findings.with_directory(report)
    return report
