// Packages of a root log that takes a shard's checkpoints: as it should be, contradicting itself, and with a conflict on record.
import { idFrom, Log } from './log.mjs';
import { makePackage } from './package.mjs';
import { b64, hex, jcs, keyFrom, sha256 } from './primitives.mjs';

const SHARD = 'shard.example/log/acme';
const KEY = keyFrom('shard log');

/** What the shard shows for a tree of `size`; `change` is made after it was signed. */
function shown(size, { history = 'one', key = KEY, ...change } = {}) {
  const root = sha256(`root ${size} of ${history}`);
  const signature = key.sign(Buffer.from(`${SHARD}\n${size}\n${b64(root)}\n`));
  return { key: key.idHex, origin: SHARD, root: hex(root), signature: b64(signature), size, ...change };
}

const registered = (key = KEY) => ['shard.registered', { key: key.info, origin: SHARD, root_key: keyFrom('shard root').info }];
const taken = (...how) => ['shard.checkpoint_recorded', shown(...how)];
const conflict = (kind, size, change = {}) => [
  'shard.conflict_found', { ...shown(size, { history: 'another', ...change }), kind, known_size: 8, proved: kind === 'forked' }];

function rotated(fresh, { old = KEY, named = old, purpose = 'log', origin = SHARD } = {}) {
  const claim = { credential: idFrom('shard'), log: origin, new: fresh.idHex, old: named.idHex, purpose };
  const message = Buffer.from(`tabellion.key-rotation/1\n${jcs(claim)}`);
  const rotation = {
    credential: claim.credential, key: fresh.info, new_signature: b64(fresh.sign(message)), old: named.idHex, old_signature: b64(old.sign(message)), purpose,
  };
  return ['shard.key_rotated', { origin: SHARD, record_sha256: hex(sha256('a record')), rotation }];
}

/** A package of these records, each [type, clear] or a function on the log; `before` stand in the log and not in the package. */
function packageOf(records, before = []) {
  const log = new Log().begin();
  const write = (all) => all.forEach((one) => (typeof one === 'function' ? one(log) : log.record(one[0], { clear: one[1] })));
  write(before);
  log.seal();
  const first = log.entries.length;
  write(records);
  log.seal();
  return [makePackage(log, { first }), log.trust('root')];
}

/** [{family, name, bytes, trust, verdict}] */
export function shardedPackages() {
  const other = keyFrom('shard log second');
  const grown = [registered(), taken(3), taken(8)];
  const stated = (log) => log.statement('shard.checkpoint_recorded', { clear: shown(2) });
  const later = (log) => log.record('shard.checkpoint_recorded', { clear: { whatever: true }, type_version: 2 });
  const cases = {
    grown: ['holds', grown],
    'the same again': ['holds', [...grown, taken(8)]],
    'key unknown': ['holds', [taken(8), taken(9, { key: other })], [registered()]],
    'key rotated': ['holds', [...grown, rotated(other), taken(9, { key: other })]],
    'key replaced': ['holds', [...grown, registered(other), taken(9, { key: other })]],
    'rotation of an unknown key': ['holds', [taken(8), rotated(other), taken(9, { key: other })], [registered()]],
    'an actor’s statement': ['holds', [...grown, stated]],
    'a later version': ['holds', [...grown, later]],
    'another shard': ['holds', [...grown, ['shard.checkpoint_recorded', { ...shown(2), origin: 'shard.example/log/beta' }]]],
    smaller: ['noticed', [...grown, taken(3)]],
    'smaller, key unknown': ['noticed', [taken(8), taken(7)]],
    'another root': ['noticed', [...grown, taken(8, { history: 'another' })]],
    'signature of another size': ['noticed', [...grown, taken(9, { size: 10 })]],
    'signature of another key': ['noticed', [...grown, taken(9, { key: other })]],
    'key id changed': ['noticed', [...grown, ['shard.checkpoint_recorded', { ...shown(9), key: other.idHex }]]],
    'rotation that the old key did not sign': ['noticed', [...grown, rotated(other, { old: other, named: KEY })]],
    'rotation of another key': ['noticed', [...grown, rotated(other, { old: other })]],
    'rotation of another purpose': ['noticed', [...grown, rotated(other, { purpose: 'writer' })]],
    'rotation of another log': ['noticed', [...grown, rotated(other, { origin: 'shard.example/log/beta' })]],
    'old key after a rotation': ['noticed', [...grown, rotated(other), taken(9)]],
    forked: ['noticed', [...grown, conflict('forked', 8)]],
    'rolled back, and went on': ['noticed', [...grown, conflict('rolled_back', 5), taken(9)]],
    'conflict, key unknown': ['noticed', [conflict('rolled_back', 5)]],
    'conflict that nobody signed': ['noticed', [...grown, conflict('forked', 8, { size: 9 })]],
    'conflict and contradiction': ['noticed', [...grown, conflict('forked', 8), taken(2)]],
  };
  return Object.entries(cases).map(([name, [verdict, records, before]]) => {
    const [bytes, trust] = packageOf(records, before);
    return { family: 'shards', name, bytes, trust, verdict };
  });
}
