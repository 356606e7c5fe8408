// Made by web/verify/build.mjs from web/verify/src, where the comments are; change it there.
const m_malformed = (() => {
class Malformed extends Error {
constructor(what) {
super(what);
this.name = 'Malformed';
}
}
function within(place, read) {
try {
return read();
} catch (error) {
if (error instanceof Malformed) throw new Malformed(`${place}: ${error.message}`);
throw error;
}
}
return { Malformed, within };
})();
const m_pace = (() => {
const SLICE_MS = 12;
const nextTask = () => new Promise((resolve) => {
const channel = new MessageChannel();
channel.port1.onmessage = () => {
channel.port1.close();
resolve();
};
channel.port2.postMessage(null);
});
class Pace {
#report;
#signal;
#sliceStart = performance.now();
stage = '';
constructor(report = () => {}, signal = null) {
this.#report = report;
this.#signal = signal;
}
begin(stage) {
this.stage = stage;
this.#report(stage, 0, 0);
}
async breathe(done = 0, total = 0) {
if (performance.now() - this.#sliceStart < SLICE_MS) return;
if (total > 0) this.#report(this.stage, done, total);
await this.rest();
}
async rest() {
await nextTask();
this.#signal?.throwIfAborted();
this.#sliceStart = performance.now();
}
}
return { Pace };
})();
const m_bytes = (() => {
const { Malformed } = m_malformed;
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const HEX_DIGITS = '0123456789abcdef';
const NOT_A_DIGIT = 255;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function digitTable(alphabet) {
const table = new Uint8Array(128).fill(NOT_A_DIGIT);
for (let value = 0; value < alphabet.length; value++) table[alphabet.charCodeAt(value)] = value;
return table;
}
const STANDARD_VALUES = digitTable(STANDARD);
const URL_SAFE_VALUES = digitTable(URL_SAFE);
const utf8 = (text) => encoder.encode(text);
function text(bytes) {
try {
return decoder.decode(bytes);
} catch {
throw new Malformed('is not UTF-8 text');
}
}
function linesOf(bytes) {
const lines = [];
for (let at = 0; at <= bytes.length; at += lines[lines.length - 1].length + 1) {
const end = bytes.indexOf(0x0a, at);
lines.push(bytes.subarray(at, end < 0 ? bytes.length : end));
}
return lines;
}
function concat(...parts) {
const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
let at = 0;
for (const part of parts) {
whole.set(part, at);
at += part.length;
}
return whole;
}
function equal(a, b) {
if (a.length !== b.length) return false;
for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
return true;
}
function compare(a, b) {
const shared = Math.min(a.length, b.length);
for (let at = 0; at < shared; at++) if (a[at] !== b[at]) return a[at] - b[at];
return a.length - b.length;
}
function hex(bytes) {
let out = '';
for (const byte of bytes) out += HEX_DIGITS[byte >> 4] + HEX_DIGITS[byte & 15];
return out;
}
function fromHex(digits, size) {
if (typeof digits !== 'string' || digits.length !== size * 2 || !/^[0-9a-f]*$/.test(digits)) {
throw new Malformed(`expected ${size * 2} lower-case hex digits`);
}
const out = new Uint8Array(size);
for (let at = 0; at < size; at++) out[at] = parseInt(digits.slice(at * 2, at * 2 + 2), 16);
return out;
}
function encode64(bytes, alphabet, pad) {
const out = [];
for (let at = 0; at < bytes.length; at += 3) {
const have = Math.min(3, bytes.length - at);
const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
let digits = alphabet[group >> 18] + alphabet[(group >> 12) & 63];
if (have > 1) digits += alphabet[(group >> 6) & 63];
if (have > 2) digits += alphabet[group & 63];
out.push(pad ? digits.padEnd(4, '=') : digits);
}
return out.join('');
}
function decode64(digits, values) {
const tail = digits.length % 4;
if (tail === 1) throw new Malformed('is not base64 (length)');
const out = new Uint8Array((digits.length * 3) >> 2);
let pending = 0;
let bits = 0;
let at = 0;
for (let place = 0; place < digits.length; place++) {
const code = digits.charCodeAt(place);
const value = code < 128 ? values[code] : NOT_A_DIGIT;
if (value === NOT_A_DIGIT) throw new Malformed('is not base64 (digit)');
pending = ((pending << 6) | value) & 0xffff;
bits += 6;
if (bits >= 8) {
bits -= 8;
out[at++] = (pending >> bits) & 255;
}
}
if ((pending & ((1 << bits) - 1)) !== 0) throw new Malformed('is not canonical base64');
return out;
}
const base64 = (bytes) => encode64(bytes, STANDARD, true);
const base64url = (bytes) => encode64(bytes, URL_SAFE, false);
function fromBase64(digits) {
if (typeof digits !== 'string' || digits.length % 4 !== 0) throw new Malformed('is not padded base64');
const bare = digits.endsWith('==') ? digits.slice(0, -2) : digits.endsWith('=') ? digits.slice(0, -1) : digits;
return decode64(bare, STANDARD_VALUES);
}
function fromBase64url(digits) {
if (typeof digits !== 'string') throw new Malformed('is not base64url');
return decode64(digits, URL_SAFE_VALUES);
}
function fromDecimal(digits) {
if (!/^(0|[1-9][0-9]{0,15})$/.test(digits) || !Number.isSafeInteger(Number(digits))) {
throw new Malformed('expected a decimal number without leading zeros');
}
return Number(digits);
}
return { utf8, text, linesOf, concat, equal, compare, hex, fromHex, base64, base64url, fromBase64, fromBase64url, fromDecimal };
})();
const m_keccak = (() => {
const MASK = (1n << 64n) - 1n;
const LANE = 8;
const RATE_128 = 168;
const RATE_256 = 136;
const SHAKE = 0x1f;
const ORIGINAL = 0x01;
const ROUNDS = [];
for (let round = 0, state = 1; round < 24; round++) {
let constant = 0n;
for (let bit = 0; bit < 7; bit++) {
if (state & 1) constant |= 1n << ((1n << BigInt(bit)) - 1n);
state = (state << 1) ^ (state & 0x80 ? 0x171 : 0);
}
ROUNDS.push(constant);
}
const TURNS = [[0, 0, 0n]];
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
const shake128 = (...parts) => sponge(RATE_128, SHAKE, parts);
const shake256 = (...parts) => sponge(RATE_256, SHAKE, parts);
const keccak256 = (bytes) => sponge(RATE_256, ORIGINAL, [bytes])(32);
return { shake128, shake256, keccak256 };
})();
const m_mldsa = (() => {
const { equal } = m_bytes;
const { shake128, shake256 } = m_keccak;
const Q = 8380417;
const N = 256;
const DROPPED = 1 << 13;
const TAU = 39;
const GAMMA_1 = 1 << 17;
const GAMMA_2 = (Q - 1) / 88;
const K = 4, L = 4;
const BETA = 78;
const OMEGA = 80;
const SEED_BYTES = 32;
const CHALLENGE_BYTES = 32;
const Z_BITS = 18, T1_BITS = 10, W1_BITS = 6;
const Z_BYTES = (N * Z_BITS) / 8, T1_BYTES = (N * T1_BITS) / 8;
const ML_DSA_KEY_BYTES = SEED_BYTES + K * T1_BYTES;
const ML_DSA_SIGNATURE_BYTES = CHALLENGE_BYTES + L * Z_BYTES + OMEGA + K;
const KEYS_KEPT = 8;
const PURE_WITHOUT_CONTEXT = Uint8Array.of(0, 0);
const mod = (value) => {
const rest = value % Q;
return rest < 0 ? rest + Q : rest;
};
const ZETAS = (() => {
const powers = [1];
for (let at = 1; at < N; at++) powers.push((powers[at - 1] * 1753) % Q);
const reversed = (value) => Array.from({ length: 8 }, (_, bit) => ((value >> bit) & 1) << (7 - bit)).reduce((sum, bit) => sum | bit, 0);
return powers.map((_, at) => powers[reversed(at)]);
})();
const OF_INVERSE = 8347681;
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
function encodeW1(w1) {
const out = [];
for (let at = 0; at < N; at += 4) {
const group = w1[at] | (w1[at + 1] << W1_BITS) | (w1[at + 2] << (2 * W1_BITS)) | (w1[at + 3] << (3 * W1_BITS));
out.push(group & 255, (group >> 8) & 255, group >> 16);
}
return Uint8Array.from(out);
}
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
function verifyMlDsa(publicKey, message, signature) {
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
return { ML_DSA_KEY_BYTES, ML_DSA_SIGNATURE_BYTES, verifyMlDsa };
})();
const m_sha512 = (() => {
const MASK = 0xffffffffn;
const BLOCK = 128;
function primes(count) {
const found = [];
for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n);
return found;
}
function integerRoot(value, degree) {
let low = 0n;
let high = 1n << 80n;
while (high - low > 1n) {
const middle = (low + high) >> 1n;
if (middle ** degree <= value) low = middle;
else high = middle;
}
return low;
}
const fraction = (prime, degree) => integerRoot(BigInt(prime) << (64n * degree), degree) & ((1n << 64n) - 1n);
function wordPairs(values) {
const pairs = new Int32Array(values.length * 2);
values.forEach((value, at) => {
pairs[at * 2] = Number(value >> 32n) | 0;
pairs[at * 2 + 1] = Number(value & MASK) | 0;
});
return pairs;
}
const ROUND = wordPairs(primes(80).map((p) => fraction(p, 3n)));
const STARTS = primes(16).map((p) => fraction(p, 2n));
const START = wordPairs(STARTS.slice(0, 8));
const START_384 = wordPairs(STARTS.slice(8));
const w = new Int32Array(160);
const carry = (low) => Math.floor(low / 0x100000000);
function expand(view, at) {
for (let t = 0; t < 32; t++) w[t] = view.getInt32(at + t * 4);
for (let t = 32; t < 160; t += 2) {
const xh = w[t - 30], xl = w[t - 29], yh = w[t - 4], yl = w[t - 3];
const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
const low = (w[t - 31] >>> 0) + (s0l >>> 0) + (w[t - 13] >>> 0) + (s1l >>> 0);
w[t] = (w[t - 32] + s0h + w[t - 14] + s1h + carry(low)) | 0;
w[t + 1] = low | 0;
}
}
function compress(state, view, at) {
expand(view, at);
let [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, hh, hl] = state;
for (let t = 0; t < 160; t += 2) {
const s1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
const s1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
const t1low = (hl >>> 0) + (s1l >>> 0) + ((gl ^ (el & (fl ^ gl))) >>> 0) + (ROUND[t + 1] >>> 0) + (w[t + 1] >>> 0);
const t1h = (hh + s1h + (gh ^ (eh & (fh ^ gh))) + ROUND[t] + w[t] + carry(t1low)) | 0;
const t1l = t1low | 0;
const s0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
const s0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
const t2low = (s0l >>> 0) + (((al & bl) | (cl & (al | bl))) >>> 0);
const t2h = (s0h + ((ah & bh) | (ch & (ah | bh))) + carry(t2low)) | 0;
hh = gh; hl = gl; gh = fh; gl = fl; fh = eh; fl = el;
const elow = (dl >>> 0) + (t1l >>> 0);
eh = (dh + t1h + carry(elow)) | 0; el = elow | 0;
dh = ch; dl = cl; ch = bh; cl = bl; bh = ah; bl = al;
const alow = (t1l >>> 0) + ((t2low | 0) >>> 0);
ah = (t1h + t2h + carry(alow)) | 0; al = alow | 0;
}
const next = [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, hh, hl];
for (let t = 0; t < 16; t += 2) {
const low = (state[t + 1] >>> 0) + (next[t + 1] >>> 0);
state[t] = (state[t] + next[t] + carry(low)) | 0;
state[t + 1] = low | 0;
}
}
function digest(start, parts) {
const length = parts.reduce((sum, part) => sum + part.length, 0);
const padded = new Uint8Array((Math.floor((length + 16) / BLOCK) + 1) * BLOCK);
let at = 0;
for (const part of parts) {
padded.set(part, at);
at += part.length;
}
padded[length] = 0x80;
const view = new DataView(padded.buffer);
view.setUint32(padded.length - 8, Math.floor(length / 0x20000000));
view.setUint32(padded.length - 4, (length << 3) >>> 0);
const state = start.slice();
for (let block = 0; block < padded.length; block += BLOCK) compress(state, view, block);
const out = new Uint8Array(64);
const outView = new DataView(out.buffer);
state.forEach((word, place) => outView.setInt32(place * 4, word));
return out;
}
const sha512 = (...parts) => digest(START, parts);
const sha384 = (...parts) => digest(START_384, parts).subarray(0, 48);
return { sha512, sha384 };
})();
const m_ed25519 = (() => {
const { hex } = m_bytes;
const { sha512 } = m_sha512;
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const D2 = mod(2n * D);
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);
const SIGN_BIT = 0x80;
const WINDOW_COUNT = 64;
const WINDOW_SIZE = 16;
const KEY_CACHE_MAX = 64;
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
const ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y]);
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
function isPublicKey(publicKey) {
const name = hex(publicKey);
const known = keyVerdicts.get(name);
if (known !== undefined) return known;
const verdict = isAcceptableEncoding(publicKey) && decode(publicKey) !== null;
if (keyVerdicts.size >= KEY_CACHE_MAX) keyVerdicts.clear();
keyVerdicts.set(name, verdict);
return verdict;
}
function isStrictForm(publicKey, signature) {
return signature.length === 64
&& isPublicKey(publicKey)
&& isAcceptableEncoding(signature.subarray(0, 32))
&& littleEndian(signature.subarray(32)) < L;
}
function verifyStrict(publicKey, message, signature) {
if (!isStrictForm(publicKey, signature)) return false;
const r = signature.subarray(0, 32);
const s = littleEndian(signature.subarray(32));
const k = littleEndian(sha512(r, publicKey, message)) % L;
baseTable ??= windowTable(BASE);
const sum = multiplyInto(multiplyInto(IDENTITY, baseTable, s), negatedKeyTable(publicKey), k);
return hex(encode(sum)) === hex(r);
}
return { isPublicKey, isStrictForm, verifyStrict };
})();
const m_sha256 = (() => {
const ROUND = new Uint32Array([
0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const START = new Uint32Array([
0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const BLOCK = 64;
const words = new Int32Array(64);
function compress(state, bytes, at) {
for (let t = 0; t < 16; t++, at += 4) {
words[t] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
for (let t = 16; t < 64; t++) {
const x = words[t - 15];
const y = words[t - 2];
const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
words[t] = (words[t - 16] + s0 + words[t - 7] + s1) | 0;
}
let a = state[0] | 0, b = state[1] | 0, c = state[2] | 0, d = state[3] | 0;
let e = state[4] | 0, f = state[5] | 0, g = state[6] | 0, h = state[7] | 0;
for (let t = 0; t < 64; t++) {
const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
const t1 = (h + s1 + (g ^ (e & (f ^ g))) + ROUND[t] + words[t]) | 0;
const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
h = g; g = f; f = e; e = (d + t1) | 0;
d = c; c = b; b = a; a = (t1 + t2) | 0;
}
state[0] += a; state[1] += b; state[2] += c; state[3] += d;
state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}
class Sha256 {
#state = START.slice();
#tail = new Uint8Array(BLOCK);
#held = 0;
#length = 0;
update(bytes) {
this.#length += bytes.length;
let at = 0;
if (this.#held > 0) {
at = Math.min(BLOCK - this.#held, bytes.length);
this.#tail.set(bytes.subarray(0, at), this.#held);
this.#held += at;
if (this.#held < BLOCK) return this;
compress(this.#state, this.#tail, 0);
this.#held = 0;
}
for (; at + BLOCK <= bytes.length; at += BLOCK) compress(this.#state, bytes, at);
this.#tail.set(bytes.subarray(at));
this.#held = bytes.length - at;
return this;
}
digest() {
this.#tail.fill(0, this.#held);
this.#tail[this.#held] = 0x80;
if (this.#held > BLOCK - 9) {
compress(this.#state, this.#tail, 0);
this.#tail.fill(0);
}
const end = new DataView(this.#tail.buffer);
end.setUint32(56, Math.floor(this.#length / 0x20000000));
end.setUint32(60, (this.#length << 3) >>> 0);
compress(this.#state, this.#tail, 0);
const out = new Uint8Array(32);
const view = new DataView(out.buffer);
for (let word = 0; word < 8; word++) view.setUint32(word * 4, this.#state[word]);
return out;
}
}
function sha256(...parts) {
const hash = new Sha256();
for (const part of parts) hash.update(part);
return hash.digest();
}
return { Sha256, sha256 };
})();
const m_note = (() => {
const { base64, concat, equal, fromBase64, fromDecimal, fromHex, hex, text, utf8 } = m_bytes;
const { isPublicKey } = m_ed25519;
const { Malformed } = m_malformed;
const { ML_DSA_KEY_BYTES, ML_DSA_SIGNATURE_BYTES } = m_mldsa;
const { sha256 } = m_sha256;
const ED25519 = 0x01;
const COSIGNATURE = 0x04;
const ML_DSA_44 = 0x06;
const COSIGNER_NAME_BYTES_MAX = 255;
const SIGNATURES_MAX = 64;
const SIGNATURE_START = '— ';
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const ORIGIN_BYTES_MAX = 255;
const KEY_NAME = /^[^\p{White_Space}\p{Cc}+]+$/u;
const KEY_NAME_BYTES_MAX = 512;
function checkKeyName(name) {
if (!KEY_NAME.test(name) || utf8(name).length > KEY_NAME_BYTES_MAX) throw new Malformed('key name is empty, too long or holds a space, plus or control character');
return name;
}
function noteKeyId(name, type, publicKey) {
return sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey).subarray(0, 4);
}
function parseVerifierKey(source) {
const parts = source.split('+');
if (parts.length < 3) throw new Malformed('verifier key is not name+id+key');
const [name, keyId, ...rest] = parts;
const material = fromBase64(rest.join('+'));
if (material.length < 2) throw new Malformed('verifier key is too short');
const key = { name: checkKeyName(name), keyId: fromHex(keyId, 4), type: material[0], publicKey: material.subarray(1) };
if (key.type === ED25519 || key.type === COSIGNATURE || key.type === ML_DSA_44) {
if (key.type === ML_DSA_44) {
if (key.publicKey.length !== ML_DSA_KEY_BYTES) throw new Malformed('verifier key is not an ML-DSA-44 key');
if (utf8(name).length > COSIGNER_NAME_BYTES_MAX) throw new Malformed('name of an ML-DSA-44 cosigner is too long');
} else if (!isPublicKey(key.publicKey)) {
throw new Malformed('verifier key is not a usable Ed25519 key');
}
if (!equal(key.keyId, noteKeyId(key.name, key.type, key.publicKey))) {
throw new Malformed('verifier key id does not belong to its name and key');
}
}
return key;
}
function parseSignatureLine(line) {
if (!line.startsWith(SIGNATURE_START)) throw new Malformed('signature line does not start with an em dash');
const [name, encoded, ...more] = line.slice(SIGNATURE_START.length).split(' ');
if (encoded === undefined || more.length > 0) throw new Malformed('signature line is not name and signature');
const blob = fromBase64(encoded);
if (blob.length < 5) throw new Malformed('signature is too short');
return { name: checkKeyName(name), keyId: blob.subarray(0, 4), signature: blob.subarray(4) };
}
function parseNote(source) {
if (CONTROL.test(source)) throw new Malformed('note holds a control character');
const split = source.lastIndexOf('\n\n');
if (split < 0 || !source.endsWith('\n')) throw new Malformed('note has no signatures');
const lines = source.slice(split + 2).split('\n');
lines.pop();
if (lines.length === 0 || lines.length > SIGNATURES_MAX) throw new Malformed(`note has not 1 to ${SIGNATURES_MAX} signatures`);
return { text: source.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}
function parseCheckpoint(bytes) {
const note = parseNote(text(bytes));
const lines = note.text.split('\n');
if (lines.length !== 4 || lines[3] !== '') throw new Malformed('checkpoint text is not origin, size and root');
const root = fromBase64(lines[2]);
if (root.length !== 32) throw new Malformed('checkpoint root is not 32 bytes');
if (utf8(lines[0]).length > ORIGIN_BYTES_MAX) throw new Malformed('checkpoint origin is longer than 255 bytes');
return { origin: checkKeyName(lines[0]), size: fromDecimal(lines[1]), root, note };
}
const checkpointText = ({ origin, size, root }) => `${origin}\n${size}\n${base64(fromHex(root, 32))}\n`;
function signaturesBy(note, name, type, publicKey) {
const keyId = noteKeyId(name, type, publicKey);
return note.signatures.filter((line) => line.name === name && equal(line.keyId, keyId)).map((line) => line.signature);
}
const TIME_BYTES = 8;
const ED25519_SIGNATURE_BYTES = 64;
function timed(blob, size) {
if (blob.length !== TIME_BYTES + size || blob[0] >= 0x80) return null;
const seconds = blob.subarray(0, TIME_BYTES).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
return { seconds, signature: blob.subarray(TIME_BYTES) };
}
function cosignedMessage(noteText, blob) {
const one = timed(blob, ED25519_SIGNATURE_BYTES);
return one && { ...one, message: concat(utf8(`cosignature/v1\ntime ${one.seconds}\n`), utf8(noteText)) };
}
function uint64(value) {
const bytes = new DataView(new ArrayBuffer(8));
bytes.setBigUint64(0, BigInt(value));
return new Uint8Array(bytes.buffer);
}
const lengthAnd = (name) => concat(Uint8Array.of(utf8(name).length), utf8(name));
function cosignedTree(checkpoint, name, blob) {
const one = timed(blob, ML_DSA_SIGNATURE_BYTES);
const { origin, size, root } = checkpoint;
return one && {
...one,
message: concat(utf8('subtree/v1\n\0'), lengthAnd(name), uint64(one.seconds), lengthAnd(origin), uint64(0), uint64(size), root),
};
}
function verifierKeyText(name, publicKey) {
const type = Uint8Array.of(ED25519);
return `${name}+${hex(noteKeyId(name, ED25519, publicKey))}+${base64(concat(type, publicKey))}`;
}
return { ED25519, COSIGNATURE, ML_DSA_44, checkKeyName, noteKeyId, parseVerifierKey, parseNote, parseCheckpoint, checkpointText, signaturesBy, cosignedMessage, cosignedTree, verifierKeyText };
})();
const m_webcrypto = (() => {
const { fromHex, hex, utf8 } = m_bytes;
const { isStrictForm, verifyStrict } = m_ed25519;
const { Sha256, sha256 } = m_sha256;
const SUBTLE_MIN_BYTES = 256 * 1024;
const PIECE_BYTES = 1024 * 1024;
const GOOD = {
key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
message: new Uint8Array(0),
signature: 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
};
const COFACTORED = {
key: '837b2a7c0f9a96124c0a1288209aabb4d8296b74b0f4d34890cc227bec4df8e6',
message: utf8('cofactor'),
signature: '6b12d4d055bd943206034b402ebe601bf715a3bbe772cdac6ab65b94d9a07bf63c63ca6fafbdd8deae8a2eb5ba7a357519c21eb50c087e9eb9dde1631547d601',
};
const subtle = globalThis.crypto?.subtle;
const importedKeys = new Map();
async function subtleVerify(publicKey, message, signature) {
const name = hex(publicKey);
let key = importedKeys.get(name);
if (!key) {
key = await subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
if (importedKeys.size >= 1024) importedKeys.clear();
importedKeys.set(name, key);
}
return subtle.verify({ name: 'Ed25519' }, key, signature, message);
}
async function subtleIsRight() {
if (!subtle) return false;
const ask = ({ key, message, signature }) => subtleVerify(fromHex(key, 32), message, fromHex(signature, 64));
try {
return (await ask(GOOD)) === true && (await ask(COFACTORED)) === false;
} catch {
return false;
}
}
let rightness = null;
async function verifySignature(publicKey, message, signature) {
if (!isStrictForm(publicKey, signature)) return false;
rightness ??= subtleIsRight();
if (await rightness) {
try {
return await subtleVerify(publicKey, message, signature);
} catch {
return verifyStrict(publicKey, message, signature);
}
}
return verifyStrict(publicKey, message, signature);
}
async function fileDigest(bytes, pace) {
if (bytes.length < SUBTLE_MIN_BYTES) return sha256(bytes);
if (subtle) {
try {
return new Uint8Array(await subtle.digest('SHA-256', bytes));
} catch {
}
}
const hash = new Sha256();
for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
hash.update(bytes.subarray(at, at + PIECE_BYTES));
await pace.breathe();
}
return hash.digest();
}
return { verifySignature, fileDigest };
})();
const m_policy = (() => {
const { hex, linesOf, text } = m_bytes;
const { Malformed, within } = m_malformed;
const { verifyMlDsa } = m_mldsa;
const { COSIGNATURE, ED25519, ML_DSA_44, cosignedMessage, cosignedTree, parseVerifierKey, signaturesBy } = m_note;
const { verifySignature } = m_webcrypto;
const ITEMS_MAX = 256;
const TRUST_BYTES_MAX = 256 * 1024;
const TAB = 0x09, SPACE = 0x20, HASH = 0x23, DELETE = 0x7f;
function wordsOf(line) {
if (line.some((byte) => (byte < SPACE && byte !== TAB) || byte === DELETE)) throw new Malformed('holds a control character');
if (line.find((byte) => byte !== SPACE && byte !== TAB) === HASH) return [];
return text(line).split(/[ \t]+/).filter((word) => word !== '');
}
function defineName(policy, name, rule) {
if (name === undefined || name === 'none') throw new Malformed('name is missing or reserved');
if (policy.named.has(name)) throw new Malformed('name is defined twice');
policy.named.set(name, rule);
}
function addKey(keys, vkey, type) {
const key = parseVerifierKey(vkey ?? '');
if (key.type !== type && key.type !== ML_DSA_44) throw new Malformed('key is of another type than this line needs');
const name = hex(key.publicKey);
if (keys.has(name)) throw new Malformed('public key is listed twice');
keys.add(name);
return key;
}
function addGroup(policy, [name, threshold, ...members]) {
if (members.length === 0) throw new Malformed('group has no members');
for (const member of members) {
if (!policy.named.has(member)) throw new Malformed('group names a member that is not defined above');
if (policy.members.has(member)) throw new Malformed('group names a member that another group has');
policy.members.add(member);
}
let least = threshold === 'any' ? 1 : threshold === 'all' ? members.length : NaN;
if (/^[1-9][0-9]{0,3}$/.test(threshold)) least = Number(threshold);
if (!(least >= 1 && least <= members.length)) throw new Malformed('group threshold is not any, all or 1 to the number of members');
defineName(policy, name, { least, members });
}
function readLine(policy, words) {
const [keyword, ...rest] = words;
if (!keyword) return;
if (keyword === 'log' && rest.length >= 1 && rest.length <= 2) {
policy.logs.push(addKey(policy.logKeys, rest[0], ED25519));
} else if (keyword === 'witness' && rest.length >= 2 && rest.length <= 3) {
defineName(policy, rest[0], { witness: addKey(policy.witnessKeys, rest[1], COSIGNATURE) });
} else if (keyword === 'group' && rest.length >= 3) {
addGroup(policy, rest);
} else if (keyword === 'quorum' && rest.length === 1) {
if (policy.quorum !== null) throw new Malformed('there is more than one quorum line');
if (rest[0] !== 'none' && !policy.named.has(rest[0])) throw new Malformed('quorum names something that is not defined above');
policy.quorum = rest[0];
} else {
throw new Malformed('is not a log, witness, group or quorum line');
}
policy.counts.set(keyword, (policy.counts.get(keyword) ?? 0) + 1);
if (policy.counts.get(keyword) > ITEMS_MAX) throw new Malformed(`is one of more than ${ITEMS_MAX}`);
}
function parsePolicy(bytes) {
if (bytes.length > TRUST_BYTES_MAX) throw new Malformed('trust file is larger than 256 KiB');
const policy = { logs: [], named: new Map(), quorum: null, logKeys: new Set(), witnessKeys: new Set(), members: new Set(), counts: new Map() };
linesOf(bytes).forEach((line, at) => within(`trust file line ${at + 1}`, () => readLine(policy, wordsOf(line))));
if (policy.quorum === null) throw new Malformed('trust file has no quorum line');
return policy;
}
function pinsFor(policy, origin) {
const named = (name) => policy.logs.filter((key) => key.type === ED25519 && key.name === name).map((key) => key.publicKey);
const second = policy.logs.filter((key) => key.type === ML_DSA_44 && key.name === origin);
return { log: named(origin), root: named(`${origin}/root`), second };
}
async function cosignedBy(key, checkpoint) {
const lines = signaturesBy(checkpoint.note, key.name, key.type, key.publicKey);
const times = [];
for (const blob of lines) {
const isMlDsa = key.type === ML_DSA_44;
const signed = isMlDsa ? cosignedTree(checkpoint, key.name, blob) : cosignedMessage(checkpoint.note.text, blob);
if (!signed) return null;
const isRight = isMlDsa ? verifyMlDsa(key.publicKey, signed.message, signed.signature) : await verifySignature(key.publicKey, signed.message, signed.signature);
if (!isRight) return null;
times.push(signed.seconds);
}
return { lines: lines.length, seconds: times[0] ?? 0n };
}
function isMet(policy, name, seen) {
const rule = policy.named.get(name);
return rule.witness ? seen.has(name) : rule.members.filter((member) => isMet(policy, member, seen)).length >= rule.least;
}
function metBy(policy, times) {
const seen = new Set();
for (const [name, seconds] of [...times].sort(([, a], [, b]) => a - b)) {
seen.add(name);
if (isMet(policy, policy.quorum, seen)) return { name, seconds };
}
return null;
}
const restsOn = (policy, name) => (policy.named.get(name).witness ? [name] : policy.named.get(name).members.flatMap((member) => restsOn(policy, member)));
async function checkQuorum(policy, checkpoint) {
const times = new Map();
for (const [name, { witness }] of policy.named) {
if (!witness) continue;
const signed = await cosignedBy(witness, checkpoint);
if (!signed) return { outcome: 'broken', detail: `the cosignature of witness ${name} does not verify`, witnessed: null };
if (signed.seconds > 0n) times.set(name, Number(signed.seconds));
}
const names = times.size === 0 ? '' : ` (${[...times.keys()].join(', ')})`;
const detail = `${times.size} trusted witness cosignature${times.size === 1 ? '' : 's'}${names}`;
if (policy.quorum === 'none') {
return { outcome: 'holds', detail: times.size === 0 ? 'the trust file asks for no witnesses' : `${detail}, of which the trust file asks for none`, witnessed: null };
}
const asked = new Set(restsOn(policy, policy.quorum));
const outside = [...times.keys()].filter((name) => !asked.has(name));
const told = outside.length === 0 ? detail : `${detail}; outside the quorum, so that its time is not used: ${outside.join(', ')}`;
const witnessed = metBy(policy, times);
return witnessed ? { outcome: 'holds', detail: told, witnessed }
: { outcome: 'undetermined', detail: `${told}; the quorum of the trust file is not met`, witnessed };
}
return { parsePolicy, pinsFor, cosignedBy, checkQuorum };
})();
const m_anchor_finding = (() => {
class Contradiction extends Error {}
class NotChecked extends Error {}
function insist(holds, what) {
if (!holds) throw new Contradiction(what);
}
return { Contradiction, NotChecked, insist };
})();
const m_aspects = (() => {
const NOT_CHECKED = 'not checked';
const CLOCK = 'the commit time is the clock of the log’s own writer, and no clock outside the log vouches for it';
const RESTS_ON = {
package: {
signature: [
'container', 'manifest', 'files', 'keys', 'manifest signature', 'issuer', 'checkpoint signature', 'seals', 'statements', 'source signatures',
'key directory',
],
inclusion: ['entries', 'tree', 'issuer', 'checkpoint signature', 'seals', 'disclosures', 'erasures', 'numbers', 'period edges', 'totals', 'alarms',
'shards'],
time: ['issuer', 'checkpoint signature', 'seals', 'time bounds'],
},
receipt: {
signature: ['form', 'keys', 'issuer', 'checkpoint signature', 'seal', 'statement', 'source signature', 'key directory'],
inclusion: ['entry', 'inclusion', 'issuer', 'checkpoint signature', 'seal', 'disclosures'],
time: ['issuer', 'checkpoint signature', 'seal', 'time bounds'],
},
'verification run': {
signature: ['form', 'keys', 'issuer', 'checkpoint signature', 'run signature', 'key directory'],
inclusion: ['form', 'keys', 'issuer', 'checkpoint signature', 'verdicts'],
time: ['issuer', 'checkpoint signature'],
},
'transparent statement': {
signature: ['form', 'issuer', 'receipt', 'statement signature', 'key directory'],
inclusion: ['form', 'issuer', 'receipt'],
time: [],
},
};
const SIGNED_OR_NOT = ['statement', 'source signature'];
const partsOf = (run, names) => run.checks.filter((check) => names.includes(check.name) && (check.required || !SIGNED_OR_NOT.includes(check.name)));
function fromChecks(run, aspect, names, yes) {
const parts = partsOf(run, names);
const open = parts.filter((check) => check.outcome !== 'holds').map((check) => check.name).join(', ');
const restsOn = parts.map((check) => check.name);
if (open === '') return { aspect, outcome: 'holds', answer: yes, restsOn };
if (parts.some((check) => check.outcome === 'broken' || check.outcome === 'malformed')) {
return { aspect, outcome: 'broken', answer: `Not shown: see ${open}.`, restsOn };
}
return { aspect, outcome: NOT_CHECKED, answer: `Something it rests on could not be decided: see ${open}.`, restsOn };
}
const SECONDS_MAX = 8.64e12;
const dated = (seconds) => (seconds <= SECONDS_MAX ? new Date(seconds * 1000).toISOString() : `${seconds} seconds after 1970`);
function timeOf(run, names) {
if (names.length === 0) return { aspect: 'time', outcome: NOT_CHECKED, answer: 'This form of receipt carries no time at all.', restsOn: [] };
const anchors = run.find('anchors');
const areWrong = anchors?.outcome === 'broken' || anchors?.outcome === 'malformed';
const found = fromChecks(run, 'time', areWrong ? [...names, 'anchors'] : names, '');
if (found.outcome !== 'holds') return found;
if (anchors?.outcome === 'holds') return { ...found, answer: `Outside clocks bound it: ${run.find('time bounds').detail}.` };
if (!run.witnessed) return { ...found, outcome: NOT_CHECKED, answer: `No outside clock: ${CLOCK}.` };
return { ...found, answer: `Not after ${dated(run.witnessed.seconds)}, by witness ${run.witnessed.name}.` };
}
function aspectsOf(run) {
const parts = RESTS_ON[run.kind];
if (!parts) return [];
return [
fromChecks(run, 'signature', parts.signature, 'Every signature is valid, by a key in force of a log you trust.'),
fromChecks(run, 'ledger inclusion', parts.inclusion, 'Everything stands in the tree that the log signed.'),
timeOf(run, parts.time),
{
aspect: 'live source', outcome: NOT_CHECKED, restsOn: [],
answer: 'Not asked: this verifier asks nobody. Ask the log itself for a newer checkpoint and a consistency proof.',
},
];
}
return { aspectsOf };
})();
const m_scope = (() => {
const SCOPE = 'This package shows that the listed records existed in this log in this form and order when the checkpoint was '
+ 'signed, and who signed them. It does not show that what they say is true, that anything outside the log did not happen, or that '
+ 'a management system conforms to any standard. Tabellion is not a certification body.';
return { SCOPE };
})();
const m_report = (() => {
const { aspectsOf } = m_aspects;
const { Malformed } = m_malformed;
const { SCOPE: PACKAGE_SCOPE } = m_scope;
const EXIT = Object.freeze({ holds: 0, broken: 1, malformed: 2, undetermined: 3 });
const FAULTS_SHOWN_MAX = 20;
const UNKNOWN = 'Not known: something this rests on could not be decided.';
const FINDINGS = {
existed: {
question: 'existed at the time',
answers: {
holds: 'Yes: it was in the log when the checkpoint was signed.',
broken: 'Not shown: the proof contradicts itself.',
malformed: 'Not shown: the file cannot be read.',
undetermined: UNKNOWN,
},
},
unaltered: {
question: 'unaltered',
answers: {
holds: 'Yes: it is what was sealed, byte for byte.',
broken: 'No: something is not as it was sealed.',
malformed: 'Not shown: the file cannot be read.',
undetermined: UNKNOWN,
},
},
issued: {
question: 'issued by whom',
answers: {
holds: 'By the log that your trust file names.',
broken: 'Not shown: a key or signature does not fit.',
malformed: 'Not shown: the file cannot be read.',
undetermined: 'Not known: nobody you trust has vouched for these keys.',
},
},
};
const ANSWERS = {
'verification run': {
existed: { undetermined: 'Not known: a run says when by the log’s own clock; receipts and packages of the entries say more.' },
unaltered: { holds: 'Yes: these are the verdicts that were signed.' },
issued: { holds: 'By whoever held the package key of the log that your trust file names.' },
},
};
const NO_MORE = ' It does not show that what the record says is true, that anything outside the log did not happen, or that a management '
+ 'system conforms to any standard. Tabellion is not a certification body.';
const SCOPES = {
package: PACKAGE_SCOPE,
receipt: `This receipt shows that one entry existed in this log in this form when the checkpoint was signed, and who signed it.${NO_MORE}`,
'verification run': 'This verification run shows what the holder of the log\'s package key says it found when it verified the listed entries against the '
+ 'checkpoint. It does not hold the entries, so it does not show by itself that they verify, that what they say is true, or that a management system '
+ 'conforms to any standard; a package or receipts of them do the former. Tabellion is not a certification body.',
'transparent statement': `This statement shows that a log took it in, in this form, and signed so.${NO_MORE}`,
unknown: 'Nothing was verified. Tabellion is not a certification body.',
};
class Faults {
list = [];
count = 0;
add(fault) {
if (fault === null) return;
this.count++;
if (this.list.length < FAULTS_SHOWN_MAX) this.list.push(fault);
}
result(detail, extra = {}) {
if (this.count === 0) return { outcome: 'holds', detail, ...extra };
const more = this.count - 1;
const tail = more === 0 ? '' : ` (and ${more} more)`;
return { outcome: 'broken', detail: `${this.list[0]}${tail}`, faults: this.list, ...extra };
}
}
const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
const holds = (detail) => ({ outcome: 'holds', detail });
const broken = (detail) => ({ outcome: 'broken', detail, faults: [detail] });
const undetermined = (detail) => ({ outcome: 'undetermined', detail });
class Run {
malformed = null;
facts = {};
records = [];
uses = [];
witnessed = null;
constructor(kind, plan, pace) {
this.kind = kind;
this.pace = pace;
this.checks = plan.map((check) => ({ ...check, outcome: 'not run', detail: 'an earlier check did not get this far', faults: [] }));
}
use(keyId, purpose, what, at = null) {
this.uses.push({ keyId, purpose, what, at });
}
add(check) {
this.checks.push({ ...check, outcome: 'not run', detail: 'an earlier check did not get this far', faults: [] });
}
find(name) {
return this.checks.find((check) => check.name === name);
}
get anyBroken() {
return this.checks.some((check) => check.outcome === 'broken');
}
async check(name, judge) {
const check = this.find(name);
if (this.malformed || this.stopped) return undefined;
this.pace.begin(check.title);
await this.pace.breathe();
try {
const { outcome, detail, faults = [], value } = await judge();
Object.assign(check, { outcome, detail, faults });
return value;
} catch (error) {
if (!(error instanceof Malformed)) throw error;
this.#stopAt(check, error.message);
return undefined;
}
}
#stopAt(check, what) {
if (this.anyBroken) {
Object.assign(check, { outcome: 'broken', detail: `cannot be read: ${what}`, faults: [what] });
this.stopped = true;
} else {
Object.assign(check, { outcome: 'malformed', detail: `cannot be read: ${what}`, faults: [what] });
this.malformed = { check: check.name, what };
}
}
stop() {
this.stopped = true;
}
get verdict() {
if (this.malformed) return 'malformed';
if (this.anyBroken) return 'broken';
const open = this.checks.some((check) => check.required && check.outcome !== 'holds');
return open ? 'undetermined' : 'holds';
}
get exitCode() {
return EXIT[this.verdict];
}
finding(name) {
const parts = this.checks.filter((check) => check.findings.includes(name));
let outcome = 'holds';
if (parts.length === 0 || parts.some((check) => check.required && check.outcome !== 'holds')) outcome = 'undetermined';
if (parts.some((check) => check.outcome === 'malformed')) outcome = 'malformed';
if (parts.some((check) => check.outcome === 'broken')) outcome = 'broken';
const { question, answers } = FINDINGS[name];
const answer = ANSWERS[this.kind]?.[name]?.[outcome] ?? answers[outcome];
return { name, question, outcome, answer, restsOn: parts.map((check) => check.name) };
}
get scope() {
return SCOPES[this.kind];
}
get findings() {
return Object.keys(FINDINGS).map((name) => this.finding(name));
}
get aspects() {
return aspectsOf(this);
}
toJson() {
return {
aspects: this.aspects.map(({ aspect, outcome, answer, restsOn }) => ({ answer, aspect, outcome, rests_on: restsOn.join(', ') })),
checks: this.checks.map(({ name, outcome, detail, proves, notProved, required }) => (
{ detail, does_not_prove: notProved, name, outcome, proves, required })),
exit: this.exitCode,
facts: this.facts,
findings: this.findings.map(({ question, outcome, answer, restsOn }) => ({ answer, outcome, question, rests_on: restsOn })),
format: 'tabellion.report/1',
scope: this.scope,
subject: this.kind,
verdict: this.verdict,
};
}
}
function unreadable(what, pace) {
const run = new Run('unknown', [{
name: 'form', title: 'Form', required: true, findings: ['existed', 'unaltered', 'issued'],
proves: 'The file is a package, a receipt, a transparent statement or a verification run.', notProved: 'Anything about its content.',
}], pace);
run.malformed = { check: 'form', what };
Object.assign(run.find('form'), { outcome: 'malformed', detail: what, faults: [what] });
return run;
}
return { EXIT, Faults, counted, holds, broken, undetermined, Run, unreadable };
})();
const m_plans = (() => {
const check = (name, title, findings, proves, notProved, required = true) => (
{ name, title, findings, proves, notProved, required });
const ANCHORS_CHECK = check('anchors', 'Anchors', [],
'Somebody outside whom the trust file names held a digest of the log at the times stated.',
'When what an entry tells of happened.', false);
const TIME_BOUNDS_CHECK = check('time bounds', 'Time bounds', [],
'No batch claims another time than outside clocks allow: anchors, and the witnesses that the trust file asks for.',
'When what an entry tells of happened, or that it was not prepared earlier than it was logged.', false);
const KEY_DIRECTORY_CHECK = check('key directory', 'Key directory', ['issued'],
'Every signature that this report relies on is by a key that your key directory lists, within its dates.',
'That the directory is right: it is as good as whoever keeps it.');
const ALARMS_CHECK = check('alarms', 'Alarms', ['unaltered'],
'Every alarm in the log that is shown here, of a witness that saw another history of it, was answered for and lifted.',
'That the answer was right, or that no witness saw another history later.');
const SHARDS_CHECK = check('shards', 'Shards', [],
'The checkpoints of each shard that this range tells of never shrink and have one root for each size, its key signed them where the range shows '
+ 'that key, and no conflict is on record here.',
'That a larger tree continues a smaller one: the root log was shown that when it took the checkpoint. Nothing about a shard before or after the range.');
const SOURCES_CHECK = check('sources', 'Sources', [],
'Every number that an outside source gave to its records in this range is here, or was declared lost by the source.',
'That a source counted everything that it saw, or anything about an application that never calls the log.');
const SOURCE_SIGNATURES_CHECK = check('source signatures', 'Source signatures', [],
'Each signed heartbeat is signed by the key that it names, and a source keeps its key in this range unless a person put another in its place.',
'Whose key it is, which the application can say, or that the source counted everything that it saw.');
const SOURCE_SIGNATURE_CHECK = check('source signature', 'Source signature', [],
'The source signed these counts itself, with the key that the heartbeat names.',
'Whose key it is: compare its id with the one that the application has; or that the source counted everything that it saw.');
const PACKAGE_PLAN = [
check('container', 'Container', ['unaltered'],
'The file is a package in its one possible byte form; every file has its checksum.',
'Who made it: a checksum can be recomputed by anyone.'),
check('manifest', 'Manifest', ['unaltered'],
'The table of contents can be read and has exactly the members it must have.',
'That what it says is so; the checks below do that.'),
check('files', 'Files', ['unaltered', 'issued'],
'Every file has the size and SHA-256 that the manifest lists, and there is no other file.',
'Who listed them; see the manifest signature.'),
check('entries', 'Entries', ['unaltered'],
'Every entry is a record, statement or seal of this log and environment, of a kind this verifier knows where it must.',
'That what the records say is true.'),
check('tree', 'Tree', ['existed', 'unaltered', 'issued'],
'The entries, in this order, are exactly what the checkpoint’s root hash commits to. A changed, moved, added or removed entry gives another root.',
'That the checkpoint is genuine; see its signature.'),
check('keys', 'Keys', ['existed', 'issued'],
'Every key was granted by the log’s root key, every rotation signed by both keys, and none of these records is left out.',
'Who holds the root key; see the issuer.'),
check('manifest signature', 'Manifest signature', ['unaltered', 'issued'],
'The package was put together by the holder of the log’s package key.',
'That everything was chosen for it that should have been; see the period edges.'),
check('issuer', 'Issuer', ['existed', 'issued'],
'The log is one that your trust file names, by its root key or its log key, and the witnesses it asks for have signed.',
'That the trust file is right: get it by another way than the package.'),
check('checkpoint signature', 'Checkpoint signature', ['existed', 'issued'],
'The log key in force signed this tree: the log cannot deny it later.',
'That the log showed everybody the same tree; witnesses do that.'),
check('seals', 'Seals', ['existed', 'unaltered'],
'Every batch was closed by the writer key in force: entries, order and time as written, no batch between left out.',
'That the writer’s clock was right; it never goes back.'),
check('statements', 'Statements', ['issued'],
'Every signed statement bears the signature of its actor’s key, in force at that time.',
'That the key was in the right hands.'),
check('disclosures', 'Disclosures', ['unaltered'],
'Every field shown is the very one that was sealed.',
'Anything about withheld fields, or that a field’s content is true.'),
check('erasures', 'Erasures', ['unaltered'],
'Every erasure claimed has its tombstone in the log.',
'That no copy survives elsewhere.'),
check('numbers', 'Numbers', ['unaltered'],
'Within the range no number of any producer’s count is missing or used twice.',
'What a producer did after its last number when its epoch has no close.'),
check('period edges', 'Period edges', ['unaltered'],
'The range is exactly the batches of the stated period, as the seals at its edges show.',
'Anything before or after the period, or in batches later than the checkpoint.'),
check('totals', 'Totals', ['unaltered'],
'The manifest’s totals and types are what the entries give when counted again.',
'The framework label, which is only what was asked for.'),
];
const RECEIPT_PLAN = [
check('form', 'Form', ['unaltered'],
'The file is a receipt in its one possible form; its entries can be read.',
'That what it says is so; the checks below do that.'),
check('entry', 'Entry', ['unaltered'],
'Entry, seal, key records and checkpoint are of one log and environment, of a kind this verifier knows where it must.',
'That what the record says is true.'),
check('inclusion', 'Inclusion', ['existed', 'unaltered', 'issued'],
'The entry, byte for byte, is in the tree that the checkpoint’s root hash commits to, and so are the seal and the key records.',
'That the checkpoint is genuine; see its signature.'),
check('keys', 'Keys', ['existed', 'issued'],
'The log key and the writer key were granted by the log’s root key.',
'That no key was revoked before: a receipt does not hold every key record; a package does.'),
check('issuer', 'Issuer', ['existed', 'issued'],
'The log is one that your trust file names, by its root key or its log key, and the witnesses it asks for have signed.',
'That the trust file is right: get it by another way than the receipt.'),
check('checkpoint signature', 'Checkpoint signature', ['existed', 'issued'],
'The log key signed this tree: the log cannot deny it later.',
'That the log showed everybody the same tree; witnesses do that.'),
check('seal', 'Seal', ['existed'],
'The batch that holds the entry was closed by the writer key, at the time shown.',
'That the writer’s clock was right.'),
check('statement', 'Statement', ['issued'],
'The entry bears the signature of its actor’s key.',
'That the key was in the right hands. A record that its actor did not sign is attributed by the seal to the log’s writer.', false),
check('disclosures', 'Disclosures', ['unaltered'],
'Every field shown is the very one that was sealed.',
'Anything about withheld fields, or that a field’s content is true.'),
];
const RUN_PLAN = [
check('form', 'Form', ['unaltered'],
'The file has the one form of a verification run, and its totals are those of its verdicts.',
'Who wrote it: anybody can write one.'),
check('keys', 'Keys', ['unaltered'],
'The key records stand in the checkpoint’s tree and follow from the log’s first entry.',
'That no key record was left out at the end: a package holds what shows that.'),
check('issuer', 'Issuer', ['unaltered', 'issued'],
'The log is one that your trust file names, by its root key or its log key, and the witnesses it asks for have signed.',
'That the trust file is right: get it by another way than the run.'),
check('checkpoint signature', 'Checkpoint signature', ['unaltered', 'issued'],
'The log key signed the tree that the run was made against.',
'When: a checkpoint carries no outside time.'),
check('run signature', 'Run signature', ['unaltered', 'issued'],
'The package key in force signed exactly these verdicts, what was asked for, what was left out and why.',
'That the verdicts are right: the file does not hold the entries.'),
check('verdicts', 'Verdicts', [],
'The run reached everything that was asked for, found every signature and place right, and found nothing broken.',
'Anything that it did not check: times and content that are “not checked” are counted apart.'),
];
const TRANSPARENT_PLAN = [
check('form', 'Form', ['unaltered'],
'The file is a statement with receipts in its one possible form.',
'That what it says is so; the checks below do that.'),
check('issuer', 'Issuer', ['existed', 'issued'],
'A receipt is by a log key that your trust file pins.',
'That the trust file is right: get it by another way than the statement.'),
check('receipt', 'Receipt', ['existed', 'unaltered', 'issued'],
'That log key has signed the root of a tree that holds this very statement.',
'When, at which exact size, and that the key was not revoked: none of these stands signed in this form. A receipt file shows the first two, a package all.'),
check('statement signature', 'Statement signature', ['issued'],
'The statement bears the signature of its actor’s key.',
'Here nothing: the actor’s public key is not in this file. The log took the statement in under its own rules.', false),
];
return { ANCHORS_CHECK, TIME_BOUNDS_CHECK, KEY_DIRECTORY_CHECK, ALARMS_CHECK, SHARDS_CHECK, SOURCES_CHECK, SOURCE_SIGNATURES_CHECK, SOURCE_SIGNATURE_CHECK, PACKAGE_PLAN, RECEIPT_PLAN, RUN_PLAN, TRANSPARENT_PLAN };
})();
const m_bounds = (() => {
const { Faults } = m_report;
const { TIME_BOUNDS_CHECK } = m_plans;
const INTERVALS_MAX = 1024;
const TOLD_MAX = 4;
const TOLERANCE = 3_600_000_000n;
const LAST_SECOND = 253_402_300_800n;
function microsText(time) {
const seconds = time / 1_000_000n;
if (seconds >= LAST_SECOND) return `${time} microseconds after 1970`;
const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
return `${whole}.${String(time % 1_000_000n).padStart(6, '0')}Z`;
}
const limit = (time, source) => ({ time, source });
const same = (a, b) => a === b || (a !== null && b !== null && a.time === b.time && a.source === b.source);
function limitsOf(bounds, index) {
let [notBefore, notAfter] = [null, null];
for (const bound of bounds) {
if (bound.isUnforeseeable && bound.record < index && !(notBefore?.time > bound.earliest)) notBefore = limit(bound.earliest, bound.source);
if (bound.size > index && !(notAfter?.time <= bound.latest)) notAfter = limit(bound.latest, bound.source);
}
return { notBefore, notAfter };
}
function intervalsOf(bounds, first, end) {
const inside = bounds.flatMap((bound) => [bound.size, bound.record + 1]).filter((edge) => edge >= first && edge < end);
const edges = [...new Set([first, end, ...inside])].sort((a, b) => a - b);
const intervals = [];
for (let at = 0; at + 1 < edges.length; at++) {
const next = { first: edges[at], last: edges[at + 1] - 1, ...limitsOf(bounds, edges[at]) };
const before = intervals[intervals.length - 1];
if (before && same(before.notBefore, next.notBefore) && same(before.notAfter, next.notAfter)) before.last = next.last;
else intervals.push(next);
}
return intervals;
}
const toldLimit = (one) => (one ? `${microsText(one.time)} (${one.source})` : 'unknown');
const told = (one) => `entries ${one.first} to ${one.last}: logged not before ${toldLimit(one.notBefore)}, not after ${toldLimit(one.notAfter)}`;
const plain = (one) => (one ? { source: one.source, time: microsText(one.time) } : null);
function boundsOfWitnesses(checkpoint, witnessed) {
if (!witnessed) return [];
const latest = BigInt(witnessed.seconds) * 1_000_000n;
return [{ size: checkpoint.size, record: checkpoint.size, earliest: 0n, latest, source: `witness ${witnessed.name}`, isUnforeseeable: false }];
}
async function checkTimes(run, bounds, first, end, seals) {
if (bounds.length === 0) return null;
const intervals = intervalsOf(bounds, first, end);
run.add(TIME_BOUNDS_CHECK);
await run.check('time bounds', () => {
const faults = new Faults();
for (const { index, seal } of seals) {
const { notBefore, notAfter } = intervals.find((one) => one.last >= index) ?? intervals[intervals.length - 1];
const time = BigInt(seal.committed_at);
const wrong = [notBefore && notBefore.time > time + TOLERANCE ? notBefore : null, notAfter && time > notAfter.time + TOLERANCE ? notAfter : null];
for (const one of wrong.filter((each) => each !== null)) {
faults.add(`seal at entry ${index}, of entries ${seal.first} to ${index - 1}: its commit time ${microsText(time)} is contradicted by `
+ `${one.source} at ${microsText(one.time)}`);
}
}
const more = intervals.length - TOLD_MAX;
const lines = [...intervals.slice(0, TOLD_MAX).map(told), ...(more > 0 ? [`and ${more} more intervals among the facts`] : [])];
return faults.result(lines.join('; ') || 'no entry in the range');
});
return intervals.slice(0, INTERVALS_MAX).map((one) => (
{ first: one.first, last: one.last, not_after: plain(one.notAfter), not_before: plain(one.notBefore) }));
}
return { microsText, intervalsOf, boundsOfWitnesses, checkTimes };
})();
const m_jcs = (() => {
const { text, utf8 } = m_bytes;
const { Malformed } = m_malformed;
const NESTING_MAX = 32;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
function writeString(value) {
if (LONE_SURROGATE.test(value)) throw new Malformed('JSON text holds a lone surrogate');
return JSON.stringify(value);
}
function writeValue(value, depth) {
if (value === null || typeof value === 'boolean') return String(value);
if (typeof value === 'string') return writeString(value);
if (typeof value === 'number') {
if (!Number.isSafeInteger(value)) throw new Malformed('JSON number is not an integer within ±(2^53−1)');
return String(value);
}
if (depth >= NESTING_MAX) throw new Malformed(`JSON is nested deeper than ${NESTING_MAX}`);
if (Array.isArray(value)) return `[${value.map((item) => writeValue(item, depth + 1)).join(',')}]`;
const members = Object.keys(value).sort().map((name) => `${writeString(name)}:${writeValue(value[name], depth + 1)}`);
return `{${members.join(',')}}`;
}
const toJcs = (value) => writeValue(value, 0);
const toJcsBytes = (value) => utf8(toJcs(value));
function parseJcsText(source) {
let value;
try {
value = JSON.parse(source);
} catch {
throw new Malformed('is not JSON');
}
if (toJcs(value) !== source) throw new Malformed('JSON is not in canonical form (RFC 8785)');
return value;
}
const parseJcs = (bytes) => parseJcsText(text(bytes));
function parseJcsLines(bytes) {
if (bytes.length === 0) return [];
const lines = text(bytes).split('\n');
if (lines.pop() !== '') throw new Malformed('last line does not end in a newline');
return lines.map(parseJcsText);
}
const hasOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
function readObject(value, shape) {
if (!isObject(value)) throw new Malformed('expected a JSON object');
const out = {};
let known = 0;
for (const [key, read] of Object.entries(shape)) {
const optional = key.endsWith('?');
const name = optional ? key.slice(0, -1) : key;
if (!hasOwn(value, name)) {
if (optional) continue;
throw new Malformed(`member "${name}" is missing`);
}
known++;
try {
out[name] = read(value[name]);
} catch (error) {
if (error instanceof Malformed) throw new Malformed(`member "${name}": ${error.message}`);
throw error;
}
}
if (Object.keys(value).length !== known) {
const unknown = Object.keys(value).find((name) => !hasOwn(shape, name) && !hasOwn(shape, `${name}?`));
throw new Malformed(`member ${JSON.stringify(unknown)} is not known`);
}
return out;
}
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
return { toJcs, toJcsBytes, parseJcsText, parseJcs, parseJcsLines, readObject, isObject };
})();
const m_shape = (() => {
const { fromBase64, fromHex } = m_bytes;
const { isObject, readObject } = m_jcs;
const { Malformed } = m_malformed;
const ENTRY_MAX_BYTES = 65535;
const ORIGIN_MAX_BYTES = 255;
const ORIGIN = /^[!-*,-~]+\/log\/([a-z0-9][a-z0-9-]{0,62})$/;
function string(value) {
if (typeof value !== 'string') throw new Malformed('expected a string');
return value;
}
const matching = (pattern, what) => (value) => {
if (typeof value !== 'string' || !pattern.test(value)) throw new Malformed(`expected ${what}`);
return value;
};
const exactly = (wanted) => (value) => {
if (value !== wanted) throw new Malformed(`expected exactly ${JSON.stringify(wanted)}`);
return value;
};
const oneOf = (...wanted) => (value) => {
if (!wanted.includes(value)) throw new Malformed(`expected one of ${wanted.join(', ')}`);
return value;
};
function boolean(value) {
if (typeof value !== 'boolean') throw new Malformed('expected true or false');
return value;
}
const integer = (least) => (value) => {
if (!Number.isSafeInteger(value) || value < least) throw new Malformed(`expected an integer of at least ${least}`);
return value;
};
const count = integer(0);
const ordinal = integer(1);
const time = integer(0);
const id = matching(/^[0-9a-f]{32}$/, '32 lower-case hex digits');
const hash = matching(/^[0-9a-f]{64}$/, '64 lower-case hex digits');
const hashBytes = (value) => fromHex(value, 32);
const bytes = (value) => fromBase64(string(value));
const sized = (size) => (value) => {
const read = bytes(value);
if (read.length !== size) throw new Malformed(`expected ${size} bytes`);
return read;
};
const entry = (value) => {
const read = bytes(value);
if (read.length < 1 || read.length > ENTRY_MAX_BYTES) throw new Malformed(`expected an entry of 1 to ${ENTRY_MAX_BYTES} bytes`);
return read;
};
const origin = (value) => {
if (typeof value !== 'string' || value.length > ORIGIN_MAX_BYTES || !ORIGIN.test(value)) {
throw new Malformed('expected an origin <public host>/log/<tenant>');
}
return value;
};
const tenantOf = (originText) => ORIGIN.exec(originText)?.[1] ?? '';
const environment = oneOf('production', 'sandbox', 'development');
const object = (value) => {
if (!isObject(value)) throw new Malformed('expected a JSON object');
return value;
};
const closed = (shape) => (value) => readObject(value, shape);
const listOf = (read, least = 0, most = Number.MAX_SAFE_INTEGER) => (value) => {
if (!Array.isArray(value)) throw new Malformed('expected a JSON array');
if (value.length < least || value.length > most) throw new Malformed(`expected ${least} to ${most} items`);
return value.map((item) => read(item));
};
function ascending(items, keyOf, what) {
for (let at = 1; at < items.length; at++) {
if (!precedes(keyOf(items[at - 1]), keyOf(items[at]))) throw new Malformed(`${what} are not in order or repeat`);
}
return items;
}
function precedes(a, b) {
if (!Array.isArray(a)) return a < b;
for (let at = 0; at < a.length; at++) {
if (a[at] < b[at]) return true;
if (a[at] > b[at]) return false;
}
return false;
}
return { ENTRY_MAX_BYTES, string, matching, exactly, oneOf, boolean, integer, count, ordinal, time, id, hash, hashBytes, bytes, sized, entry, origin, tenantOf, environment, object, closed, listOf, ascending, precedes };
})();
const m_unit = (() => {
const { base64url, fromBase64url, utf8 } = m_bytes;
const { parseJcs, toJcs } = m_jcs;
const { Malformed, within } = m_malformed;
const { sha256 } = m_sha256;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const SALT_BYTES = 16;
function parseDisclosure(encoded) {
if (typeof encoded !== 'string') throw new Malformed('disclosure is not a string');
return within('disclosure', () => {
const parts = parseJcs(fromBase64url(encoded));
if (!Array.isArray(parts) || parts.length !== 3) throw new Malformed('is not [salt, name, value]');
const [salt, name, value] = parts;
if (fromBase64url(salt).length !== SALT_BYTES) throw new Malformed(`salt is not ${SALT_BYTES} bytes`);
if (typeof name !== 'string' || !NAME.test(name)) throw new Malformed('field name is not of the allowed form');
toJcs([parts]);
return { name, value, digest: base64url(sha256(utf8(encoded))) };
});
}
function unitState(digestCount, shownCount, isErased) {
if (shownCount === digestCount) return 'shown';
return isErased ? 'erased' : 'withheld';
}
return { parseDisclosure, unitState };
})();
const m_disclosures = (() => {
const { ascending } = m_shape;
const { parseDisclosure } = m_unit;
const TOMBSTONE_NAME = /^u[0-9a-f]{32}$/;
class Knowledge {
#units = new Map();
#names = new Map();
#at(index, unit) {
const name = `${index}/${unit}`;
if (!this.#units.has(name)) this.#units.set(name, { fields: [], isErased: false });
return this.#units.get(name);
}
get(index, unit) {
return this.#units.get(`${index}/${unit}`) ?? { fields: [], isErased: false };
}
addField(index, unit, field) {
if (!this.#names.has(index)) this.#names.set(index, new Set());
const names = this.#names.get(index);
if (names.has(field.name)) return false;
names.add(field.name);
this.#at(index, unit).fields.push({ name: field.name, value: field.value });
return true;
}
erase(index, unit) {
const known = this.#at(index, unit);
known.isErased = true;
return known.fields.length === 0 ? null : `unit ${unit} of entry ${index} is erased and shown at once`;
}
showTombstone(tombstone, field) {
const unit = tombstone.record.units.find((one) => one.digests.includes(field.digest));
this.addField(tombstone.index, unit.id, field);
}
}
const parseDisclosures = (encoded) => ascending(encoded.map(parseDisclosure), (field) => field.digest, 'disclosures');
function takeDisclosures(encoded, entry, unitId, knowledge, faults) {
const unit = entry?.record?.units.find((one) => one.id === unitId);
const fields = parseDisclosures(encoded);
if (!unit) {
faults.add(`a disclosure is for unit ${unitId}, which its record does not have`);
return;
}
if (entry.record.type === 'erasure.done') {
faults.add(`the disclosures show the tombstone ${entry.index}, which only erasures.jsonl may`);
return;
}
for (const field of fields) {
if (!unit.digests.includes(field.digest)) {
faults.add(`field "${field.name}" of entry ${entry.index} is not what was sealed`);
} else if (!knowledge.addField(entry.index, unitId, field)) {
faults.add(`entry ${entry.index} has two fields named "${field.name}"`);
}
}
}
function erasureFault(line, entry, tombstone) {
if (!entry?.record?.units.some((unit) => unit.id === line.unit)) {
return `an erasure is of unit ${line.unit}, which entry ${line.index} does not have`;
}
if (tombstone?.record?.type !== 'erasure.done' || !tombstone.record.facts) {
return `entry ${line.tombstone} is no tombstone for unit ${line.unit}`;
}
if (line.tombstone <= line.index) return `tombstone ${line.tombstone} is older than the record ${line.index} that it erases`;
return null;
}
function isTombstoneOf(field, unitId, tombstone) {
return TOMBSTONE_NAME.test(field.name) && field.name === `u${unitId}` && field.value === true
&& tombstone.record.units.some((unit) => unit.digests.includes(field.digest));
}
return { Knowledge, parseDisclosures, takeDisclosures, erasureFault, isTombstoneOf };
})();
const m_cbor = (() => {
const { compare, concat, text, utf8 } = m_bytes;
const { Malformed } = m_malformed;
const NESTING_MAX = 16;
const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6;
const NULL = 0xf6;
class Tagged {
constructor(tag, value) {
this.tag = tag;
this.value = value;
}
}
class Reader {
at = 0;
constructor(bytes) {
this.bytes = bytes;
}
take(size) {
const end = this.at + size;
if (end > this.bytes.length) throw new Malformed('CBOR ends early');
const part = this.bytes.subarray(this.at, end);
this.at = end;
return part;
}
head() {
const initial = this.take(1)[0];
const major = initial >> 5;
const info = initial & 31;
if (info < 24) return [major, info];
if (info > 27) throw new Malformed('CBOR of indefinite length or reserved form');
const size = 1 << (info - 24);
let value = 0;
for (const byte of this.take(size)) value = value * 256 + byte;
const least = size === 1 ? 24 : 2 ** (size * 4);
if (value < least) throw new Malformed('CBOR number is not in its shortest form');
if (!Number.isSafeInteger(value)) throw new Malformed('CBOR number is larger than 2^53 − 1');
return [major, value];
}
value(depth) {
if (depth > NESTING_MAX) throw new Malformed('CBOR is nested too deeply');
if (this.bytes[this.at] === NULL) {
this.at++;
return null;
}
const [major, argument] = this.head();
if (major === UNSIGNED) return argument;
if (major === NEGATIVE) return -1 - argument;
if (major === BYTES) return this.take(argument);
if (major === TEXT) return text(this.take(argument));
if (major === ARRAY) return this.items(argument, depth);
if (major === MAP) return this.map(argument, depth);
if (major === TAG) return new Tagged(argument, this.value(depth + 1));
throw new Malformed('CBOR floats and simple values are not used');
}
items(length, depth) {
if (length > this.bytes.length - this.at) throw new Malformed('CBOR ends early');
const out = [];
for (let at = 0; at < length; at++) out.push(this.value(depth + 1));
return out;
}
map(length, depth) {
const out = new Map();
let last = null;
for (let pair = 0; pair < length; pair++) {
const from = this.at;
const key = this.value(depth + 1);
if (typeof key !== 'number' && typeof key !== 'string') throw new Malformed('CBOR map key is neither number nor text');
const encoded = this.bytes.subarray(from, this.at);
if (last && compare(last, encoded) >= 0) throw new Malformed('CBOR map keys are not in order');
last = encoded;
out.set(key, this.value(depth + 1));
}
return out;
}
}
function decodeCbor(bytes) {
const reader = new Reader(bytes);
const value = reader.value(0);
if (reader.at !== bytes.length) throw new Malformed('bytes follow the CBOR value');
return value;
}
function encodeHead(major, argument) {
if (argument < 24) return Uint8Array.of((major << 5) | argument);
const size = argument < 256 ? 1 : argument < 65536 ? 2 : argument < 2 ** 32 ? 4 : 8;
const out = new Uint8Array(1 + size);
out[0] = (major << 5) | (24 + Math.log2(size));
for (let at = size, rest = argument; at > 0; at--, rest = Math.floor(rest / 256)) out[at] = rest % 256;
return out;
}
function encodeCbor(value) {
if (value === null) return Uint8Array.of(NULL);
if (typeof value === 'number') return value >= 0 ? encodeHead(UNSIGNED, value) : encodeHead(NEGATIVE, -1 - value);
if (typeof value === 'string') return concat(encodeHead(TEXT, utf8(value).length), utf8(value));
if (value instanceof Uint8Array) return concat(encodeHead(BYTES, value.length), value);
if (Array.isArray(value)) return concat(encodeHead(ARRAY, value.length), ...value.map(encodeCbor));
if (value instanceof Tagged) return concat(encodeHead(TAG, value.tag), encodeCbor(value.value));
const pairs = [...value].map(([key, item]) => [encodeCbor(key), encodeCbor(item)]).sort((a, b) => compare(a[0], b[0]));
return concat(encodeHead(MAP, pairs.length), ...pairs.flat());
}
return { Tagged, decodeCbor, encodeCbor };
})();
const m_cose = (() => {
const { utf8 } = m_bytes;
const { decodeCbor, encodeCbor, Tagged } = m_cbor;
const { Malformed } = m_malformed;
const SIGN1_TAG = 18;
const ALG = 1, CONTENT_TYPE = 3, KID = 4, CWT_CLAIMS = 15, RECEIPTS = 394, VDS = 395, VDP = 396;
const ENTRY = -65537;
const EDDSA = -8;
const RFC9162_SHA256 = 1;
const CLAIM_BYTES_MAX = 512;
const RECEIPTS_MAX = 16, RECEIPT_BYTES_MAX = 4096;
const REGISTRATION_BYTES_MAX = 2 * RECEIPT_BYTES_MAX;
const FOREIGN_BYTES_MAX = 256 * 1024;
const FOREIGN_HEADER_BYTES_MAX = 16 * 1024;
const PATH_MAX = 63;
const ISS = 1, SUB = 2, INCLUSION = -1;
const STATEMENT_TYPE = 'application/tabellion-record+json';
const SEAL_TYPE = 'application/tabellion-seal+json';
const PACKAGE_TYPE = 'application/tabellion-package+json';
const RUN_TYPE = 'application/tabellion-verification-run+json';
function onlyKeys(map, keys, where) {
if (!(map instanceof Map)) throw new Malformed(`COSE ${where} header is not a map`);
if (map.size !== keys.length || !keys.every((key) => map.has(key))) {
throw new Malformed(`COSE ${where} header has other members than its content type allows`);
}
}
function readClaims(claims) {
onlyKeys(claims, [ISS, SUB], 'CWT claims');
const iss = claims.get(ISS);
const sub = claims.get(SUB);
if (![iss, sub].every((claim) => typeof claim === 'string' && claim !== '' && utf8(claim).length <= CLAIM_BYTES_MAX)) {
throw new Malformed(`CWT claims iss and sub are not text of 1 to ${CLAIM_BYTES_MAX} bytes`);
}
return { iss, sub };
}
function parseSign1(bytes) {
const tagged = decodeCbor(bytes);
if (!(tagged instanceof Tagged) || tagged.tag !== SIGN1_TAG || !Array.isArray(tagged.value) || tagged.value.length !== 4) {
throw new Malformed('is not a tagged COSE_Sign1');
}
const [protectedBytes, unprotected, payload, signature] = tagged.value;
if (!(protectedBytes instanceof Uint8Array)) throw new Malformed('COSE protected header is not a byte string');
if (!(unprotected instanceof Map)) throw new Malformed('COSE unprotected header is not a map');
if (payload !== null && !(payload instanceof Uint8Array)) throw new Malformed('COSE payload is not a byte string');
if (!(signature instanceof Uint8Array) || signature.length !== 64) throw new Malformed('COSE signature is not 64 bytes');
const header = decodeCbor(protectedBytes);
if (!(header instanceof Map)) throw new Malformed('COSE protected header is not a map');
return { ...readProtected(header), protectedBytes, unprotected, payload, signature };
}
function readProtected(header) {
const type = header.get(CONTENT_TYPE);
const kind = { [STATEMENT_TYPE]: 'statement', [SEAL_TYPE]: 'seal', [PACKAGE_TYPE]: 'package', [RUN_TYPE]: 'run' }[type]
?? (header.has(VDS) && type === undefined ? 'receipt' : null);
if (kind === null) throw new Malformed('COSE content type is not one of version 1');
const keys = [ALG, KID];
if (kind !== 'receipt') keys.push(CONTENT_TYPE);
if (kind === 'statement' || kind === 'receipt') keys.push(CWT_CLAIMS);
if (kind === 'receipt') keys.push(VDS);
onlyKeys(header, keys, 'protected');
if (header.get(ALG) !== EDDSA) throw new Malformed('COSE algorithm is not EdDSA');
if (kind === 'receipt' && header.get(VDS) !== RFC9162_SHA256) throw new Malformed('COSE receipt is not of an RFC 9162 log');
const kid = header.get(KID);
if (!(kid instanceof Uint8Array) || kid.length !== 32) throw new Malformed('COSE key id is not 32 bytes');
return { kind, kid, ...(header.has(CWT_CLAIMS) ? readClaims(header.get(CWT_CLAIMS)) : {}) };
}
function toBeSigned(sign1, payload) {
return encodeCbor(['Signature1', sign1.protectedBytes, new Uint8Array(0), payload]);
}
function parseEntrySign1(bytes) {
const sign1 = parseSign1(bytes);
if (sign1.kind !== 'statement' && sign1.kind !== 'seal') throw new Malformed('COSE object is neither statement nor seal');
if (sign1.unprotected.size !== 0) throw new Malformed('COSE unprotected header of an entry is not empty');
if (sign1.payload === null) throw new Malformed('COSE payload of an entry is detached');
return sign1;
}
function parsePackageSignature(bytes) {
const sign1 = parseSign1(bytes);
if (sign1.kind !== 'package') throw new Malformed('COSE object is not a package signature');
if (sign1.unprotected.size !== 0 || sign1.payload !== null) throw new Malformed('package signature is not detached');
return sign1;
}
function parseRunSignature(bytes) {
const sign1 = parseSign1(bytes);
if (sign1.kind !== 'run') throw new Malformed('COSE object is not the signature of a verification run');
if (sign1.unprotected.size !== 0 || sign1.payload !== null) throw new Malformed('signature of the run is not detached');
return sign1;
}
function splitTransparent(bytes) {
const sign1 = parseSign1(bytes);
if (sign1.kind !== 'statement') throw new Malformed('COSE object is not a statement');
if (sign1.payload === null) throw new Malformed('statement has no payload');
onlyKeys(sign1.unprotected, [RECEIPTS], 'unprotected');
const receipts = sign1.unprotected.get(RECEIPTS);
if (!Array.isArray(receipts) || receipts.length === 0 || receipts.length > RECEIPTS_MAX
|| !receipts.every((one) => one instanceof Uint8Array && one.length <= RECEIPT_BYTES_MAX)) {
throw new Malformed(`transparent statement holds no list of 1 to ${RECEIPTS_MAX} receipts of at most ${RECEIPT_BYTES_MAX} bytes`);
}
const statement = encodeCbor(new Tagged(SIGN1_TAG, [sign1.protectedBytes, new Map(), sign1.payload, sign1.signature]));
return { statement, receipts };
}
function splitRegistered(bytes) {
const tagged = decodeCbor(bytes);
if (!(tagged instanceof Tagged) || tagged.tag !== SIGN1_TAG || !Array.isArray(tagged.value) || tagged.value.length !== 4) {
throw new Malformed('is not a tagged COSE_Sign1');
}
const [protectedBytes, unprotected, payload, signature] = tagged.value;
if (!(protectedBytes instanceof Uint8Array) || protectedBytes.length > FOREIGN_HEADER_BYTES_MAX) {
throw new Malformed('COSE protected header is no byte string, or too long');
}
if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array) || signature.length !== 64) {
throw new Malformed('statement has no payload or no signature of 64 bytes');
}
onlyKeys(unprotected, [RECEIPTS], 'unprotected');
const receipts = unprotected.get(RECEIPTS);
if (!Array.isArray(receipts) || receipts.length === 0 || receipts.length > RECEIPTS_MAX
|| !receipts.every((one) => one instanceof Uint8Array && one.length <= REGISTRATION_BYTES_MAX)) {
throw new Malformed(`statement holds no list of 1 to ${RECEIPTS_MAX} receipts`);
}
const statement = encodeCbor(new Tagged(SIGN1_TAG, [protectedBytes, new Map(), payload, signature]));
if (statement.length > FOREIGN_BYTES_MAX) throw new Malformed('statement is too long');
return { statement, receipts };
}
function parseRegistration(bytes) {
const sign1 = parseSign1(bytes);
onlyKeys(sign1.unprotected, [VDP, ENTRY], 'unprotected');
const entry = sign1.unprotected.get(ENTRY);
if (!(entry instanceof Uint8Array) || entry.length === 0 || entry.length > RECEIPT_BYTES_MAX) throw new Malformed('receipt carries no entry');
return { receipt: readReceipt({ ...sign1, unprotected: new Map([[VDP, sign1.unprotected.get(VDP)]]) }), entry };
}
const placeOf = ({ index, size }) => `index ${index} of ${size}, as the receipt says`;
function parseReceipt(bytes) {
return readReceipt(parseSign1(bytes));
}
function readReceipt(sign1) {
if (sign1.kind !== 'receipt' || sign1.payload !== null) throw new Malformed('COSE object is not a detached receipt');
onlyKeys(sign1.unprotected, [VDP], 'unprotected');
const proofs = sign1.unprotected.get(VDP);
onlyKeys(proofs, [INCLUSION], 'proofs');
const list = proofs.get(INCLUSION);
if (!Array.isArray(list) || list.length !== 1 || !(list[0] instanceof Uint8Array)) {
throw new Malformed('receipt does not hold exactly one inclusion proof');
}
const proof = decodeCbor(list[0]);
if (!Array.isArray(proof) || proof.length !== 3) throw new Malformed('inclusion proof is not [size, index, path]');
const [size, index, path] = proof;
if (!Number.isSafeInteger(size) || size < 0 || !Number.isSafeInteger(index) || index < 0) {
throw new Malformed('inclusion proof has no size and index');
}
if (!Array.isArray(path) || path.length > PATH_MAX || !path.every((node) => node instanceof Uint8Array && node.length === 32)) {
throw new Malformed('inclusion path is not a list of hashes');
}
return { ...sign1, size, index, path };
}
return { STATEMENT_TYPE, SEAL_TYPE, PACKAGE_TYPE, RUN_TYPE, parseSign1, toBeSigned, parseEntrySign1, parsePackageSignature, parseRunSignature, splitTransparent, splitRegistered, parseRegistration, placeOf, parseReceipt };
})();
const m_merkle = (() => {
const { equal } = m_bytes;
const { sha256 } = m_sha256;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const LEAVES_A_BREATH = 512;
const EMPTY_ROOT = sha256();
const leafHash = (entry) => sha256(LEAF, entry);
const nodeHash = (left, right) => sha256(NODE, left, right);
function perfectSizes(begin, end) {
const sizes = [];
for (let at = begin; at < end;) {
let size = 1;
while (at % (size * 2) === 0 && at + size * 2 <= end) size *= 2;
sizes.push(size);
at += size;
}
return sizes;
}
class Range {
end = 0;
#nodes = [];
push(hash, size = 1) {
let node = { size, hash };
while (this.#nodes.length > 0 && this.#nodes[this.#nodes.length - 1].size === node.size) {
node = { size: node.size * 2, hash: nodeHash(this.#nodes.pop().hash, node.hash) };
}
this.#nodes.push(node);
this.end += size;
}
root() {
if (this.#nodes.length === 0) return EMPTY_ROOT;
return this.#nodes.map((node) => node.hash).reduceRight((right, left) => nodeHash(left, right));
}
}
function rootOf(leaves) {
const range = new Range();
for (const leaf of leaves) range.push(leaf);
return range.root();
}
async function rootFromRange({ left, leaves, right, first, size }, pace) {
const leftSizes = perfectSizes(0, first);
const rightSizes = perfectSizes(first + leaves.length, size);
if (first + leaves.length > size || left.length !== leftSizes.length || right.length !== rightSizes.length) return null;
const range = new Range();
leftSizes.forEach((width, at) => range.push(left[at], width));
for (let at = 0; at < leaves.length; at++) {
range.push(leaves[at]);
if (at % LEAVES_A_BREATH === 0) await pace.breathe(at, leaves.length);
}
rightSizes.forEach((width, at) => range.push(right[at], width));
return range.root();
}
function rootFromPath(leaf, index, size, path) {
if (index >= size) return null;
let place = index;
let last = size - 1;
let hash = leaf;
for (const sibling of path) {
if (last === 0) return null;
if (place % 2 === 1 || place === last) {
hash = nodeHash(sibling, hash);
while (place % 2 === 0 && place !== 0) {
place /= 2;
last = Math.floor(last / 2);
}
} else {
hash = nodeHash(hash, sibling);
}
place = Math.floor(place / 2);
last = Math.floor(last / 2);
}
return last === 0 ? hash : null;
}
function isConsistent(older, newer, path) {
if (older.size > newer.size) return false;
if (older.size === 0 || older.size === newer.size) return path.length === 0 && equal(older.root, older.size === 0 ? EMPTY_ROOT : newer.root);
let place = older.size - 1;
let last = newer.size - 1;
while (place % 2 === 1) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
const climb = place === 0 ? [older.root, ...path] : path;
if (climb.length === 0) return false;
let [old, hash] = [climb[0], climb[0]];
for (const sibling of climb.slice(1)) {
if (last === 0) return false;
if (place % 2 === 1 || place === last) {
[old, hash] = [nodeHash(sibling, old), nodeHash(sibling, hash)];
while (place % 2 === 0 && place !== 0) [place, last] = [place / 2, Math.floor(last / 2)];
} else {
hash = nodeHash(hash, sibling);
}
[place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
}
return last === 0 && equal(old, older.root) && equal(hash, newer.root);
}
function isIncluded(leaf, index, size, path, root) {
const found = rootFromPath(leaf, index, size, path);
return found !== null && equal(found, root);
}
return { EMPTY_ROOT, leafHash, nodeHash, perfectSizes, Range, rootOf, rootFromRange, rootFromPath, isConsistent, isIncluded };
})();
const m_keyid = (() => {
const { hex } = m_bytes;
const { encodeCbor } = m_cbor;
const { sha256 } = m_sha256;
const KTY = 1, OKP = 1, CRV = -1, ED25519 = 6, X = -2, AKP = 7, ALG = 3, ML_DSA_44 = -48, PUB = -1;
const keyIdOf = (publicKey) => hex(sha256(encodeCbor(new Map([[KTY, OKP], [CRV, ED25519], [X, publicKey]]))));
const secondKeyIdOf = (publicKey) => hex(sha256(encodeCbor(new Map([[KTY, AKP], [ALG, ML_DSA_44], [PUB, publicKey]]))));
return { keyIdOf, secondKeyIdOf };
})();
const m_recordtypes = (() => {
const { isPublicKey } = m_ed25519;
const { keyIdOf, secondKeyIdOf } = m_keyid;
const { Malformed } = m_malformed;
const shape = m_shape;
const VERSION = 1;
const keyInfo = (value) => {
const key = shape.closed({ alg: shape.exactly('ed25519'), key_id: shape.hash, public: shape.sized(32) })(value);
if (!isPublicKey(key.public)) throw new Malformed('is not a usable Ed25519 key');
if (keyIdOf(key.public) !== key.key_id) throw new Malformed('names a key id that is not its key’s');
return key;
};
const secondKey = (value) => {
const key = shape.closed({ alg: shape.exactly('ml-dsa-44'), key_id: shape.hash, public: shape.sized(1312) })(value);
if (secondKeyIdOf(key.public) !== key.key_id) throw new Malformed('names a key id that is not its key’s');
return key;
};
const mlDsa = shape.sized(2420);
const reason = shape.oneOf('compromised', 'lost', 'retired');
const purpose = shape.oneOf('log', 'writer', 'package', 'actor');
const systems = (value) => shape.ascending(
shape.listOf(shape.closed({ last_seq: shape.ordinal, system: shape.id }))(value), (one) => one.system, 'systems');
const rotation = {
credential: shape.id, key: keyInfo, new_signature: shape.sized(64), old: shape.hash, old_signature: shape.sized(64), purpose,
};
const shardCheckpoint = { key: shape.hash, origin: shape.origin, root: shape.hash, signature: shape.sized(64), size: shape.count };
const span = { epoch: shape.ordinal, first: shape.ordinal, last: shape.ordinal, producer: shape.id };
const CLEAR = new Map(Object.entries({
'log.genesis': {
digest_alg: shape.exactly('sha-256'), env: shape.environment, key: keyInfo, origin: shape.origin, tenant: shape.string,
},
'key.granted': { credential: shape.id, key: keyInfo, purpose },
'key.rotated': rotation,
'key.revoked': { key_id: shape.hash, reason },
'epoch.opened': {
'previous?': shape.closed({ closed: shape.boolean, epoch: shape.ordinal, last_seq: shape.ordinal }),
},
'epoch.closed': { last_seq: shape.ordinal, systems },
'erasure.ordered': {
keys: shape.listOf(shape.id), scope: shape.oneOf('subject', 'record', 'retention', 'system'),
},
'erasure.done': { erased: shape.count, last: shape.boolean, order: shape.id },
'hold.placed': { hold: shape.id, 'keys?': shape.listOf(shape.id) },
'hold.released': { hold: shape.id },
'system.deletion_requested': { due_at: shape.time },
'system.deletion_cancelled': {},
'system.purged': { 'order?': shape.id },
'package.exported': { count: shape.count, first: shape.count, manifest_sha256: shape.hash, size: shape.count },
'record.read': { entry: shape.count },
'anchor.confirmed': {
anchor: shape.oneOf('rfc3161', 'opentimestamps', 'arweave', 'evm', 'root-log'), evidence_sha256: shape.hash, root: shape.hash, size: shape.count,
},
'statement.registered': { issuer_key: shape.hash, statement_sha256: shape.hash },
'envelope.imported': {
digest: shape.hash,
kind: shape.oneOf('ario.agent/v1', 'ario.mlflow/v1', 'ario.events/v1', 'ario.legacy', 'ario.agent.proof/v1'),
payload_checked: shape.boolean, payload_hash: shape.hash, signer: shape.hash, signer_known: shape.boolean,
},
'witness.conflict_found': { kind: shape.oneOf('forked', 'rolled_back'), proved: shape.boolean, size: shape.count },
'witness.conflict_lifted': { conflict: shape.id },
'source.heartbeat': {
beat: shape.ordinal, closed: shape.boolean, epoch: shape.ordinal, interval_s: shape.ordinal, last_seq: shape.count, lost: shape.count,
producer: shape.id, sampled: shape.count, sent: shape.count, spooled: shape.count,
'signed?': shape.closed({ at: shape.time, key: keyInfo, signature: shape.sized(64) }),
},
'source.key_set': { key: keyInfo, 'old?': shape.hash, producer: shape.id },
'gap.declared': { ...span, reason: shape.oneOf('spool_full', 'spool_damaged', 'refused', 'other') },
'gap.found': { ...span, why: shape.oneOf('jump', 'heartbeat') },
'gap.filled': span,
'shard.registered': { key: keyInfo, origin: shape.origin, root_key: keyInfo },
'shard.key_rotated': { origin: shape.origin, record_sha256: shape.hash, rotation: shape.closed(rotation) },
'shard.checkpoint_recorded': shardCheckpoint,
'shard.conflict_found': { ...shardCheckpoint, kind: shape.oneOf('forked', 'rolled_back'), known_size: shape.count, proved: shape.boolean },
'second_key.introduced': { key: secondKey, signature: mlDsa },
'second_key.rotated': { key: secondKey, new_signature: mlDsa, old: shape.hash, old_signature: mlDsa },
'second_key.withdrawn': { key_id: shape.hash, reason },
}));
const NOT_CRITICAL = new Set([
'package.exported', 'record.read', 'witness.conflict_found', 'witness.conflict_lifted', 'anchor.confirmed', 'statement.registered',
'envelope.imported', 'source.heartbeat', 'source.key_set', 'gap.declared', 'gap.found', 'gap.filled',
'shard.registered', 'shard.key_rotated', 'shard.checkpoint_recorded', 'shard.conflict_found',
'second_key.introduced', 'second_key.rotated', 'second_key.withdrawn',
]);
const KEY_TYPES = new Set(['log.genesis', 'key.granted', 'key.rotated', 'key.revoked']);
const isKeyRecord = (record) => KEY_TYPES.has(record.type) && record.type_version === VERSION;
const isKnown = (record) => CLEAR.has(record.type) && record.type_version === VERSION;
const hasClear = (type) => CLEAR.has(type);
const addsUp = ({ last_seq: last, sent, sampled, lost, spooled, closed }) => (
sent + lost + spooled === last && sampled <= sent && !(closed && spooled > 0));
function checkOwnNumbers(record) {
const { type, facts, seq } = record;
if (type === 'epoch.opened' && seq !== 1) throw new Malformed('an epoch does not open with number 1');
if (type === 'epoch.closed' && facts.last_seq !== seq) throw new Malformed('an epoch closes with another number than its own');
if (type === 'log.genesis' && (seq !== 1 || record.epoch !== 1 || record.stream_version !== 1)) {
throw new Malformed('a genesis is not number 1 of epoch 1 and of stream keys');
}
if (type === 'source.heartbeat' && !addsUp(facts)) throw new Malformed('the counts of a heartbeat do not add up');
if (type.startsWith('gap.') && facts.first > facts.last) throw new Malformed('a gap ends before it begins');
if (type === 'erasure.done' && facts.erased !== record.units.reduce((sum, unit) => sum + unit.digests.length, 0)) {
throw new Malformed('a tombstone counts other than its fields');
}
}
function checkKeyStream(record) {
if ((record.stream === 'keys') !== KEY_TYPES.has(record.type)) throw new Malformed('stream keys is for key records, and every key record is in it');
}
function checkClear(record) {
if (!isKnown(record)) return;
if (record.critical === NOT_CRITICAL.has(record.type)) {
throw new Malformed(`type ${record.type} ${record.critical ? 'is not' : 'is'} a critical type`);
}
const members = CLEAR.get(record.type);
const required = Object.keys(members).some((name) => !name.endsWith('?'));
if (record.clear === undefined && required) throw new Malformed(`type ${record.type} lacks its clear members`);
record.facts = record.clear === undefined ? {} : shape.closed(members)(record.clear);
checkOwnNumbers(record);
}
return { KEY_TYPES, isKeyRecord, isKnown, hasClear, checkKeyStream, checkClear };
})();
const m_record = (() => {
const { parseJcs } = m_jcs;
const { Malformed } = m_malformed;
const { checkClear, checkKeyStream } = m_recordtypes;
const shape = m_shape;
const UNITS_MAX = 64;
const DIGESTS_MAX = 512;
const PARENTS_MAX = 64;
const TYPE_MAX = 64;
const TYPE_PATTERN = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
function typeName(value) {
const name = shape.matching(TYPE_PATTERN, 'a record type family.event')(value);
if (name.length > TYPE_MAX) throw new Malformed(`record type is longer than ${TYPE_MAX}`);
return name;
}
const digest = shape.matching(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'a digest of 43 base64url characters');
const TYPE_VERSION_MAX = 2 ** 32 - 1;
function typeVersion(value) {
if (shape.ordinal(value) > TYPE_VERSION_MAX) throw new Malformed(`type_version is beyond ${TYPE_VERSION_MAX}`);
return value;
}
const unit = shape.closed({
digests: (value) => shape.ascending(shape.listOf(digest, 1, DIGESTS_MAX)(value), (one) => one, 'digests'),
id: shape.id,
});
const parent = shape.closed({
hash: shape.hash,
record_id: shape.id,
role: shape.matching(/^[a-z][a-z0-9_]{0,31}$/, 'a role'),
});
function clearFacts(value) {
if (Object.keys(shape.object(value)).length === 0) throw new Malformed('is empty; an absent value is left out');
return value;
}
const RECORD = {
actor: shape.id,
assurance: shape.oneOf('claimed', 'observed', 'corroborated', 'signed'),
'basis?': shape.count,
'clear?': clearFacts,
critical: shape.boolean,
digest_alg: shape.exactly('sha-256'),
env: shape.environment,
epoch: shape.ordinal,
format: shape.exactly('tabellion.record/1'),
'idem?': shape.hash,
log: shape.origin,
observed_at: shape.time,
'parents?': shape.listOf(parent, 1, PARENTS_MAX),
producer: shape.id,
record_id: shape.id,
seq: shape.ordinal,
'stream?': shape.matching(/^[a-z0-9][a-z0-9._/-]{0,127}$/, 'a stream name'),
'stream_version?': shape.ordinal,
'system?': shape.id,
'system_seq?': shape.ordinal,
type: typeName,
type_version: typeVersion,
units: (value) => shape.ascending(shape.listOf(unit, 0, UNITS_MAX)(value), (one) => one.id, 'units'),
};
function bothOrNeither(record, a, b) {
if ((record[a] === undefined) !== (record[b] === undefined)) throw new Malformed(`${a} and ${b} are not both there`);
}
function parseRecord(bytes) {
const record = shape.closed(RECORD)(parseJcs(bytes));
bothOrNeither(record, 'system', 'system_seq');
bothOrNeither(record, 'stream', 'stream_version');
checkKeyStream(record);
checkClear(record);
return record;
}
return { UNITS_MAX, DIGESTS_MAX, parseRecord };
})();
const m_entry = (() => {
const { parseEntrySign1 } = m_cose;
const { parseJcs } = m_jcs;
const { Malformed, within } = m_malformed;
const { leafHash } = m_merkle;
const { parseRecord } = m_record;
const shape = m_shape;
const RECORD_START = 0x7b;
const SIGN1_START = 0xd2;
const SEAL = shape.closed({
committed_at: shape.time,
count: shape.ordinal,
first: shape.count,
format: shape.exactly('tabellion.seal/1'),
keys: shape.ordinal,
log: shape.origin,
root: shape.hashBytes,
});
function parseSeal(payload) {
const seal = SEAL(parseJcs(payload));
if (!Number.isSafeInteger(seal.first + seal.count + 1)) throw new Malformed('seal stands beyond the last index that JSON can hold');
return seal;
}
function parseEntry(bytes, index) {
if (bytes.length < 1 || bytes.length > shape.ENTRY_MAX_BYTES) throw new Malformed(`entry ${index} is not 1 to 65,535 bytes`);
return within(`entry ${index}`, () => {
const entry = { index, bytes, leaf: leafHash(bytes) };
if (bytes[0] === RECORD_START) return { ...entry, kind: 'record', record: parseRecord(bytes) };
if (bytes[0] !== SIGN1_START) throw new Malformed('is neither a sealed record nor a COSE_Sign1');
const sign1 = parseEntrySign1(bytes);
if (sign1.kind === 'seal') return { ...entry, kind: 'seal', sign1, seal: parseSeal(sign1.payload) };
const record = parseRecord(sign1.payload);
if (sign1.iss !== record.actor || sign1.sub !== record.record_id) {
throw new Malformed('statement and record name different actors or records');
}
return { ...entry, kind: 'statement', sign1, record };
});
}
function splitBundle(bytes) {
const entries = [];
for (let at = 0; at < bytes.length;) {
if (at + 2 > bytes.length) throw new Malformed('bundle ends within a length');
const size = (bytes[at] << 8) | bytes[at + 1];
if (size === 0 || at + 2 + size > bytes.length) throw new Malformed('bundle ends within an entry');
entries.push(bytes.subarray(at + 2, at + 2 + size));
at += 2 + size;
}
return entries;
}
return { parseEntry, splitBundle };
})();
const m_keychain = (() => {
const { concat, equal, fromHex, hex, utf8 } = m_bytes;
const { toBeSigned } = m_cose;
const { toJcsBytes } = m_jcs;
const { isKeyRecord } = m_recordtypes;
const { sha256 } = m_sha256;
const shape = m_shape;
const { verifySignature } = m_webcrypto;
const ROTATION_DOMAIN = 'tabellion.key-rotation/1\n';
const PRODUCER_DOMAIN = 'tabellion.producer/1';
const ROOT_EPOCHS = new Set(['epoch.opened', 'epoch.closed']);
const SINGLE_PURPOSES = new Set(['log', 'writer', 'package']);
class ChainBroken extends Error {}
function rotationMessage(origin, facts) {
const claim = { credential: facts.credential, log: origin, new: facts.key.key_id, old: facts.old, purpose: facts.purpose };
return concat(utf8(ROTATION_DOMAIN), toJcsBytes(claim));
}
const producerOf = (keyId) => hex(sha256(utf8(PRODUCER_DOMAIN), fromHex(keyId, 32)).subarray(0, 16));
class KeyChain {
version = 0;
#keys = new Map();
constructor(complete) {
this.complete = complete;
}
async apply(entry) {
const { record, index } = entry;
if (!record || !isKeyRecord(record)) throw new ChainBroken(`entry ${index} is no key record`);
const facts = record.facts;
if (entry.kind !== 'statement') throw new ChainBroken(`key record ${index} is not signed`);
if (this.version === 0) this.#begin(entry);
else if (record.type === 'log.genesis') throw new ChainBroken(`entry ${index} is a second genesis`);
await this.#checkRoot(entry);
if (record.type === 'key.granted') this.#grant(facts.key, facts, index);
if (record.type === 'key.rotated') await this.#rotate(facts, index);
if (record.type === 'key.revoked') this.#revoke(facts, index);
this.version = record.stream_version;
}
#begin(entry) {
const { record, index } = entry;
if (record.type !== 'log.genesis' || index !== 0) throw new ChainBroken('entry 0 is not the genesis');
const facts = record.facts;
this.origin = facts.origin;
this.env = facts.env;
this.tenant = facts.tenant;
this.genesis = hex(entry.leaf);
this.root = { keyId: facts.key.key_id, publicKey: facts.key.public };
this.credential = record.actor;
if (facts.origin !== record.log || facts.env !== record.env || facts.tenant !== shape.tenantOf(facts.origin)) {
throw new ChainBroken('the genesis names another log than the record it stands in');
}
}
async #checkRoot(entry) {
const { record, index, sign1 } = entry;
if (record.log !== this.origin || record.env !== this.env) throw new ChainBroken(`key record ${index} is of another log`);
const follows = this.complete ? record.stream_version === this.version + 1 : record.stream_version > this.version;
const startsAtOne = this.version > 0 || record.stream_version === 1;
if (record.stream !== 'keys' || !follows || !startsAtOne) {
throw new ChainBroken(`key record ${index} is not number ${this.version + 1} of stream keys`);
}
const signed = hex(sign1.kid) === this.root.keyId
&& (await verifySignature(this.root.publicKey, toBeSigned(sign1, sign1.payload), sign1.signature));
if (!signed) throw new ChainBroken(`key record ${index} is not signed by the root key`);
if (record.actor !== this.credential || record.producer !== producerOf(this.root.keyId)) {
throw new ChainBroken(`key record ${index} is of another actor or producer than the root’s`);
}
}
#grant(key, { purpose, credential }, index) {
if (this.complete && SINGLE_PURPOSES.has(purpose) && this.inForce(purpose, index)) {
throw new ChainBroken(`entry ${index} grants a second ${purpose} key`);
}
this.#admit(key, purpose, credential, index);
}
#admit(key, purpose, credential, index) {
if (this.#keys.has(key.key_id) || key.key_id === this.root.keyId) throw new ChainBroken(`entry ${index} grants a key a second time`);
this.#keys.set(key.key_id, { keyId: key.key_id, purpose, credential, publicKey: key.public, from: index, until: Infinity });
}
async #rotate(facts, index) {
const old = this.#keys.get(facts.old);
const message = rotationMessage(this.origin, facts);
const newPublic = facts.key.public;
const fits = old && old.until === Infinity && old.purpose === facts.purpose && old.credential === facts.credential;
if (!fits) throw new ChainBroken(`entry ${index} rotates a key that is not in force for that purpose and credential`);
if (!(await verifySignature(old.publicKey, message, facts.old_signature))) {
throw new ChainBroken(`the old key did not sign the rotation at entry ${index}`);
}
if (!(await verifySignature(newPublic, message, facts.new_signature))) {
throw new ChainBroken(`the new key did not sign the rotation at entry ${index}`);
}
old.until = index;
this.#admit(facts.key, facts.purpose, facts.credential, index);
}
#revoke(facts, index) {
const key = this.#keys.get(facts.key_id);
if (!key) throw new ChainBroken(`entry ${index} revokes a key that was never granted`);
key.until = Math.min(key.until, index);
}
inForce(purpose, position) {
let found = null;
for (const key of this.#keys.values()) if (key.purpose === purpose && this.isInForce(key, position)) found = key;
return found;
}
find(keyId) {
return this.#keys.get(keyId) ?? null;
}
isInForce(key, position) {
return key.from < position && key.until >= position;
}
}
const isRootEpoch = (chain, record) => ROOT_EPOCHS.has(record.type) && record.producer === producerOf(chain.root.keyId);
async function statementFault(chain, entry) {
const { record, sign1, index } = entry;
const keyId = hex(sign1.kid);
let publicKey = null;
if (isKeyRecord(record) || isRootEpoch(chain, record)) {
if (keyId !== chain.root.keyId) return `statement ${index} is the root’s to sign and is not signed by the root key`;
publicKey = chain.root.publicKey;
} else {
const key = chain.find(keyId);
if (!key || key.purpose !== 'actor') return `statement ${index} is signed by a key that is no actor's`;
if (!chain.isInForce(key, index)) return `statement ${index} is signed by a key that was not in force then`;
if (key.credential !== record.actor) return `statement ${index} is signed by another credential than its actor`;
publicKey = key.publicKey;
}
const holds = await verifySignature(publicKey, toBeSigned(sign1, sign1.payload), sign1.signature);
return holds ? null : `the signature of statement ${index} does not verify`;
}
async function sealFault(chain, entry) {
const { sign1, index } = entry;
const writer = chain.inForce('writer', index);
if (!writer) return `no writer key was in force for seal ${index}`;
if (hex(sign1.kid) !== writer.keyId) return `seal ${index} is not signed by the writer key in force`;
const holds = await verifySignature(writer.publicKey, toBeSigned(sign1, sign1.payload), sign1.signature);
return holds ? null : `the signature of seal ${index} does not verify`;
}
const sameKey = (publicKey, pins) => pins.some((pin) => equal(pin, publicKey));
return { ChainBroken, rotationMessage, KeyChain, statementFault, sealFault, sameKey };
})();
const m_issuer = (() => {
const { utf8 } = m_bytes;
const { sameKey } = m_keychain;
const { ED25519, signaturesBy } = m_note;
const { checkQuorum, cosignedBy, pinsFor } = m_policy;
const { broken, holds, undetermined } = m_report;
const { verifySignature } = m_webcrypto;
const NO_TRUST = 'No trust file was given, so the issuer is unknown: anyone can make a log that is consistent with itself. '
+ 'Ask the issuer for its trust file by another way than this file.';
function pinnedBy(pins, chain, logKey, signsSecond) {
if (pins.log.length + pins.root.length === 0) {
return signsSecond ? { which: 'ML-DSA-44 log key, and with no other,' } : { fault: `The trust file does not name the log ${chain.origin}.` };
}
if (sameKey(chain.root.publicKey, pins.root)) return { which: 'root key' };
if (pins.root.length > 0) return { fault: `The trust file names ${chain.origin} with another root key. This log may be an imitation.` };
if (logKey && sameKey(logKey.publicKey, pins.log)) return { which: 'log key' };
return { fault: `The trust file names ${chain.origin} with another log key. This log may be an imitation, or its key was rotated.` };
}
function secondSaid(pins, lines) {
if (pins.second.length === 0) return '';
return lines > 0 ? '; the log’s ML-DSA-44 signature was checked too' : '; the log’s ML-DSA-44 key, which the trust file pins too, did not sign this checkpoint';
}
async function judgeIssuer(policy, chain, logKey, checkpoint) {
if (!policy) return undetermined(NO_TRUST);
const pins = pinsFor(policy, chain.origin);
const lines = pins.second.reduce((sum, key) => sum + signaturesBy(checkpoint.note, key.name, key.type, key.publicKey).length, 0);
const pinned = pinnedBy(pins, chain, logKey, lines > 0);
if (pinned.fault) return undetermined(pinned.fault);
for (const key of pins.second) {
if (!(await cosignedBy(key, checkpoint))) return broken('The log’s ML-DSA-44 signature does not verify.');
}
const quorum = await checkQuorum(policy, checkpoint);
if (quorum.outcome === 'broken') return broken(quorum.detail);
if (quorum.outcome !== 'holds') return undetermined(quorum.detail);
const { which } = pinned;
return { ...holds(`The trust file names ${chain.origin} with this ${which}${secondSaid(pins, lines)}; ${quorum.detail}.`), value: quorum.witnessed };
}
async function judgeCheckpoint(logKey, checkpoint) {
if (!logKey) return broken(`No log key was in force for a checkpoint of size ${checkpoint.size}.`);
const blobs = signaturesBy(checkpoint.note, checkpoint.origin, ED25519, logKey.publicKey);
if (blobs.length === 0) return broken('The checkpoint is not signed by the log key in force.');
for (const blob of blobs) {
if (blob.length !== 64 || !(await verifySignature(logKey.publicKey, utf8(checkpoint.note.text), blob))) {
return broken('The signature of the checkpoint does not verify.');
}
}
return holds(`Signed by log key ${logKey.keyId.slice(0, 16)}… over size ${checkpoint.size}.`);
}
return { judgeIssuer, judgeCheckpoint };
})();
const m_packagefacts = (() => {
const { hex } = m_bytes;
const { verifierKeyText } = m_note;
const { unitState } = m_unit;
function packageFacts({ manifest, chain, entries, epochs, checkpoint, recount, timeBounds }) {
const seals = (entries ?? []).filter((entry) => entry.kind === 'seal');
return {
log: manifest.log,
env: manifest.env,
tenant: manifest.tenant,
size: manifest.size,
first: manifest.first,
count: manifest.count,
disclosure: manifest.disclosure,
software: manifest.software,
genesis: manifest.genesis,
...(manifest.period ? { period: manifest.period } : {}),
...(manifest.framework === undefined ? {} : { framework: manifest.framework }),
...(seals.length > 0 ? { committed: { from: seals[0].seal.committed_at, to: seals[seals.length - 1].seal.committed_at } } : {}),
...(checkpoint ? { root: hex(checkpoint.root) } : {}),
...(chain ? { root_key: verifierKeyText(`${chain.origin}/root`, chain.root.publicKey) } : {}),
...(epochs ? { open_epochs: epochs.filter((epoch) => !epoch.closed).map(({ producer, epoch, last_seq: after }) => ({ producer, epoch, after })) } : {}),
...(timeBounds ? { time_bounds: timeBounds } : {}),
totals: recount?.totals ?? manifest.totals,
};
}
function unitRows(record, index, knowledge) {
return record.units.map((unit) => {
const known = knowledge.get(index, unit.id);
return {
id: unit.id,
state: unitState(unit.digests.length, known.fields.length, known.isErased),
fields: known.fields,
hidden: unit.digests.length - known.fields.length,
};
});
}
function packageRecords({ entries, knowledge }) {
const rows = [];
let committedAt = null;
for (let at = entries.length - 1; at >= 0; at--) {
const entry = entries[at];
if (entry.kind === 'seal') committedAt = entry.seal.committed_at;
else rows.push(recordRow(entry, committedAt, unitRows(entry.record, entry.index, knowledge)));
}
return rows.reverse();
}
function recordRow(entry, committedAt, units) {
const { record, kind, index } = entry;
return {
index, kind, committedAt, units, type: record.type, id: record.record_id, observedAt: record.observed_at, actor: record.actor,
assurance: record.assurance, producer: record.producer, epoch: record.epoch, seq: record.seq, clear: record.clear ?? null,
system: record.system ?? null, stream: record.stream ? `${record.stream} v${record.stream_version}` : null,
signer: entry.sign1 ? hex(entry.sign1.kid) : null, leaf: hex(entry.leaf), critical: record.critical, env: record.env,
};
}
return { packageFacts, unitRows, packageRecords, recordRow };
})();
const m_anchor_kinds = (() => {
const KINDS = ['rfc3161', 'opentimestamps', 'arweave', 'evm', 'root-log'];
const NOBODY = { authorities: [], bitcoin: [], evm: [], rootLogs: [] };
const EVIDENCE_BYTES_MAX = 256 * 1024;
return { KINDS, NOBODY, EVIDENCE_BYTES_MAX };
})();
const m_receiptanchors = (() => {
const { EVIDENCE_BYTES_MAX, KINDS, NOBODY } = m_anchor_kinds;
const { Contradiction, NotChecked } = m_anchor_finding;
const { base64, utf8 } = m_bytes;
const { Malformed } = m_malformed;
const { Faults, undetermined } = m_report;
const { sha256 } = m_sha256;
const shape = m_shape;
const ANCHORS_MAX = 8;
const one = shape.closed({
anchor: shape.oneOf(...KINDS),
evidence: (value) => {
const bytes = shape.bytes(value);
if (bytes.length > EVIDENCE_BYTES_MAX) throw new Malformed('is larger than any evidence');
return bytes;
},
});
const readAnchors = (value) => shape.ascending(
shape.listOf(one, 1, ANCHORS_MAX)(value), ({ anchor, evidence }) => [anchor, base64(evidence)], 'anchors');
async function judgeReceiptAnchors(anchors, checkpoint, trust, checkEvidence) {
const digest = sha256(utf8(checkpoint.note.text));
const { size } = checkpoint;
const [faults, bounds, open] = [new Faults(), [], []];
for (const [at, { anchor, evidence }] of anchors.entries()) {
try {
const found = await checkEvidence(anchor, evidence, digest, trust ?? NOBODY);
bounds.push({ size, record: size, ...found, isUnforeseeable: false });
} catch (error) {
if (error instanceof Contradiction) faults.add(`anchor ${at + 1}: ${error.message}`);
else if (error instanceof NotChecked) open.push(`anchor ${at + 1}: ${anchor} not checked: ${error.message}`);
else throw error;
}
}
const rest = open.length === 0 ? '' : `${open.length} of ${anchors.length} not checked (${open[0]})`;
if (faults.count === 0 && bounds.length === 0) return { ...undetermined(rest), value: [] };
return faults.result([`${bounds.length} of ${anchors.length} confirmed`, rest].filter((part) => part !== '').join('; '), { value: bounds });
}
return { readAnchors, judgeReceiptAnchors };
})();
const m_sourcekeys = (() => {
const { concat, utf8 } = m_bytes;
const { toJcsBytes } = m_jcs;
const { SOURCE_SIGNATURE_CHECK, SOURCE_SIGNATURES_CHECK } = m_plans;
const { isKnown } = m_recordtypes;
const { broken, counted, Faults, holds } = m_report;
const { verifySignature } = m_webcrypto;
const DOMAIN = 'tabellion.heartbeat/1\n';
const HEARTBEAT = 'source.heartbeat';
const KEY_SET = 'source.key_set';
function heartbeatMessage(clear) {
const { signature: _, ...signed } = clear.signed;
return concat(utf8(DOMAIN), toJcsBytes({ ...clear, signed }));
}
const isRight = ({ facts: { signed }, clear }) => verifySignature(signed.key.public, heartbeatMessage(clear), signed.signature);
const isOf = ({ kind, record }, type) => kind === 'record' && record.type === type && isKnown(record);
async function checkSourceSignature(run, entry) {
if (!isOf(entry, HEARTBEAT)) return;
const { record, record: { facts: { producer, signed } } } = entry;
run.add({ ...SOURCE_SIGNATURE_CHECK, required: signed !== undefined });
await run.check('source signature', async () => {
if (!signed) {
return { outcome: 'not run', detail: 'The source did not sign it: it is the notary’s account of what was sent under an API key.' };
}
const key = signed.key.key_id;
return await isRight(record) ? holds(`Source ${producer} signed it with key ${key}.`)
: broken(`key ${key}, which the heartbeat of source ${producer} names, did not sign it`);
});
}
class SourceKeys {
keys = new Map();
signed = 0;
unsigned = 0;
async heartbeat(index, record) {
const { producer, signed } = record.facts;
const known = this.keys.get(producer);
const place = `entry ${index}: the heartbeat of source ${producer}`;
if (!signed) {
this.unsigned++;
return known === undefined ? null : `${place} is not signed, and those before it are`;
}
this.signed++;
if (!await isRight(record)) return `${place} is not signed by the key that it names`;
if (known !== undefined && known !== signed.key.key_id) {
return `${place} is signed with another key than the one before it, and nobody put that in its place`;
}
this.keys.set(producer, signed.key.key_id);
return null;
}
keySet(index, { facts: { producer, key, old } }) {
const known = this.keys.get(producer);
this.keys.set(producer, key.key_id);
return known === undefined || known === old ? null : `entry ${index}: puts a key in the place of another than the source’s, ${producer}`;
}
}
async function checkSourceSignatures(run, { manifest, entries }) {
const told = entries.filter((entry) => isOf(entry, HEARTBEAT) || isOf(entry, KEY_SET));
if (!told.some(({ record }) => record.type === KEY_SET || record.facts.signed)) return;
run.add(SOURCE_SIGNATURES_CHECK);
await run.check('source signatures', async () => {
const [sources, faults] = [new SourceKeys(), new Faults()];
for (const { index, record } of told) {
faults.add(record.type === KEY_SET ? sources.keySet(index, record) : await sources.heartbeat(index, record));
await run.pace.breathe(index - manifest.first, manifest.count);
}
return faults.result(`${counted(sources.signed, 'heartbeat')} signed by ${counted(sources.keys.size, 'source')}; `
+ `not signed, so the notary’s account alone: ${sources.unsigned}.`);
});
}
return { heartbeatMessage, checkSourceSignature, checkSourceSignatures };
})();
const m_tlogproof = (() => {
const { fromBase64, fromDecimal, text, utf8 } = m_bytes;
const { Malformed } = m_malformed;
const { parseCheckpoint } = m_note;
const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const PATH_MAX = 63;
function hashLine(line) {
const hash = fromBase64(line);
if (hash.length !== 32) throw new Malformed('line of the inclusion path is not a hash');
return hash;
}
function parseTlogProof(bytes) {
const source = text(bytes);
const end = source.indexOf('\n\n');
if (end < 0) throw new Malformed('proof holds no checkpoint');
const lines = source.slice(0, end).split('\n');
if (lines.shift() !== FIRST_LINE) throw new Malformed(`first line is not ${FIRST_LINE}`);
let extra = null;
if (lines[0]?.startsWith('extra ')) extra = fromBase64(lines.shift().slice('extra '.length));
const indexLine = lines.shift();
if (!indexLine?.startsWith('index ')) throw new Malformed('proof has no index line');
const index = fromDecimal(indexLine.slice('index '.length));
if (lines.length > PATH_MAX) throw new Malformed('inclusion path is longer than any tree');
return { extra, index, path: lines.map(hashLine), checkpoint: parseCheckpoint(utf8(source.slice(end + 2))) };
}
return { FIRST_LINE, parseTlogProof };
})();
const m_receipt = (() => {
const { NotChecked } = m_anchor_finding;
const { boundsOfWitnesses, checkTimes } = m_bounds;
const { hex } = m_bytes;
const { Knowledge, parseDisclosures, takeDisclosures } = m_disclosures;
const { parseEntry } = m_entry;
const { judgeCheckpoint, judgeIssuer } = m_issuer;
const { parseJcs } = m_jcs;
const { ChainBroken, KeyChain, sealFault, statementFault } = m_keychain;
const { Malformed, within } = m_malformed;
const { isIncluded, leafHash } = m_merkle;
const { verifierKeyText } = m_note;
const { recordRow, unitRows } = m_packagefacts;
const { ANCHORS_CHECK, RECEIPT_PLAN } = m_plans;
const { judgeReceiptAnchors, readAnchors } = m_receiptanchors;
const { isKnown } = m_recordtypes;
const { broken, counted, Faults, holds, Run, undetermined } = m_report;
const shape = m_shape;
const { checkSourceSignature } = m_sourcekeys;
const { parseTlogProof } = m_tlogproof;
const RECEIPT_MAX_BYTES = 4 * 1024 * 1024;
const KEY_RECORDS_MAX = 256;
const hashes = shape.listOf(shape.hashBytes);
const EXTRA = shape.closed({
'anchors?': readAnchors,
disclosures: shape.listOf(shape.string),
entry: shape.entry,
format: shape.exactly('tabellion.receipt/1'),
keys: (value) => shape.ascending(shape.listOf(shape.closed({
entry: shape.entry, index: shape.count, path: hashes,
}), 1, KEY_RECORDS_MAX)(value), (one) => one.index, 'key records'),
'seal?': shape.closed({ batch_path: hashes, entry: shape.entry, index: shape.count, path: hashes }),
});
function parseReceiptFile(bytes) {
if (bytes.length > RECEIPT_MAX_BYTES) throw new Malformed('receipt is larger than 4 MiB');
const proof = parseTlogProof(bytes);
if (proof.extra === null) throw new Malformed('receipt has no extra line');
const extra = within('extra', () => EXTRA(parseJcs(proof.extra)));
const { index, path, checkpoint } = proof;
within('checkpoint', () => shape.origin(checkpoint.origin));
const entry = parseEntry(extra.entry, index);
return { index, path, checkpoint, extra, entry, seal: readSeal(entry, extra.seal) };
}
function readSeal(entry, given) {
if ((entry.kind === 'seal') !== (given === undefined)) {
throw new Malformed(entry.kind === 'seal' ? 'receipt of a seal holds a second seal' : 'receipt holds no seal');
}
if (!given) return entry;
const seal = parseEntry(given.entry, given.index);
if (seal.kind !== 'seal') throw new Malformed('the seal of the receipt is no seal');
return seal;
}
async function leftToOthers() {
throw new NotChecked('it is not read here; tabellion verify and verify.html read it');
}
async function verifyReceipt(bytes, policy, pace, checkEvidence = leftToOthers) {
const run = new Run('receipt', RECEIPT_PLAN, pace);
const receipt = await run.check('form', () => {
const value = parseReceiptFile(bytes);
return { ...holds(`A receipt of entry ${value.index} with ${counted(value.extra.keys.length, 'key record')}.`), value };
});
if (!receipt) return run;
await run.check('entry', () => judgeEntry(receipt));
await run.check('inclusion', () => judgeInclusion(receipt));
const chain = await run.check('keys', () => judgeKeys(run, receipt));
const logKey = chain?.inForce('log', receipt.checkpoint.size);
run.witnessed = await run.check('issuer', () => judgeIssuer(policy, chain, logKey, receipt.checkpoint)) ?? null;
await run.check('checkpoint signature', () => judgeCheckpoint(logKey, receipt.checkpoint));
await run.check('seal', () => judgeSeal(receipt, chain));
run.find('statement').required = receipt.entry.kind === 'statement';
await run.check('statement', () => judgeStatement(receipt, chain));
if (chain) noteKeys(run, receipt, chain, logKey);
const knowledge = new Knowledge();
await run.check('disclosures', () => judgeDisclosures(receipt, knowledge));
if (chain) await checkSourceSignature(run, receipt.entry);
run.facts = receiptFacts(receipt, chain);
const bounds = chain ? [...await anchorsOf(run, receipt, policy, checkEvidence), ...boundsOfWitnesses(receipt.checkpoint, run.witnessed)] : [];
if (chain) run.facts.levels = levelsOf(run);
const timeBounds = await checkTimes(run, bounds, receipt.index, receipt.index + 1, [receipt.seal]);
if (timeBounds) run.facts.time_bounds = timeBounds;
if (receipt.entry.record) {
const { record, index } = receipt.entry;
run.records = [recordRow(receipt.entry, receipt.seal.seal.committed_at, unitRows(record, index, knowledge))];
}
return run;
}
async function anchorsOf(run, { extra, checkpoint }, policy, checkEvidence) {
if (!extra.anchors) return [];
run.add(ANCHORS_CHECK);
return await run.check('anchors', () => judgeReceiptAnchors(extra.anchors, checkpoint, policy?.anchors, checkEvidence)) ?? [];
}
const INCLUDED = ['form', 'entry', 'inclusion', 'keys', 'issuer', 'checkpoint signature', 'seal'];
function levelsOf(run) {
const isGood = (name) => run.find(name)?.outcome === 'holds';
if (!INCLUDED.every(isGood)) return [];
return ['included', ...(run.witnessed ? ['witnessed'] : []), ...(isGood('anchors') ? ['anchored'] : [])];
}
function genesisEnvironment([first]) {
if (first.index !== 0) return null;
try {
return parseEntry(first.entry, 0).record?.env ?? null;
} catch (error) {
if (!(error instanceof Malformed)) throw error;
return null;
}
}
function judgeEntry({ entry, extra, checkpoint }) {
const { record } = entry;
if ((record?.log ?? entry.seal.log) !== checkpoint.origin) return broken(`entry ${entry.index} is of another log than the checkpoint`);
const env = genesisEnvironment(extra.keys);
if (record && env !== null && record.env !== env) return broken(`entry ${entry.index} is of environment ${record.env}, the log is a ${env} log`);
if (record?.critical && !isKnown(record)) {
const what = `critical type ${record.type}, version ${record.type_version}`;
return undetermined(`The record is of ${what}, which this verifier does not know. Use a newer one.`);
}
return holds(`${record ? record.type : 'A seal'}, entry ${entry.index} of ${checkpoint.origin}.`);
}
function judgeInclusion({ entry, path, extra, checkpoint }) {
const faults = new Faults();
const { size, root } = checkpoint;
const parts = [
{ what: 'entry', index: entry.index, leaf: entry.leaf, path },
...extra.keys.map((key) => ({ what: 'key record', index: key.index, leaf: leafHash(key.entry), path: key.path })),
...(extra.seal ? [{ what: 'seal', index: extra.seal.index, leaf: leafHash(extra.seal.entry), path: extra.seal.path }] : []),
];
for (const part of parts) {
if (!isIncluded(part.leaf, part.index, size, part.path, root)) faults.add(`${part.what} ${part.index} is not in the tree of the checkpoint`);
}
return faults.result(`Root ${hex(root)} at size ${size}.`);
}
async function judgeKeys(run, { extra, checkpoint }) {
const keys = extra.keys.map((item) => parseEntry(item.entry, item.index));
const chain = new KeyChain(false);
const faults = new Faults();
try {
for (const key of keys) await chain.apply(key);
} catch (error) {
if (!(error instanceof ChainBroken)) throw error;
run.stop();
return broken(error.message);
}
if (chain.origin !== checkpoint.origin) faults.add('the genesis is of another log than the checkpoint');
return faults.result(`${counted(keys.length, 'key record')}; root key ${chain.root.keyId.slice(0, 16)}….`, { value: chain });
}
async function judgeSeal({ entry, seal: sealed, extra, checkpoint }, chain) {
const faults = new Faults();
const facts = sealed.seal;
if (facts.log !== checkpoint.origin) faults.add(`seal ${sealed.index} is of another log than the checkpoint`);
if (facts.first + facts.count !== sealed.index) faults.add(`seal ${sealed.index} does not stand after its own entries`);
if (extra.seal) {
const place = entry.index - facts.first;
const inBatch = place >= 0 && isIncluded(entry.leaf, place, facts.count, extra.seal.batch_path, facts.root);
if (!inBatch) faults.add(`seal ${sealed.index} did not close a batch with entry ${entry.index}`);
}
faults.add(await sealFault(chain, sealed));
return faults.result(`Batch of entries ${facts.first} to ${sealed.index}, closed by the writer key.`);
}
async function judgeStatement({ entry }, chain) {
if (entry.kind !== 'statement') return { outcome: 'not run', detail: 'The entry is not signed by its actor; the seal attributes it to the log’s writer.' };
const signer = hex(entry.sign1.kid);
if (signer !== chain.root.keyId && !chain.find(signer)) {
return undetermined('The receipt does not hold the key of the statement’s actor; a package does.');
}
const fault = await statementFault(chain, entry);
return fault ? broken(fault) : holds(`Signed by ${entry.record.actor}.`);
}
function judgeDisclosures({ entry, extra: { disclosures } }, knowledge) {
const faults = new Faults();
const fields = parseDisclosures(disclosures);
disclosures.forEach((encoded, at) => takeFromAnyUnit(encoded, fields[at].digest, entry, knowledge, faults));
return faults.result(disclosures.length === 0 ? 'Nothing is disclosed.' : `${counted(disclosures.length, 'disclosed field')}.`);
}
function takeFromAnyUnit(encoded, digest, entry, knowledge, faults) {
const unit = entry.record?.units.find((one) => one.digests.includes(digest));
if (!unit) faults.add(`a disclosed field of entry ${entry.index} is not what was sealed`);
else takeDisclosures([encoded], entry, unit.id, knowledge, faults);
}
function noteKeys(run, { entry, seal }, chain, logKey) {
const at = seal.seal.committed_at;
const isGood = (name) => run.find(name).outcome === 'holds';
run.use(chain.root.keyId, 'root', run.kind);
if (isGood('checkpoint signature')) run.use(logKey.keyId, 'log', 'checkpoint signature', at);
if (isGood('seal')) run.use(hex(seal.sign1.kid), 'writer', `seal at entry ${seal.index}`, at);
if (!isGood('statement')) return;
const signer = hex(entry.sign1.kid);
run.use(signer, signer === chain.root.keyId ? 'root' : 'actor', `statement at entry ${entry.index}`, at);
}
function receiptFacts({ entry, seal, checkpoint }, chain) {
return {
log: checkpoint.origin, size: checkpoint.size, first: entry.index, count: 1, root: hex(checkpoint.root),
committed: { from: seal.seal.committed_at, to: seal.seal.committed_at },
...(chain ? {
env: chain.env, tenant: chain.tenant, genesis: chain.genesis, root_key: verifierKeyText(`${chain.origin}/root`, chain.root.publicKey),
} : {}),
};
}
return { RECEIPT_MAX_BYTES, parseReceiptFile, verifyReceipt };
})();
const m_ui_dom = (() => {
const ATTRIBUTES = new Set([
'class', 'id', 'role', 'colspan', 'scope', 'type', 'title', 'open', 'hidden', 'for', 'tabindex', 'value', 'max', 'datetime', 'disabled',
'viewBox', 'd', 'cx', 'cy', 'r', 'width', 'height', 'autocomplete', 'placeholder', 'spellcheck', 'dir',
]);
const SVG_TAGS = new Set(['svg', 'path', 'circle', 'g']);
const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';
function setAttribute(element, name, value) {
if (value === false || value === null || value === undefined) return;
if (!ATTRIBUTES.has(name) && !name.startsWith('aria-') && !name.startsWith('data-')) throw new Error(`attribute ${name} is not allowed`);
element.setAttribute(name, value === true ? '' : String(value));
}
function el(tag, attributes = {}, ...children) {
const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag);
for (const [name, value] of Object.entries(attributes)) {
if (typeof value === 'function') element.addEventListener(name, value);
else setAttribute(element, name, value);
}
element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
return element;
}
const byId = (id) => document.getElementById(id);
function fill(element, ...children) {
element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null));
}
const GLYPHS = {
holds: 'M6.5 12.5l3.6 3.6 7.4-8',
broken: 'M7.5 7.5l9 9M16.5 7.5l-9 9',
undetermined: 'M9 9.4a3 3 0 1 1 4.3 2.7c-.9.5-1.3 1-1.3 2M12 17.2v.1',
malformed: 'M8 6.5h5.5l3 3v8H8zM10.5 12.5h3M10.5 15h3',
'not run': 'M7.5 12h9',
};
function sign(outcome) {
return el('svg', { viewBox: '0 0 24 24', class: 'sign', 'aria-hidden': 'true', 'data-outcome': outcome },
el('circle', { cx: 12, cy: 12, r: 11 }), el('path', { d: GLYPHS[outcome] }));
}
return { el, byId, fill, sign };
})();
const m_ui_show = (() => {
const MISLEADING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const VALUE_SHOWN_MAX = 20_000;
const visible = (text) => text.replace(MISLEADING, (character) => (
`⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`));
function time(micros) {
const date = new Date(Math.floor(micros / 1000));
return Number.isNaN(date.getTime()) ? `${micros} µs` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
function preciseTime(micros) {
const date = new Date(Math.floor(micros / 1000));
if (Number.isNaN(date.getTime())) return `${micros} µs since 1970`;
return `${date.toISOString().slice(0, -1)}${String(micros % 1000).padStart(3, '0')}Z`;
}
const number = (value) => value.toLocaleString('en');
const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
const shortId = (id) => `${id.slice(0, 8)}…`;
function value(data) {
const source = typeof data === 'string' ? data : JSON.stringify(data, null, 2);
return source.length > VALUE_SHOWN_MAX ? `${visible(source.slice(0, VALUE_SHOWN_MAX))} … (${number(source.length)} characters)` : visible(source);
}
function bytes(size) {
if (size < 1000) return plural(size, 'byte');
if (size < 1_000_000) return `${(size / 1000).toFixed(1)} kB`;
return `${(size / 1_000_000).toFixed(1)} MB`;
}
return { visible, time, preciseTime, number, plural, shortId, value, bytes };
})();
const m_console = (() => {
const { Malformed } = m_malformed;
const { Pace } = m_pace;
const { parsePolicy } = m_policy;
const { verifyReceipt } = m_receipt;
const { el, fill, sign } = m_ui_dom;
const { number, visible } = m_ui_show;
const WORDS = { holds: 'Holds', broken: 'Broken', undetermined: 'Undetermined', malformed: 'Cannot be read', 'not run': 'Not run' };
const SENTENCES = {
holds: 'Every required check holds.',
broken: 'Something is not as it was sealed. Keep the receipt, and tell the operator and whoever relies on it.',
undetermined: 'Nothing contradicts it, and something needed to decide is missing: most often, the trust file does not name this log.',
malformed: 'The file is not a receipt that can be read.',
};
function step(check) {
const proves = check.outcome === 'holds' ? check.proves : `Would show: ${check.proves}`;
return el('li', { 'data-outcome': check.outcome, 'data-testid': `step-${check.name.replaceAll(' ', '-')}` },
sign(check.outcome),
el('div', {},
el('p', { class: 'step-title' }, el('strong', {}, check.title), ' ', el('span', { class: 'step-outcome' }, WORDS[check.outcome].toLowerCase())),
el('p', {}, visible(check.detail)),
el('p', { class: 'hint' }, `${proves} Not shown: ${check.notProved}`)));
}
function place(facts) {
return facts.size === undefined ? null : el('p', {}, `Entry ${number(facts.first)} of ${number(facts.size)} in `, el('code', {}, visible(facts.log)), '.');
}
function shown(run, whose, took) {
return [
el('div', { class: 'verdict-head', 'data-verdict': run.verdict, 'data-testid': 'proof-verdict' }, sign(run.verdict),
el('div', {}, el('p', { class: 'verdict-word', tabindex: -1 }, WORDS[run.verdict]), el('p', {}, SENTENCES[run.verdict]), place(run.facts))),
el('ul', { class: 'findings' }, run.findings.map((finding) => el('li', { 'data-outcome': finding.outcome }, sign(finding.outcome),
el('span', {}, el('strong', {}, finding.question), `: ${finding.answer}`)))),
el('ol', { class: 'steps' }, run.checks.map(step)),
el('p', { class: 'hint' }, `${whose} ${run.scope} Computed in this browser in ${Math.round(took)} ms.`),
];
}
async function check(into, receipt, trust, whose) {
const began = performance.now();
let policy;
try {
policy = parsePolicy(trust);
} catch (error) {
if (!(error instanceof Malformed)) throw error;
fill(into, el('p', { class: 'fault' }, `The trust file cannot be read: ${visible(error.message)}`));
return 'malformed';
}
const run = await verifyReceipt(receipt, policy, new Pace());
fill(into, shown(run, whose, performance.now() - began));
into.querySelector('.verdict-word')?.focus({ preventScroll: true });
return run.verdict;
}
return { check };
})();
export const { check } = m_console;
