// Verification runs (docs/formats.md §12.3), made by a second construction of the format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify } from '../src/verify.js';
import { ran, ranEvidence, runOf } from './forge/ran.mjs';
import { sampleLog } from './forge/sample.mjs';

// Requirement: R23.
test('a run holds when all of it does, and what it left out or found broken is never fine', async () => {
  for (const { name, bytes, trust, verdict } of ranEvidence(true).filter((one) => one.family === 'runs')) {
    const run = await verify(new Uint8Array(bytes), new Uint8Array(trust));
    assert.equal(run.exitCode === 0, verdict === 'holds', `${name}: exit ${run.exitCode}, ${JSON.stringify(run.checks.map((one) => [one.name, one.outcome]))}`);
    assert.notEqual(run.finding('existed').outcome, 'holds', `${name}: the log's own clock passes for proof of time`);
    const alone = await verify(new Uint8Array(bytes), null);
    assert.notEqual(alone.exitCode, 0, `${name}: a run by nobody known passes`);
  }
});

// Requirement: R23.
test('every changed byte of a run is broken or malformed', async () => {
  const { log } = sampleLog();
  const bytes = new Uint8Array(ran(log, runOf(log)));
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = bytes.slice();
    changed[at] ^= 1 << at % 8;
    const { exitCode } = await verify(changed, new Uint8Array(log.trust()));
    assert.ok([1, 2].includes(exitCode), `byte ${at}: exit ${exitCode}`);
  }
});
