// Whether outside sources themselves signed their heartbeats (docs/formats.md §7.1, §12). Promise: a heartbeat without a signature is never called the source's
// own word; a wrong signature, another key that no person put in the place of the one before, and a signature that is left out are broken.
import { concat, utf8 } from './bytes.js';
import { toJcsBytes } from './jcs.js';
import { SOURCE_SIGNATURE_CHECK, SOURCE_SIGNATURES_CHECK } from './plans.js';
import { isKnown } from './recordtypes.js';
import { broken, counted, Faults, holds } from './report.js';
import { verifySignature } from './webcrypto.js';

const DOMAIN = 'tabellion.heartbeat/1\n';
const HEARTBEAT = 'source.heartbeat';
const KEY_SET = 'source.key_set';

/** The bytes that a source signs: everything that the record says in clear but the signature. */
export function heartbeatMessage(clear) {
  const { signature: _, ...signed } = clear.signed;
  return concat(utf8(DOMAIN), toJcsBytes({ ...clear, signed }));
}

const isRight = ({ facts: { signed }, clear }) => verifySignature(signed.key.public, heartbeatMessage(clear), signed.signature);

const isOf = ({ kind, record }, type) => kind === 'record' && record.type === type && isKnown(record);

/** The check of a heartbeat's receipt. What an actor signed as a statement is not a source's count. */
export async function checkSourceSignature(run, entry) {
  if (!isOf(entry, HEARTBEAT)) return;
  const { record, record: { facts: { producer, signed } } } = entry;
  run.add({ ...SOURCE_SIGNATURE_CHECK, required: signed !== undefined });
  await run.check('source signature', async () => {
    if (!signed) {
      return { outcome: 'not run', detail: 'The source did not sign it: it is the notary’s account of what was sent under an API key.' };
    }
    const key = signed.key.key_id;
    return await isRight(record) ? holds(`Source ${producer} signed it with key ${key}.`)
      : broken(`key ${key}, which the heartbeat of source ${producer} names, did not sign it`);
  });
}

/** The keys of the sources of a range, record by record in the order of the log. */
class SourceKeys {
  keys = new Map();
  signed = 0;
  unsigned = 0;

  /** What is wrong with a heartbeat, or null. */
  async heartbeat(index, record) {
    const { producer, signed } = record.facts;
    const known = this.keys.get(producer);
    const place = `entry ${index}: the heartbeat of source ${producer}`;
    if (!signed) {
      this.unsigned++;
      return known === undefined ? null : `${place} is not signed, and those before it are`;
    }
    this.signed++;
    if (!await isRight(record)) return `${place} is not signed by the key that it names`;
    if (known !== undefined && known !== signed.key.key_id) {
      return `${place} is signed with another key than the one before it, and nobody put that in its place`;
    }
    this.keys.set(producer, signed.key.key_id);
    return null;
  }

  keySet(index, { facts: { producer, key, old } }) {
    const known = this.keys.get(producer);
    this.keys.set(producer, key.key_id);
    return known === undefined || known === old ? null : `entry ${index}: puts a key in the place of another than the source’s, ${producer}`;
  }
}

/** Runs the check `source signatures`, which a report has when the range tells of a source's key. */
export async function checkSourceSignatures(run, { manifest, entries }) {
  const told = entries.filter((entry) => isOf(entry, HEARTBEAT) || isOf(entry, KEY_SET));
  if (!told.some(({ record }) => record.type === KEY_SET || record.facts.signed)) return;
  run.add(SOURCE_SIGNATURES_CHECK);
  await run.check('source signatures', async () => {
    const [sources, faults] = [new SourceKeys(), new Faults()];
    for (const { index, record } of told) {
      faults.add(record.type === KEY_SET ? sources.keySet(index, record) : await sources.heartbeat(index, record));
      await run.pace.breathe(index - manifest.first, manifest.count);
    }
    return faults.result(`${counted(sources.signed, 'heartbeat')} signed by ${counted(sources.keys.size, 'source')}; `
      + `not signed, so the notary’s account alone: ${sources.unsigned}.`);
  });
}
