// The sealed record (docs/formats.md §3): one closed JCS object. Reading it decides its form, not whether it is true.
import { parseJcs } from './jcs.js';
import { Malformed } from './malformed.js';
import { checkClear, checkKeyStream } from './recordtypes.js';
import * as shape from './shape.js';

export const UNITS_MAX = 64;
export const DIGESTS_MAX = 512;
const PARENTS_MAX = 64;
const TYPE_MAX = 64;

const TYPE_PATTERN = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;

function typeName(value) {
  const name = shape.matching(TYPE_PATTERN, 'a record type family.event')(value);
  if (name.length > TYPE_MAX) throw new Malformed(`record type is longer than ${TYPE_MAX}`);
  return name;
}

/** A disclosure's digest: base64url of 32 bytes, 43 characters; the last one carries four bits. */
const digest = shape.matching(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'a digest of 43 base64url characters');

const TYPE_VERSION_MAX = 2 ** 32 - 1;
function typeVersion(value) {
  if (shape.ordinal(value) > TYPE_VERSION_MAX) throw new Malformed(`type_version is beyond ${TYPE_VERSION_MAX}`);
  return value;
}

const unit = shape.closed({
  digests: (value) => shape.ascending(shape.listOf(digest, 1, DIGESTS_MAX)(value), (one) => one, 'digests'),
  id: shape.id,
});

const parent = shape.closed({
  hash: shape.hash,
  record_id: shape.id,
  role: shape.matching(/^[a-z][a-z0-9_]{0,31}$/, 'a role'),
});

function clearFacts(value) {
  if (Object.keys(shape.object(value)).length === 0) throw new Malformed('is empty; an absent value is left out');
  return value;
}

const RECORD = {
  actor: shape.id,
  assurance: shape.oneOf('claimed', 'observed', 'corroborated', 'signed'),
  'basis?': shape.count,
  'clear?': clearFacts,
  critical: shape.boolean,
  digest_alg: shape.exactly('sha-256'),
  env: shape.environment,
  epoch: shape.ordinal,
  format: shape.exactly('tabellion.record/1'),
  'idem?': shape.hash,
  log: shape.origin,
  observed_at: shape.time,
  'parents?': shape.listOf(parent, 1, PARENTS_MAX),
  producer: shape.id,
  record_id: shape.id,
  seq: shape.ordinal,
  'stream?': shape.matching(/^[a-z0-9][a-z0-9._/-]{0,127}$/, 'a stream name'),
  'stream_version?': shape.ordinal,
  'system?': shape.id,
  'system_seq?': shape.ordinal,
  type: typeName,
  type_version: typeVersion,
  units: (value) => shape.ascending(shape.listOf(unit, 0, UNITS_MAX)(value), (one) => one.id, 'units'),
};

function bothOrNeither(record, a, b) {
  if ((record[a] === undefined) !== (record[b] === undefined)) throw new Malformed(`${a} and ${b} are not both there`);
}

/** Reads a sealed record from its bytes. */
export function parseRecord(bytes) {
  const record = shape.closed(RECORD)(parseJcs(bytes));
  bothOrNeither(record, 'system', 'system_seq');
  bothOrNeither(record, 'stream', 'stream_version');
  checkKeyStream(record);
  checkClear(record);
  return record;
}
