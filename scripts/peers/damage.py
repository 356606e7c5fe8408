"""Changes a bit inside a package: damage.py PACKAGE FILE FLIPPED REPACKED

FLIPPED is what a bad disk makes: the container's CRC-32 no longer fits. REPACKED is what a forger makes: the CRC-32 is
put right in both headers, so that the container is well formed and only the evidence is false.
"""

import struct
import sys
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

# Offsets in a ZIP file's headers (its specification, 4.3.7 and 4.3.12).
LOCAL_CRC_AT, LOCAL_NAME_AT = 14, 30
CENTRAL_MAGIC = b"PK\x01\x02"
CENTRAL_CRC_AT, CENTRAL_NAME_LENGTH_AT, CENTRAL_NAME_AT = 16, 28, 46


def members(package):
    """The files of a package, as zipfile describes them."""
    with zipfile.ZipFile(BytesIO(package)) as archive:
        return archive.infolist()


def flip(package, member, at, bit):
    """One bit of byte `at` of a file changed, and nothing else."""
    data = bytearray(package)
    data[content(member) + at] ^= 1 << bit
    return bytes(data)


def repack(package, member):
    """The container's CRC-32 of a file put right in both headers."""
    data = bytearray(package)
    begin = content(member)
    crc = struct.pack("<I", zlib.crc32(data[begin : begin + member.file_size]))
    for at in (member.header_offset + LOCAL_CRC_AT, central_header(data, member.filename) + CENTRAL_CRC_AT):
        data[at : at + 4] = crc
    return bytes(data)


def content(member):
    """Where a file's bytes begin; there are no extra fields in a package."""
    return member.header_offset + LOCAL_NAME_AT + len(member.filename.encode())


def central_header(data, name):
    (at,) = struct.unpack("<I", data[-6:-2])  # the end record has no comment
    while data[at : at + 4] == CENTRAL_MAGIC:
        (length,) = struct.unpack("<H", data[at + CENTRAL_NAME_LENGTH_AT :][:2])
        if data[at + CENTRAL_NAME_AT :][:length] == name.encode():
            return at
        at += CENTRAL_NAME_AT + length
    raise KeyError(name)


def main(arguments):
    package, name, flipped, repacked = arguments
    whole = Path(package).read_bytes()
    member = next(member for member in members(whole) if member.filename == name)
    damaged = flip(whole, member, member.file_size // 2, 0)
    Path(flipped).write_bytes(damaged)
    Path(repacked).write_bytes(repack(damaged, member))


if __name__ == "__main__":
    main(sys.argv[1:])
