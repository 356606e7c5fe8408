"""Reads an evidence package by docs/formats.md alone, for the checks that hand its parts to somebody else's code.

Believes nothing and verifies nothing itself: that is what the others are asked to do.
"""

import base64
import json
import zipfile

COSE_SIGN1 = 0xD2
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 §4: what precedes the 32 bytes of the key in DER


class Package:
    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.manifest = json.loads(self.files["manifest.json"])
        bundles = sorted(name for name in self.files if name.startswith("entries/"))
        self.entries = [entry for name in bundles for entry in unbundle(self.files[name])]

    def placed(self):
        """(index, entry) of every entry that the package holds, inside its range and outside."""
        yield from enumerate(self.entries, self.manifest["first"])
        for extra in json.loads(self.files["proof.json"])["extra"]:
            yield extra["index"], base64.b64decode(extra["entry"])

    def checkpoint(self):
        """(origin, size, root) as the checkpoint's text states them."""
        origin, size, root = self.files["checkpoint"].decode().split("\n")[:3]
        return origin, int(size), base64.b64decode(root)


def unbundle(data):
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def pem(public):
    """PEM of a raw 32-byte Ed25519 public key."""
    body = base64.b64encode(ED25519_SPKI + public).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
