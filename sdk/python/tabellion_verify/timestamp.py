"""Time-stamps by an authority (RFC 3161): the token, what binds it together, and whom it is by.

A token counts only when its imprint is the digest, its signer has a certificate for time-stamping alone, by a path to an authority that the reader
names, at the time it states, and that certificate is bound into what was signed (RFC 5035). Sources: RFC 3161 §2.4.2, RFC 5652, RFC 5035.
"""

import hashlib
from dataclasses import dataclass

from . import certificate, signatures
from .certificate import Certificate, Path
from .der import (
    BIT_STRING,
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTF8_STRING,
    Der,
    check_oid,
    context,
    generalized_time,
    magnitude,
    unsigned,
)
from .faults import Broken

MAX_BYTES, _MAX_CERTIFICATES, _MAX_ATTRIBUTES, _MAX_U64 = 64 << 10, 8, 32, (1 << 64) - 1
_PKCS9 = bytes.fromhex("2a864886f70d0109")
_SIGNED_DATA, _TST_INFO = bytes.fromhex("2a864886f70d010702"), _PKCS9 + b"\x10\1\4"
_CONTENT_TYPE, _MESSAGE_DIGEST = _PKCS9 + b"\3", _PKCS9 + b"\4"
_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2 = _PKCS9 + b"\x10\2\x0c", _PKCS9 + b"\x10\2\x2f"


@dataclass(frozen=True)
class Stamp:
    serial: str
    time: int  # the authority's clock, microseconds since 1970
    accuracy: int


@dataclass(frozen=True)
class _Info:
    imprint_algorithm: bytes
    imprint: bytes
    stamp: Stamp


@dataclass(frozen=True)
class _Token:
    content: bytes
    certificates: list[bytes]
    signer: tuple[bytes, bytes] | bytes  # issuer and number, or key id
    digest_algorithm: bytes
    attributes: bytes
    signature_algorithm: bytes
    signature: bytes


def verify(response: bytes, imprint: bytes, authority: Certificate) -> Stamp:
    """Raises `Broken` for a stamp that contradicts itself or the digest, `NotChecked` for one by somebody else."""
    if len(response) > MAX_BYTES:
        raise Broken("too long for a time-stamp")
    token = _read(response)
    digest, bound = _read_attributes(token.attributes)
    info = _read_info(token.content)
    if info.imprint_algorithm != signatures.SHA256 or info.imprint != imprint:
        raise Broken(f"the time-stamp is of other data: its imprint is {info.imprint.hex()}")
    hash_name = signatures.digest_named(token.digest_algorithm)
    if hashlib.new(hash_name, token.content).digest() != digest:
        raise Broken("the signed digest is not that of the time-stamp's content")
    signer = _signer(token)
    _check_bound(signer, bound)
    others = [one for one in token.certificates if one != signer]
    Path(authority, others, info.stamp.time // 1_000_000).check(signer)
    # RFC 5652 §5.4: what is signed is the SET OF, not the implicit tag that stands in the message.
    message = _element(SET, token.attributes)
    name = signatures.digest_of_signature(token.signature_algorithm, hash_name)
    signatures.read_key(certificate.read(signer).key).verify(name, message, token.signature)
    return info.stamp


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    digits = length.to_bytes(-(-length.bit_length() // 8))
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def _signer(token: _Token) -> bytes:
    """The certificate that the signer names, for time-stamping alone."""
    for data in token.certificates:
        found = certificate.read_signer(data)
        name: object = found.key_id if isinstance(token.signer, bytes) else (found.issuer, found.serial)
        if name != token.signer:
            continue
        if not found.only_time_stamping:
            raise Broken("the signer of the time-stamp has no certificate for time-stamping alone")
        return data
    raise Broken("the signer of the time-stamp has no certificate in it")


def _check_bound(signer: bytes, bound: tuple[bytes | None, bytes]) -> None:
    algorithm, digest = bound
    name = "sha1" if algorithm is None else signatures.digest_named(algorithm)
    if hashlib.new(name, signer).digest() != digest:
        raise Broken("the time-stamp binds another certificate than its signer's")


def _read(response: bytes) -> _Token:
    outer = Der(response)
    answer = outer.enter(SEQUENCE)
    outer.finish()
    _check_status(answer.enter(SEQUENCE))
    content = answer.enter(SEQUENCE)
    answer.finish()
    if content.expect(OID) != _SIGNED_DATA:
        raise Broken("the time-stamp is no signed data")
    explicit = content.enter(context(0))
    content.finish()
    data = explicit.enter(SEQUENCE)
    explicit.finish()
    return _read_signed_data(data)


def _check_status(status: Der) -> None:
    number = unsigned(status.expect(INTEGER))
    texts = status.optional(SEQUENCE)
    lines = Der(texts.content if texts else b"")
    while lines.rest:
        lines.expect(UTF8_STRING)
    status.optional(BIT_STRING)
    status.finish()
    if number > 1:
        raise Broken(f"the time-stamp authority refused: status {number}")


def _read_signed_data(data: Der) -> _Token:
    data.expect(INTEGER)
    data.expect(SET)
    encapsulated = data.enter(SEQUENCE)
    if encapsulated.expect(OID) != _TST_INFO:
        raise Broken("the time-stamp's content is of another type")
    explicit = encapsulated.enter(context(0))
    content = explicit.expect(OCTET_STRING)
    explicit.finish()
    encapsulated.finish()
    certificates = []
    found = data.optional(context(0))
    rows = Der(found.content if found else b"")
    while rows.rest:
        one = rows.any()
        # Other choices are passed over: none of them can be the signer's.
        certificates += [one.whole] if one.tag == SEQUENCE else []
        if len(certificates) > _MAX_CERTIFICATES:
            raise Broken("the time-stamp brings more than 8 certificates")
    data.optional(context(1))
    signers = data.enter(SET)
    data.finish()
    token = _read_signer(signers.enter(SEQUENCE), content, certificates)
    signers.finish()
    return token


def _read_signer(signer: Der, content: bytes, certificates: list[bytes]) -> _Token:
    signer.expect(INTEGER)
    who = signer.any()
    name: tuple[bytes, bytes] | bytes
    if who.tag == SEQUENCE:
        parts = Der(who.content)
        name = (parts.any().whole, parts.expect(INTEGER))
    elif who.tag == 0x80:
        name = who.content
    else:
        raise Broken("the signer of the time-stamp is not named")
    digest_algorithm = signer.enter(SEQUENCE).expect(OID)
    attributes = signer.expect(context(0))
    algorithm = signer.enter(SEQUENCE).expect(OID)
    return _Token(content, certificates, name, digest_algorithm, attributes, algorithm, signer.expect(OCTET_STRING))


def _read_attributes(data: bytes) -> tuple[bytes, tuple[bytes | None, bytes]]:
    """The signed digest, and algorithm (None for SHA-1) and digest of the certificate that is bound."""
    found: dict[bytes, bytes] = {}
    rows, count = Der(data), 0
    readers = {_CONTENT_TYPE: OID, _MESSAGE_DIGEST: OCTET_STRING, _SIGNING_CERTIFICATE: SEQUENCE, _SIGNING_CERTIFICATE_V2: SEQUENCE}
    while rows.rest:
        count += 1
        if count > _MAX_ATTRIBUTES:
            raise Broken("the time-stamp has more than 32 signed attributes")
        row = rows.enter(SEQUENCE)
        name, values = row.expect(OID), row.enter(SET)
        if name not in readers:
            continue
        value = values.expect(readers[name])
        if name in found or values.rest:
            raise Broken("a signed attribute is there twice")
        found[name] = value
    if found.get(_CONTENT_TYPE) != _TST_INFO or _MESSAGE_DIGEST not in found:
        raise Broken("content type and digest of the time-stamp are not signed")
    if _SIGNING_CERTIFICATE_V2 in found:
        first = Der(found[_SIGNING_CERTIFICATE_V2]).enter(SEQUENCE).enter(SEQUENCE)
        algorithm = first.optional(SEQUENCE)
        named = Der(algorithm.content).expect(OID) if algorithm else signatures.SHA256
        return found[_MESSAGE_DIGEST], (named, first.expect(OCTET_STRING))
    if _SIGNING_CERTIFICATE in found:
        first = Der(found[_SIGNING_CERTIFICATE]).enter(SEQUENCE).enter(SEQUENCE)
        return found[_MESSAGE_DIGEST], (None, first.expect(OCTET_STRING))
    raise Broken("the signer's certificate is not signed")


def _read_info(content: bytes) -> _Info:
    outer = Der(content)
    info = outer.enter(SEQUENCE)
    outer.finish()
    if unsigned(info.expect(INTEGER)) != 1:
        raise Broken("another version of TSTInfo")
    check_oid(info.expect(OID))
    imprint = info.enter(SEQUENCE)
    algorithm, digest = imprint.enter(SEQUENCE).expect(OID), imprint.expect(OCTET_STRING)
    imprint.finish()
    serial, time = magnitude(info.expect(INTEGER)), generalized_time(info.expect(GENERALIZED_TIME))
    accuracy = info.optional(SEQUENCE)
    within = _read_accuracy(accuracy.content) if accuracy else 0
    info.optional(BOOLEAN)
    if nonce := info.optional(INTEGER):
        magnitude(nonce.content)
    info.optional(context(0))
    info.finish()
    return _Info(algorithm, digest, Stamp(serial.hex(), time, within))


def _read_accuracy(content: bytes) -> int:
    parts, total = Der(content), 0
    for tag, unit in ((INTEGER, 1_000_000), (0x80, 1_000), (0x81, 1)):
        if part := parts.optional(tag):
            total += unsigned(part.content) * unit
    parts.finish()
    if total > _MAX_U64:
        raise Broken("an accuracy beyond every span of time")
    return total
