// An auditor's own list of keys (docs/formats.md §12.2): which organisation stands behind a key, from when to when, and whether it was revoked. A good
// signature under a key that nobody registered is called a valid signature by an unknown key. A root key that is listed also speaks for the log, writer
// and package keys that it granted; an actor's key only for itself, because a log does not say which organisation its actors belong to.
import { text } from './bytes.js';
import { isPublicKey } from './ed25519.js';
import { toJcs } from './jcs.js';
import { keyIdOf } from './keyid.js';
import { Malformed, within } from './malformed.js';
import { microsText } from './bounds.js';
import { KEY_DIRECTORY_CHECK } from './plans.js';
import { Faults, holds, undetermined } from './report.js';
import * as shape from './shape.js';

export const DIRECTORY_BYTES_MAX = 16 * 1024 * 1024;
const KEYS_MAX = 65_536;
const NAMED_MAX = 8;
const OF_ROOT = ['log', 'writer', 'package'];

/** `2026-01-31` (its first moment) or `2026-01-31T12:00:00Z`, in microseconds. */
function date(value) {
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00Z` : String(value);
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(iso) ? Date.parse(iso) : NaN;
  if (!(time >= 0) || new Date(time).toISOString() !== iso.replace('Z', '.000Z')) throw new Malformed('is no date since 1970');
  return time * 1000;
}

const KEY = shape.closed({
  key_id: shape.hash, 'note?': shape.string, organisation: shape.string, 'public?': shape.sized(32), 'revoked_at?': date, valid_from: date, 'valid_to?': date,
});
const DIRECTORY = shape.closed({ format: shape.exactly('tabellion.key-directory/1'), keys: shape.listOf(KEY, 0, KEYS_MAX) });

/** Refuses an object that has a member twice: of two nobody knows which counts. `source` is JSON. */
function refuseRepeats(source) {
  const open = [];
  let last = '';
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const names = open[open.length - 1];
      if (names.has(JSON.parse(last))) throw new Malformed('has a member twice');
      names.add(JSON.parse(last));
    } else last = token;
  }
}

/** Reads a directory: key id → row. People write this file, so any JSON spelling is read; its members are closed all the same. */
export const parseKeyDirectory = (bytes) => within('key directory', () => {
  if (bytes.length > DIRECTORY_BYTES_MAX) throw new Malformed('is larger than 16 MiB');
  const source = text(bytes);
  let value;
  try {
    value = JSON.parse(source);
  } catch {
    throw new Malformed('is not JSON');
  }
  refuseRepeats(source);
  // Refuses half a character, which no text has.
  toJcs(value);
  const keys = new Map();
  for (const row of DIRECTORY(value).keys) {
    if (keys.has(row.key_id)) throw new Malformed(`lists key ${row.key_id} twice`);
    if (row.public && !(isPublicKey(row.public) && keyIdOf(row.public) === row.key_id)) throw new Malformed(`names key ${row.key_id} with a public key that is not its own`);
    keys.set(row.key_id, row);
  }
  return keys;
});

/** Why a signature at this time does not count, or null. The time is the log's own clock. */
function faultOf(row, at) {
  if (row.revoked_at !== undefined && (at === null || at >= row.revoked_at)) return `which ${row.organisation} revoked at ${microsText(BigInt(row.revoked_at))}`;
  const isOutside = at !== null && (at < row.valid_from || at >= (row.valid_to ?? Infinity));
  return isOutside ? `outside the dates within which ${row.organisation} used it` : null;
}

function judge(directory, { uses }) {
  const faults = new Faults();
  const [unknown, organisations, seen] = [[], new Set(), new Set()];
  const root = uses.find((use) => use.purpose === 'root')?.keyId;
  for (const { keyId, purpose, what, at } of uses) {
    const row = directory.get(keyId) ?? (OF_ROOT.includes(purpose) ? directory.get(root) : undefined);
    const fault = row ? faultOf(row, at) : null;
    const name = `${keyId} ${fault}`;
    if (row && fault === null) organisations.add(row.organisation);
    else if (!seen.has(name)) {
      seen.add(name);
      if (fault) faults.add(`${what}: valid signature by ${purpose} key ${keyId}, ${fault}`);
      else unknown.push(`${what}: valid signature by an unknown key, ${purpose} key ${keyId}`);
    }
  }
  if (faults.count > 0) return faults.result('');
  if (uses.length === 0) return undetermined('no signature could be checked');
  const more = unknown.length - NAMED_MAX;
  if (unknown.length > 0) return undetermined([...unknown.slice(0, NAMED_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('; '));
  return holds(`every key belongs to ${[...organisations].sort().join(', ')}`);
}

/** Runs the check `key directory`, when the reader has one: the last check. */
export async function checkKeys(run, directory) {
  if (!directory) return;
  run.add(KEY_DIRECTORY_CHECK);
  await run.check('key directory', () => judge(directory, run));
}
