// Ed25519 verification (RFC 8032 §5.1), strict as docs/formats.md §1 asks: canonical A, R and S, A and R not of small order,
// cofactorless equation. Verification only: no secret ever passes through here, so nothing needs constant time.
import { hex } from './bytes.js';
import { sha512 } from './sha512.js';

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const D2 = mod(2n * D);
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);
const SIGN_BIT = 0x80;
const WINDOW_COUNT = 64; // 4 bits each of a 256-bit scalar
const WINDOW_SIZE = 16;
const KEY_CACHE_MAX = 64; // a table is about 200 KiB, so at most 13 MiB

function mod(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % P) {
    if (rest & 1n) result = (result * square) % P;
  }
  return result;
}

function inverse(value) {
  return power(value, P - 2n);
}

function littleEndian(bytes) {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]);
  return value;
}

// Extended coordinates [X, Y, Z, T], x = X/Z, y = Y/Z, T = XY/Z; complete addition for a = −1 (Hisil et al. 2008, §3.1).
const IDENTITY = [0n, 1n, 1n, 0n];

function add(p, q) {
  const a = mod((p[1] - p[0]) * (q[1] - q[0]));
  const b = mod((p[1] + p[0]) * (q[1] + q[0]));
  const c = mod(mod(p[3] * D2) * q[3]);
  const d = mod(2n * p[2] * q[2]);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function encode(p) {
  const scale = inverse(p[2]);
  const x = mod(p[0] * scale);
  let y = mod(p[1] * scale);
  const out = new Uint8Array(32);
  for (let at = 0; at < 32; at++, y >>= 8n) out[at] = Number(y & 255n);
  if (x & 1n) out[31] |= SIGN_BIT;
  return out;
}

/** The point of a canonical encoding, or null when there is none. */
function decode(bytes) {
  const negative = (bytes[31] & SIGN_BIT) !== 0;
  const y = littleEndian(bytes) & (2n ** 255n - 1n);
  if (y >= P) return null;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
  const check = mod(v * x * x);
  if (check === mod(-u)) x = mod(x * SQRT_MINUS_1);
  else if (check !== u) return null;
  if (x === 0n && negative) return null;
  if (((x & 1n) === 1n) !== negative) x = mod(-x);
  return [x, y, 1n, mod(x * y)];
}

const BASE = decode(Uint8Array.from([0x58, ...new Array(31).fill(0x66)]));

// y of a point of order 8; the other such y is its negative. Checked by a test: 8·(x, y) is the identity.
const ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
// The eight points of small order are exactly those with these y, either sign of x.
const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y]);

/** Whether 32 bytes are a canonical encoding of a y and not of a point of small order. */
function isAcceptableEncoding(bytes) {
  if (bytes.length !== 32) return false;
  const y = littleEndian(bytes) & (2n ** 255n - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

function windowTable(point) {
  const table = [];
  for (let window = 0, base = point; window < WINDOW_COUNT; window++) {
    const row = [IDENTITY];
    for (let digit = 1; digit < WINDOW_SIZE; digit++) row.push(add(row[digit - 1], base));
    table.push(row);
    base = add(row[WINDOW_SIZE - 1], base);
  }
  return table;
}

function multiplyInto(sum, table, scalar) {
  let total = sum;
  for (let window = 0, rest = scalar; window < WINDOW_COUNT; window++, rest >>= 4n) {
    const digit = Number(rest & 15n);
    if (digit !== 0) total = add(total, table[window][digit]);
  }
  return total;
}

let baseTable = null;
const negatedKeyTables = new Map();

function negatedKeyTable(publicKey) {
  const name = hex(publicKey);
  const known = negatedKeyTables.get(name);
  if (known) return known;
  const [x, y, z, t] = decode(publicKey);
  const table = windowTable([mod(-x), y, z, mod(-t)]);
  if (negatedKeyTables.size >= KEY_CACHE_MAX) negatedKeyTables.clear();
  negatedKeyTables.set(name, table);
  return table;
}

const keyVerdicts = new Map();

/** Whether 32 bytes are a public key that may verify anything: on the curve, canonical, not of small order. */
export function isPublicKey(publicKey) {
  const name = hex(publicKey);
  const known = keyVerdicts.get(name);
  if (known !== undefined) return known;
  const verdict = isAcceptableEncoding(publicKey) && decode(publicKey) !== null;
  if (keyVerdicts.size >= KEY_CACHE_MAX) keyVerdicts.clear();
  keyVerdicts.set(name, verdict);
  return verdict;
}

/** The strictness rules that do not need the message. A browser's own Ed25519 is asked only after these hold. */
export function isStrictForm(publicKey, signature) {
  return signature.length === 64
    && isPublicKey(publicKey)
    && isAcceptableEncoding(signature.subarray(0, 32))
    && littleEndian(signature.subarray(32)) < L;
}

/** Cofactorless verification: encode(S·B − k·A) = R. */
export function verifyStrict(publicKey, message, signature) {
  if (!isStrictForm(publicKey, signature)) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const k = littleEndian(sha512(r, publicKey, message)) % L;
  baseTable ??= windowTable(BASE);
  const sum = multiplyInto(multiplyInto(IDENTITY, baseTable, s), negatedKeyTable(publicKey), k);
  return hex(encode(sum)) === hex(r);
}
