// The sponge of FIPS 202: SHAKE128 and SHAKE256, which ML-DSA-44 is made of, and Keccak-256 as Ethereum uses it, whose padding is the original one.
const MASK = (1n << 64n) - 1n;
const LANE = 8;
const RATE_128 = 168;
const RATE_256 = 136;
const SHAKE = 0x1f; // the bits 1111 of FIPS 202 §6.2 and the first bit of the padding
const ORIGINAL = 0x01;

// Both tables follow from the rules of FIPS 202 §3.2; computing them is shorter than copying 48 numbers, and vectors check them.
const ROUNDS = [];
for (let round = 0, state = 1; round < 24; round++) {
  let constant = 0n;
  for (let bit = 0; bit < 7; bit++) {
    if (state & 1) constant |= 1n << ((1n << BigInt(bit)) - 1n);
    state = (state << 1) ^ (state & 0x80 ? 0x171 : 0);
  }
  ROUNDS.push(constant);
}
const TURNS = [[0, 0, 0n]]; // from, to, by how many bits
for (let step = 0, x = 1, y = 0; step < 24; step++) {
  const [nextX, nextY] = [y, (2 * x + 3 * y) % 5];
  TURNS.push([x + 5 * y, nextX + 5 * nextY, BigInt((((step + 1) * (step + 2)) / 2) % 64)]);
  [x, y] = [nextX, nextY];
}

const turn = (lane, by) => ((lane << by) | (lane >> (64n - by))) & MASK;

function permute(lanes) {
  for (const constant of ROUNDS) {
    const columns = [0, 1, 2, 3, 4].map((x) => lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
    const mixed = columns.map((_, x) => columns[(x + 4) % 5] ^ turn(columns[(x + 1) % 5], 1n));
    const moved = new Array(25);
    for (const [from, to, by] of TURNS) moved[to] = turn(lanes[from] ^ mixed[from % 5], by);
    for (let at = 0; at < 25; at++) {
      const row = at - (at % 5);
      lanes[at] = moved[at] ^ (~moved[row + ((at + 1) % 5)] & MASK & moved[row + ((at + 2) % 5)]);
    }
    lanes[0] ^= constant;
  }
}

/** Absorbs the parts, one after the other; gives a function that squeezes the next `count` bytes. */
function sponge(rate, domain, parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padded = new Uint8Array((Math.floor(length / rate) + 1) * rate);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[length] = domain;
  padded[padded.length - 1] |= 0x80;
  const view = new DataView(padded.buffer);
  const lanes = new Array(25).fill(0n);
  for (let block = 0; block < padded.length; block += rate) {
    for (let lane = 0; lane < rate / LANE; lane++) lanes[lane] ^= view.getBigUint64(block + lane * LANE, true);
    permute(lanes);
  }
  const block = new DataView(new ArrayBuffer(rate));
  const bytes = new Uint8Array(block.buffer);
  const fill = () => lanes.slice(0, rate / LANE).forEach((lane, place) => block.setBigUint64(place * LANE, lane, true));
  fill();
  let used = 0;
  return (count) => {
    const out = new Uint8Array(count);
    for (let place = 0; place < count; place++) {
      if (used === rate) {
        permute(lanes);
        fill();
        used = 0;
      }
      out[place] = bytes[used++];
    }
    return out;
  };
}

/** Each absorbs its parts and gives a function: so many further bytes of the output. */
export const shake128 = (...parts) => sponge(RATE_128, SHAKE, parts);
export const shake256 = (...parts) => sponge(RATE_256, SHAKE, parts);

export const keccak256 = (bytes) => sponge(RATE_256, ORIGINAL, [bytes])(32);
