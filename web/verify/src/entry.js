// Entries and seals (docs/formats.md §2, §5): what stands at one index of the log.
import { parseEntrySign1 } from './cose.js';
import { parseJcs } from './jcs.js';
import { Malformed, within } from './malformed.js';
import { leafHash } from './merkle.js';
import { parseRecord } from './record.js';
import * as shape from './shape.js';

const RECORD_START = 0x7b;
const SIGN1_START = 0xd2;

const SEAL = shape.closed({
  committed_at: shape.time,
  count: shape.ordinal,
  first: shape.count,
  format: shape.exactly('tabellion.seal/1'),
  keys: shape.ordinal,
  log: shape.origin,
  root: shape.hashBytes,
});

function parseSeal(payload) {
  const seal = SEAL(parseJcs(payload));
  if (!Number.isSafeInteger(seal.first + seal.count + 1)) throw new Malformed('seal stands beyond the last index that JSON can hold');
  return seal;
}

/** Reads an entry: {kind: 'record' | 'statement' | 'seal', index, bytes, leaf, record?, seal?, sign1?}. */
export function parseEntry(bytes, index) {
  if (bytes.length < 1 || bytes.length > shape.ENTRY_MAX_BYTES) throw new Malformed(`entry ${index} is not 1 to 65,535 bytes`);
  return within(`entry ${index}`, () => {
    const entry = { index, bytes, leaf: leafHash(bytes) };
    if (bytes[0] === RECORD_START) return { ...entry, kind: 'record', record: parseRecord(bytes) };
    if (bytes[0] !== SIGN1_START) throw new Malformed('is neither a sealed record nor a COSE_Sign1');
    const sign1 = parseEntrySign1(bytes);
    if (sign1.kind === 'seal') return { ...entry, kind: 'seal', sign1, seal: parseSeal(sign1.payload) };
    const record = parseRecord(sign1.payload);
    if (sign1.iss !== record.actor || sign1.sub !== record.record_id) {
      throw new Malformed('statement and record name different actors or records');
    }
    return { ...entry, kind: 'statement', sign1, record };
  });
}

/** Splits an entry bundle (C2SP tlog-tiles): uint16 length, entry, again until the end. */
export function splitBundle(bytes) {
  const entries = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) throw new Malformed('bundle ends within a length');
    const size = (bytes[at] << 8) | bytes[at + 1];
    if (size === 0 || at + 2 + size > bytes.length) throw new Malformed('bundle ends within an entry');
    entries.push(bytes.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return entries;
}
