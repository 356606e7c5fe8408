// The record types of version 1 whose clear members are fixed (docs/formats.md §6 to §8).
import { isPublicKey } from './ed25519.js';
import { keyIdOf, secondKeyIdOf } from './keyid.js';
import { Malformed } from './malformed.js';
import * as shape from './shape.js';

const VERSION = 1;

const keyInfo = (value) => {
  const key = shape.closed({ alg: shape.exactly('ed25519'), key_id: shape.hash, public: shape.sized(32) })(value);
  if (!isPublicKey(key.public)) throw new Malformed('is not a usable Ed25519 key');
  if (keyIdOf(key.public) !== key.key_id) throw new Malformed('names a key id that is not its key’s');
  return key;
};
const secondKey = (value) => {
  const key = shape.closed({ alg: shape.exactly('ml-dsa-44'), key_id: shape.hash, public: shape.sized(1312) })(value);
  if (secondKeyIdOf(key.public) !== key.key_id) throw new Malformed('names a key id that is not its key’s');
  return key;
};
const mlDsa = shape.sized(2420);
const reason = shape.oneOf('compromised', 'lost', 'retired');
const purpose = shape.oneOf('log', 'writer', 'package', 'actor');
const systems = (value) => shape.ascending(
  shape.listOf(shape.closed({ last_seq: shape.ordinal, system: shape.id }))(value), (one) => one.system, 'systems');

const rotation = {
  credential: shape.id, key: keyInfo, new_signature: shape.sized(64), old: shape.hash, old_signature: shape.sized(64), purpose,
};
const shardCheckpoint = { key: shape.hash, origin: shape.origin, root: shape.hash, signature: shape.sized(64), size: shape.count };
const span = { epoch: shape.ordinal, first: shape.ordinal, last: shape.ordinal, producer: shape.id };

// Every type here is known; those in KEY_TYPES are folded into the key chain.
const CLEAR = new Map(Object.entries({
  'log.genesis': {
    digest_alg: shape.exactly('sha-256'), env: shape.environment, key: keyInfo, origin: shape.origin, tenant: shape.string,
  },
  'key.granted': { credential: shape.id, key: keyInfo, purpose },
  'key.rotated': rotation,
  'key.revoked': { key_id: shape.hash, reason },
  'epoch.opened': {
    'previous?': shape.closed({ closed: shape.boolean, epoch: shape.ordinal, last_seq: shape.ordinal }),
  },
  'epoch.closed': { last_seq: shape.ordinal, systems },
  'erasure.ordered': {
    keys: shape.listOf(shape.id), scope: shape.oneOf('subject', 'record', 'retention', 'system'),
  },
  'erasure.done': { erased: shape.count, last: shape.boolean, order: shape.id },
  'hold.placed': { hold: shape.id, 'keys?': shape.listOf(shape.id) },
  'hold.released': { hold: shape.id },
  'system.deletion_requested': { due_at: shape.time },
  'system.deletion_cancelled': {},
  'system.purged': { 'order?': shape.id },
  'package.exported': { count: shape.count, first: shape.count, manifest_sha256: shape.hash, size: shape.count },
  'record.read': { entry: shape.count },
  'anchor.confirmed': {
    anchor: shape.oneOf('rfc3161', 'opentimestamps', 'arweave', 'evm', 'root-log'), evidence_sha256: shape.hash, root: shape.hash, size: shape.count,
  },
  'statement.registered': { issuer_key: shape.hash, statement_sha256: shape.hash },
  'envelope.imported': {
    digest: shape.hash,
    kind: shape.oneOf('ario.agent/v1', 'ario.mlflow/v1', 'ario.events/v1', 'ario.legacy', 'ario.agent.proof/v1'),
    payload_checked: shape.boolean, payload_hash: shape.hash, signer: shape.hash, signer_known: shape.boolean,
  },
  'witness.conflict_found': { kind: shape.oneOf('forked', 'rolled_back'), proved: shape.boolean, size: shape.count },
  'witness.conflict_lifted': { conflict: shape.id },
  'source.heartbeat': {
    beat: shape.ordinal, closed: shape.boolean, epoch: shape.ordinal, interval_s: shape.ordinal, last_seq: shape.count, lost: shape.count,
    producer: shape.id, sampled: shape.count, sent: shape.count, spooled: shape.count,
    'signed?': shape.closed({ at: shape.time, key: keyInfo, signature: shape.sized(64) }),
  },
  'source.key_set': { key: keyInfo, 'old?': shape.hash, producer: shape.id },
  'gap.declared': { ...span, reason: shape.oneOf('spool_full', 'spool_damaged', 'refused', 'other') },
  'gap.found': { ...span, why: shape.oneOf('jump', 'heartbeat') },
  'gap.filled': span,
  'shard.registered': { key: keyInfo, origin: shape.origin, root_key: keyInfo },
  'shard.key_rotated': { origin: shape.origin, record_sha256: shape.hash, rotation: shape.closed(rotation) },
  'shard.checkpoint_recorded': shardCheckpoint,
  'shard.conflict_found': { ...shardCheckpoint, kind: shape.oneOf('forked', 'rolled_back'), known_size: shape.count, proved: shape.boolean },
  'second_key.introduced': { key: secondKey, signature: mlDsa },
  'second_key.rotated': { key: secondKey, new_signature: mlDsa, old: shape.hash, old_signature: mlDsa },
  'second_key.withdrawn': { key_id: shape.hash, reason },
}));
const NOT_CRITICAL = new Set([
  'package.exported', 'record.read', 'witness.conflict_found', 'witness.conflict_lifted', 'anchor.confirmed', 'statement.registered',
  'envelope.imported', 'source.heartbeat', 'source.key_set', 'gap.declared', 'gap.found', 'gap.filled',
  'shard.registered', 'shard.key_rotated', 'shard.checkpoint_recorded', 'shard.conflict_found',
  'second_key.introduced', 'second_key.rotated', 'second_key.withdrawn',
]);
export const KEY_TYPES = new Set(['log.genesis', 'key.granted', 'key.rotated', 'key.revoked']);

export const isKeyRecord = (record) => KEY_TYPES.has(record.type) && record.type_version === VERSION;

/** Whether this reader knows what a record's type means. Only that of a critical record matters. */
export const isKnown = (record) => CLEAR.has(record.type) && record.type_version === VERSION;

/** Whether a type has clear members of its own, in whatever version. */
export const hasClear = (type) => CLEAR.has(type);

/** Every number is sent, lost or waiting, and nothing waits in an epoch that is closed. */
const addsUp = ({ last_seq: last, sent, sampled, lost, spooled, closed }) => (
  sent + lost + spooled === last && sampled <= sent && !(closed && spooled > 0));

/** What a record of a known type must be besides its clear members; it can be seen without any other record. */
function checkOwnNumbers(record) {
  const { type, facts, seq } = record;
  if (type === 'epoch.opened' && seq !== 1) throw new Malformed('an epoch does not open with number 1');
  if (type === 'epoch.closed' && facts.last_seq !== seq) throw new Malformed('an epoch closes with another number than its own');
  if (type === 'log.genesis' && (seq !== 1 || record.epoch !== 1 || record.stream_version !== 1)) {
    throw new Malformed('a genesis is not number 1 of epoch 1 and of stream keys');
  }
  if (type === 'source.heartbeat' && !addsUp(facts)) throw new Malformed('the counts of a heartbeat do not add up');
  if (type.startsWith('gap.') && facts.first > facts.last) throw new Malformed('a gap ends before it begins');
  if (type === 'erasure.done' && facts.erased !== record.units.reduce((sum, unit) => sum + unit.digests.length, 0)) {
    throw new Malformed('a tombstone counts other than its fields');
  }
}

/** Key records and no others stand in stream `keys`. */
export function checkKeyStream(record) {
  if ((record.stream === 'keys') !== KEY_TYPES.has(record.type)) throw new Malformed('stream keys is for key records, and every key record is in it');
}

/** Reads the clear members of a known type; those of an unknown type belong to its own registry. */
export function checkClear(record) {
  if (!isKnown(record)) return;
  if (record.critical === NOT_CRITICAL.has(record.type)) {
    throw new Malformed(`type ${record.type} ${record.critical ? 'is not' : 'is'} a critical type`);
  }
  const members = CLEAR.get(record.type);
  const required = Object.keys(members).some((name) => !name.endsWith('?'));
  // A type without any clear fact leaves the member out: an empty object is never written.
  if (record.clear === undefined && required) throw new Malformed(`type ${record.type} lacks its clear members`);
  record.facts = record.clear === undefined ? {} : shape.closed(members)(record.clear);
  checkOwnNumbers(record);
}
