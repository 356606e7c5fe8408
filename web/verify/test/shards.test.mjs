// What a root log's package says of its shards (docs/formats.md §12), over packages that a root log with all of its keys could make.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify } from '../src/verify.js';
import { shardedPackages } from './forge/sharded.mjs';

const NOTICED = { forked: 3, 'rolled back, and went on': 3, 'conflict, key unknown': 3 };
const UNCHECKED = { 'key unknown': 2, 'rotation of an unknown key': 2, 'another shard': 1 };

/** Requirement: B02, A16. */
test('a root log that contradicts itself about a shard is broken, and a conflict leaves it undetermined', async () => {
  for (const { name, bytes, trust, verdict } of shardedPackages()) {
    const run = await verify(new Uint8Array(bytes), new Uint8Array(trust));
    const due = verdict === 'holds' ? 0 : NOTICED[name] ?? 1;
    const { outcome, detail } = run.find('shards');
    assert.equal(run.exitCode, due, `${name}: ${outcome}, ${detail}`);
    const inclusion = run.aspects.find(({ aspect }) => aspect === 'ledger inclusion').outcome;
    assert.equal(inclusion, { 0: 'holds', 1: 'broken', 3: 'not checked' }[due], `${name}: what is wrong is in no aspect`);
    if (due === 0) assert.ok(detail.endsWith(`signatures of ${UNCHECKED[name] ?? 0} records`), `${name}: what was not checked is not said: ${detail}`);
    else assert.match(detail, /^entry \d+: /, `${name}: its entry is not named`);
  }
});
