"""Whom the reader believes: the pins of a trust file, and whether a file was issued under one of them.

Source: docs/formats.md §10. Broken only for a wrong line under a second key of the log or a witness that the trust file names: a
stranger's file can be consistent. A key that a file brings along vouches for
nothing; only a pin does, or a pinned root key that granted it in the log itself.
"""

from dataclasses import dataclass

from . import ed25519
from .faults import Broken
from .note import ED25519, ML_DSA_44, Checkpoint, VerifierKey
from .policy import Policy, judge_quorum
from .report import BROKEN, HOLDS, UNDETERMINED

_ROOT = "/root"


@dataclass(frozen=True)
class Claim:
    """The keys under which a file says it was issued."""

    origin: str
    root: bytes | None = None
    log_key: bytes | None = None
    checkpoint: Checkpoint | None = None


def _pinned(policy: Policy | None, name: str) -> list[bytes]:
    return [key.public for key in policy.logs if key.name == name and key.type == ED25519] if policy else []


def _second_keys(policy: Policy, origin: str) -> list[VerifierKey]:
    return [key for key in policy.logs if key.name == origin and key.type == ML_DSA_44]


def _signs_second(policy: Policy, claim: Claim) -> bool:
    note = claim.checkpoint.note if claim.checkpoint else None
    return note is not None and any(note.is_signed_by(key) for key in _second_keys(policy, claim.origin))


def _hybrid(policy: Policy, claim: Claim) -> tuple[str, str]:
    """What the log's second, post-quantum signature says. Empty: no key of it is pinned, or there is no checkpoint."""
    keys = _second_keys(policy, claim.origin)
    if not keys or claim.checkpoint is None:
        return HOLDS, ""
    signed = [key for key in keys if claim.checkpoint.note.is_signed_by(key)]
    if not signed:
        return HOLDS, "the log's ML-DSA-44 key, which the trust file pins too, did not sign this checkpoint"
    try:
        for key in signed:
            claim.checkpoint.cosigned_by(key)
    except Broken as error:
        return BROKEN, f"the log's ML-DSA-44 signature: {error}"
    return HOLDS, "the log's ML-DSA-44 signature was checked too"


def pinned_log_keys(policy: Policy | None, origin: str) -> list[bytes]:
    return _pinned(policy, origin)


def pinned_root_keys(policy: Policy | None, origin: str) -> list[bytes]:
    return _pinned(policy, origin + _ROOT)


def judge(policy: Policy | None, claim: Claim) -> tuple[str, str]:
    """The outcome of the check `issuer` and its text."""
    if policy is None:
        return UNDETERMINED, "no trust file was given, so nothing says whose keys these are; get the issuer's by another way"
    logs, roots = pinned_log_keys(policy, claim.origin), pinned_root_keys(policy, claim.origin)
    if not logs and not roots:
        # Where the second key is all that is pinned, its signature alone makes the issuer known.
        if not _signs_second(policy, claim):
            return UNDETERMINED, f"issued under {claim.origin}, and the trust file does not pin that log"
        text = f"the trust file pins the ML-DSA-44 log key of {claim.origin} alone, which signs here"
    elif claim.root in roots:
        text = f"the trust file pins the root key {ed25519.key_id(claim.root or b'')} of {claim.origin}"
    elif roots and claim.root is not None:
        return UNDETERMINED, f"the trust file pins another root key of {claim.origin} than the one in its genesis here"
    elif claim.log_key in logs:
        text = f"the trust file pins the log key {ed25519.key_id(claim.log_key or b'')} of {claim.origin}"
    else:
        return UNDETERMINED, f"the trust file pins other keys of {claim.origin} than those used here; ask the issuer"
    said = [text]
    for outcome, more in (_hybrid(policy, claim), judge_quorum(policy, claim.checkpoint)):
        if outcome != HOLDS:
            return outcome, more
        said.append(more)
    return HOLDS, "; ".join(filter(None, said))


def witnessed(policy: Policy | None, checkpoint: Checkpoint) -> tuple[str, int] | None:
    """The witness by whom the quorum was met, with its time in seconds. None when it is not met, or the trust file asks for nobody."""
    if policy is None or judge_quorum(policy, checkpoint)[0] != HOLDS:
        return None
    return policy.met_by(policy.cosigned(checkpoint))
