"""Whom the reader believes: the pins of a trust file, and whether a file was issued under one of them.

Source: docs/formats.md §10. Broken only for the wrong cosignature of a witness that the trust file names: a stranger's file can
be consistent. A key that a file brings along vouches for
nothing; only a pin does, or a pinned root key that granted it in the log itself.
"""

from dataclasses import dataclass

from . import ed25519
from .note import Checkpoint
from .policy import Policy, judge_quorum
from .report import HOLDS, UNDETERMINED

_ROOT = "/root"


@dataclass(frozen=True)
class Claim:
    """The keys under which a file says it was issued."""

    origin: str
    root: bytes | None = None
    log_key: bytes | None = None
    checkpoint: Checkpoint | None = None


def pinned_log_keys(policy: Policy | None, origin: str) -> list[bytes]:
    return [key.public for key in policy.logs if key.name == origin] if policy else []


def pinned_root_keys(policy: Policy | None, origin: str) -> list[bytes]:
    return [key.public for key in policy.logs if key.name == origin + _ROOT] if policy else []


def judge(policy: Policy | None, claim: Claim) -> tuple[str, str]:
    """The outcome of the check `issuer` and its text."""
    if policy is None:
        return UNDETERMINED, "no trust file was given, so nothing says whose keys these are; get the issuer's by another way"
    logs, roots = pinned_log_keys(policy, claim.origin), pinned_root_keys(policy, claim.origin)
    if not logs and not roots:
        return UNDETERMINED, f"issued under {claim.origin}, and the trust file does not pin that log"
    if claim.root in roots:
        text = f"the trust file pins the root key {ed25519.key_id(claim.root or b'')} of {claim.origin}"
    elif roots and claim.root is not None:
        return UNDETERMINED, f"the trust file pins another root key of {claim.origin} than the one in its genesis here"
    elif claim.log_key in logs:
        text = f"the trust file pins the log key {ed25519.key_id(claim.log_key or b'')} of {claim.origin}"
    else:
        return UNDETERMINED, f"the trust file pins other keys of {claim.origin} than those used here; ask the issuer"
    outcome, quorum = judge_quorum(policy, claim.checkpoint)
    return outcome, "; ".join(filter(None, (text, quorum))) if outcome == HOLDS else quorum


def witnessed(policy: Policy | None, checkpoint: Checkpoint) -> dict[str, int]:
    """Witnesses of a met quorum, each with the time in seconds that it signed. Empty when the trust file asks for none."""
    if policy is None or policy.quorum == "none" or judge_quorum(policy, checkpoint)[0] != HOLDS:
        return {}
    return policy.cosigned(checkpoint)
