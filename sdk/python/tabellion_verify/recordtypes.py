"""The record types of version 1: their `clear` members and what one record of each shows by itself.

Source: docs/formats.md §6 to §8. A type that is not here belongs to a later registry and is read without its meaning.
"""

import hashlib
from typing import TYPE_CHECKING

from . import ed25519, shape
from .faults import Malformed
from .jcs import Json

if TYPE_CHECKING:
    from .record import Record

KEYS_STREAM = "keys"
TYPE_NAME = shape.matching(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", 64)
ORIGIN_LIMIT = 255
PURPOSES = ("log", "writer", "package", "actor")
GENESIS, GRANTED, ROTATED, REVOKED = "log.genesis", "key.granted", "key.rotated", "key.revoked"
KEY_TYPES = {GENESIS, GRANTED, ROTATED, REVOKED}
OPENED, CLOSED, ERASURE_DONE = "epoch.opened", "epoch.closed", "erasure.done"
ENVIRONMENT = shape.one_of("production", "sandbox", "development")
_NOT_CRITICAL = {
    "anchor.confirmed",
    "envelope.imported",
    "gap.declared",
    "gap.filled",
    "gap.found",
    "package.exported",
    "record.read",
    "second_key.introduced",
    "second_key.rotated",
    "second_key.withdrawn",
    "shard.checkpoint_recorded",
    "shard.conflict_found",
    "shard.key_rotated",
    "shard.registered",
    "source.heartbeat",
    "source.key_set",
    "statement.registered",
    "witness.conflict_found",
    "witness.conflict_lifted",
}
_ABOUT_A_SYSTEM = {"system.deletion_requested", "system.deletion_cancelled", "system.purged"}
_TENANT = shape.matching(r"[a-z0-9][a-z0-9-]{0,62}", 63)


def origin(value: Json) -> str:
    """`<public host>/log/<tenant>` (§1)."""
    text = shape.text(value)
    host, separator, tenant = text.rpartition("/log/")
    if not separator or not host or len(text) > ORIGIN_LIMIT or any(not "!" <= one <= "~" or one in '+"\\' for one in text):
        raise Malformed("is not an origin HOST/log/TENANT")
    _TENANT(tenant)
    return text


_KEY_FORM = shape.record(alg=shape.exactly("ed25519"), key_id=shape.digest, public=shape.octets_of(32))


def _key(value: Json) -> Json:
    key = _KEY_FORM(value)
    if not ed25519.is_public_key(key["public"]) or ed25519.key_id(key["public"]) != key["key_id"]:
        raise Malformed("is not a usable key or has another key's id")
    return key


_SECOND_KEY_FORM = shape.record(alg=shape.exactly("ml-dsa-44"), key_id=shape.digest, public=shape.octets_of(1312))
# What the COSE Key of an ML-DSA-44 key begins with (§6.1): kty (1) AKP (7), alg (3) -48, pub (-1) of 1,312 bytes.
_SECOND_KEY_BEGIN = bytes.fromhex("a3010703382f20590520")


def _second_key(value: Json) -> Json:
    key = _SECOND_KEY_FORM(value)
    if hashlib.sha256(_SECOND_KEY_BEGIN + key["public"]).hexdigest() != key["key_id"]:
        raise Malformed("has another key's id")
    return key


_REASON = shape.one_of("compromised", "lost", "retired")
_ML_DSA = shape.octets_of(2420)
_PURPOSE = shape.one_of(*PURPOSES)
_SIGNATURE = shape.octets_of(64)
_PREVIOUS = shape.record(closed=shape.flag, epoch=shape.ordinal, last_seq=shape.ordinal)
_SYSTEM = shape.record(last_seq=shape.ordinal, system=shape.identity)
_IDS = shape.list_of(shape.identity)


def _systems(value: Json) -> Json:
    return shape.ascending(shape.list_of(_SYSTEM)(value), lambda one: str(one["system"]))


_ROTATION = shape.record(
    credential=shape.identity,
    key=_key,
    new_signature=_SIGNATURE,
    old=shape.digest,
    old_signature=_SIGNATURE,
    purpose=_PURPOSE,
)
_SHARD_CHECKPOINT = {"key": shape.digest, "origin": origin, "root": shape.digest, "signature": _SIGNATURE, "size": shape.natural}
_DIVERGENCE = shape.one_of("forked", "rolled_back")
_SPAN = {"epoch": shape.ordinal, "first": shape.ordinal, "last": shape.ordinal, "producer": shape.identity}

CLEAR: dict[str, shape.Reader[dict[str, Json]]] = {
    GENESIS: shape.record(digest_alg=shape.exactly("sha-256"), env=ENVIRONMENT, key=_key, origin=origin, tenant=_TENANT),
    GRANTED: shape.record(credential=shape.identity, key=_key, purpose=_PURPOSE),
    ROTATED: _ROTATION,
    REVOKED: shape.record(key_id=shape.digest, reason=_REASON),
    OPENED: shape.record(previous=shape.Optional(_PREVIOUS)),
    CLOSED: shape.record(last_seq=shape.ordinal, systems=_systems),
    "erasure.ordered": shape.record(keys=_IDS, scope=shape.one_of("subject", "record", "retention", "system")),
    ERASURE_DONE: shape.record(erased=shape.natural, last=shape.flag, order=shape.identity),
    "hold.placed": shape.record(hold=shape.identity, keys=shape.Optional(_IDS)),
    "hold.released": shape.record(hold=shape.identity),
    "system.deletion_requested": shape.record(due_at=shape.moment),
    "system.deletion_cancelled": shape.record(),
    "system.purged": shape.record(order=shape.Optional(shape.identity)),
    "anchor.confirmed": shape.record(
        anchor=shape.one_of("rfc3161", "opentimestamps", "arweave", "evm", "root-log"),
        evidence_sha256=shape.digest,
        root=shape.digest,
        size=shape.natural,
    ),
    "statement.registered": shape.record(issuer_key=shape.digest, statement_sha256=shape.digest),
    "envelope.imported": shape.record(
        digest=shape.digest,
        kind=shape.one_of("ario.agent/v1", "ario.mlflow/v1", "ario.events/v1", "ario.legacy", "ario.agent.proof/v1"),
        payload_checked=shape.flag,
        payload_hash=shape.digest,
        signer=shape.digest,
        signer_known=shape.flag,
    ),
    "witness.conflict_found": shape.record(kind=shape.one_of("forked", "rolled_back"), proved=shape.flag, size=shape.natural),
    "witness.conflict_lifted": shape.record(conflict=shape.identity),
    "package.exported": shape.record(count=shape.natural, first=shape.natural, manifest_sha256=shape.digest, size=shape.natural),
    "record.read": shape.record(entry=shape.natural),
    "source.heartbeat": shape.record(
        beat=shape.ordinal,
        closed=shape.flag,
        epoch=shape.ordinal,
        interval_s=shape.ordinal,
        last_seq=shape.natural,
        lost=shape.natural,
        producer=shape.identity,
        sampled=shape.natural,
        sent=shape.natural,
        spooled=shape.natural,
        signed=shape.Optional(shape.record(at=shape.moment, key=_key, signature=_SIGNATURE)),
    ),
    "source.key_set": shape.record(key=_key, old=shape.Optional(shape.digest), producer=shape.identity),
    "gap.declared": shape.record(**_SPAN, reason=shape.one_of("spool_full", "spool_damaged", "refused", "other")),
    "gap.found": shape.record(**_SPAN, why=shape.one_of("jump", "heartbeat")),
    "gap.filled": shape.record(**_SPAN),
    "shard.registered": shape.record(key=_key, origin=origin, root_key=_key),
    "shard.key_rotated": shape.record(origin=origin, record_sha256=shape.digest, rotation=_ROTATION),
    "shard.checkpoint_recorded": shape.record(**_SHARD_CHECKPOINT),
    "shard.conflict_found": shape.record(**_SHARD_CHECKPOINT, kind=_DIVERGENCE, known_size=shape.natural, proved=shape.flag),
    "second_key.introduced": shape.record(key=_second_key, signature=_ML_DSA),
    "second_key.rotated": shape.record(key=_second_key, new_signature=_ML_DSA, old=shape.digest, old_signature=_ML_DSA),
    "second_key.withdrawn": shape.record(key_id=shape.digest, reason=_REASON),
}


def is_known(record: "Record") -> bool:
    return record.type in CLEAR and record.type_version == 1


def check(record: "Record") -> None:
    """What one record shows by itself and gets wrong (§8, last paragraph). Sets `record.facts` of a known type."""
    if (record.stream == KEYS_STREAM) != (record.type in KEY_TYPES):
        raise Malformed("stream keys is for key records, and every key record is in it")
    if not is_known(record):
        return
    if record.critical == (record.type in _NOT_CRITICAL):
        raise Malformed(f"a {record.type} record has the wrong `critical`")
    if record.type in _ABOUT_A_SYSTEM and record.system is None:
        raise Malformed(f"a {record.type} record names no system")
    if record.clear is None:
        record.facts = CLEAR[record.type]({})
    else:
        record.facts = CLEAR[record.type](record.clear)
    _check_numbers(record, record.facts)


def _check_numbers(record: "Record", facts: dict[str, Json]) -> None:
    if record.type == OPENED and record.seq != 1:
        raise Malformed("an epoch.opened that is not number 1 of its epoch")
    if record.type == CLOSED and record.seq != facts["last_seq"]:
        raise Malformed("an epoch.closed that is not its own last number")
    if record.type == GENESIS:
        numbers = (record.seq, record.epoch, record.stream_version)
        said = (facts["origin"], facts["env"], facts["tenant"])
        if numbers != (1, 1, 1) or said != (record.log, record.env, record.log.rpartition("/log/")[2]):
            raise Malformed("a genesis that is not number 1 of everything or contradicts its header")
    if record.type == "source.heartbeat":
        waits_after_the_end = facts["closed"] and facts["spooled"] > 0
        if facts["sent"] + facts["lost"] + facts["spooled"] != facts["last_seq"] or facts["sampled"] > facts["sent"] or waits_after_the_end:
            raise Malformed("a heartbeat whose counts do not add up")
    if record.type.startswith("gap.") and facts["first"] > facts["last"]:
        raise Malformed("a gap that ends before it begins")
    if record.type == ERASURE_DONE and facts["erased"] != sum(len(unit.digests) for unit in record.units):
        raise Malformed("a tombstone with another number of fields than `erased`")
