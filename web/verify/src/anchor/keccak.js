// Keccak-256 as Ethereum uses it: the permutation of FIPS 202 with rate 1,088 and the original padding, whose domain byte is 0x01.
const MASK = (1n << 64n) - 1n;
const RATE = 136;

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

export function keccak256(bytes) {
  const padded = new Uint8Array((Math.floor(bytes.length / RATE) + 1) * RATE);
  padded.set(bytes);
  padded[bytes.length] = 0x01;
  padded[padded.length - 1] |= 0x80;
  const view = new DataView(padded.buffer);
  const lanes = new Array(25).fill(0n);
  for (let block = 0; block < padded.length; block += RATE) {
    for (let lane = 0; lane < RATE / 8; lane++) lanes[lane] ^= view.getBigUint64(block + lane * 8, true);
    permute(lanes);
  }
  const out = new DataView(new ArrayBuffer(32));
  for (let lane = 0; lane < 4; lane++) out.setBigUint64(lane * 8, lanes[lane], true);
  return new Uint8Array(out.buffer);
}
