"""A C2SP tlog-proof: an index, an inclusion path, a checkpoint and an `extra` line that holds the rest of a receipt.

Source: docs/formats.md §9; c2sp.org/tlog-proof.
"""

import re
from dataclasses import dataclass

from . import encoding
from .faults import Malformed

FIRST_LINE = b"c2sp.org/tlog-proof@v1\n"
MAX_BYTES = 4 << 20
MAX_PATH = 63
MAX_INDEX = (1 << 53) - 1
_INDEX = re.compile("index (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True)
class TlogProof:
    extra: bytes
    index: int
    path: list[bytes]
    checkpoint: bytes


def read(data: bytes) -> TlogProof:
    if len(data) > MAX_BYTES or not data.startswith(FIRST_LINE):
        raise Malformed("is no tlog-proof or too long for one")
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")[1:]
    except UnicodeDecodeError as error:
        raise Malformed("is not UTF-8") from error
    if not separator or len(lines) < 2 or not lines[0].startswith("extra "):
        raise Malformed("lacks the extra line of a receipt or its checkpoint")
    index = _INDEX.fullmatch(lines[1])
    path = [encoding.from_base64(line) for line in lines[2:]]
    if index is None or int(index[1]) > MAX_INDEX or len(path) > MAX_PATH or any(len(one) != 32 for one in path):
        raise Malformed("has no proper index or path")
    return TlogProof(encoding.from_base64(lines[0].removeprefix("extra ")), int(index[1]), path, checkpoint)
