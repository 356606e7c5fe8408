// The signatures of time-stamps and of the certificates behind them: ECDSA on P-256 and P-384, RSA with PKCS #1 v1.5 (RFC 8017 §8.2.2), in plain
// JavaScript, because browsers have no cryptography of their own on some pages that are opened as files. Public values only.
import { hex } from '../bytes.js';
import { sha256 } from '../sha256.js';
import { sha384, sha512 } from '../sha512.js';
import { Der, magnitude, TAG, toBigInt, wholeBytes } from './der.js';
import { insist } from './finding.js';

const HASHES = { 1: sha256, 2: sha384, 3: sha512 };
const NIST = '60864801650304020'; // and a digit: 1, 2, 3 (RFC 5754)
export const SHA256 = `${NIST}1`;
const RSA = '2a864886f70d0101';
const ECDSA = '2a8648ce3d0403';
const SIGNATURES = {
  [`${RSA}0b`]: 1, [`${RSA}0c`]: 2, [`${RSA}0d`]: 3, [`${ECDSA}02`]: 1, [`${ECDSA}03`]: 2, [`${ECDSA}04`]: 3,
};

const point = (x, y) => [BigInt(`0x${x}`), BigInt(`0x${y}`), 1n];
const curve = (size, p, n, b, base) => ({ size, p, n: BigInt(`0x${n}`), b: BigInt(`0x${b}`), base });
// NIST SP 800-186 §3.2.1. Both have a = −3 and cofactor 1.
const P256 = curve(32, 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
  'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  '5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b',
  point('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'));
const P384 = curve(48, 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
  'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  'b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef',
  point('aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7',
    '3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f'));
// The content of a key's AlgorithmIdentifier.
const KEY_KINDS = {
  '06072a8648ce3d020106082a8648ce3d030107': P256, '06072a8648ce3d020106052b81040022': P384, '06092a864886f70d0101010500': null,
};
const MODULUS_BYTES_MIN = 256;
const MODULUS_BYTES_MAX = 1024;

function power(base, exponent, modulus) {
  let result = 1n;
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus;
  }
  return result;
}

/** The digest of this object identifier: a function, with its number. */
export function digestNamed(oid) {
  const name = hex(oid);
  const number = name.startsWith(NIST) && name.length === SHA256.length ? Number(name.slice(-1)) : 0;
  insist(HASHES[number], `the time-stamp uses digest algorithm ${name}, which is not read here`);
  return number;
}

export const digestOf = (number, bytes) => HASHES[number](bytes);

/** The digest of a signature algorithm; for plain rsaEncryption that of the signer. */
export function signatureDigest(oid, signer) {
  const name = hex(oid);
  const number = name === `${RSA}01` ? signer : SIGNATURES[name];
  insist(number, `signature algorithm ${name} is not read here`);
  return number;
}

/** Of the content of a certificate's AlgorithmIdentifier: {isRsa, digest}, or null for one that is not read here. */
export function certificateAlgorithm(content) {
  const name = hex(content);
  const isRsa = name.endsWith('0500');
  const oid = name.slice(4, isRsa ? -4 : undefined);
  const fits = name.startsWith(`06${(oid.length / 2).toString(16).padStart(2, '0')}`) && oid.startsWith(isRsa ? RSA : ECDSA);
  return fits && SIGNATURES[oid] ? { isRsa, digest: SIGNATURES[oid] } : null;
}

/** A public key out of the content of a SubjectPublicKeyInfo: {curve (null for RSA), data}. */
export function readKey(content) {
  const parts = new Der(content);
  const kind = hex(parts.expect(TAG.sequence));
  const data = wholeBytes(parts.expect(TAG.bits));
  parts.finish();
  insist(kind in KEY_KINDS, 'a key of a kind that is not read here');
  return { curve: KEY_KINDS[kind], data };
}

/** Refuses a key that could never verify anything. */
export function checkUsable(key) {
  if (key.curve) readPoint(key.curve, key.data);
  else readRsa(key.data);
}

/** Refuses a signature that the key did not make over the message. */
export function verify(key, digest, message, signature) {
  const hashed = HASHES[digest](message);
  if (key.curve) verifyEcdsa(key.curve, key.data, hashed, signature);
  else verifyRsa(key.data, digest, hashed, signature);
}

function readRsa(data) {
  const parts = new Der(data).enter(TAG.sequence);
  const [modulus, exponent] = [0, 1].map(() => magnitude(parts.expect(TAG.integer)));
  parts.finish();
  const e = toBigInt(exponent);
  const fits = modulus.length >= MODULUS_BYTES_MIN && modulus.length <= MODULUS_BYTES_MAX && exponent.length <= 4 && e % 2n === 1n && e !== 1n;
  insist(fits, 'an RSA key of a size that is not read here');
  return { n: toBigInt(modulus), size: modulus.length, e };
}

function verifyRsa(data, digest, hashed, signature) {
  const { n, size, e } = readRsa(data);
  const s = toBigInt(signature);
  insist(n % 2n === 1n && signature.length === size && s < n, 'a signature that does not verify');
  const info = [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, digest, 0x05, 0x00, 0x04, hashed.length, ...hashed];
  const tail = [0, 0x30, info.length, ...info];
  const due = Uint8Array.from([0, 1, ...new Array(size - tail.length - 2).fill(0xff), ...tail]);
  insist(power(s, e, n) === toBigInt(due), 'a signature that does not verify');
}

function readPoint({ size, p, b }, data) {
  const x = toBigInt(data.subarray(1, 1 + size));
  const isWhole = data[0] === 4 && data.length === 1 + 2 * size;
  insist(x < p && (isWhole || ((data[0] === 2 || data[0] === 3) && data.length === 1 + size)), 'a public key that is no point');
  const square = (x * x * x - 3n * x + b) % p;
  let y = toBigInt(data.subarray(1 + size));
  if (!isWhole) {
    y = power((square + p) % p, (p + 1n) / 4n, p); // both primes are 3 modulo 4
    if ((y & 1n) !== BigInt(data[0] & 1)) y = p - y;
  }
  insist(y < p && (y * y - square) % p === 0n, 'a public key that is no point of its curve');
  return [x, y, 1n];
}

// Jacobian coordinates [X, Y, Z], x = X/Z², y = Y/Z³; Z = 0 is the point at infinity.
function double([x, y, z], p) {
  const yy = (y * y) % p;
  const s = (4n * x * yy) % p;
  const zz = (z * z) % p;
  const m = (3n * (x - zz) * (x + zz)) % p;
  const x3 = (m * m - 2n * s) % p;
  return [x3, (m * (s - x3) - 8n * yy * yy) % p, (2n * y * z) % p];
}

const congruent = (value, p) => value % p === 0n;

function add(a, b, p) {
  if (congruent(a[2], p)) return b;
  if (congruent(b[2], p)) return a;
  const [za, zb] = [(a[2] * a[2]) % p, (b[2] * b[2]) % p];
  const u = (a[0] * zb) % p;
  const s = (a[1] * zb * b[2]) % p;
  const h = (b[0] * za - u) % p;
  const r = (b[1] * za * a[2] - s) % p;
  if (congruent(h, p)) return congruent(r, p) ? double(a, p) : [1n, 1n, 0n];
  const hh = (h * h) % p;
  const hhh = (hh * h) % p;
  const v = (u * hh) % p;
  const x3 = (r * r - hhh - 2n * v) % p;
  return [x3, (r * (v - x3) - s * hhh) % p, (a[2] * b[2] * h) % p];
}

/** u·base + v·other, both at once. */
function combine(u, base, v, other, p) {
  const sums = [null, base, other, add(base, other, p)];
  let sum = [1n, 1n, 0n];
  for (let bit = BigInt(Math.max(u.toString(2).length, v.toString(2).length)) - 1n; bit >= 0n; bit--) {
    sum = double(sum, p);
    const which = Number((u >> bit) & 1n) + 2 * Number((v >> bit) & 1n);
    if (which) sum = add(sum, sums[which], p);
  }
  return sum;
}

function verifyEcdsa(on, data, hashed, signature) {
  const { p, n, size, base } = on;
  const key = readPoint(on, data);
  const outer = new Der(signature);
  const numbers = outer.enter(TAG.sequence);
  outer.finish();
  const [r, s] = [0, 1].map(() => toBigInt(magnitude(numbers.expect(TAG.integer))));
  numbers.finish();
  insist(r > 0n && r < n && s > 0n && s < n, 'a signature with a number beyond its limits');
  const inverse = power(s, n - 2n, n);
  const z = toBigInt(hashed.subarray(0, size));
  const [x, , at] = combine((z * inverse) % n, base, (r * inverse) % n, key, p);
  insist(!congruent(at, p), 'a signature that does not verify');
  const affine = (((x * power((at + p) % p, p - 3n, p)) % p) + p) % p; // Z^(p−3) is Z^−2
  insist(affine % n === r, 'a signature that does not verify');
}
