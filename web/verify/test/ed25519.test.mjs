// Ed25519: RFC 8032 vectors, node:crypto as peer, and the strict rules of docs/formats.md §1.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, hex, utf8 } from '../src/bytes.js';
import { isPublicKey, isStrictForm, verifyStrict } from '../src/ed25519.js';
import { verifySignature } from '../src/webcrypto.js';
import { random } from './random.mjs';

// RFC 8032 §7.1, tests 1, 2 and 3.
const RFC8032 = [
  ['d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'],
  ['3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'],
  ['fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'],
];
const both = async (key, message, signature) => [verifyStrict(key, message, signature), await verifySignature(key, message, signature)];
const unhex = (digits) => fromHex(digits, digits.length / 2);

test('RFC 8032 vectors hold and their changes do not', async () => {
  for (const [key, message, signature] of RFC8032) {
    const parts = [unhex(key), unhex(message), unhex(signature)];
    assert.deepEqual(await both(...parts), [true, true], `vector of key ${key}`);
    for (const at of [0, 31, 32, 62]) {
      const changed = parts[2].slice();
      changed[at] ^= 1;
      assert.deepEqual(await both(parts[0], parts[1], changed), [false, false], 'a changed signature passes');
    }
  }
});

test('agrees with node:crypto on random messages', async () => {
  const next = random();
  for (let round = 0; round < 40; round++) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(12));
    const message = next.bytes(next.below(400));
    const signature = new Uint8Array(sign(null, message, privateKey));
    assert.deepEqual(await both(key, message, signature), [true, true], `seed ${next.seed}, round ${round}`);
    signature[next.below(64)] ^= 1 << next.below(8);
    assert.deepEqual(await both(key, message, signature), [false, false], `seed ${next.seed}, round ${round}`);
  }
});

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const littleEndian = (value) => Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));

// The fourteen encodings of small-order points, canonical and not (Chalkias et al. 2020, table 1 extended by sign bits).
const ORDER_8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];
const smallOrder = [0n, 1n, P - 1n, P, P + 1n].map((y) => littleEndian(y)).concat(ORDER_8.map(unhex));

test('keys and R of small order are refused, with either sign bit', async () => {
  const good = unhex(RFC8032[0][2]);
  for (const point of smallOrder) {
    for (const sign of [0, 0x80]) {
      const encoded = point.slice();
      encoded[31] |= sign;
      assert.equal(isPublicKey(encoded), false, `small-order key ${hex(encoded)} would verify anything`);
      const signature = good.slice();
      signature.set(encoded);
      assert.equal(isStrictForm(unhex(RFC8032[0][0]), signature), false, `small-order R ${hex(encoded)}`);
    }
  }
  // A = identity, R = identity, S = 0 satisfies the bare equation for every message.
  const identity = littleEndian(1n);
  const trivial = new Uint8Array(64);
  trivial.set(identity);
  assert.deepEqual(await both(identity, utf8('anything'), trivial), [false, false], 'one signature would fit every message');
});

test('S of L or more and y of p or more are refused', async () => {
  const [key, , signature] = RFC8032[0].map(unhex);
  const s = signature.slice(32).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const moved = signature.slice();
  moved.set(littleEndian(s + L), 32);
  assert.deepEqual(await both(key, new Uint8Array(0), moved), [false, false], 'a signature would have a second spelling');
  // y = 3 + p names the same point as y = 3, which is on the curve.
  assert.equal(isPublicKey(littleEndian(3n)), true, 'y = 3 is a point of the curve');
  assert.equal(isPublicKey(littleEndian(P + 3n)), false, 'a key would have a second spelling');
  assert.equal(isPublicKey(littleEndian(2n)), false, 'y = 2 is no point of the curve');
});

test('a signature that holds only with the cofactor is refused by both ways', async () => {
  const key = unhex('837b2a7c0f9a96124c0a1288209aabb4d8296b74b0f4d34890cc227bec4df8e6');
  const signature = unhex('6b12d4d055bd943206034b402ebe601bf715a3bbe772cdac6ab65b94d9a07bf6'
    + '3c63ca6fafbdd8deae8a2eb5ba7a357519c21eb50c087e9eb9dde1631547d601');
  assert.equal(isStrictForm(key, signature), true, 'its form alone is fine');
  assert.deepEqual(await both(key, utf8('cofactor'), signature), [false, false], 'verifiers would disagree on one package');
});
