"""Whom a reader believes about time: the lines of a trust file that begin with `#!`, which a tlog-policy passes over as comments.

Source: docs/formats.md §10.1. A line that begins so and is none of these is refused, so that a misspelt one is never quietly without effect.
"""

import re
from dataclasses import dataclass, field

from . import certificate, encoding, ots
from .certificate import Certificate
from .faults import Broken, Malformed
from .note import ED25519, VerifierKey, read_verifier_key

MAX_LINES = 4_096
_DECIMAL, _HEX, _MAX_NUMBER = re.compile("0|[1-9][0-9]{0,19}"), re.compile("[0-9a-fA-F]*"), (1 << 64) - 1


@dataclass
class AnchorTrust:
    authorities: list[tuple[str, Certificate]] = field(default_factory=list)
    bitcoin: list[tuple[int, bytes]] = field(default_factory=list)  # height and header
    evm: list[tuple[int, int, bytes]] = field(default_factory=list)  # chain, height and hash
    root_logs: list[VerifierKey] = field(default_factory=list)


def _number(text: str, what: str) -> int:
    if not _DECIMAL.fullmatch(text) or int(text) > _MAX_NUMBER:
        raise Malformed(f"the {what} has to be a number")
    return int(text)


def _octets(text: str, size: int, what: str) -> bytes:
    if len(text) != 2 * size or not _HEX.fullmatch(text):
        raise Malformed(f"the {what} has to be {2 * size} hex digits")
    return bytes.fromhex(text)


def _authority(text: str) -> Certificate:
    try:
        return certificate.read_authority(encoding.from_base64(text))
    except Malformed as error:
        raise Malformed("the certificate has to be base64 of its DER form") from error
    except Broken as error:
        raise Malformed(f"the certificate cannot be used: {error}") from error


def _root_log(text: str) -> VerifierKey:
    wrong = "the key has to be the verifier key of a log: ORIGIN+ID+KEY"
    try:
        key = read_verifier_key(text)
    except Malformed as error:
        raise Malformed(wrong) from error
    if key.type != ED25519:
        raise Malformed(wrong)
    return key


def _take(trust: AnchorTrust, words: list[str]) -> None:
    match words:
        case ["rfc3161", name, text]:
            trust.authorities.append((name, _authority(text)))
        case ["bitcoin", height, header]:
            trust.bitcoin.append((_number(height, "height"), _octets(header, ots.HEADER_BYTES, "header")))
        case ["evm", chain, number, hash_]:
            found = _octets(hash_.removeprefix("0x"), 32, "block's hash")
            trust.evm.append((_number(chain, "chain"), _number(number, "block"), found))
        case ["root-log", key]:
            trust.root_logs.append(_root_log(key))
        case _:
            raise Malformed(
                "write it as: #! rfc3161 NAME CERTIFICATE, #! bitcoin HEIGHT HEADER, #! evm CHAIN NUMBER HASH, or #! root-log KEY"
            )


def read(data: bytes) -> AnchorTrust:
    """Raises `Malformed` with the number of the line."""
    trust, lines = AnchorTrust(), 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.startswith(b"#!"):
            continue
        lines += 1
        try:
            if lines > MAX_LINES:
                raise Malformed(f"more than {MAX_LINES} lines about anchors")
            _take(trust, line[2:].decode().split())
        except UnicodeDecodeError as error:
            raise Malformed(f"line {number}: is not UTF-8") from error
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from error
    return trust
