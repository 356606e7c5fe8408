"""Reads a log as any C2SP tlog-tiles client does, over HTTP, and computes its root from nothing but the entries.

    tiles.py URL        URL of the log, such as http://127.0.0.1:8087/log/acme

Paths, hashes and tiles are written here a second time, from the specification: what is served has to be what they come to.
"""

import base64
import hashlib
import sys
import urllib.error
import urllib.request

WIDTH = 256


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), answer.headers


def require(holds, what):
    if not holds:
        sys.exit(f"tiles.py: {what}")


def number(index):
    """Three digits an element, all but the last behind an x."""
    groups = []
    while True:
        index, group = divmod(index, 1000)
        groups.insert(0, f"{group:03}")
        if index == 0:
            return "/".join([*("x" + group for group in groups[:-1]), groups[-1]])


def leaf(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def entries(bundle):
    found = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        require(0 < length <= len(bundle) - 2, "a bundle ends within an entry")
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return found


def tiles(hashes, level=0):
    """Every tile of a tree: (level, index, hashes)."""
    while hashes:
        for begin in range(0, len(hashes), WIDTH):
            yield level, begin // WIDTH, hashes[begin : begin + WIDTH]
        full = len(hashes) // WIDTH * WIDTH
        hashes = [root(hashes[begin : begin + WIDTH]) for begin in range(0, full, WIDTH)]
        level += 1


def path(kind, index, width):
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{kind}/{number(index)}{partial}"


def main(url):
    checkpoint, headers = fetch(f"{url}/checkpoint")
    require(headers["content-type"].startswith("text/plain"), "a checkpoint is text/plain")
    origin, size, top = checkpoint.decode().split("\n")[:3]
    size, top = int(size), base64.b64decode(top, validate=True)
    leaves = []
    for begin in range(0, size, WIDTH):
        width = min(WIDTH, size - begin)
        bundle, headers = fetch(f"{url}/{path('entries', begin // WIDTH, width)}")
        require(headers["content-type"] == "application/octet-stream", "a bundle is application/octet-stream")
        found = entries(bundle)
        require(len(found) == width, f"a bundle of {width} entries holds {len(found)}")
        leaves += [leaf(entry) for entry in found]
    require(root(leaves) == top, "the root of the entries is not the checkpoint's")
    count = 0
    # Those of this size, and of sizes that were published before it.
    for at in {size, size - 1, size // 2, min(size, WIDTH), min(size, WIDTH + 1)}:
        for level, index, hashes in tiles(leaves[:at]):
            served, headers = fetch(f"{url}/{path(level, index, len(hashes))}")
            require(served == b"".join(hashes), f"tile {level}/{index} of size {at} holds other hashes")
            require("immutable" in headers["cache-control"], "a tile may be cached for ever")
            count += 1
    for beyond in (path(0, size // WIDTH + 1, 1), path("entries", size // WIDTH + 1, 1), path(7, 0, 1)):
        try:
            fetch(f"{url}/{beyond}")
        except urllib.error.HTTPError as refused:
            require(refused.code == 404, f"{beyond} is refused with {refused.code}")
        else:
            require(False, f"{beyond} is beyond the log and was served")
    print(f"{origin}: {size} entries, {count} tiles, one root")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
