// Seeded random numbers, so that a failing run can be repeated: SEED=… node --test.

/** A generator with its seed; the seed comes from SEED or the clock. */
export function random(seed = Number(process.env.SEED ?? Date.now() % 0xffffffff)) {
  let state = seed >>> 0;
  const next = () => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  };
  return {
    seed,
    below: (limit) => next() % limit,
    bytes: (size) => Uint8Array.from({ length: size }, () => next() & 255),
  };
}
