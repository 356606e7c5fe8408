// What anchors rest on: hashes that browsers have not, the lines of a trust file, and evidence kept since it was made.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readAuthority } from '../src/anchor/certificate.js';
import { keccak256 } from '../src/keccak.js';
import { readProof } from '../src/anchor/ots.js';
import { sha1 } from '../src/anchor/sha1.js';
import { checkTimeStamp } from '../src/anchor/timestamp.js';
import { parseAnchorTrust } from '../src/anchor/trustlines.js';
import { hex, utf8 } from '../src/bytes.js';
import { Malformed } from '../src/malformed.js';
import { sha384 } from '../src/sha512.js';
import { verify } from '../src/verify.js';

const GOLDEN = new URL('../../../crates/', import.meta.url);
const read = async (name) => new Uint8Array(await readFile(new URL(name, GOLDEN)));
const AUTHORITY = 'tlog/tests/golden/anchor/authority-p256.der';

test('the hashes give what others give', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = new Uint8Array(length).fill(length);
    for (const [name, own] of [['sha1', sha1], ['sha384', sha384]]) {
      assert.equal(hex(own(bytes)), createHash(name).update(bytes).digest('hex'), `${name} of ${length} bytes: evidence would be called broken`);
    }
  }
  // Vectors of the Keccak team: the empty message, and one of exactly one block.
  assert.equal(hex(keccak256(new Uint8Array(0))), 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470', 'no block of a chain would be known');
  assert.equal(hex(keccak256(new Uint8Array(136).fill(0x61))), 'a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e', 'long headers would not be known');
});

test('a small proof that takes long to compute is refused', () => {
  const branch = Buffer.from('67000588960d73d719010101', 'hex');
  const more = Buffer.concat([Buffer.from([0xff]), branch]);
  const head = Buffer.concat([Buffer.from('004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108', 'hex'),
    Buffer.alloc(32), Buffer.from('f0e01f', 'hex'), Buffer.alloc(4064)]);
  const proof = (count) => new Uint8Array(Buffer.concat([head, ...Array(count - 1).fill(more), branch]));
  assert.equal(readProof(proof(127)).blocks.length, 127, '127 hashes of 4096 bytes and 128 bytes are below the limit');
  assert.throws(() => readProof(proof(128)), /512 KiB/, 'a page computes for hours');
});

test('an authority between has to be one whose key may sign certificates', async () => {
  const kept = 'tlog/tests/golden/anchor/';
  const authority = readAuthority(await read(`${kept}authority-deep.der`));
  const imprint = new Uint8Array(createHash('sha256').update('checkpoint').digest());
  checkTimeStamp(await read(`${kept}stamp-deep.tsr`), imprint, authority);
  const lent = await read(`${kept}stamp-lent.tsr`);
  assert.throws(() => checkTimeStamp(lent, imprint, authority), /may not sign certificates/, 'whoever holds a certificate for something else makes time-stamps of this authority');
});

test('a line about anchors is never quietly without effect', async () => {
  const certificate = Buffer.from(await read(AUTHORITY)).toString('base64');
  const good = `#! rfc3161 x ${certificate}\n#! bitcoin 1 ${'00'.repeat(80)}\n#! evm 1 20000000 0x${'AB'.repeat(32)}\n # not one\n`;
  const trust = parseAnchorTrust(utf8(good));
  assert.deepEqual([trust.authorities.length, trust.bitcoin.length, trust.evm.length], [1, 1, 1], 'a line was lost');
  const mistyped = certificate.replace(/^(.{300})(.)/, (_, start, one) => start + (one === 'A' ? 'B' : 'A'));
  for (const line of ['rfc3161 x', 'rfc3162 x AAAA', '', 'bitcoin 1 00', 'evm 1 01 00', 'rfc3161 x *', 'rfc3161 x AAAA', `rfc3161 x ${mistyped}`]) {
    assert.throws(() => parseAnchorTrust(utf8(`\n#! ${line}\n`)), (error) => error instanceof Malformed && error.message.includes('line 2'), `the reader has to search for ${line}`);
  }
});

/** Requirement: A19. */
test('a trust file with a line that cannot be read is refused before anything is judged', async () => {
  const packages = 'model/tests/golden/packages/';
  const trust = new Uint8Array([...await read(`${packages}trust.txt`), ...utf8('#! evm 1 x\n')]);
  const run = await verify(await read(`${packages}plain.zip`), trust);
  assert.deepEqual([run.exitCode, run.kind], [2, 'unknown'], 'a typing error is passed over in silence');
  assert.match(run.malformed.what, /line [0-9]+/, 'nobody is told where');
});
