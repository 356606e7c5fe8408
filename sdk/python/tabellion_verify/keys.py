"""The keys of a log, from its genesis on: who may sign what at which place.

Source: docs/formats.md §6 and, for the producers, §7. A key counts only from the record that the root key signed.
"""

import hashlib
from dataclasses import dataclass

from . import ed25519, jcs, recordtypes, tree
from .entry import Entry
from .faults import Broken
from .jcs import Json
from .record import Record


@dataclass
class Key:
    public: bytes
    id: str
    purpose: str
    credential: str
    since: int  # index of the record that brought it in
    until: int | None = None  # index of the record that took it out
    by_rotation: bool = False

    def is_in_force(self, position: int) -> bool:
        return self.since < position and (self.until is None or self.until >= position)


def producer_of(key_id: str) -> str:
    """The producer of whoever holds a key (§7)."""
    return hashlib.sha256(b"tabellion.producer/1" + bytes.fromhex(key_id)).hexdigest()[:32]


def rotation_message(origin: str, clear: dict[str, Json]) -> bytes:
    """The bytes that both keys of a rotation sign."""
    said = {"credential": clear["credential"], "log": origin, "new": clear["key"]["key_id"], "old": clear["old"]}
    return b"tabellion.key-rotation/1\n" + jcs.write(said | {"purpose": clear["purpose"]})


class KeyChain:
    """The key records of one log. A receipt holds a few of them (`partial`), a package all of its size."""

    def __init__(self, entry: Entry, data: bytes, *, partial: bool = False) -> None:
        record = entry.record
        if record is None or entry.signed is None or record.type != recordtypes.GENESIS or not record.facts:
            raise Broken("entry 0 is no genesis")
        self.origin, self.env, self.genesis_hash = record.log, record.env, tree.leaf_hash(data)
        self.tenant: str = record.facts["tenant"]
        self.root: bytes = record.facts["key"]["public"]
        self.root_id: str = record.facts["key"]["key_id"]
        self.credential = record.actor
        self.partial = partial
        self.version = 1
        self.indexes = [0]
        self.keys: dict[str, Key] = {}
        self._check_signer(record, entry)

    def _check_signer(self, record: Record, entry: Entry) -> None:
        if entry.signed is None or entry.signed.kid != self.root_id:
            raise Broken("a key record that the root key did not sign")
        entry.signed.verify(self.root)
        if record.actor != self.credential or record.producer != producer_of(self.root_id):
            raise Broken("a key record of another actor or producer than the root's")
        if (record.log, record.env) != (self.origin, self.env) or record.type_version != 1:
            raise Broken("a key record of another log, environment or version")

    def apply(self, index: int, entry: Entry) -> None:
        """Takes the next key record. Raises `Broken` when it cannot follow what is here."""
        record = entry.record
        if record is None or not entry.is_key_record:
            raise Broken("is no key record")
        self._check_signer(record, entry)
        version = record.stream_version or 0
        if version <= self.version or (version != self.version + 1 and not self.partial):
            raise Broken(f"version {version} of stream keys does not follow {self.version}")
        clear = record.facts
        if record.type == recordtypes.GRANTED:
            self._bring(clear, index)
        elif record.type == recordtypes.ROTATED:
            self._rotate(clear, index)
        elif record.type == recordtypes.REVOKED:
            key = self.keys.get(clear["key_id"])
            if key is None:
                raise Broken(f"revokes key {clear['key_id']}, which was never granted")
            key.until = index if key.until is None else key.until
        else:
            raise Broken("is a second genesis")
        self.version = version
        self.indexes.append(index)

    def _bring(self, clear: dict[str, Json], index: int, by_rotation: bool = False) -> None:
        key = clear["key"]
        if key["key_id"] in self.keys or key["key_id"] == self.root_id:
            raise Broken(f"brings in key {key['key_id']} a second time")
        purpose = clear["purpose"]
        others = [one for one in self.keys.values() if one.purpose == purpose and one.until is None]
        if purpose != "actor" and others and not self.partial:
            raise Broken(f"grants a second {purpose} key while one is in force")
        self.keys[key["key_id"]] = Key(key["public"], key["key_id"], purpose, clear["credential"], index, None, by_rotation)

    def _rotate(self, clear: dict[str, Json], index: int) -> None:
        old = self.keys.get(clear["old"])
        if old is None or old.until is not None or (old.purpose, old.credential) != (clear["purpose"], clear["credential"]):
            raise Broken(f"rotates key {clear['old']}, which is not in force for that purpose and credential")
        message = rotation_message(self.origin, clear)
        ed25519.verify(old.public, clear["old_signature"], message)
        ed25519.verify(clear["key"]["public"], clear["new_signature"], message)
        old.until = index
        self._bring(clear, index, True)

    def in_force(self, purpose: str, position: int) -> Key:
        found = [key for key in self.keys.values() if key.purpose == purpose and key.is_in_force(position)]
        if not found:
            raise Broken(f"no {purpose} key is in force for {position}")
        return found[-1]

    def before(self, index: int) -> int:
        """Number of key records before an index."""
        return sum(at < index for at in self.indexes)

    def check_statement(self, index: int, entry: Entry) -> str:
        """Who signed a statement that is no key record: the id of a key that was in force. Raises `Broken` otherwise."""
        record, signed = entry.record, entry.signed
        if record is None or signed is None:
            raise Broken("is no statement")
        if signed.kid == self.root_id:
            own_epoch = record.type in (recordtypes.OPENED, recordtypes.CLOSED) and record.producer == producer_of(self.root_id)
            if not own_epoch or record.actor != self.credential:
                raise Broken("is signed by the root key, which speaks for key records and its own epochs only")
            signed.verify(self.root)
            return self.root_id
        key = self.keys.get(signed.kid)
        if key is None or key.purpose != "actor" or key.credential != record.actor:
            raise Broken(f"key {signed.kid} does not speak for actor {record.actor}")
        if not key.is_in_force(index):
            raise Broken(f"key {signed.kid} was not in force for entry {index}")
        signed.verify(key.public)
        return key.id
