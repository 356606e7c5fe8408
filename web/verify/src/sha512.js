// SHA-512 and SHA-384 (FIPS 180-4), synchronous, on pairs of 32-bit words, for Ed25519 and for what anchors are signed over.

const MASK = 0xffffffffn;
const BLOCK = 128;

// The constants are the first 64 bits of the fractional parts of the cube roots (rounds) and square roots (start) of the
// first primes; computing them is shorter than 160 hand-copied numbers and the test vectors check them.
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
  // Lengths stay below 2^53 bits; the upper 64 bits of the length field are zero.
  view.setUint32(padded.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(padded.length - 4, (length << 3) >>> 0);
  const state = start.slice();
  for (let block = 0; block < padded.length; block += BLOCK) compress(state, view, block);
  const out = new Uint8Array(64);
  const outView = new DataView(out.buffer);
  state.forEach((word, place) => outView.setInt32(place * 4, word));
  return out;
}

/** SHA-512 of the parts, one after the other: 64 bytes. */
export const sha512 = (...parts) => digest(START, parts);

/** The same of SHA-384: 48 bytes. */
export const sha384 = (...parts) => digest(START_384, parts).subarray(0, 48);
