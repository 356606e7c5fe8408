// Verification runs (docs/formats.md §12.3): as they should be, wrong in one place and signed all the same, and misshapen in every member.
import { lineVariants, messages, variants } from './misshapen.mjs';
import { b64, hex, jcs, keyFrom, sign1 } from './primitives.mjs';
import { sampleLog } from './sample.mjs';

const TYPE = 'application/tabellion-verification-run+json';
const NAMES = ['content', 'inclusion', 'signature', 'time'];

const place = (log, index) => ({ entry: b64(log.entries[index]), index, path: log.path(index) });
const found = (log, index, change = {}) => ({
  asked: String(index), content: 'holds', inclusion: 'holds', index, leaf: hex(log.leaves[index]), signature: 'holds', time: 'not checked', ...change,
});
const missing = (change = {}) => ({ asked: 'f'.repeat(32), ...Object.fromEntries(NAMES.map((name) => [name, 'not checked'])), detail: 'there is no such entry', ...change });

function totals(verdicts) {
  const count = (name, word) => verdicts.filter((verdict) => verdict[name] === word).length;
  return Object.fromEntries(NAMES.map((name) => [name, { broken: count(name, 'broken'), holds: count(name, 'holds'), not_checked: count(name, 'not checked') }]));
}

/** The members of a run over a log; `change` is made to them at the end. */
export function runOf(log, verdicts = [found(log, 8), found(log, 9)], change = {}) {
  return {
    asked: verdicts.length, cap: 50_000, checkpoint: log.checkpoint(), end: 'completed', ended_at: 1_700_000_000_000_002, env: log.env,
    format: 'tabellion.verification-run/1', keys: log.keyRecords.map(({ index }) => place(log, index)), log: log.origin, reached: verdicts.length, software: 'forge 1',
    started_at: 1_700_000_000_000_001, totals: totals(verdicts), truncated: false, verdicts, ...change,
  };
}

const pairsOf = (key) => [[1, -8], [3, TYPE], [4, key.id]];
const fileOf = (text, message) => Buffer.from(`tabellion.verification-run/1\n${text}\n${b64(message)}\n`);

/** The file of a run, by the package key unless another signs. */
export function ran(log, run, key = log.keys.package) {
  const text = jcs(run);
  return fileOf(text, sign1(pairsOf(key), Buffer.from(text), key, { detached: true }));
}

/** A run by the sample log whose keys changed before. */
function changed(change) {
  const { log } = sampleLog();
  change(log);
  log.seal();
  return ran(log, runOf(log));
}

/** [name, verdict, bytes] of runs that are well formed. */
function wellFormed(log) {
  const run = (verdicts, change) => ran(log, runOf(log, verdicts, change));
  const many = 50_001;
  const keys = runOf(log).keys;
  const other = keyFrom('thief');
  return [
    ['as it should be', 'holds', run()],
    ['a key rotated', 'holds', changed((one) => one.rotate('package', 'run key'))],
    ['cancelled', 'noticed', run([found(log, 8)], { asked: 3, end: 'cancelled' })],
    ['cancelled with nothing left', 'noticed', run(undefined, { end: 'cancelled' })],
    ['empty', 'noticed', run([])],
    ['an entry that is not there', 'noticed', run([found(log, 8), missing()])],
    ['an entry that could not be read', 'noticed', run([found(log, 8, { inclusion: 'not checked' })])],
    ['something broken', 'noticed', run([found(log, 8), found(log, 9, { content: 'broken', detail: 'another digest' })])],
    ['a broken time alone', 'noticed', run([found(log, 8, { time: 'broken' })])],
    ['broken and beyond the checkpoint', 'noticed', run([found(log, 8, { index: log.entries.length }), found(log, 9, { content: 'broken' })])],
    ['the last entry', 'holds', run([found(log, log.entries.length - 1)])],
    ['more than a run takes', 'noticed', run(undefined, { asked: many, end: 'cancelled', truncated: true })],
    ['another key', 'noticed', ran(log, runOf(log), log.keys.log)],
    ['a key of nobody', 'noticed', ran(log, runOf(log), other)],
    ['a key id that is not its own', 'noticed', ran(log, runOf(log), { ...other, id: log.keys.package.id })],
    ['no key records', 'noticed', run(undefined, { keys: [] })],
    ['without the genesis', 'noticed', run(undefined, { keys: keys.slice(1) })],
    ['a key record left out', 'noticed', run(undefined, { keys: keys.filter((_, at) => at !== 2) })],
    ['a record that is no key record', 'noticed', run(undefined, { keys: [...keys, place(log, 8)] })],
    ['a path of another', 'noticed', run(undefined, { keys: keys.map((one, at) => (at === 1 ? { ...one, path: keys[2].path } : one)) })],
    ['an entry of rubbish', 'noticed', run(undefined, { keys: keys.map((one, at) => (at === 1 ? { ...one, entry: 'AAAA' } : one)) })],
    ['a checkpoint of another log', 'noticed', run(undefined, { checkpoint: log.checkpoint().replaceAll(log.origin, 'other.example/log/x') })],
    ['another log', 'noticed', run(undefined, { log: 'other.example/log/x' })],
    ['another environment', 'noticed', run(undefined, { env: 'production' })],
    ['a checkpoint by another key', 'noticed', run(undefined, { checkpoint: log.checkpoint(log.entries.length, keyFrom('log thief')) })],
    ['the package key revoked', 'noticed', changed((one) => one.keyRecord('key.revoked', { key_id: one.keys.package.idHex, reason: 'lost' }))],
    ['the log key revoked', 'noticed', changed((one) => one.keyRecord('key.revoked', { key_id: one.keys.log.idHex, reason: 'lost' }))],
  ];
}

/** Numbers and forms that contradict themselves. */
function illFormed(log) {
  const run = (verdicts, change) => ran(log, runOf(log, verdicts, change));
  const good = ran(log, runOf(log)).toString();
  const [first, text, signature] = good.split('\n');
  return [
    ['fewer reached than asked', run(undefined, { asked: 3 })],
    ['more reached than asked', run(undefined, { asked: 1, end: 'cancelled' })],
    ['another cap', run(undefined, { cap: 60_000 })],
    ['truncated and not more', run(undefined, { truncated: true })],
    ['more and not truncated', run(undefined, { asked: 50_001, end: 'cancelled' })],
    ['ended before it began', run(undefined, { ended_at: 1 })],
    ['true for one', run(undefined, { totals: { ...totals([found(log, 8)]), content: { broken: false, holds: true, not_checked: 0 } } })],
    ['holds of nothing', run([missing({ time: 'holds' })])],
    ['an index without its leaf', run([found(log, 8)].map(({ leaf, ...one }) => one))],
    ['a leaf without its index', run([found(log, 8)].map(({ index, ...one }) => one))],
    ['an empty detail', run([found(log, 8, { detail: '' })])],
    ['a detail of 300 bytes', run([found(log, 8, { detail: 'é'.repeat(150) })]), 'holds'],
    ['a detail of 302 bytes', run([found(log, 8, { detail: 'é'.repeat(151) })])],
    ['an id in capitals', run([found(log, 8, { asked: 'F'.repeat(32) })]), 'holds'],
    ['an id that is too long', run([found(log, 8, { asked: 'f'.repeat(33) })])],
    ['a word for an id', run([found(log, 8, { asked: 'eight' })])],
    ['another word for a verdict', run([found(log, 8, { time: 'fine' })])],
    ['a third line more', Buffer.from(`${good}x\n`)],
    ['two signatures', Buffer.from(`${good}${signature}\n`)],
    ['no last newline', Buffer.from(good.trimEnd())],
    ['no signature', Buffer.from(`${first}\n${text}\n\n`)],
    ['one line', Buffer.from(`${first}\n`)],
    ['a space behind the run', Buffer.from(`${first}\n${text} \n${signature}\n`)],
  ].map(([name, bytes, verdict = 'noticed']) => [name, verdict, bytes]);
}

/** [{family, name, bytes, trust, verdict}]; `isShort` leaves out the members one by one. */
export function ranEvidence(isShort) {
  const { log } = sampleLog();
  const trust = log.trust();
  const of = (family) => ([name, verdict, bytes]) => ({ family, name, bytes, trust, verdict });
  const text = jcs(runOf(log));
  const signed = messages(pairsOf(log.keys.package), Buffer.from(text), log.keys.package, { detached: true });
  const long = isShort ? [] : [
    ...variants(runOf(log), { only: new Set(['asked', 'cap', 'end', 'ended_at', 'format', 'reached', 'started_at', 'totals', 'truncated', 'software']) }),
    ...variants(runOf(log, [found(log, 8)]), { only: new Set(['verdicts']) }), ...variants(runOf(log), { dense: false }),
  ].map(({ name, value }) => [name, null, ran(log, value)]);
  return [
    ...[...wellFormed(log), ...illFormed(log)].map(of('runs')),
    ...[
      ...signed.map(({ name, message }) => [`signature: ${name}`, null, fileOf(text, message)]),
      ...lineVariants(log.checkpoint()).map(({ name, text: checkpoint }) => [`checkpoint: ${name}`, null, ran(log, runOf(log, undefined, { checkpoint }))]),
      ...long,
    ].map(of('misshapen run')),
  ];
}
