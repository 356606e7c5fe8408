"""The RFC 9162 tree: hashes, inclusion paths, and the root that a range gives together with the subtrees beside it.

Source: docs/formats.md §2 and §11.2; RFC 9162 §2.1.
"""

import hashlib
from collections.abc import Iterable

from .faults import Broken


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion path leads to (RFC 9162 §2.1.3.2). Raises `Broken` for a path of another length."""
    if not 0 <= index < size:
        raise Broken(f"index {index} is not in a tree of {size}")
    at, last, root = index, size - 1, leaf
    for hash_ in path:
        if last == 0:
            raise Broken("the inclusion path is too long")
        if at & 1 or at == last:
            root = node_hash(hash_, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, hash_)
        at, last = at >> 1, last >> 1
    if last:
        raise Broken("the inclusion path is too short")
    return root


def check_path(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    if root_of_path(leaf, index, size, path) != root:
        raise Broken("the inclusion path leads to another root")


def check_consistency(old_size: int, old_root: bytes, size: int, root: bytes, path: list[bytes]) -> None:
    """That a tree continues an earlier one of itself (RFC 9162 §2.1.4.2). Raises `Broken`."""
    if old_size > size:
        raise Broken(f"a tree of {size} does not continue one of {old_size}")
    if old_size in (0, size):
        due = root if old_size else hashlib.sha256().digest()
        if path or old_root != due:
            raise Broken("the trees differ, or a consistency path is there where none belongs")
        return
    rest = list(path)
    if old_size & (old_size - 1):
        if not rest:
            raise Broken("the consistency path is too short")
        old = new = rest.pop(0)
    else:
        old = new = old_root  # a perfect tree's root is the first hash of the climb and is not sent
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    for hash_ in rest:
        if last == 0:
            raise Broken("the consistency path is too long")
        if at & 1 or at == last:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, hash_)
        at, last = at >> 1, last >> 1
    if last or old != old_root or new != root:
        raise Broken("the consistency path does not lead from the one tree to the other")


def left_sizes(first: int) -> list[int]:
    """Sizes of the maximal perfect subtrees of [0, first), left to right: the bits of `first`."""
    return [1 << bit for bit in reversed(range(first.bit_length())) if first >> bit & 1]


def right_sizes(begin: int, end: int) -> list[int]:
    """The same of [begin, end): always the largest aligned perfect subtree that fits."""
    sizes = []
    while begin < end:
        size = 1 << (end - begin).bit_length() - 1
        if begin:
            size = min(size, begin & -begin)
        sizes.append(size)
        begin += size
    return sizes


class _Frontier:
    """Perfect subtrees from 0 on, joined as soon as two form a larger one."""

    def __init__(self) -> None:
        self.at = 0
        self.parts: list[tuple[int, bytes]] = []

    def add(self, size: int, hash_: bytes) -> None:
        self.at += size
        while self.parts and self.parts[-1][0] == size and self.at % (2 * size) == 0:
            hash_ = node_hash(self.parts.pop()[1], hash_)
            size *= 2
        self.parts.append((size, hash_))

    def root(self) -> bytes:
        if not self.parts:
            return hashlib.sha256().digest()
        root = self.parts[-1][1]
        for _, hash_ in reversed(self.parts[:-1]):
            root = node_hash(hash_, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    return root_of_range(0, leaves, [], [], None)


def root_of_range(first: int, leaves: Iterable[bytes], left: list[bytes], right: list[bytes], size: int | None) -> bytes:
    """The root of a tree of `size` leaves from a range at `first` and the subtrees on both sides."""
    frontier = _Frontier()
    sizes = left_sizes(first)
    if len(sizes) != len(left):
        raise Broken(f"proof.json: left has {len(left)} hashes and {len(sizes)} are needed")
    for width, hash_ in zip(sizes, left, strict=True):
        frontier.add(width, hash_)
    for leaf in leaves:
        frontier.add(1, leaf)
    sizes = right_sizes(frontier.at, size or 0)
    if len(sizes) != len(right):
        raise Broken(f"proof.json: right has {len(right)} hashes and {len(sizes)} are needed")
    for width, hash_ in zip(sizes, right, strict=True):
        frontier.add(width, hash_)
    return frontier.root()
