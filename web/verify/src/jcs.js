// RFC 8785 JSON with integers only, read canonical-only (docs/formats.md §1), and closed objects.
import { text, utf8 } from './bytes.js';
import { Malformed } from './malformed.js';

const NESTING_MAX = 32;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function writeString(value) {
  if (LONE_SURROGATE.test(value)) throw new Malformed('JSON text holds a lone surrogate');
  return JSON.stringify(value);
}

function writeValue(value, depth) {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Malformed('JSON number is not an integer within ±(2^53−1)');
    return String(value);
  }
  if (depth >= NESTING_MAX) throw new Malformed(`JSON is nested deeper than ${NESTING_MAX}`);
  if (Array.isArray(value)) return `[${value.map((item) => writeValue(item, depth + 1)).join(',')}]`;
  // The default order of strings is that of their UTF-16 code units, as RFC 8785 §3.2.3 asks.
  const members = Object.keys(value).sort().map((name) => `${writeString(name)}:${writeValue(value[name], depth + 1)}`);
  return `{${members.join(',')}}`;
}

/** The canonical text of a value. */
export const toJcs = (value) => writeValue(value, 0);

/** The canonical bytes of a value. */
export const toJcsBytes = (value) => utf8(toJcs(value));

/** Reads canonical text; writing it again must give the same text. */
export function parseJcsText(source) {
  let value;
  try {
    value = JSON.parse(source);
  } catch {
    throw new Malformed('is not JSON');
  }
  if (toJcs(value) !== source) throw new Malformed('JSON is not in canonical form (RFC 8785)');
  return value;
}

export const parseJcs = (bytes) => parseJcsText(text(bytes));

/** The lines of a .jsonl file, each ending in one newline, parsed. */
export function parseJcsLines(bytes) {
  if (bytes.length === 0) return [];
  const lines = text(bytes).split('\n');
  if (lines.pop() !== '') throw new Malformed('last line does not end in a newline');
  return lines.map(parseJcsText);
}

const hasOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

/**
 * Checks a closed object against a shape `{name: read, 'name?': read}` and returns what the readers return, in a map-safe
 * plain object. A reader takes (value) and throws Malformed when the value is not of its type.
 */
export function readObject(value, shape) {
  if (!isObject(value)) throw new Malformed('expected a JSON object');
  const out = {};
  let known = 0;
  for (const [key, read] of Object.entries(shape)) {
    const optional = key.endsWith('?');
    const name = optional ? key.slice(0, -1) : key;
    if (!hasOwn(value, name)) {
      if (optional) continue;
      throw new Malformed(`member "${name}" is missing`);
    }
    known++;
    try {
      out[name] = read(value[name]);
    } catch (error) {
      if (error instanceof Malformed) throw new Malformed(`member "${name}": ${error.message}`);
      throw error;
    }
  }
  if (Object.keys(value).length !== known) {
    const unknown = Object.keys(value).find((name) => !hasOwn(shape, name) && !hasOwn(shape, `${name}?`));
    throw new Malformed(`member ${JSON.stringify(unknown)} is not known`);
  }
  return out;
}

export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
