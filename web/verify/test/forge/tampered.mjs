// What a dishonest holder of keys could do to a whole log's evidence: records removed, reordered, repeated, replaced; a forked tree;
// fields and signatures carried over from elsewhere. Each is signed again by whatever keys the forger is said to hold, and each must
// be noticed by every verifier: what is left out here is only what nobody can notice, a log written anew with all of its keys.
import { jcs, keyFrom, b64 } from './primitives.mjs';
import { makePackage } from './package.mjs';
import { sampleLog } from './sample.mjs';

/** The sample log with its rows in another order; a row is an old index or a new {entry, header}. */
function rearranged(rows) {
  const { log } = sampleLog();
  const old = sampleLog().log;
  const at = new Map();
  rows.forEach((row, index) => { if (typeof row === 'number' && !at.has(row)) at.set(row, index); });
  log.entries = rows.map((row) => (typeof row === 'number' ? old.entries[row] : row.entry));
  log.headers = rows.map((row) => (typeof row === 'number' ? old.headers[row] : row.header));
  log.seals = rows.flatMap((row, index) => (old.seals.includes(row) ? [index] : []));
  log.units = new Map();
  for (const unit of old.units.values()) {
    if (!at.has(unit.index)) continue;
    const index = at.get(unit.index);
    const moved = { ...unit, index };
    if (unit.tombstone !== undefined) {
      if (at.has(unit.tombstone)) moved.tombstone = at.get(unit.tombstone);
      else { delete moved.tombstone; delete moved.tombstoneField; }
    }
    log.units.set(`${index}/${unit.id}`, moved);
  }
  return log;
}

/** One record replaced by another that its signer signs as well. */
function replaced(index) {
  const { log } = sampleLog();
  const header = { ...log.headers[index], observed_at: log.headers[index].observed_at + 1 };
  const key = header.stream === 'keys' ? log.keys.root : log.keys.actor;
  const signed = log.entries[index][0] === 0xd2;
  return { entry: signed ? log.signed(header, key) : Buffer.from(jcs(header)), header };
}

function* rearrangements() {
  const { log } = sampleLog();
  const all = log.entries.map((_, index) => index);
  for (const index of all) {
    yield ['removed', `${index}`, [...all.slice(0, index), ...all.slice(index + 1)]];
    yield ['repeated', `${index}`, [...all.slice(0, index + 1), ...all.slice(index)]];
    if (index + 1 < all.length) {
      yield ['reordered', `${index} and ${index + 1}`, [...all.slice(0, index), index + 1, index, ...all.slice(index + 2)]];
    }
    if (log.headers[index] !== null) yield ['replaced', `${index}`, [...all.slice(0, index), replaced(index), ...all.slice(index + 1)]];
  }
}

/** Every rearrangement twice: by a holder of the package key alone, and by one who also signs a checkpoint for the new tree. */
function* rearrangedPackages() {
  const { log: genuine } = sampleLog();
  for (const [family, name, rows] of rearrangements()) {
    const log = rearranged(rows);
    const trust = genuine.trust();
    const kept = makePackage(log, { falsify: (files) => { files.checkpoint = genuine.checkpoint(); } });
    yield { family, name: `${name}, the checkpoint kept`, bytes: kept, trust };
    yield { family, name: `${name}, the checkpoint signed again`, bytes: makePackage(log), trust };
  }
}

function* forks() {
  const { log } = sampleLog();
  const trust = log.trust();
  const withCheckpoint = (name, checkpoint) => ({
    family: 'forked', name, trust, bytes: makePackage(log, { falsify: (files) => { files.checkpoint = checkpoint; } }),
  });
  for (const { log: other, name } of [
    { log: rearranged([...log.entries.keys()].map((index) => (index === 7 ? replaced(7) : index))), name: 'a tree with another record' },
    { log: sampleLog({ label: 'imitation' }).log, name: 'an imitation with its own keys' },
    { log: sampleLog({ origin: 'other.example/log/acme' }).log, name: 'a log of another origin' },
  ]) {
    yield withCheckpoint(name, other.checkpoint());
    yield withCheckpoint(`${name}, signed by this log`, other.checkpoint(other.entries.length, log.keys.log));
  }
  for (let size = 1; size < log.entries.length; size++) yield withCheckpoint(`an older size, ${size}`, log.checkpoint(size));
  yield withCheckpoint('a thief', log.checkpoint(log.entries.length, keyFrom('thief')));
}

function* swaps() {
  const { log } = sampleLog();
  const trust = log.trust();
  const SHOWN = 'disclosures/00000000.jsonl';
  const rows = (text) => text.trimEnd().split('\n').map((line) => JSON.parse(line));
  const shown = (name, change) => ({
    family: 'swapped', name, trust,
    bytes: makePackage(log, { falsify: (files) => {
      const lines = rows(files[SHOWN]);
      change(lines);
      files[SHOWN] = lines.map((line) => `${jcs(line)}\n`).join('');
    } }),
  });
  let count = 0;
  makePackage(log, { falsify: (files) => { count = rows(files[SHOWN]).length; } });
  yield shown('fields of another unit, out of order', (lines) => {
    const other = lines.find((line, at) => at > 0 && line.disclosures.length > 1);
    lines[0].disclosures = [...other.disclosures].reverse();
  });
  yield shown('a field that cannot be read, behind one of another unit', (lines) => { lines[0].disclosures = [lines[1].disclosures[0], '~']; });
  for (let one = 0; one < count; one++) {
    for (let other = one + 1; other < count; other++) {
      yield shown(`the fields of lines ${one} and ${other}`, (lines) => {
        [lines[one].disclosures, lines[other].disclosures] = [lines[other].disclosures, lines[one].disclosures];
      });
    }
    yield shown(`line ${one} left out`, (lines) => { lines.splice(one, 1); });
    yield shown(`the last field of line ${one} left out`, (lines) => { if (lines[one].disclosures.length > 1) lines[one].disclosures.pop(); else lines.splice(one, 1); });
  }
}

/** A receipt with something of another one in it. */
function* receipts() {
  const { log } = sampleLog();
  const trust = log.trust();
  const places = [6, 7, 8, 9, 11, 12, 14].filter((index) => log.headers[index] !== null);
  const read = (index) => {
    const lines = log.receipt(index).toString().split('\n');
    return { lines, extra: JSON.parse(Buffer.from(lines[1].slice(6), 'base64')) };
  };
  const written = (lines, extra) => Buffer.from([lines[0], `extra ${b64(jcs(extra))}`, ...lines.slice(2)].join('\n'));
  for (const index of places) {
    const { lines, extra } = read(index);
    const of = (name, bytes) => ({ family: 'receipt', name: `${index}: ${name}`, bytes, trust });
    for (const other of places.filter((one) => one !== index)) {
      const theirs = read(other);
      yield of(`the entry of ${other}`, written(lines, { ...extra, entry: theirs.extra.entry }));
      yield of(`the place of ${other}`, written(theirs.lines, extra));
      if (theirs.extra.seal.index !== extra.seal.index) yield of(`the seal of ${other}`, written(lines, { ...extra, seal: theirs.extra.seal }));
    }
    for (let key = 0; key < extra.keys.length; key++) {
      // Without the actor's grant a receipt of another's entry is still whole, so only what this entry needs is taken away.
      const without = { ...extra, keys: extra.keys.filter((_, at) => at !== key) };
      const needed = key === 0 || JSON.parse(jcs(log.headers[extra.keys[key].index].clear)).purpose !== 'actor' || log.entries[index][0] === 0xd2;
      if (needed && extra.keys[key].index < index) yield of(`key record ${extra.keys[key].index} left out`, written(lines, without));
    }
    yield of('a disclosure of nothing', written(lines, { ...extra, disclosures: ['WyJhIiwiYiIsMV0'] }));
    yield of('an older checkpoint', Buffer.from(`${lines.slice(0, lines.indexOf('')).join('\n')}\n\n${log.checkpoint(log.entries.length - 1)}`));
    yield of('a checkpoint by a thief', Buffer.from(`${lines.slice(0, lines.indexOf('')).join('\n')}\n\n${log.checkpoint(log.entries.length, keyFrom('thief'))}`));
  }
}

/** Bundles beside those that the range needs, and too few. */
function* bundles() {
  const { log } = sampleLog();
  const of = (name, falsify) => ({ family: 'bundles', name, bytes: makePackage(log, { falsify }), trust: log.trust() });
  const more = (bytes, count = 1) => (files) => {
    for (let number = 1; number <= count; number++) files[`entries/${String(number).padStart(8, '0')}.bundle`] = bytes;
  };
  yield of('an empty one more', more(''));
  yield of('three empty ones more', more('', 3));
  yield of('one more that cannot be read', more('junk'));
  yield of('one more with an entry again', more(Buffer.concat([Buffer.from([log.entries[0].length >> 8, log.entries[0].length & 255]), log.entries[0]])));
  yield of('none', (files) => { delete files['entries/00000000.bundle']; });
}

/** Every case: [{family, name, bytes, trust}]. */
export const tamperedEvidence = () => [...rearrangedPackages(), ...forks(), ...swaps(), ...receipts(), ...bundles()];
