"""The key that a source signs its heartbeats with, so that its counts are its own word and not the notary's account of it.

Promises: the key stays in the file beside the spool, which nobody else may read, and never leaves the machine. Source of what is signed: docs/formats.md §7.1.
Ed25519 comes from `cryptography`, the only thing here that is not the standard library.
"""

import base64
import hashlib
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from .commitment import canonical

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    IS_POSSIBLE = True
except ImportError:  # nothing is signed then, unless the caller asks for it
    IS_POSSIBLE = False

FORMAT = "tabellion.source-key/1"
NAME = "source.key"
_DOMAIN = b"tabellion.heartbeat/1\n"
_THUMBPRINT = bytes.fromhex("a301012006215820")  # RFC 9679: {1: 1, -1: 6, -2: public key}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class SourceKey:
    """An Ed25519 key from the 32 bytes of its seed."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> str:
        """The SHA-256 COSE Key Thumbprint (RFC 9679), in hex."""
        return hashlib.sha256(_THUMBPRINT + self.public).hexdigest()

    @property
    def public_text(self) -> str:
        """The public key, 32 bytes in base64, as POST /api/v1/sources/{source}/key takes it."""
        return _text(self.public)

    def sign(self, counts: dict[str, Any], at: int | None = None) -> dict[str, Any]:
        """The member `signed` of a heartbeat whose record says `counts` in clear. `at`: microseconds since 1970; None: now."""
        at = time.time_ns() // 1000 if at is None else at
        key = {"alg": "ed25519", "key_id": self.key_id, "public": self.public_text}
        message = _DOMAIN + canonical(counts | {"signed": {"at": at, "key": key}})
        return {"at": at, "public_key": self.public_text, "signature": _text(self._key.sign(message))}


def open_key(spool: Path, sign: bool | None) -> SourceKey | None:
    """The key beside a spool, made when there is none. `sign`: True insists; False wants none; None: where `cryptography` is there. Raises ImportError when it is
    needed and not there, ValueError for a file that is no key or that others may read, or for False where the source has a key: the notary would refuse it."""
    path = spool / NAME
    if sign is False:
        if path.exists():
            raise ValueError(f"{path}: this source signs its heartbeats, and the notary refuses them without")
        return None
    if not IS_POSSIBLE:
        if sign or path.exists():
            raise ImportError("signing heartbeats needs the package cryptography (pip install cryptography)")
        return None
    if path.exists():
        return SourceKey(_read(path))
    seed = secrets.token_bytes(32)
    _keep(path, seed)
    return SourceKey(seed)


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path}: others may read this key; chmod 600, and put another on record if somebody did")
    try:
        kept = json.loads(path.read_text())
        seed = base64.b64decode(kept["seed"], validate=True)
        if kept["format"] != FORMAT or len(seed) != 32:
            raise ValueError("it is of another form")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: this is no key of a source: {error}") from error
    return seed


def _keep(path: Path, seed: bytes) -> None:
    """Writes the file whole before it has its name, so that a crash leaves no half of a key."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        data = json.dumps({"format": FORMAT, "seed": _text(seed)}).encode()
        if os.write(descriptor, data) != len(data):
            raise OSError(28, "the disk took a part of the key")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
