// The product's own golden packages, receipts, statements and verification runs: written by the Rust builder, read here by code that knows the
// formats page only. The expected outcomes are those of the Rust verifier.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { verify } from '../src/verify.js';
import { makePackage } from './forge/package.mjs';
import { sampleLog } from './forge/sample.mjs';
import { mutate } from './mutate.mjs';
import { random } from './random.mjs';

const GOLDEN = new URL('../../../crates/model/tests/golden/packages/', import.meta.url);
const MUTATIONS_EACH = 150;
const read = async (name) => new Uint8Array(await readFile(new URL(name, GOLDEN)));
const trustOf = async (name) => (name === 'no trust file' ? null : read(name));

/** Requirement: B11. Two implementations give one answer, check by check. */
test('every golden file has the verdict that the Rust verifier gives', async () => {
  const verdicts = JSON.parse(await readFile(new URL('verdicts.json', GOLDEN), 'utf8'));
  const judged = new Set();
  for (const [title, expected] of Object.entries(verdicts)) {
    const [name, rest] = title.split(' with ');
    const [trust, keys] = rest.split(' by ');
    const report = await verify(await read(name), await trustOf(trust), undefined, keys ? await read(keys) : null);
    const checks = Object.fromEntries(report.checks.map((check) => [check.name, check.outcome]));
    assert.equal(report.exitCode, expected.exit, `${title}: two verifiers, two verdicts: ${JSON.stringify(checks)}`);
    assert.deepEqual(checks, { ...expected.checks }, `${title}: two verifiers, two reasons`);
    if ('levels' in expected) assert.deepEqual(report.facts.levels ?? null, expected.levels, `${title}: two verifiers, two levels`);
    if ('bounds' in expected) assert.deepEqual(report.facts.time_bounds ?? null, expected.bounds, `${title}: two verifiers, two times`);
    judged.add(name);
  }
  const files = (await readdir(GOLDEN)).filter((name) => /\.(zip|receipt|cose|run)$/.test(name));
  assert.deepEqual([...judged].sort(), files.sort(), 'a golden file has no verdict to compare with');
});

/** Requirement: A16, V41. */
test('mutations of the golden packages are broken or malformed', async () => {
  const next = random();
  const trust = await read('trust.txt');
  for (const name of (await readdir(GOLDEN)).filter((one) => one.endsWith('.zip'))) {
    const bytes = await read(name);
    for (let round = 0; round < MUTATIONS_EACH; round++) {
      const changed = mutate(bytes, next);
      if (Buffer.compare(changed.bytes, bytes) === 0) continue;
      const { exitCode } = await verify(changed.bytes, trust);
      assert.ok(exitCode === 1 || exitCode === 2, `${name}, ${changed.name}: exit ${exitCode}, seed ${next.seed}`);
    }
  }
});

test('the forged sample is not by the golden log', async () => {
  const report = await verify(new Uint8Array(makePackage(sampleLog().log)), await read('trust.txt'));
  assert.equal(report.exitCode, 3, 'a trust file covers logs that it does not name');
});
