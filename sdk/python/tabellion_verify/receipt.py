"""The verifier of a receipt: what the holder of one entry can show without the log.

Source: docs/formats.md §9 and the order in §12. The key records of a receipt are not all there are: a later revocation shows
in a package only.
"""

from dataclasses import dataclass
from typing import Any

from . import anchors, disclosures, entry, findings, jcs, note, placed, plans, recordtypes, shape, sourcekeys, tlogproof, tree, trust
from .anchortrust import AnchorTrust
from .bounds import Bound
from .directory import Uses
from .entry import Entry
from .faults import Broken, Malformed
from .keys import KeyChain
from .note import Checkpoint
from .placed import Placed
from .policy import Policy
from .report import BROKEN, HOLDS, MALFORMED, NOT_RUN, UNDETERMINED, Problems, Report, micros
from .seals import check_seal

MAX_BYTES = 4 << 20
MAX_KEY_RECORDS = 256


@dataclass(frozen=True)
class SealProof:
    placed: Placed
    batch_path: list[bytes]


def _seal(value: jcs.Json) -> SealProof:
    row = _SEAL(value)
    return SealProof(Placed(row["index"], row["entry"], row["path"]), row["batch_path"])


_SEAL = shape.record(batch_path=shape.hashes, entry=shape.entry, index=shape.natural, path=shape.hashes)
_EXTRA = shape.record(
    anchors=shape.Optional(anchors.read_of_receipt),
    disclosures=shape.list_of(shape.text),
    entry=shape.entry,
    format=shape.exactly("tabellion.receipt/1"),
    keys=placed.read_list,
    seal=shape.Optional(_seal),
)


@dataclass(frozen=True)
class Receipt:
    own: Placed
    checkpoint: Checkpoint
    disclosures: list[str]
    keys: list[Placed]
    seal: SealProof | None
    anchors: list[dict[str, jcs.Json]]

    @property
    def entry(self) -> Entry:
        if self.own.entry is None:
            raise TypeError("a receipt is read with its entry")
        return self.own.entry


def _within(place: str, read: Any, data: bytes) -> Any:
    try:
        return read(data)
    except Malformed as error:
        raise Malformed(f"{place}: {error}") from error


def read(data: bytes) -> Receipt:
    if len(data) > MAX_BYTES:
        raise Malformed("is larger than 4 MiB")
    proof = tlogproof.read(data)
    checkpoint = _within("checkpoint", note.read_checkpoint, proof.checkpoint)
    _within("checkpoint", recordtypes.origin, checkpoint.origin)
    extra = _EXTRA(_within("extra", jcs.read, proof.extra))
    if not 1 <= len(extra["keys"]) <= MAX_KEY_RECORDS:
        raise Malformed(f"brings along no key record or more than {MAX_KEY_RECORDS}")
    own = Placed(proof.index, extra["entry"], proof.path, _within("entry", entry.read, extra["entry"]))
    seal: SealProof | None = extra["seal"]
    if (seal is None) != (own.entry is not None and own.entry.seal is not None):
        raise Malformed("the seal has to be here unless the entry is one itself")
    if seal:
        sealed = _within("seal", entry.read, seal.placed.data)
        if sealed.seal is None:
            raise Malformed("what is brought along as the seal is none")
        seal = SealProof(Placed(seal.placed.index, seal.placed.data, seal.placed.path, sealed), seal.batch_path)
    return Receipt(own, checkpoint, extra["disclosures"], extra["keys"], seal, extra["anchors"] or [])


def verify(data: bytes, policy: Policy | None) -> tuple[Report, Uses]:
    report = Report.planned("receipt", plans.SCOPES["receipt"], plans.RECEIPT)
    uses, witnessed = Uses(), None
    try:
        receipt = read(data)
        report.set("form", HOLDS, f"a receipt for entry {receipt.own.index} of {receipt.checkpoint.origin}")
        witnessed = trust.witnessed(policy, receipt.checkpoint)
        _judge(report, receipt, policy, uses)
    except Malformed as error:
        report.set("form", MALFORMED, str(error))
    findings.of_receipt(report, witnessed)
    return report, uses


def _judge(report: Report, receipt: Receipt, policy: Policy | None, uses: Uses) -> None:
    own, checkpoint = receipt.own, receipt.checkpoint
    _facts(report, receipt)
    _check_entry(report, receipt)
    problems = Problems()
    for one in [own, *receipt.keys, *([receipt.seal.placed] if receipt.seal else [])]:
        one.check_path(problems, checkpoint.size, checkpoint.root)
    report.settle("inclusion", problems, f"entry {own.index} of {checkpoint.size}")
    chain = _follow_keys(report, receipt)
    if chain is None:
        return
    uses.add(chain.root_id, "root", "receipt")
    seal_time = _seal_time(receipt)
    log_key = None
    try:
        key = chain.in_force("log", checkpoint.size)
        log_key = key.public
        checkpoint.note.verify(note.VerifierKey(checkpoint.origin, note.ED25519, key.public))
        report.set("checkpoint signature", HOLDS, f"signed by the log key {key.id}")
        uses.add(key.id, "log", "checkpoint signature", seal_time)
    except Broken as error:
        report.set("checkpoint signature", BROKEN, str(error))
    claim = trust.Claim(checkpoint.origin, chain.root, log_key, checkpoint)
    report.set("issuer", *trust.judge(policy, claim))
    _check_seal(report, receipt, chain, uses)
    _check_statement(report, receipt, chain, uses, seal_time)
    _check_disclosures(report, receipt)
    sourcekeys.check_receipt(report, receipt.entry)
    _check_outside_clocks(report, receipt, policy)


def _check_outside_clocks(report: Report, receipt: Receipt, policy: Policy | None) -> None:
    """What anchors in the receipt, and the witnesses of its checkpoint, say of time; and how far the evidence goes."""
    checkpoint, bounds = receipt.checkpoint, []
    if receipt.anchors:
        report.add(plans.ANCHORS)
        believed = policy.anchors if policy else AnchorTrust()
        bounds = anchors.check_of_receipt(report, receipt.anchors, checkpoint, believed)
    is_known = report.find("issuer").outcome == HOLDS
    witnessed = trust.witnessed(policy, checkpoint) if is_known else None
    report.facts["levels"] = _levels(report, witnessed is not None)
    _check_times(report, receipt, bounds + anchors.by_witness(checkpoint, witnessed))


_INCLUDED = ("form", "entry", "inclusion", "keys", "issuer", "checkpoint signature", "seal")


def _levels(report: Report, is_witnessed: bool) -> list[jcs.Json]:
    """How far the evidence inside the file goes for this reader (docs/formats.md §9.2)."""
    if any(report.find(name).outcome != HOLDS for name in _INCLUDED):
        return []
    is_anchored = report.has("anchors") and report.find("anchors").outcome == HOLDS
    return ["included", *(["witnessed"] if is_witnessed else []), *(["anchored"] if is_anchored else [])]


def _check_times(report: Report, receipt: Receipt, bounds: list[Bound]) -> None:
    """Whether the batch claims another time than the witnesses of the checkpoint allow."""
    one = receipt.seal.placed if receipt.seal else receipt.own
    if bounds and one.entry and one.entry.seal:
        index = receipt.own.index
        anchors.check_times(report, bounds, index, index + 1, [(one.index, one.entry.seal)])


def _seal_time(receipt: Receipt) -> int | None:
    one = receipt.seal.placed.entry if receipt.seal else receipt.entry
    return one.seal.committed_at if one and one.seal else None


def _facts(report: Report, receipt: Receipt) -> None:
    own = receipt.own
    report.facts |= {
        "log": receipt.checkpoint.origin,
        "index": own.index,
        "size": receipt.checkpoint.size,
        "leaf": own.leaf.hex(),
    }
    if record := receipt.entry.record:
        report.facts |= {"record_id": record.record_id, "type": record.type}
        report.facts["observed_at (a claim)"] = micros(record.observed_at)
    time = _seal_time(receipt)
    if time is not None:
        report.facts["committed_at"] = micros(time)


def _check_entry(report: Report, receipt: Receipt) -> None:
    """Of the checkpoint's log and, as far as the genesis that came along can be read, of its environment."""
    problems, origin = Problems(), receipt.checkpoint.origin
    seal, record = receipt.entry.seal, receipt.entry.record
    if seal and seal.log != origin:
        problems.broken(f"a seal of {seal.log}, and the checkpoint is of {origin}")
    if record:
        env = record.env
        if receipt.keys and receipt.keys[0].index == 0:
            genesis = receipt.keys[0].read(Problems()).entry
            env = genesis.record.env if genesis and genesis.record else env
        entry.check_record(problems, receipt.own.index, record, origin, env)
    report.settle("entry", problems, f"entry {receipt.own.index}")


def _follow_keys(report: Report, receipt: Receipt) -> KeyChain | None:
    problems = Problems()
    records = [one.read(problems) for one in receipt.keys]
    chain = None
    if problems.summary() is None:
        try:
            if not records or records[0].index != 0 or records[0].entry is None:
                raise Broken("the genesis is not here")
            chain = KeyChain(records[0].entry, records[0].data, partial=True)
            if chain.origin != receipt.checkpoint.origin:
                raise Broken(f"the genesis is of {chain.origin}")
            for one in records[1:]:
                if one.entry:
                    chain.apply(one.index, one.entry)
        except Broken as error:
            problems.broken(f"the chain of key records: {error}")
    report.settle("keys", problems, f"{len(records)} key records, each signed by the root key")
    return chain if problems.summary() is None else None


def _check_seal(report: Report, receipt: Receipt, chain: KeyChain, uses: Uses) -> None:
    own, proof = receipt.own, receipt.seal
    one = proof.placed if proof else own
    seal = one.entry.seal if one.entry else None
    try:
        if seal is None:
            raise Broken("is not here")
        if proof:
            position = own.index - seal.first
            tree.check_path(own.leaf, position, seal.count, proof.batch_path, seal.root)
        check_seal(one, receipt.checkpoint.origin, chain)
        uses.add(one.entry.signed.kid, "writer", f"seal at entry {one.index}", seal.committed_at)  # type: ignore[union-attr]
        report.set("seal", HOLDS, f"sealed at entry {one.index}, committed at {micros(seal.committed_at)}")
    except Broken as error:
        report.set("seal", BROKEN, f"seal at entry {one.index}: {error}")


def _check_statement(report: Report, receipt: Receipt, chain: KeyChain, uses: Uses, at: int | None) -> None:
    """Not required of an entry that its actor did not sign; undetermined when its actor's key is not in the receipt."""
    own, signed = receipt.entry, receipt.entry.signed
    if not own.is_statement or signed is None:
        report.find("statement").required = False
        report.set("statement", NOT_RUN, "the entry is no statement: the writer vouches for it with the seal")
        return
    if signed.kid != chain.root_id and signed.kid not in chain.keys:
        report.set("statement", UNDETERMINED, f"key {signed.kid} is not in this receipt; a package brings it along")
        return
    try:
        if own.is_key_record:
            if signed.kid != chain.root_id:
                raise Broken("a key record that the root key did not sign")
            signed.verify(chain.root)
        else:
            chain.check_statement(receipt.own.index, own)
        purpose = "root" if signed.kid == chain.root_id else "actor"
        uses.add(signed.kid, purpose, f"statement at entry {receipt.own.index}", at)
        report.set("statement", HOLDS, f"signed with key {signed.kid}")
    except Broken as error:
        report.set("statement", BROKEN, str(error))


def _check_disclosures(report: Report, receipt: Receipt) -> None:
    problems = Problems()
    units = receipt.entry.record.units if receipt.entry.record else []
    disclosures.check_fields(problems, f"entry {receipt.own.index}", receipt.disclosures, units, set())
    fields = sum(len(unit.digests) for unit in units)
    report.settle("disclosures", problems, f"{len(receipt.disclosures)} of {fields} fields shown")
