"""A statement that somebody else signed and the log registered: its receipts carry the entry that names it.

Source: docs/formats.md §4.1. The issuer's key is in no file of ours, so the statement's own signature is not checked here.
"""

import hashlib
from dataclasses import dataclass

from . import cose, ed25519, entry, recordtypes, tree, trust
from .cose import Receipt
from .directory import Uses
from .faults import Broken, Malformed
from .policy import Policy
from .record import Record
from .report import BROKEN, HOLDS, UNDETERMINED, Report, micros

REGISTERED = "statement.registered"


@dataclass(frozen=True)
class Registration:
    receipt: Receipt
    record: Record
    leaf: bytes


def is_registered(data: bytes) -> bool:
    """Whether these bytes are of this form: told by the first receipt, which carries an entry."""
    try:
        cose.read_registration(cose.split_registered(data)[1][0])
    except Malformed:
        return False
    return True


def _read(data: bytes) -> Registration:
    receipt, encoded = cose.read_registration(data)
    placed = entry.read(encoded)
    if placed.record is None or placed.signed is not None or placed.record.type != REGISTERED:
        raise Malformed("carries an entry that registers no statement")
    if not recordtypes.is_known(placed.record):
        raise Malformed("carries an entry of a version that is not known")
    return Registration(receipt, placed.record, tree.leaf_hash(encoded))


def judge(report: Report, data: bytes, policy: Policy | None, uses: Uses) -> None:
    """Raises `Malformed` for a form that is not this one."""
    statement, receipts = cose.split_registered(data)
    registrations = [_read(one) for one in receipts]
    first = registrations[0].record
    digest = hashlib.sha256(statement).hexdigest()
    issuer_key = first.facts["issuer_key"]
    report.facts = {"log": first.log, "record_id": first.record_id, "type": first.type}
    report.facts["observed_at (a claim)"] = micros(first.observed_at)
    report.facts["statement_sha256"] = digest
    report.facts["issuer_key (as the log says)"] = issuer_key
    said = f"a statement of somebody else, registered in {first.log}, with {len(registrations)} receipts"
    report.set("form", HOLDS, said)
    pins = {ed25519.key_id(key): key for key in trust.pinned_log_keys(policy, first.log)}
    own = [one for one in registrations if one.receipt.message.iss == first.log == one.record.log]
    pinned = next((one for one in own if one.receipt.message.kid in pins), None)
    key = pins[pinned.receipt.message.kid] if pinned else None
    report.set("issuer", *trust.judge(policy, trust.Claim(first.log, None, key)))
    if not own:
        report.set("receipt", BROKEN, f"no receipt is of {first.log}, the log of the entry that it carries")
    elif pinned is None or key is None:
        report.set("receipt", UNDETERMINED, "the trust file pins no log key of a receipt; a pinned root key is not enough here")
    else:
        _check_receipt(report, pinned, key, digest, uses)
    report.set("statement signature", UNDETERMINED, f"not checked: the issuer's key {issuer_key} is not in this file")


def _check_receipt(report: Report, one: Registration, key: bytes, digest: str, uses: Uses) -> None:
    named = one.record.facts["statement_sha256"]
    message = one.receipt.message
    try:
        if named != digest:
            raise Broken(f"the entry registers the statement {named}, and this one is {digest}")
        if message.sub != one.record.record_id:
            raise Broken(f"the receipt is about {message.sub!r}, not about the record that it carries")
        root = tree.root_of_path(one.leaf, one.receipt.index, one.receipt.size, one.receipt.path)
        message.verify(key, root)
    except Broken as error:
        report.set("receipt", BROKEN, str(error))
        return
    uses.add(message.kid, "log", "receipt")
    report.facts |= {"index": one.receipt.index, "size": one.receipt.size}
    said = f"the entry at {one.receipt.place}, registers this statement, signed by log key {message.kid}"
    report.set("receipt", HOLDS, said)
