#!/usr/bin/env python3
"""ots.py FILE DIGEST HEADER: whether the reference implementation of OpenTimestamps reads our proof, and whether it leads to that block."""
import io
import sys

from bitcoin.core import CBlockHeader
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation, PendingAttestation
from opentimestamps.core.op import OpSHA256
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile

path, digest, header = sys.argv[1:4]
content = open(path, "rb").read()
proof = DetachedTimestampFile.deserialize(BytesDeserializationContext(content))
assert isinstance(proof.file_hash_op, OpSHA256), "the proof is not over SHA-256"
assert proof.file_digest.hex() == digest, "the proof is of something else"
again = BytesSerializationContext()
proof.serialize(again)
assert again.getbytes() == content, "the reference implementation would write other bytes"
found = list(proof.timestamp.all_attestations())
assert not any(isinstance(one, PendingAttestation) for _, one in found), "a promise is left"
blocks = [(message, one) for message, one in found if isinstance(one, BitcoinBlockHeaderAttestation)]
assert blocks, "no block attests it"
block = CBlockHeader.stream_deserialize(io.BytesIO(bytes.fromhex(header)))
for message, attestation in blocks:
    seconds = attestation.verify_against_blockheader(message, block)
    print(f"opentimestamps: read, written alike, leads to block {attestation.height} of time {seconds}")
