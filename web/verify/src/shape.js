// Readers of single values, for jcs.readObject: each returns the value or throws Malformed (docs/formats.md §1).
import { fromBase64, fromHex } from './bytes.js';
import { isObject, readObject } from './jcs.js';
import { Malformed } from './malformed.js';

export const ENTRY_MAX_BYTES = 65535;
const ORIGIN_MAX_BYTES = 255;
const ORIGIN = /^[!-*,-~]+\/log\/([a-z0-9][a-z0-9-]{0,62})$/;

export function string(value) {
  if (typeof value !== 'string') throw new Malformed('expected a string');
  return value;
}

export const matching = (pattern, what) => (value) => {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Malformed(`expected ${what}`);
  return value;
};

export const exactly = (wanted) => (value) => {
  if (value !== wanted) throw new Malformed(`expected exactly ${JSON.stringify(wanted)}`);
  return value;
};

export const oneOf = (...wanted) => (value) => {
  if (!wanted.includes(value)) throw new Malformed(`expected one of ${wanted.join(', ')}`);
  return value;
};

export function boolean(value) {
  if (typeof value !== 'boolean') throw new Malformed('expected true or false');
  return value;
}

export const integer = (least) => (value) => {
  if (!Number.isSafeInteger(value) || value < least) throw new Malformed(`expected an integer of at least ${least}`);
  return value;
};

export const count = integer(0);
export const ordinal = integer(1);
/** Microseconds since 1970. */
export const time = integer(0);

export const id = matching(/^[0-9a-f]{32}$/, '32 lower-case hex digits');
export const hash = matching(/^[0-9a-f]{64}$/, '64 lower-case hex digits');
export const hashBytes = (value) => fromHex(value, 32);
export const bytes = (value) => fromBase64(string(value));

export const sized = (size) => (value) => {
  const read = bytes(value);
  if (read.length !== size) throw new Malformed(`expected ${size} bytes`);
  return read;
};

/** An entry of the log in base64. */
export const entry = (value) => {
  const read = bytes(value);
  if (read.length < 1 || read.length > ENTRY_MAX_BYTES) throw new Malformed(`expected an entry of 1 to ${ENTRY_MAX_BYTES} bytes`);
  return read;
};

export const origin = (value) => {
  if (typeof value !== 'string' || value.length > ORIGIN_MAX_BYTES || !ORIGIN.test(value)) {
    throw new Malformed('expected an origin <public host>/log/<tenant>');
  }
  return value;
};

export const tenantOf = (originText) => ORIGIN.exec(originText)?.[1] ?? '';

export const environment = oneOf('production', 'sandbox', 'development');

export const object = (value) => {
  if (!isObject(value)) throw new Malformed('expected a JSON object');
  return value;
};

export const closed = (shape) => (value) => readObject(value, shape);

export const listOf = (read, least = 0, most = Number.MAX_SAFE_INTEGER) => (value) => {
  if (!Array.isArray(value)) throw new Malformed('expected a JSON array');
  if (value.length < least || value.length > most) throw new Malformed(`expected ${least} to ${most} items`);
  return value.map((item) => read(item));
};

/** Refuses a list whose keys do not ascend strictly: that refuses another order and repeats in one rule. */
export function ascending(items, keyOf, what) {
  for (let at = 1; at < items.length; at++) {
    if (!precedes(keyOf(items[at - 1]), keyOf(items[at]))) throw new Malformed(`${what} are not in order or repeat`);
  }
  return items;
}

/** Strict order of keys: numbers, ASCII strings, or arrays of them. */
export function precedes(a, b) {
  if (!Array.isArray(a)) return a < b;
  for (let at = 0; at < a.length; at++) {
    if (a[at] < b[at]) return true;
    if (a[at] > b[at]) return false;
  }
  return false;
}
