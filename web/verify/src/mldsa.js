// ML-DSA-44 (FIPS 204): verification alone, with the empty context. Names are those of the standard. Synchronous; some 10 ms for each new key, less for the next
// signature under it. Nothing here is secret, so nothing here hides how long it takes.
import { equal } from './bytes.js';
import { shake128, shake256 } from './keccak.js';

// FIPS 204, table 1.
const Q = 8380417;
const N = 256;
const DROPPED = 1 << 13; // 2^d
const TAU = 39;
const GAMMA_1 = 1 << 17;
const GAMMA_2 = (Q - 1) / 88;
const K = 4, L = 4;
const BETA = 78; // τ·η
const OMEGA = 80;

const SEED_BYTES = 32;
const CHALLENGE_BYTES = 32; // λ/4
const Z_BITS = 18, T1_BITS = 10, W1_BITS = 6;
const Z_BYTES = (N * Z_BITS) / 8, T1_BYTES = (N * T1_BITS) / 8;
export const ML_DSA_KEY_BYTES = SEED_BYTES + K * T1_BYTES;
export const ML_DSA_SIGNATURE_BYTES = CHALLENGE_BYTES + L * Z_BYTES + OMEGA + K;
const KEYS_KEPT = 8; // expanded, 16 KiB each; a trust file pins one or a few

const PURE_WITHOUT_CONTEXT = Uint8Array.of(0, 0); // §5.2: not pre-hashed; length of the context

// Products of two residues stay below 2^46, so that a double holds them exactly.
const mod = (value) => {
  const rest = value % Q;
  return rest < 0 ? rest + Q : rest;
};

/** ζ^BitRev8(m) for each m (§7.5); computing them is shorter than copying 256 numbers, and vectors check them. */
const ZETAS = (() => {
  const powers = [1];
  for (let at = 1; at < N; at++) powers.push((powers[at - 1] * 1753) % Q);
  const reversed = (value) => Array.from({ length: 8 }, (_, bit) => ((value >> bit) & 1) << (7 - bit)).reduce((sum, bit) => sum | bit, 0);
  return powers.map((_, at) => powers[reversed(at)]);
})();
const OF_INVERSE = 8347681; // 256^−1 mod q

/** Algorithm 41, in place. */
function ntt(w) {
  let m = 0;
  for (let length = 128; length >= 1; length /= 2) {
    for (let start = 0; start < N; start += 2 * length) {
      m += 1;
      for (let j = start; j < start + length; j++) {
        const t = (ZETAS[m] * w[j + length]) % Q;
        w[j + length] = mod(w[j] - t);
        w[j] = (w[j] + t) % Q;
      }
    }
  }
  return w;
}

/** Algorithm 42, in place. */
function inverseNtt(w) {
  let m = N;
  for (let length = 1; length < N; length *= 2) {
    for (let start = 0; start < N; start += 2 * length) {
      m -= 1;
      for (let j = start; j < start + length; j++) {
        const t = w[j];
        w[j] = (t + w[j + length]) % Q;
        w[j + length] = ((Q - ZETAS[m]) * mod(t - w[j + length])) % Q;
      }
    }
  }
  return w.map((value) => (value * OF_INVERSE) % Q);
}

/** Numbers of `bits` bits each, the lowest first (algorithm 18). */
function unpack(bytes, bits) {
  const out = new Array((bytes.length * 8) / bits);
  for (let at = 0, place = 0, pending = 0, have = 0; at < out.length; at++) {
    for (; have < bits; have += 8) pending += bytes[place++] * 2 ** have;
    out[at] = pending % 2 ** bits;
    pending = Math.floor(pending / 2 ** bits);
    have -= bits;
  }
  return out;
}

/** Algorithm 28: the high parts, six bits each, four to three bytes. */
function encodeW1(w1) {
  const out = [];
  for (let at = 0; at < N; at += 4) {
    const group = w1[at] | (w1[at + 1] << W1_BITS) | (w1[at + 2] << (2 * W1_BITS)) | (w1[at + 3] << (3 * W1_BITS));
    out.push(group & 255, (group >> 8) & 255, group >> 16);
  }
  return Uint8Array.from(out);
}

/** Algorithm 30. */
function rejectionSample(seed, column, row) {
  const squeeze = shake128(seed, Uint8Array.of(column, row));
  const out = [];
  while (out.length < N) {
    const [low, middle, high] = squeeze(3);
    const value = low | (middle << 8) | ((high & 0x7f) << 16);
    if (value < Q) out.push(value);
  }
  return out;
}

/** Algorithm 29: τ coefficients are 1 or −1, the others 0. */
function sampleInBall(challenge) {
  const squeeze = shake256(challenge);
  const signs = squeeze(8);
  const c = new Array(N).fill(0);
  for (let i = N - TAU; i < N; i++) {
    let [j] = squeeze(1);
    while (j > i) [j] = squeeze(1);
    const bit = i + TAU - N;
    c[i] = c[j];
    c[j] = (signs[bit >> 3] >> (bit & 7)) & 1 ? Q - 1 : 1;
  }
  return c;
}

/** Algorithm 21: for each polynomial the places of its hints, which rise; null for bytes that no signer makes, so that a signature has one form. */
function unpackHints(bytes) {
  const hints = [];
  let at = 0;
  for (let i = 0; i < K; i++) {
    const end = bytes[OMEGA + i];
    if (end < at || end > OMEGA) return null;
    const places = bytes.subarray(at, end);
    if (places.some((place, number) => number > 0 && places[number - 1] >= place)) return null;
    hints.push(new Set(places));
    at = end;
  }
  return bytes.subarray(at, OMEGA).some((byte) => byte !== 0) ? null : hints;
}

/** Algorithms 36 and 40: the high part of a residue, one up or down where a hint says so. */
function useHint(hinted, r) {
  const count = (Q - 1) / (2 * GAMMA_2);
  let low = r % (2 * GAMMA_2);
  if (low > GAMMA_2) low -= 2 * GAMMA_2;
  let high = (r - low) / (2 * GAMMA_2);
  if (r - low === Q - 1) {
    high = 0;
    low -= 1;
  }
  if (!hinted) return high;
  return low > 0 ? (high + 1) % count : (high + count - 1) % count;
}

/** What a public key means: its matrix, −t1·2^d in NTT form, and its digest. */
function expand(publicKey) {
  const seed = publicKey.subarray(0, SEED_BYTES);
  const matrix = [];
  const negated = [];
  for (let row = 0; row < K; row++) {
    matrix.push(Array.from({ length: L }, (_, column) => rejectionSample(seed, column, row)));
    const t1 = unpack(publicKey.subarray(SEED_BYTES + row * T1_BYTES, SEED_BYTES + (row + 1) * T1_BYTES), T1_BITS);
    negated.push(ntt(t1.map((value) => mod(-value * DROPPED))));
  }
  return { publicKey: publicKey.slice(), matrix, negated, digest: shake256(publicKey)(64) };
}

const expanded = [];

function expandedOf(publicKey) {
  const known = expanded.find((key) => equal(key.publicKey, publicKey));
  if (known) return known;
  if (expanded.length >= KEYS_KEPT) expanded.shift();
  expanded.push(expand(publicKey));
  return expanded[expanded.length - 1];
}

/** Whether the signature over the message is right (algorithms 3 and 8). Another length of key or signature is wrong, never an error. */
export function verifyMlDsa(publicKey, message, signature) {
  if (publicKey.length !== ML_DSA_KEY_BYTES || signature.length !== ML_DSA_SIGNATURE_BYTES) return false;
  const challenge = signature.subarray(0, CHALLENGE_BYTES);
  const part = (at) => signature.subarray(CHALLENGE_BYTES + at * Z_BYTES, CHALLENGE_BYTES + (at + 1) * Z_BYTES);
  const z = Array.from({ length: L }, (_, at) => unpack(part(at), Z_BITS).map((value) => GAMMA_1 - value));
  if (z.some((one) => one.some((value) => Math.abs(value) >= GAMMA_1 - BETA))) return false;
  const hints = unpackHints(signature.subarray(CHALLENGE_BYTES + L * Z_BYTES));
  if (!hints) return false;
  const key = expandedOf(publicKey);
  const ofZ = z.map((one) => ntt(one.map(mod)));
  const c = ntt(sampleInBall(challenge));
  const w1 = key.matrix.map((row, at) => {
    const sum = c.map((value, j) => (value * key.negated[at][j]) % Q);
    row.forEach((a, column) => a.forEach((value, j) => { sum[j] = (sum[j] + value * ofZ[column][j]) % Q; }));
    return encodeW1(inverseNtt(sum).map((value, j) => useHint(hints[at].has(j), value)));
  });
  const mu = shake256(key.digest, PURE_WITHOUT_CONTEXT, message)(64);
  return equal(shake256(mu, ...w1)(CHALLENGE_BYTES), challenge);
}
