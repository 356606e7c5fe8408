"""What one anchor's evidence shows about a digest, given whom the reader believes.

Source: docs/formats.md §11.3. A finding is a `Span`, or `NotChecked` where only the reader can have what is missing, or `Broken`.
"""

from dataclasses import dataclass

from . import ans104, evm, ots, timestamp
from .anchortrust import AnchorTrust
from .certificate import NotChecked
from .faults import Broken

KINDS = ("rfc3161", "opentimestamps", "arweave", "evm", "root-log")
MAX_BYTES, _SECOND, _MAX_TIME = 256 << 10, 1_000_000, (1 << 64) - 1
_BITCOIN_SLACK = 2 * 3_600  # a block's time may be ahead by two hours, and as much is allowed for behind
_EVM_SLACK = 60  # a block's maker may be ahead by fifteen seconds; a minute leaves room either way


@dataclass(frozen=True)
class Span:
    """The times within which the evidence was made, in microseconds, and who says so."""

    earliest: int
    latest: int
    source: str
    is_unforeseeable: bool


def _around(time: int, slack: int, source: str, is_unforeseeable: bool) -> Span:
    """A span around a time in seconds, within what 64 bits of microseconds hold."""
    earliest = min(max(0, time - slack) * _SECOND, _MAX_TIME)
    return Span(earliest, min((time + slack) * _SECOND, _MAX_TIME), source, is_unforeseeable)


def check(kind: str, evidence: bytes, digest: bytes, trust: AnchorTrust) -> Span:
    """Raises `Broken` or `NotChecked` when the evidence gives no span."""
    if kind == "rfc3161":
        return _time_stamp(evidence, digest, trust)
    if kind == "opentimestamps":
        return _open_timestamps(evidence, digest, trust)
    if kind == "evm":
        return _chain(evidence, digest, trust)
    if kind == "root-log":
        from . import rootlog  # here: it verifies a receipt, and a receipt has evidence

        return rootlog.check(evidence, digest, trust)
    item = ans104.read(evidence)
    if item.data != digest:
        raise Broken("the data item holds something else than the checkpoint's digest")
    item.verify()
    raise NotChecked(f"signed data item {item.id}; that it was published, and when, only a gateway or node of Arweave can say")


def _time_stamp(evidence: bytes, digest: bytes, trust: AnchorTrust) -> Span:
    if not trust.authorities:
        raise NotChecked("the trust file names no time-stamp authority; add a line #! rfc3161 NAME CERTIFICATE")
    fault: Broken | None = None
    open_: NotChecked | None = None
    for name, authority in trust.authorities:
        try:
            stamp = timestamp.verify(evidence, digest, authority)
        except Broken as error:
            fault = fault or error
        except NotChecked as error:
            open_ = error
        else:
            source = f"time-stamp {stamp.serial} of authority {name}"
            return Span(max(0, stamp.time - stamp.accuracy), min(stamp.time + stamp.accuracy, _MAX_TIME), source, True)
    raise fault or open_ or NotChecked("")


def _open_timestamps(evidence: bytes, digest: bytes, trust: AnchorTrust) -> Span:
    proof = ots.read(evidence)
    if proof.digest != digest:
        raise Broken(f"the proof is of {proof.digest.hex()}, not of {digest.hex()}")
    for height, header in trust.bitcoin:
        time = proof.time_in(height, header)
        if time is not None:
            return _around(time, _BITCOIN_SLACK, f"Bitcoin block {height}, whose header the trust file gives", False)
    given = {height for height, _ in trust.bitcoin}
    for height, _ in proof.heights:
        if height in given:
            raise Broken(f"the proof does not lead to the Merkle root of Bitcoin block {height} that the trust file gives")
    if proof.heights:
        height = proof.heights[0][0]
        raise NotChecked(f"leads to Bitcoin block {height}, whose header was not given; add a line #! bitcoin {height} HEADER")
    calendar = "only a calendar's promise so far, which proves nothing"
    raise NotChecked(calendar if proof.is_pending else "attested in no way that is known here")


def _chain(evidence: bytes, digest: bytes, trust: AnchorTrust) -> Span:
    block = evm.block_of(evidence, digest)
    where = f"block {block.hash.hex()} at height {block.number} of chain {block.chain}"
    known = next((hash_ for chain, number, hash_ in trust.evm if (chain, number) == (block.chain, block.number)), None)
    if known is None:
        raise NotChecked(f"leads to {where}, which the trust file does not name; add a line #! evm {block.chain} {block.number} HASH")
    if known != block.hash:
        raise Broken(f"leads to {where}, and the trust file gives another hash for it")
    source = f"block {block.number} of chain {block.chain}, whose hash the trust file gives"
    return _around(block.time, _EVM_SLACK, source, True)
