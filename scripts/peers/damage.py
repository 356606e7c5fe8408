"""Changes one bit of one file inside a package: damage.py PACKAGE FILE FLIPPED REPACKED

FLIPPED is what a bad disk makes: the container's CRC-32 no longer fits. REPACKED is what a forger makes: the CRC-32 is
put right in both headers, so that the container is well formed and only the evidence is false.
"""

import struct
import sys
import zipfile
import zlib
from pathlib import Path

LOCAL_HEADER_BYTES = 30  # up to the name; CRC-32 at 14
LOCAL_CRC_AT = 14
CENTRAL_CRC_AT = 16
CENTRAL_MAGIC = b"PK\x01\x02"
CENTRAL_NAME_LENGTH_AT, CENTRAL_NAME_AT = 28, 46


def main(arguments):
    package, name, flipped, repacked = arguments
    data = bytearray(Path(package).read_bytes())
    with zipfile.ZipFile(package) as archive:
        member = archive.getinfo(name)
    begin = member.header_offset + LOCAL_HEADER_BYTES + len(name.encode())
    data[begin + member.file_size // 2] ^= 1
    Path(flipped).write_bytes(data)
    crc = struct.pack("<I", zlib.crc32(data[begin : begin + member.file_size]))
    central = next(at for at in directory(data) if data[at + CENTRAL_NAME_AT :].startswith(name.encode()))
    for at in (member.header_offset + LOCAL_CRC_AT, central + CENTRAL_CRC_AT):
        data[at : at + 4] = crc
    Path(repacked).write_bytes(data)


def directory(data):
    """Where each central header begins."""
    (at,) = struct.unpack("<I", data[-6:-2])  # the end record has no comment
    while data[at : at + 4] == CENTRAL_MAGIC:
        yield at
        (length,) = struct.unpack("<H", data[at + CENTRAL_NAME_LENGTH_AT :][:2])
        at += CENTRAL_NAME_AT + length


if __name__ == "__main__":
    main(sys.argv[1:])
