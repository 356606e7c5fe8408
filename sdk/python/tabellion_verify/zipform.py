"""The one byte form of a package's ZIP file: stored, sorted, no dates, no extras, nothing between the parts.

Source: docs/formats.md §11. Writing what was read gives the same bytes, or it is refused.
"""

import re
import struct
import zlib

from .faults import Malformed

# The fields of APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_UTF8, _STORED, _DOS_TIME, _DOS_DATE, _NEEDED = 0x0800, 0, 0x0000, 0x0021, 20
_MADE_BY, _EXTERNAL = 0x0314, 0x81A40000
MAX_BYTES, MAX_FILES, MAX_NAME = (1 << 32) - 1, 65_535, 255


def is_name(name: str) -> bool:
    """Whether this can be the name of a file in a package."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None and not {".", ".."} & set(name.split("/"))


def _local(name: bytes, content: bytes) -> bytes:
    size = len(content)
    values = (_NEEDED, _UTF8, _STORED, _DOS_TIME, _DOS_DATE, zlib.crc32(content), size, size, len(name), 0)
    return _LOCAL.pack(b"PK\3\4", *values) + name


def _central(name: bytes, content: bytes, at: int) -> bytes:
    size = len(content)
    common = (_NEEDED, _UTF8, _STORED, _DOS_TIME, _DOS_DATE, zlib.crc32(content), size, size, len(name), 0, 0)
    return _CENTRAL.pack(b"PK\1\2", _MADE_BY, *common, 0, 0, _EXTERNAL, at) + name


def read(data: bytes) -> dict[str, bytes]:
    """The files by name, in order. Headers are compared with the only ones that these files can have."""
    if len(data) > MAX_BYTES:
        raise Malformed("is larger than a package can be")
    files: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        if at + _LOCAL.size > len(data) or len(files) == MAX_FILES:
            raise Malformed("is cut short or holds too many files")
        *_, size, name_size, _ = _LOCAL.unpack_from(data, at)
        begin = at + _LOCAL.size + name_size
        raw, content = data[at + _LOCAL.size : begin], data[begin : begin + size]
        name = raw.decode("ascii", "replace")
        if not is_name(name) or len(content) != size:
            raise Malformed(f"file {len(files) + 1} has no proper name or is cut short")
        if files and raw <= next(reversed(files)).encode():
            raise Malformed(f"{name}: is out of order or there twice")
        if data[at:begin] != _local(raw, content):
            raise Malformed(f"{name}: has another header than a package writes, or the check sum does not fit")
        files[name] = content
        at = begin + size
    if data[at:] != _directory(files):
        raise Malformed("the directory at the end is not the one of these files")
    return files


def _directory(files: dict[str, bytes]) -> bytes:
    """The central directory and the end record that follow these files."""
    directory, at = b"", 0
    for name, content in files.items():
        directory += _central(name.encode(), content, at)
        at += _LOCAL.size + len(name) + len(content)
    return directory + _END.pack(b"PK\5\6", 0, 0, len(files), len(files), len(directory), at, 0)


def write(files: dict[str, bytes]) -> bytes:
    """The one byte form of these files."""
    ordered = {name: files[name] for name in sorted(files, key=str.encode)}
    return b"".join(_local(name.encode(), content) + content for name, content in ordered.items()) + _directory(ordered)
