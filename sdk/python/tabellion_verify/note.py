"""Signed notes (C2SP signed-note), verifier keys, and the checkpoint inside (C2SP tlog-checkpoint).

Source: docs/formats.md §2; c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from . import ed25519, encoding, mldsa
from .faults import Broken, Malformed

ED25519, COSIGNATURE, ML_DSA_44 = 0x01, 0x04, 0x06  # signature types of signed-note and tlog-cosignature
_KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: mldsa.KEY_BYTES}
MAX_BYTES, MAX_SIGNATURES, MAX_ORIGIN, MAX_KEY_NAME = 512 << 10, 64, 255, 512
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")
_MAX_TIME = (1 << 63) - 1


def is_key_name(name: str) -> bool:
    """1 to 512 bytes, no space, no plus sign (c2sp.org/signed-note), no control character."""
    forbidden = any(one == "+" or one.isspace() or unicodedata.category(one) == "Cc" for one in name)
    return 1 <= len(name.encode()) <= MAX_KEY_NAME and not forbidden


@dataclass(frozen=True)
class VerifierKey:
    """`name+key id+base64(type ‖ public key)`."""

    name: str
    type: int
    public: bytes

    @property
    def short_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]


def read_verifier_key(text: str) -> VerifierKey:
    name, _, rest = text.partition("+")
    short_id, _, encoded = rest.partition("+")
    data = encoding.from_base64(encoded)
    if not is_key_name(name) or not data or len(data) - 1 != _KEY_BYTES.get(data[0]):
        raise Malformed("is not a verifier key of a kind known here")
    key = VerifierKey(name, data[0], data[1:])
    usable = key.type == ML_DSA_44 or ed25519.is_public_key(key.public)
    if encoding.from_hex(short_id, 4) != key.short_id or not usable:
        raise Malformed("is a verifier key whose id is not its own or that cannot be used")
    return key


@dataclass(frozen=True)
class Signature:
    name: str
    short_id: bytes
    data: bytes

    def verify(self, text: bytes, key: VerifierKey) -> int | None:
        """The time in seconds that a cosignature states, or None. Raises `Broken` when the key did not sign this."""
        if key.type == ED25519:
            ed25519.verify(key.public, self.data, text)
            return None
        if len(self.data) != 72 or int.from_bytes(self.data[:8]) > _MAX_TIME:
            raise Broken("the cosignature is not a time and a signature")
        seconds = int.from_bytes(self.data[:8])
        ed25519.verify(key.public, self.data[8:], b"cosignature/v1\ntime %d\n" % seconds + text)
        return seconds


@dataclass(frozen=True)
class Note:
    text: bytes
    signatures: list[Signature]

    def verify(self, key: VerifierKey) -> int | None:
        """Every signature under this key's name and id has to be right, and there has to be one."""
        own = [one for one in self.signatures if (one.name, one.short_id) == (key.name, key.short_id)]
        if not own:
            raise Broken(f"is not signed by {key.name} with key {ed25519.key_id(key.public)}")
        times = [one.verify(self.text, key) for one in own]
        return times[0]

    def is_signed_by(self, key: VerifierKey) -> bool:
        return any((one.name, one.short_id) == (key.name, key.short_id) for one in self.signatures)


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix("— ").partition(" ")
    data = encoding.from_base64(encoded)
    if not line.startswith("— ") or not is_key_name(name) or len(data) < 5:
        raise Malformed("has a signature line that cannot be read")
    return Signature(name, data[:4], data[4:])


def read_note(data: bytes) -> Note:
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("is not UTF-8") from error
    if len(data) > MAX_BYTES or _CONTROL.search(whole):
        raise Malformed("is too long for a note or holds a control character")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise Malformed("is not a note with signatures")
    rows = lines[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise Malformed(f"has more than {MAX_SIGNATURES} signatures")
    return Note((text + "\n").encode(), [_signature(row) for row in rows])


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    note: Note

    def cosigned_by(self, key: VerifierKey) -> int | None:
        """The time in seconds that this key's first line states; 0 states none. None: no line is its own. Raises `Broken` for a wrong one."""
        if not self.note.is_signed_by(key):
            return None
        if key.type != ML_DSA_44:
            return self.note.verify(key)
        own = [one.data for one in self.note.signatures if (one.name, one.short_id) == (key.name, key.short_id)]
        times = [self._verify_tree(key, data) for data in own]
        return times[0]

    def _verify_tree(self, key: VerifierKey, data: bytes) -> int:
        """C2SP tlog-cosignature, subtree/v1: name, time, origin, 0, size, root. It is over the tree and not over the text."""
        seconds = int.from_bytes(data[:8])
        if seconds > _MAX_TIME:
            raise Broken("the ML-DSA-44 signature does not verify")
        message = b"subtree/v1\n\0" + _length_and(key.name) + data[:8] + _length_and(self.origin)
        mldsa.verify(key.public, data[8:], message + bytes(8) + self.size.to_bytes(8) + self.root)
        return seconds


def _length_and(name: str) -> bytes:
    data = name.encode()
    return bytes([len(data)]) + data


def read_checkpoint(data: bytes) -> Checkpoint:
    note = read_note(data)
    lines = note.text.decode().split("\n")
    if len(lines) != 4:
        raise Malformed("has other lines than origin, size and root")
    origin, size, root = lines[0], lines[1], encoding.from_base64(lines[2])
    if not is_key_name(origin) or len(origin.encode()) > MAX_ORIGIN:
        raise Malformed("has no proper origin")
    if not _DECIMAL.fullmatch(size) or int(size) >= 1 << 63 or len(root) != 32:
        raise Malformed("has no proper size or root")
    return Checkpoint(origin, int(size), root, note)
