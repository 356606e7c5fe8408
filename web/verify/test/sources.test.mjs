// What outside sources sent: the set of numbers, and what a header says of one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberOf, sourceRows, Spans } from '../src/sources.js';
import { random } from './random.mjs';

test('a set of numbers is that whatever the order in which they come', () => {
  const next = random();
  for (let round = 0; round < 200; round++) {
    const [spans, set] = [new Spans(), new Set()];
    for (let step = 0; step < 30; step++) {
      const first = 1 + next.below(60);
      const last = first + next.below(6);
      let isNew = false;
      for (let number = first; number <= last; number++) {
        isNew ||= !set.has(number);
        set.add(number);
      }
      assert.equal(spans.insert(first, last), isNew, `a number would be counted twice (seed ${next.seed})`);
    }
    const missing = spans.missing(1, 70).flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, place) => first + place));
    const due = Array.from({ length: 70 }, (_, place) => place + 1).filter((number) => !set.has(number));
    assert.deepEqual(missing, due, `a hole would not be named (seed ${next.seed})`);
    assert.equal(spans.count, set.size, `numbers would be lost (seed ${next.seed})`);
  }
});

test('numbers up to the largest are counted exactly', () => {
  const spans = new Spans();
  const most = Number.MAX_SAFE_INTEGER;
  spans.insert(1, 4);
  spans.insert(6, most);
  assert.equal(spans.count, most - 1, 'a sum is rounded, and the verifiers would not agree');
  assert.deepEqual(spans.missing(1, most), [{ first: 5, last: 5 }]);
});

const producer = '50'.repeat(16);
const record = (source, type = 'event.captured') => ({ type, type_version: 1, clear: { source } });

test('only the one form of a number counts, in types without clear members of their own', () => {
  assert.equal(numberOf(record({ epoch: 7, producer, seq: 4 })).seq, 4);
  for (const wrong of [{ epoch: 7, producer }, { epoch: 0, producer, seq: 1 }, { epoch: 7, producer, seq: 1, name: 'Ada' }, 1]) {
    assert.equal(numberOf(record(wrong)), null, `${JSON.stringify(wrong)} would be counted`);
  }
  assert.equal(numberOf(record({ epoch: 7, producer, seq: 4 }, 'record.read')), null, 'a type would mean two things');
  assert.equal(numberOf({ type: 'event.captured', type_version: 1 }), null);
});

test('what an actor signed elsewhere is not the source’s count', () => {
  const one = record({ epoch: 7, producer, seq: 1 });
  assert.deepEqual(sourceRows([{ kind: 'statement', record: one }], true), [], 'a stranger could fill a hole');
  const [row] = sourceRows([{ kind: 'record', record: one }, { kind: 'record', record: record({ epoch: 7, producer, seq: 3 }) }], true);
  assert.deepEqual([row.count, row.missing, row.gaps], [2, 1, [{ first: 2, last: 2 }]], 'a hole would not be named');
});

test('losses beyond the count that the source signed are told apart', () => {
  const life = { epoch: 7, producer };
  const said = (type, facts) => ({ kind: 'record', record: { type, type_version: 1, facts: { ...life, ...facts } } });
  const beat = (number, [sent, lost, spooled], signed) => said('source.heartbeat', { beat: number, last_seq: sent + lost + spooled, sent, sampled: 0, lost,
    spooled, closed: true, ...(signed && { signed: {} }) });
  const lost = said('gap.declared', { first: 2, last: 9 });
  const here = [1, 3].map((seq) => ({ kind: 'record', record: record({ ...life, seq }) }));
  const told = (...beats) => sourceRows([...beats, lost, ...here], true)[0].unsigned_lost;
  assert.equal(told(beat(1, [2, 7, 0], true)), undefined, 'what the source signed as lost is held against it');
  assert.equal(told(beat(1, [5, 4, 0], true)), 3, 'whoever has the API key overrules the source');
  assert.equal(told(beat(1, [5, 4, 0], false)), undefined, 'a count that nobody signed is the source’s word');
  assert.equal(told(beat(1, [3, 0, 6], true)), 1, 'what still waited is held against it, or what did not is passed over');
  for (const order of [[0, 1], [1, 0]]) {
    const beats = [beat(1, [3, 0, 0], true), beat(2, [2, 7, 0], true)];
    assert.equal(told(...order.map((place) => beats[place])), undefined, 'an older count outlives the newest');
  }
});
