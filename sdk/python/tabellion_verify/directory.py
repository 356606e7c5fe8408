"""An auditor's own list of keys: which organisation stands behind a key, from when to when, and whether it was revoked.

Source: docs/formats.md §12.2. A signature that verifies under a key which nobody registered is a valid signature by an unknown
key, and is called that. A root key that is listed also speaks for the log, writer and package keys that it granted; a key of an
actor has to be listed itself, because a log does not say which organisation its actors belong to.
"""

import datetime
import json
from dataclasses import dataclass, field

from . import ed25519, shape
from .faults import Malformed
from .jcs import Json
from .report import HOLDS, Problems, micros

FORMAT = "tabellion.key-directory/1"
MAX_BYTES, MAX_KEYS = 16 << 20, 65_536
_DAY_OR_TIME = shape.matching(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?", 20)


@dataclass(frozen=True)
class Use:
    """A key that made a valid signature, for what, and when by the log's own clock."""

    key_id: str
    purpose: str  # root, log, writer, package or actor
    what: str
    at: int | None


@dataclass
class Uses:
    """Every key that a report relies on, in the order in which they were met."""

    found: list[Use] = field(default_factory=list)
    root: str | None = None

    def add(self, key_id: str, purpose: str, what: str, at: int | None = None) -> None:
        self.root = key_id if purpose == "root" else self.root
        self.found.append(Use(key_id, purpose, what, at))


@dataclass(frozen=True)
class Listed:
    organisation: str
    key_id: str
    public: bytes | None
    valid_from: int
    valid_to: int | None
    revoked_at: int | None

    def fault(self, at: int | None) -> str | None:
        """Why a signature at this time does not count, or None. The time is the log's own clock."""
        if self.revoked_at is not None and (at is None or at >= self.revoked_at):
            return f"which {self.organisation} revoked at {micros(self.revoked_at)}"
        if at is not None and (at < self.valid_from or (self.valid_to is not None and at >= self.valid_to)):
            return f"outside the dates within which {self.organisation} used it"
        return None


def _time(value: Json) -> int:
    """`2026-01-31` (its first moment) or `2026-01-31T12:00:00Z`, in microseconds."""
    text = _DAY_OR_TIME(value)
    try:
        moment = datetime.datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=datetime.UTC)
    except ValueError as error:
        raise Malformed("is no date") from error
    time = (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)
    return shape.moment(time)


_KEY = shape.record(
    organisation=shape.text,
    key_id=shape.digest,
    public=shape.Optional(shape.octets_of(32)),
    valid_from=_time,
    valid_to=shape.Optional(_time),
    revoked_at=shape.Optional(_time),
    note=shape.Optional(shape.text),
)
_DIRECTORY = shape.record(format=shape.exactly(FORMAT), keys=shape.list_of(_KEY, 0, MAX_KEYS))


class Directory:
    def __init__(self, keys: list[Listed]) -> None:
        self.keys = {key.key_id: key for key in keys}
        if len(self.keys) != len(keys):
            raise Malformed("lists a key twice")

    def public(self, key_id: str) -> bytes | None:
        listed = self.keys.get(key_id)
        return listed.public if listed else None

    def judge(self, uses: Uses) -> tuple[str, str]:
        """The outcome of the check `key directory` and its text."""
        problems, organisations = Problems(), set()
        seen: set[tuple[str, str | None]] = set()
        for use in uses.found:
            listed = self.keys.get(use.key_id)
            if listed is None and use.purpose in ("log", "writer", "package"):
                listed = self.keys.get(uses.root or "")
            fault = listed.fault(use.at) if listed else None
            if listed and not fault:
                organisations.add(listed.organisation)
            elif (use.key_id, fault) not in seen:
                seen.add((use.key_id, fault))
                if fault:
                    problems.broken(f"{use.what}: valid signature by {use.purpose} key {use.key_id}, {fault}")
                else:
                    problems.undetermined(f"{use.what}: valid signature by an unknown key, {use.purpose} key {use.key_id}")
        if not uses.found:
            problems.undetermined("no signature could be checked")
        return problems.summary() or (HOLDS, f"every key belongs to {', '.join(sorted(organisations))}")


def read(data: bytes) -> Directory:
    """People write this file, so any JSON spelling is read; its members are closed all the same."""
    if len(data) > MAX_BYTES:
        raise Malformed("is too long for a key directory")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once)
        # Half a character, which no text has, cannot be encoded: a ValueError.
        json.dumps(value, ensure_ascii=False).encode()
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("is not JSON") from error
    members = _DIRECTORY(value)
    for row in members["keys"]:
        del row["note"]
        public = row["public"]
        if public is not None and not (ed25519.is_public_key(public) and ed25519.key_id(public) == row["key_id"]):
            raise Malformed(f"names key {row['key_id']} with a public key that is not its own")
    return Directory([Listed(**row) for row in members["keys"]])


def _once(pairs: list[tuple[str, Json]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("has a member twice")
    return found
