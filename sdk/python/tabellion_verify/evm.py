"""A checkpoint's digest as the data of a transaction, on any chain whose blocks are Ethereum's.

Shown: a transaction whose data is the digest is in the transaction trie of a block header with this hash. Not shown: who sent it, whether it succeeded,
or that the header is the chain's: the reader names block hashes. Sources: Ethereum yellow paper, appendices B and D; EIP-1559, EIP-2718.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .faults import Broken
from .keccak import keccak256

MAX_BYTES, _MAX_NODES, _MAX_FIELDS = 256 << 10, 16, 64
_FORMAT, _TRANSACTION_TYPE = b"tabellion.evm/1", b"\2"


@dataclass(frozen=True)
class Item:
    """One item of RLP in its canonical form."""

    is_list: bool
    payload: bytes
    whole: bytes

    def string(self) -> bytes:
        if self.is_list:
            raise Broken("RLP has no string there")
        return self.payload

    def list(self, most: int) -> list["Item"]:
        if not self.is_list:
            raise Broken("RLP has no list there")
        return _items(self.payload, most)

    def number(self, digits: int = 8) -> int:
        if len(self.string()) > digits or self.payload[:1] == b"\0":
            raise Broken("RLP has no number in its shortest form there")
        return int.from_bytes(self.payload)


def _split(data: bytes) -> tuple[Item, bytes]:
    first = data[0]
    is_list, base = first >= 0xC0, first - (0xC0 if first >= 0xC0 else 0x80)
    at, length = 1, base
    if first < 0x80:
        at, length = 0, 1
    elif base > 55:
        at = 1 + base - 55
        digits = data[1:at]
        length = int.from_bytes(digits)
        if len(digits) != base - 55 or len(digits) > 4 or not digits[0] or length <= 55:
            raise Broken("RLP has a length in another than its shortest form")
    payload = data[at : at + length]
    if len(payload) != length or (first == 0x81 and payload[0] < 0x80):
        raise Broken("RLP has an item that is cut off or not in its shortest form")
    return Item(is_list, payload, data[: at + length]), data[at + length :]


def _items(data: bytes, most: int) -> list[Item]:
    found: list[Item] = []
    while data:
        if len(found) == most:
            raise Broken("RLP has more items than belong there")
        item, data = _split(data)
        found.append(item)
    return found


def _whole(data: bytes, most: int) -> list[Item]:
    """The items of a list that is all of `data`."""
    items = _items(data, 1)
    if not items:
        raise Broken("RLP has nothing there")
    return items[0].list(most)


@dataclass(frozen=True)
class Block:
    chain: int
    number: int
    hash: bytes
    time: int  # seconds since 1970


def block_of(evidence: bytes, digest: bytes) -> Block:
    """The block that a transaction with this digest as its data is shown to be in. Raises `Broken`."""
    if len(evidence) > MAX_BYTES:
        raise Broken("too long for a transaction's evidence")
    items = _whole(evidence, 6)
    if len(items) != 6 or items[0].string() != _FORMAT:
        raise Broken("not the evidence of a transaction")
    chain, header, transaction, index = items[1].number(), items[2].string(), items[3].string(), items[4].number()
    nodes = [node.string() for node in items[5].list(_MAX_NODES)]
    of_chain, data = _read_transaction(transaction)
    if data != digest:
        raise Broken("the transaction's data is not the checkpoint's digest")
    if of_chain != chain:
        raise Broken(f"the transaction is of chain {of_chain}, not {chain}")
    fields = _whole(header, _MAX_FIELDS)
    if len(fields) < 12 or len(fields[4].string()) != 32:
        raise Broken("a block's header has other fields")
    block = Block(chain, fields[8].number(), keccak256(header), fields[11].number())
    if _find(fields[4].string(), _number(index), nodes) != transaction:
        raise Broken("the transaction is not in the block: the nodes do not lead from its transactions root to it")
    return block


def _read_transaction(data: bytes) -> tuple[int, bytes]:
    """Chain and data of a signed transaction of type 2; the rest has the form that it must have."""
    if data[:1] != _TRANSACTION_TYPE:
        raise Broken("not a transaction of type 2")
    fields = _whole(data[1:], 12)
    if len(fields) != 12:
        raise Broken("a transaction has other fields")
    chain = fields[0].number()
    fields[1].number()
    fields[2].number(16)
    fields[3].number(16)
    fields[4].number()
    if len(fields[5].string()) != 20 or not fields[8].is_list:
        raise Broken("a transaction has other fields")
    for at in (6, 10, 11):
        fields[at].string()
    return chain, fields[7].string()


def _number(value: int) -> bytes:
    """A number as RLP writes it: the key of a transaction in the trie."""
    digits = value.to_bytes(-(-value.bit_length() // 8))
    return digits if len(digits) == 1 and digits[0] < 0x80 else bytes([0x80 + len(digits)]) + digits


def _nibbles(data: bytes) -> list[int]:
    return [nibble for byte in data for nibble in (byte >> 4, byte & 15)]


def _next(left: Iterator[bytes], hash_: bytes) -> bytes:
    node = next(left, None)
    if node is None or keccak256(node) != hash_:
        raise Broken("a node of the transaction trie is not there")
    return node


def _find(root: bytes, key: bytes, nodes: list[bytes]) -> bytes | None:
    """The value under a key; nodes that stand inside their parent are not repeated."""
    left, path = iter(nodes), _nibbles(key)
    try:
        node = _next(left, root)
        while True:
            items = _whole(node, 17)
            if len(items) == 2:
                prefix, is_leaf = _prefix(items[0].string())
                if path[: len(prefix)] != prefix:
                    return None
                path = path[len(prefix) :]
                if is_leaf:
                    return None if path or next(left, None) is not None else items[1].string()
                child = items[1]
            elif len(items) == 17 and path:
                child, path = items[path[0]], path[1:]
            elif len(items) == 17:
                value = items[16].string()
                return value if value and next(left, None) is None else None
            else:
                return None
            node = child.whole if child.is_list else _next(left, child.payload)
    except Broken:
        return None


def _prefix(data: bytes) -> tuple[list[int], bool]:
    nibbles = _nibbles(data)
    if not nibbles or nibbles[0] > 3 or (nibbles[0] % 2 == 0 and nibbles[1] != 0):
        raise Broken("a node's path is of another form")
    return nibbles[1 if nibbles[0] % 2 else 2 :], nibbles[0] >= 2
