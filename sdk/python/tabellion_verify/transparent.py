"""The verifier of a transparent statement: a statement with COSE Receipts of the logs that took it in (RFC 9942).

Source: docs/formats.md §4, §10 (last paragraph) and the order in §12. It carries no key records, so only a pinned log key can
verify a receipt; the actor's own key is in no trust file, and may be in the reader's key directory.
"""

from dataclasses import dataclass, field

from . import cose, ed25519, entry, findings, plans, recordtypes, registered, tree, trust
from .cose import Receipt
from .directory import Directory, Uses
from .entry import Entry
from .faults import Broken, Malformed
from .policy import Policy
from .record import Record
from .report import BROKEN, HOLDS, MALFORMED, UNDETERMINED, Report, micros


@dataclass
class _Run:
    """One run over one statement: what the reader believes, and what is said."""

    report: Report
    policy: Policy | None
    directory: Directory | None
    uses: Uses = field(default_factory=Uses)

    def judge(self, bare: bytes, statement: Entry, record: Record, receipts: list[Receipt]) -> None:
        report = self.report
        report.facts = {"log": record.log, "record_id": record.record_id, "type": record.type}
        report.facts["observed_at (a claim)"] = micros(record.observed_at)
        if record.critical and not recordtypes.is_known(record):
            report.set("form", UNDETERMINED, f"type {record.type} is critical and not known to this verifier; use a newer one")
            return
        report.set("form", HOLDS, f"statement {record.record_id} of {record.log} with {len(receipts)} receipts")
        pins = {ed25519.key_id(key): key for key in trust.pinned_log_keys(self.policy, record.log)}
        own = [one for one in receipts if one.message.iss == record.log]
        pinned = next((one for one in own if one.message.kid in pins), None)
        key = pins[pinned.message.kid] if pinned else None
        report.set("issuer", *trust.judge(self.policy, trust.Claim(record.log, None, key)))
        if not own:
            report.set("receipt", BROKEN, f"no receipt is of the statement's own log {record.log}")
        elif pinned is None or key is None:
            report.set(
                "receipt", UNDETERMINED, "the trust file pins no log key of a receipt; a pinned root key is not enough here"
            )
        else:
            self._check_receipt(bare, record, pinned, key)
        self._check_signature(statement, record)

    def _check_receipt(self, bare: bytes, record: Record, receipt: Receipt, key: bytes) -> None:
        try:
            if receipt.message.sub != record.record_id:
                raise Broken(f"the receipt is about {receipt.message.sub!r}")
            root = tree.root_of_path(tree.leaf_hash(bare), receipt.index, receipt.size, receipt.path)
            receipt.message.verify(key, root)
        except Broken as error:
            self.report.set("receipt", BROKEN, str(error))
            return
        self.uses.add(receipt.message.kid, "log", "receipt")
        self.report.facts |= {"index": receipt.index, "size": receipt.size}
        said = f"the entry at {receipt.place}, signed by log key {receipt.message.kid}"
        self.report.set("receipt", HOLDS, said)

    def _check_signature(self, statement: Entry, record: Record) -> None:
        """By a pinned root key for a key record; for others by a key that the reader's directory holds."""
        name, signed = "statement signature", statement.signed
        kid = signed.kid if signed else ""
        pins = trust.pinned_root_keys(self.policy, record.log) if statement.is_key_record else []
        roots = {ed25519.key_id(key): key for key in pins}
        key = roots.get(kid) or (self.directory.public(kid) if self.directory else None)
        if key is None or signed is None:
            self.report.set(name, UNDETERMINED, f"not checked: key {kid} is not in this file; the log took it in")
            return
        try:
            signed.verify(key)
        except Broken as error:
            self.report.set(name, BROKEN, str(error))
            return
        self.uses.add(kid, "root" if kid in roots else "actor", name)
        self.report.set(name, HOLDS, f"signed with key {kid}")


def verify(data: bytes, policy: Policy | None, directory: Directory | None = None) -> tuple[Report, Uses]:
    subject = "transparent statement"
    run = _Run(Report.planned(subject, plans.SCOPES[subject], plans.TRANSPARENT), policy, directory)
    try:
        if registered.is_registered(data):
            registered.judge(run.report, data, policy, run.uses)
            findings.of_transparent(run.report)
            return run.report, run.uses
        bare, encoded = cose.without_receipts(data)
        statement = entry.read(bare)
        receipts = [cose.read_receipt(one) for one in encoded]
        if statement.record is None:
            raise Malformed("holds no record")
        run.judge(bare, statement, statement.record, receipts)
    except Malformed as error:
        run.report.set("form", MALFORMED, str(error))
    findings.of_transparent(run.report)
    return run.report, run.uses
