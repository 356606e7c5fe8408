// SHA-256 and SHA-512 against FIPS 180-4 examples and against node:crypto.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { hex, utf8 } from '../src/bytes.js';
import { Sha256, sha256 } from '../src/sha256.js';
import { sha512 } from '../src/sha512.js';
import { random } from './random.mjs';

const EXAMPLES = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f'],
];

test('FIPS 180-4 examples', () => {
  for (const [message, short, long] of EXAMPLES) {
    assert.equal(hex(sha256(utf8(message))), short, 'a wrong SHA-256 would call every good package broken');
    assert.equal(hex(sha512(utf8(message))), long, 'a wrong SHA-512 would call every good signature bad');
  }
  assert.equal(hex(sha256(utf8('a'.repeat(1_000_000)))), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
});

test('every length around the block edges, and in pieces', () => {
  const next = random();
  for (let size = 0; size < 300; size++) {
    const bytes = next.bytes(size);
    assert.equal(hex(sha256(bytes)), createHash('sha256').update(bytes).digest('hex'), `SHA-256 of ${size} bytes, seed ${next.seed}`);
    assert.equal(hex(sha512(bytes)), createHash('sha512').update(bytes).digest('hex'), `SHA-512 of ${size} bytes, seed ${next.seed}`);
    const cut = next.below(size + 1);
    const pieces = new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut));
    assert.equal(hex(pieces.digest()), hex(sha256(bytes)), `a file read in pieces at ${cut} of ${size}, seed ${next.seed}`);
  }
});
