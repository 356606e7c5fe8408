"""Keccak-256 as Ethereum uses it: the original padding, which the standard library's SHA-3 has not.

Source: the Keccak reference (Bertoni et al.), with rate 1,088 and the domain byte 0x01; FIPS 202 §3 describes the same permutation.
"""

_MASK, _RATE = (1 << 64) - 1, 136


def _constants() -> list[int]:
    """The round constants, out of the linear feedback shift register of FIPS 202 §3.2.5."""
    found, state = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            constant |= (state & 1) << ((1 << bit) - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        found.append(constant)
    return found


def _offsets() -> list[tuple[int, int, int]]:
    """Where each lane goes, and by how many bits it turns: (from, to, turn), in the order of FIPS 202 §3.2.2 and §3.2.3."""
    found, x, y = [(0, 0, 0)], 1, 0
    for step in range(24):
        turned = y, (2 * x + 3 * y) % 5
        found.append((x + 5 * y, turned[0] + 5 * turned[1], (step + 1) * (step + 2) // 2 % 64))
        x, y = turned
    return found


_ROUNDS, _TURNS = _constants(), _offsets()


def _turn(lane: int, by: int) -> int:
    return (lane << by | lane >> 64 - by) & _MASK


def _permute(lanes: list[int]) -> list[int]:
    for constant in _ROUNDS:
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ _turn(columns[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * 25
        for place, to, by in _TURNS:
            moved[to] = _turn(lanes[place] ^ mixed[place % 5], by)
        lanes = [
            moved[at] ^ (~moved[at - at % 5 + (at + 1) % 5] & moved[at - at % 5 + (at + 2) % 5]) for at in range(25)
        ]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    room = _RATE - len(data) % _RATE
    padded = data + (b"\x81" if room == 1 else b"\1" + bytes(room - 2) + b"\x80")
    lanes = [0] * 25
    for begin in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            lanes[lane] ^= int.from_bytes(padded[begin + 8 * lane : begin + 8 * lane + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
