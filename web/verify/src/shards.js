// What a root log's records of a range say of its shards (docs/formats.md §8, §12). Promise: checkpoints of one shard that contradict each other are broken, a
// conflict on record leaves it undetermined, and what could not be checked is counted. No record lifts a conflict.
import { utf8 } from './bytes.js';
import { keyIdOf } from './keyid.js';
import { rotationMessage } from './keychain.js';
import { checkpointText } from './note.js';
import { SHARDS_CHECK } from './plans.js';
import { holds, undetermined } from './report.js';
import { isKnown } from './recordtypes.js';
import { verifySignature } from './webcrypto.js';

const KINDS = { forked: 'forked', rolled_back: 'rolled back' };
const NAMED_MAX = 8;

class Shard {
  key = null; // the public key that signs its checkpoints, where the range says
  before = null;
  checkpoints = 0;
  unchecked = 0;

  /** Whether the key says yes; where it is not known nothing speaks against it, and that is counted. */
  async isRight(by) {
    if (this.key) return by(this.key);
    this.unchecked++;
    return true;
  }
}

const isSigned = (facts) => async (key) => (
  facts.key === keyIdOf(key) && verifySignature(key, utf8(checkpointText(facts)), facts.signature));

/** Whether the key so far and the new key both signed for the change. */
const isAgreed = ({ origin, rotation }) => async (old) => {
  const message = rotationMessage(origin, rotation);
  return rotation.purpose === 'log' && rotation.old === keyIdOf(old)
    && await verifySignature(old, message, rotation.old_signature) && verifySignature(rotation.key.public, message, rotation.new_signature);
};

/** What contradicts itself in a checkpoint, or null. */
async function checkpointFault(shard, { index, record: { facts } }) {
  const { before } = shard;
  const { origin, size, root } = facts;
  shard.checkpoints++;
  shard.before = { index, size, root };
  const signed = await shard.isRight(isSigned(facts));
  if (before && before.size > size) return `entry ${index}: ${origin} has ${size} entries, and had ${before.size} in entry ${before.index}`;
  if (before && before.size === size && before.root !== root) {
    return `entry ${index}: ${origin} has another root for ${size} entries than in entry ${before.index}`;
  }
  return signed ? null : `entry ${index}: not signed by the key of ${origin}`;
}

/** What is said of one shard in one record: [what contradicts itself or null, what is an open conflict or null]. */
const SAYS = {
  'shard.registered': async (shard, { record: { facts } }) => {
    shard.key = facts.key.public;
    return [null, null];
  },
  'shard.key_rotated': async (shard, { index, record: { facts } }) => {
    const agreed = await shard.isRight(isAgreed(facts));
    shard.key = facts.rotation.key.public;
    return [agreed ? null : `entry ${index}: the key of ${facts.origin} did not sign for its successor`, null];
  },
  'shard.checkpoint_recorded': async (shard, entry) => [await checkpointFault(shard, entry), null],
  'shard.conflict_found': async (shard, { index, record: { facts } }) => {
    const signed = await shard.isRight(isSigned(facts));
    const how = facts.proved ? 'proved by its own signatures' : 'not proved';
    return [
      signed ? null : `entry ${index}: the conflict of ${facts.origin} is not signed by its key`,
      `entry ${index}: ${facts.origin} showed another history: ${KINDS[facts.kind]}, at size ${facts.size}, ${how}`,
    ];
  },
};

/** Runs the check `shards`, which a report has when the range tells of shards. What an actor signed is that actor's word and not the root log's. */
export async function checkShards(run, { entries, manifest }) {
  const told = entries.filter(({ kind, record }) => kind === 'record' && Object.hasOwn(SAYS, record.type) && isKnown(record));
  if (told.length === 0) return;
  run.add(SHARDS_CHECK);
  await run.check('shards', async () => {
    const shards = new Map();
    const [faults, conflicts] = [[], []];
    for (const entry of told) {
      const { origin } = entry.record.facts;
      if (!shards.has(origin)) shards.set(origin, new Shard());
      const [fault, conflict] = await SAYS[entry.record.type](shards.get(origin), entry);
      if (fault) faults.push(fault);
      if (conflict) conflicts.push(conflict);
      await run.pace.breathe(entry.index - manifest.first, manifest.count);
    }
    return outcome([...shards.values()], faults, conflicts);
  });
}

function outcome(shards, faults, conflicts) {
  const all = [...faults, ...conflicts];
  const more = all.length - NAMED_MAX;
  const named = [...all.slice(0, NAMED_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
  if (faults.length > 0) return { outcome: 'broken', detail: named, faults };
  if (conflicts.length > 0) return undetermined(named);
  const sum = (name) => shards.reduce((total, shard) => total + shard[name], 0);
  return holds(`shards: ${shards.length}, checkpoints: ${sum('checkpoints')}; not checked, because the range does not show the shard’s key before them, `
    + `are the signatures of ${sum('unchecked')} records`);
}
