"""What a root log's receipt shows about a checkpoint of one of its shards.

Source: docs/formats.md §10.1 and docs/shards.md. The receipt is judged by the same checks as any other, under the root logs that the reader names.
"""

import hashlib

from . import receipt, shards
from .anchortrust import AnchorTrust
from .certificate import NotChecked
from .evidence import Span
from .faults import Broken, Malformed
from .policy import Policy
from .receipt import Receipt
from .record import Record
from .report import BROKEN, HOLDS, MALFORMED, Report

_CLOCK_SLACK = 1_000_000  # a root log's clock is read once a batch and is kept in step by the network


def check(data: bytes, digest: bytes, trust: AnchorTrust) -> Span:
    """Raises `Broken` or `NotChecked` when the receipt gives no span."""
    try:
        read = receipt.read(data)
    except Malformed as error:
        raise Broken(f"no receipt of a root log: {error}") from error
    if read.anchors:
        raise Broken("the root log's receipt has anchors of its own")
    report, _ = receipt.verify(data, Policy(logs=list(trust.root_logs), quorum="none"))
    verdict = report.verdict
    if verdict in (BROKEN, MALFORMED):
        raise Broken(f"the root log's receipt: {_first(report, verdict)}")
    log, where = _recorded(read, digest).log, f"entry {read.own.index} of"
    if verdict != HOLDS:
        why = _first(report, verdict)
        raise NotChecked(f"{where} {log}; {why}. Ask whoever runs that log for its keys, and add a line #! root-log KEY if you trust it")
    seal = read.seal.placed.entry.seal if read.seal and read.seal.placed.entry else None
    if seal is None:
        raise Broken("the root log's receipt has no seal")
    at = seal.committed_at
    return Span(max(0, at - _CLOCK_SLACK), at + _CLOCK_SLACK, f"commit time of {where} root log {log}", True)


def _recorded(read: Receipt, digest: bytes) -> Record:
    """The receipt's entry, which has to record the checkpoint with this digest, in the log's own word."""
    record = read.entry.record
    is_of_type = record and not read.entry.is_statement and record.type == shards.RECORDED and record.type_version == 1
    facts = record.facts if record and is_of_type and record.facts else None
    if facts is None or record is None or hashlib.sha256(shards.text_of(facts).encode()).digest() != digest:
        raise Broken(f"entry {read.own.index} of the root log is not of this checkpoint")
    if facts["origin"] == record.log:
        raise Broken("the root log vouches for itself")
    return record


def _first(report: Report, outcome: str) -> str:
    """The first required check that came out so."""
    check = next((one for one in report.checks if one.required and one.outcome == outcome), None)
    return f"{check.name}: {check.detail}" if check else outcome
