// ML-DSA-44 and SHAKE: vectors of the Rust library's golden files, which two implementations made, and node's own SHAKE.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fromBase64, hex } from '../src/bytes.js';
import { shake128, shake256 } from '../src/keccak.js';
import { ML_DSA_SIGNATURE_BYTES, verifyMlDsa } from '../src/mldsa.js';
import { random } from './random.mjs';

const GOLDEN = new URL('../../../crates/tlog/tests/golden/ml-dsa-44.txt', import.meta.url);
const HINTS_AT = 32 + 4 * 576; // after the challenge and z
const OMEGA = 80;

const vectors = async () => (await readFile(GOLDEN, 'utf8')).trimEnd().split('\n').map((line) => line.split(' ').map(fromBase64));

test('SHAKE is node’s, at every length around a block, and in pieces', () => {
  const next = random();
  for (let size = 0; size < 360; size++) {
    const bytes = next.bytes(size);
    for (const [name, shake] of [['shake128', shake128], ['shake256', shake256]]) {
      const wanted = createHash(name, { outputLength: 500 }).update(bytes).digest('hex');
      const cut = next.below(501);
      const squeeze = shake(bytes.subarray(0, size >> 1), bytes.subarray(size >> 1));
      assert.equal(hex(squeeze(cut)) + hex(squeeze(500 - cut)), wanted, `${name} of ${size} bytes, cut at ${cut}, seed ${next.seed}`);
    }
  }
});

/** Requirement: B11. */
test('ML-DSA-44: what two implementations signed is right, under its own key and for its own message alone', async () => {
  const all = await vectors();
  assert.equal(all.length, 6, 'the vectors are gone and nothing would be compared');
  for (const [at, [key, message, signature]] of all.entries()) {
    assert.equal(verifyMlDsa(key, message, signature), true, `vector ${at}: a good signature would be called broken`);
    assert.equal(verifyMlDsa(all[(at + 2) % 6][0], message, signature), false, `vector ${at} passes under another key`);
    assert.equal(verifyMlDsa(key, Uint8Array.from([...message, 0]), signature), false, `vector ${at} passes for another message`);
    assert.equal(verifyMlDsa(key, message, signature.subarray(1)), false, 'a signature that is too short passes');
    assert.equal(verifyMlDsa(key.subarray(1), message, signature), false, 'a key that is too short passes');
  }
});

/** Requirement: A16, B11. */
test('ML-DSA-44: a changed bit of any byte of a signature is found', async () => {
  const [key, message, signature] = (await vectors())[3];
  for (let at = 0; at < ML_DSA_SIGNATURE_BYTES; at++) {
    const changed = signature.slice();
    changed[at] ^= 1 << (at % 8);
    assert.equal(verifyMlDsa(key, message, changed), false, `byte ${at} of a signature does not matter`);
  }
});

test('ML-DSA-44: a signature has one form', async () => {
  for (const [key, message, signature] of await vectors()) {
    const count = signature[HINTS_AT + OMEGA];
    assert.ok(count > 1, 'the first polynomial has no two hints to swap');
    const swapped = signature.slice();
    [swapped[HINTS_AT], swapped[HINTS_AT + 1]] = [signature[HINTS_AT + 1], signature[HINTS_AT]];
    assert.equal(verifyMlDsa(key, message, swapped), false, 'the same hints in another order pass: one signature would have many forms');
    const padded = signature.slice();
    assert.equal(padded[HINTS_AT + OMEGA - 1], 0, 'there is no room left after the hints');
    padded[HINTS_AT + OMEGA - 1] = 1;
    assert.equal(verifyMlDsa(key, message, padded), false, 'bytes that say nothing are not looked at');
    for (const end of [OMEGA + 1, 255]) {
      const overrun = signature.slice();
      overrun[HINTS_AT + OMEGA + 3] = end;
      assert.equal(verifyMlDsa(key, message, overrun), false, 'hints beyond their end are read');
    }
  }
});
