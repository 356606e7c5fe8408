"""ML-DSA-44 (FIPS 204): verification alone, with the empty context. Names are those of the standard.

`cryptography` has it from version 47 on, and only over an OpenSSL that has it; evidence has to get one answer everywhere, so it is checked here. Some 20 ms a
signature. Nothing here is secret, so nothing here hides how long it takes.
"""

import hashlib
from functools import lru_cache

from .faults import Broken

# FIPS 204, table 1.
_Q, _N, _D, _TAU, _GAMMA1, _K, _L, _BETA, _OMEGA = 8380417, 256, 13, 39, 1 << 17, 4, 4, 78, 80
_GAMMA2 = (_Q - 1) // 88
_SEED, _CHALLENGE = 32, 32
_Z_BITS, _T1_BITS, _W1_BITS = 18, 10, 6
_Z, _T1 = _N * _Z_BITS // 8, _N * _T1_BITS // 8
KEY_BYTES, SIGNATURE_BYTES = _SEED + _K * _T1, _CHALLENGE + _L * _Z + _OMEGA + _K
_PURE_WITHOUT_CONTEXT = bytes(2)  # §5.2: not pre-hashed; length of the context
_INVERSE_OF_N = pow(_N, -1, _Q)
# A uniform polynomial takes about 770 bytes; five blocks of SHAKE128 are enough but for one in 2^50, which asks for more.
_SAMPLED = 840

_ZETAS = [pow(1753, int(f"{m:08b}"[::-1], 2), _Q) for m in range(_N)]  # ζ^BitRev8(m), §7.5

_Polynomial = list[int]


def _ntt(w: _Polynomial) -> _Polynomial:
    """Algorithm 41, in place."""
    m, length = 0, 128
    while length:
        for start in range(0, _N, 2 * length):
            m += 1
            zeta = _ZETAS[m]
            for j in range(start, start + length):
                t = zeta * w[j + length] % _Q
                w[j + length] = (w[j] - t) % _Q
                w[j] = (w[j] + t) % _Q
        length //= 2
    return w


def _inverse_ntt(w: _Polynomial) -> _Polynomial:
    """Algorithm 42, in place."""
    m, length = _N, 1
    while length < _N:
        for start in range(0, _N, 2 * length):
            m -= 1
            zeta = _Q - _ZETAS[m]
            for j in range(start, start + length):
                t = w[j]
                w[j] = (t + w[j + length]) % _Q
                w[j + length] = zeta * (t - w[j + length]) % _Q
        length *= 2
    return [value * _INVERSE_OF_N % _Q for value in w]


def _unpack(data: bytes, bits: int) -> _Polynomial:
    """Numbers of `bits` bits each, the lowest first (algorithm 18)."""
    whole, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [whole >> at & mask for at in range(0, len(data) * 8, bits)]


def _encode_w1(w1: _Polynomial) -> bytes:
    """Algorithm 28."""
    whole = sum(value << at * _W1_BITS for at, value in enumerate(w1))
    return whole.to_bytes(_N * _W1_BITS // 8, "little")


def _shake256(size: int, *parts: bytes) -> bytes:
    return hashlib.shake_256(b"".join(parts)).digest(size)


def _rejection_sample(seed: bytes, column: int, row: int) -> _Polynomial:
    """Algorithm 30."""
    size, xof = _SAMPLED, hashlib.shake_128(seed + bytes([column, row]))
    while True:
        data = xof.digest(size)
        found = [int.from_bytes(data[at : at + 3], "little") & 0x7FFFFF for at in range(0, size, 3)]
        found = [value for value in found if value < _Q]
        if len(found) >= _N:
            return found[:_N]
        size += _SAMPLED


def _sample_in_ball(challenge: bytes) -> _Polynomial:
    """Algorithm 29: τ coefficients are 1 or −1, the others 0."""
    size = 1024
    while True:
        data = _shake256(size, challenge)
        signs, at, c = int.from_bytes(data[:8], "little"), 8, [0] * _N
        for i in range(_N - _TAU, _N):
            while at < size and data[at] > i:
                at += 1
            if at == size:
                break
            c[i], c[data[at]] = c[data[at]], (_Q - 1 if signs >> (i + _TAU - _N) & 1 else 1)
            at += 1
        else:
            return c
        size *= 2


def _unpack_hints(data: bytes) -> list[set[int]] | None:
    """Algorithm 21: for each polynomial the places of its hints, which rise. None for bytes that no signer makes: a signature has one form."""
    hints, at = [], 0
    for end in data[_OMEGA:]:
        if not at <= end <= _OMEGA:
            return None
        places = data[at:end]
        if any(first >= second for first, second in zip(places, places[1:])):
            return None
        hints.append(set(places))
        at = end
    return None if any(data[at:_OMEGA]) else hints


def _use_hint(hinted: bool, r: int) -> int:
    """Algorithms 36 and 40: the high part of a residue, one up or down where a hint says so."""
    count = (_Q - 1) // (2 * _GAMMA2)
    low = r % (2 * _GAMMA2)
    if low > _GAMMA2:
        low -= 2 * _GAMMA2
    if r - low == _Q - 1:
        high, low = 0, low - 1
    else:
        high = (r - low) // (2 * _GAMMA2)
    if not hinted:
        return high
    return (high + 1 if low > 0 else high - 1) % count


@lru_cache(maxsize=8)
def _expand(public: bytes) -> tuple[list[list[_Polynomial]], list[_Polynomial], bytes]:
    """What a public key means: its matrix, −t1·2^d in NTT form, and its digest."""
    seed, packed = public[:_SEED], public[_SEED:]
    matrix = [[_rejection_sample(seed, column, row) for column in range(_L)] for row in range(_K)]
    t1 = [_unpack(packed[row * _T1 : (row + 1) * _T1], _T1_BITS) for row in range(_K)]
    negated = [_ntt([-(value << _D) % _Q for value in one]) for one in t1]
    return matrix, negated, _shake256(64, public)


def is_right(public: bytes, signature: bytes, message: bytes) -> bool:
    """Algorithms 3 and 8. Another length of key or signature is wrong, never an error."""
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    challenge, packed = signature[:_CHALLENGE], signature[_CHALLENGE:]
    z = [[_GAMMA1 - value for value in _unpack(packed[at * _Z : (at + 1) * _Z], _Z_BITS)] for at in range(_L)]
    if any(abs(value) >= _GAMMA1 - _BETA for one in z for value in one):
        return False
    hints = _unpack_hints(packed[_L * _Z :])
    if hints is None:
        return False
    matrix, negated, digest = _expand(public)
    of_z = [_ntt([value % _Q for value in one]) for one in z]
    c = _ntt(_sample_in_ball(challenge))
    w1 = []
    for row, own, hinted in zip(matrix, negated, hints):
        sums = [c[j] * own[j] + sum(row[at][j] * of_z[at][j] for at in range(_L)) for j in range(_N)]
        w1.append(_encode_w1([_use_hint(j in hinted, value) for j, value in enumerate(_inverse_ntt([one % _Q for one in sums]))]))
    mu = _shake256(64, digest, _PURE_WITHOUT_CONTEXT, message)
    return _shake256(_CHALLENGE, mu, *w1) == challenge


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Raises `Broken` when the key did not sign this."""
    if not is_right(public, signature, message):
        raise Broken("the ML-DSA-44 signature does not verify")
