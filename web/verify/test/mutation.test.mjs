// A changed byte never goes unnoticed: each byte of a package, as it is and with the checksum of the container repaired.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify } from '../src/verify.js';
import { makePackage } from './forge/package.mjs';
import { sampleLog } from './forge/sample.mjs';
import { flipByte, repairChecksums } from './mutate.mjs';
import { random } from './random.mjs';

const REPAIRED_ROUNDS = 1500; // each runs the whole verifier; about ten seconds

/** Requirement: A16, V41. */
test('every single byte of a package, changed, is broken or malformed', async () => {
  const { log } = sampleLog();
  const bytes = new Uint8Array(makePackage(log));
  const trust = new Uint8Array(log.trust());
  const next = random();
  for (let at = 0; at < bytes.length; at++) {
    const { exitCode, verdict } = await verify(flipByte(bytes, at, next), trust);
    assert.ok(exitCode === 1 || exitCode === 2, `byte ${at} changed and the package ${verdict}, seed ${next.seed}`);
  }
});

/** Requirement: A16, V41. The forger repairs the container's checksums: the hashes and signatures must find it. */
test('a changed byte with repaired checksums is broken or malformed', async () => {
  const { log } = sampleLog();
  const bytes = new Uint8Array(makePackage(log));
  const trust = new Uint8Array(log.trust());
  const next = random();
  for (let round = 0; round < REPAIRED_ROUNDS; round++) {
    const at = next.below(bytes.length);
    const changed = repairChecksums(flipByte(bytes, at, next));
    if (Buffer.compare(changed, bytes) === 0) continue; // the change was of a checksum itself
    const { exitCode, verdict } = await verify(changed, trust);
    assert.ok(exitCode === 1 || exitCode === 2, `byte ${at} changed, checksums repaired, and the package ${verdict}, seed ${next.seed}`);
  }
});
