"""Certificates (RFC 5280) and the path from a time-stamp's signer to an authority that the reader names.

A path counts when every signature in it verifies, every certificate but the authority's is version 3, valid at the time in question and without a
critical extension that is not known here, and those between are authorities. Names are compared as bytes. Revocation is not looked up.
"""

from dataclasses import dataclass

from . import der, signatures
from .der import BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, Der, bits, context
from .faults import Broken

TIME_STAMPING = bytes.fromhex("2b06010505070308")
_EXTENDED_USAGE, _SUBJECT_KEY_ID = bytes.fromhex("551d25"), bytes.fromhex("551d0e")
# id-ce: key usage, alternative name, basic constraints, name constraints, revocation points, extended key usage.
_KNOWN_EXTENSIONS = (15, 17, 19, 30, 31, 37)
_KEY_USAGE, _KEY_CERT_SIGN = 15, 0x04
# A time-stamp brings at most eight certificates, so that the search takes at most 8,659 steps (7 + 7·6 + … + 7·6·5·4·3·2).
_MAX_BETWEEN, _MAX_SIGNATURES = 6, 100


class NotChecked(Exception):
    """Nothing speaks against it, and something is missing that only the reader can have."""


@dataclass(frozen=True)
class Signer:
    """What a signer's certificate is looked at for beside its path."""

    issuer: bytes  # tag and length included
    serial: bytes
    key_id: bytes | None
    only_time_stamping: bool


def read_signer(data: bytes) -> Signer:
    body = Der(data).enter(SEQUENCE).enter(SEQUENCE)
    body.optional(context(0))
    serial = body.expect(INTEGER)
    body.expect(SEQUENCE)
    issuer = body.any().whole
    for _ in ("validity", "subject", "key"):
        body.expect(SEQUENCE)
    body.optional(0x81)
    body.optional(0x82)
    key_id, only = None, False
    extensions = body.optional(context(3))
    rows = Der(extensions.content).enter(SEQUENCE) if extensions else Der(b"")
    while rows.rest:
        row = rows.enter(SEQUENCE)
        name, flag, value = row.expect(OID), row.optional(BOOLEAN), row.expect(OCTET_STRING)
        if name == _SUBJECT_KEY_ID:
            key_id = Der(value).expect(OCTET_STRING)
        if name == _EXTENDED_USAGE:
            uses = Der(value).enter(SEQUENCE)
            is_critical = flag is not None and flag.content == b"\xff"
            only = uses.expect(OID) == TIME_STAMPING and is_critical and not uses.rest
    return Signer(issuer, serial, key_id, only)


def _flag(parts: Der) -> bool:
    """A BOOLEAN that is false when it is left out."""
    found = parts.optional(BOOLEAN)
    if found is None:
        return False
    if found.content not in (b"\xff", b"\0"):
        raise Broken("a truth value in another form")
    return found.content == b"\xff"


@dataclass(frozen=True)
class Certificate:
    signed: bytes  # the body, tag and length included
    algorithm: bytes
    signature: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    key: bytes
    extensions: dict[int, bytes]

    def check(self, at: int, is_signer: bool, below: int) -> None:
        """Everything that does not depend on who issued it. `below`: authorities between this one and the signer."""
        begin, end = der.validity(self.validity)
        if not begin <= at <= end:
            raise Broken("a certificate had expired or was not yet valid at the time stated")
        constraints = Der(self.extensions.get(19, b""))
        is_authority = _flag(constraints)
        most = _byte(constraints) if constraints.rest else None
        constraints.finish()
        if is_authority == is_signer or (is_authority and most is not None and below > most):
            raise Broken("a certificate is used as an authority's and is none, or the other way round")
        if 37 in self.extensions:
            uses, found = Der(self.extensions[37]), False
            while uses.rest and not found:
                found = uses.expect(OID) == TIME_STAMPING
            if not found:
                raise Broken("a certificate is not for time-stamps")


    def check_may_certify(self) -> None:
        """RFC 5280 §6.1.4 (n): where an authority's certificate says what its key is for, that has to be signing certificates."""
        if _KEY_USAGE in self.extensions:
            uses = Der(self.extensions[_KEY_USAGE]).expect(BIT_STRING)
            if len(uses) < 2 or not uses[1] & _KEY_CERT_SIGN:
                raise Broken("a certificate is signed by a key that may not sign certificates")


def _byte(parts: Der) -> int:
    digits = der.magnitude(parts.expect(INTEGER)) or b"\0"
    if len(digits) != 1:
        raise Broken("a small number that is large")
    return digits[0]


def _extension(parts: Der, found: dict[int, bytes], lenient: bool) -> None:
    name, critical, value = parts.expect(OID), _flag(parts), parts.expect(OCTET_STRING)
    parts.finish()
    number = name[2] if len(name) == 3 and name[:2] == b"\x55\x1d" else None
    if number not in _KNOWN_EXTENSIONS:
        if critical and not lenient:
            raise Broken("a certificate has a critical extension that is not read here")
        return
    if number in found:
        raise Broken("a certificate has an extension twice")
    if number != 15:
        inner = Der(value)
        value = inner.expect(SEQUENCE)
        inner.finish()
    found[number] = value


def read(data: bytes, *, as_authority: bool = False) -> Certificate:
    """Reads a certificate of version 3; of an authority also one of version 1, and whatever it says critically."""
    outer = Der(data)
    parts = outer.enter(SEQUENCE)
    outer.finish()
    signed = parts.any()
    algorithm, signature = parts.expect(SEQUENCE), bits(parts.expect(BIT_STRING))
    parts.finish()
    if signed.tag != SEQUENCE:
        raise Broken("not DER: no certificate")
    body = Der(signed.content)
    version = body.optional(context(0))
    if (version is None and not as_authority) or (version is not None and version.content != b"\2\1\2"):
        raise Broken("a certificate that is not of version 3")
    body.expect(INTEGER)
    if body.expect(SEQUENCE) != algorithm:
        raise Broken("a certificate names two signature algorithms")
    issuer, validity, subject, key = (body.expect(SEQUENCE) for _ in range(4))
    extensions: dict[int, bytes] = {}
    if body.rest:
        if version is None:
            raise Broken("a certificate of version 1 with extensions")
        wrapped = body.enter(context(3))
        body.finish()
        rows = wrapped.enter(SEQUENCE)
        wrapped.finish()
        while rows.rest:
            _extension(rows.enter(SEQUENCE), extensions, as_authority)
    return Certificate(signed.whole, algorithm, signature, issuer, validity, subject, key, extensions)


def read_authority(data: bytes) -> Certificate:
    """What a reader names as an authority. Raises `Broken` when it could never vouch for anybody, or is not as it was made."""
    found = read(data, as_authority=True)
    key = signatures.read_key(found.key)
    key.check_usable()
    if found.issuer == found.subject:
        try:
            is_rsa, digest = signatures.certificate_digest(found.algorithm)
        except Broken:
            return found  # signed in an old way, by itself: what counts is the key
        if is_rsa == key.is_rsa:
            key.verify(digest, found.signed, found.signature)
    return found


def _read_or_fault(data: bytes) -> Certificate | Broken:
    """A certificate, read once for the whole search; one that cannot be read is a fault where the search comes upon it."""
    try:
        return read(data)
    except Broken as fault:
        return fault


class Path:
    """The search for a path from a signer to one authority, among the certificates that came with the signature."""

    def __init__(self, authority: Certificate, others: list[bytes], at: int) -> None:
        self.authority, self.at = authority, at
        self.others = [_read_or_fault(other) for other in others]
        self.fault: Broken | None = None
        self.signatures = _MAX_SIGNATURES

    def check(self, signer: bytes) -> None:
        """Raises `Broken` for a path with a fault, `NotChecked` when none leads to the authority."""
        if self._leads([read(signer)]):
            return
        if self.fault:
            raise self.fault
        raise NotChecked("no chain leads from the time-stamp's signer to a trusted authority")

    def _leads(self, path: list[Certificate]) -> bool:
        try:
            path[-1].check(self.at, len(path) == 1, max(0, len(path) - 2))
        except Broken as fault:
            self.fault = fault
            return False
        if path[-1].issuer == self.authority.subject:
            try:
                self._check_signed(path)
                return True
            except Broken as fault:
                self.fault = fault
        return self.signatures >= 0 and any(self._leads_over(path, other) for other in self.others)

    def _leads_over(self, path: list[Certificate], issuer: Certificate | Broken) -> bool:
        if isinstance(issuer, Broken):
            self.fault = issuer
            return False
        if issuer.subject != path[-1].issuer:
            return False
        if any((one.key, one.subject) == (issuer.key, issuer.subject) for one in path):
            return False
        if len(path) > _MAX_BETWEEN:
            self.fault = Broken("the time-stamp brings too many certificates")
            return False
        return self._leads([*path, issuer])

    def _check_signed(self, path: list[Certificate]) -> None:
        key = self.authority.key
        for one in reversed(path):
            self.signatures -= 1
            if self.signatures < 0:
                raise Broken("the time-stamp brings too many certificates")
            is_rsa, digest = signatures.certificate_digest(one.algorithm)
            public = signatures.read_key(key)
            if public.is_rsa != is_rsa:
                raise Broken("a certificate is signed in another way than its issuer's key can")
            public.verify(digest, one.signed, one.signature)
            key = one.key
        if any(30 in one.extensions for one in [self.authority, *path[1:]]):
            raise NotChecked("the chain of its signer restricts names, which this verifier does not read")
        for one in path[1:]:
            one.check_may_certify()
