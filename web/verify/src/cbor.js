// Deterministic CBOR (RFC 8949 §4.2), the part that COSE_Sign1 and COSE Receipts use. A value that is not in its shortest
// form, of indefinite length, with unordered keys or of another type than listed here is refused while it is read.
import { compare, concat, text, utf8 } from './bytes.js';
import { Malformed } from './malformed.js';

const NESTING_MAX = 16; // a receipt within a statement needs 8
const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6;
const NULL = 0xf6;

/** A tagged value. */
export class Tagged {
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

class Reader {
  at = 0;

  constructor(bytes) {
    this.bytes = bytes;
  }

  take(size) {
    const end = this.at + size;
    if (end > this.bytes.length) throw new Malformed('CBOR ends early');
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  /** Major type and argument; the argument in its shortest form and within 2^53 − 1. */
  head() {
    const initial = this.take(1)[0];
    const major = initial >> 5;
    const info = initial & 31;
    if (info < 24) return [major, info];
    if (info > 27) throw new Malformed('CBOR of indefinite length or reserved form');
    const size = 1 << (info - 24);
    let value = 0;
    for (const byte of this.take(size)) value = value * 256 + byte;
    const least = size === 1 ? 24 : 2 ** (size * 4);
    if (value < least) throw new Malformed('CBOR number is not in its shortest form');
    if (!Number.isSafeInteger(value)) throw new Malformed('CBOR number is larger than 2^53 − 1');
    return [major, value];
  }

  value(depth) {
    if (depth > NESTING_MAX) throw new Malformed('CBOR is nested too deeply');
    if (this.bytes[this.at] === NULL) {
      this.at++;
      return null;
    }
    const [major, argument] = this.head();
    if (major === UNSIGNED) return argument;
    if (major === NEGATIVE) return -1 - argument;
    if (major === BYTES) return this.take(argument);
    if (major === TEXT) return text(this.take(argument));
    if (major === ARRAY) return this.items(argument, depth);
    if (major === MAP) return this.map(argument, depth);
    if (major === TAG) return new Tagged(argument, this.value(depth + 1));
    throw new Malformed('CBOR floats and simple values are not used');
  }

  items(length, depth) {
    if (length > this.bytes.length - this.at) throw new Malformed('CBOR ends early');
    const out = [];
    for (let at = 0; at < length; at++) out.push(this.value(depth + 1));
    return out;
  }

  map(length, depth) {
    const out = new Map();
    let last = null;
    for (let pair = 0; pair < length; pair++) {
      const from = this.at;
      const key = this.value(depth + 1);
      if (typeof key !== 'number' && typeof key !== 'string') throw new Malformed('CBOR map key is neither number nor text');
      const encoded = this.bytes.subarray(from, this.at);
      if (last && compare(last, encoded) >= 0) throw new Malformed('CBOR map keys are not in order');
      last = encoded;
      out.set(key, this.value(depth + 1));
    }
    return out;
  }
}

/** Reads exactly one value: numbers, Uint8Array, strings, arrays, Map, Tagged, null. */
export function decodeCbor(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new Malformed('bytes follow the CBOR value');
  return value;
}

function encodeHead(major, argument) {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  const size = argument < 256 ? 1 : argument < 65536 ? 2 : argument < 2 ** 32 ? 4 : 8;
  const out = new Uint8Array(1 + size);
  out[0] = (major << 5) | (24 + Math.log2(size));
  for (let at = size, rest = argument; at > 0; at--, rest = Math.floor(rest / 256)) out[at] = rest % 256;
  return out;
}

/** Writes a value in its one deterministic form. */
export function encodeCbor(value) {
  if (value === null) return Uint8Array.of(NULL);
  if (typeof value === 'number') return value >= 0 ? encodeHead(UNSIGNED, value) : encodeHead(NEGATIVE, -1 - value);
  if (typeof value === 'string') return concat(encodeHead(TEXT, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(encodeHead(BYTES, value.length), value);
  if (Array.isArray(value)) return concat(encodeHead(ARRAY, value.length), ...value.map(encodeCbor));
  if (value instanceof Tagged) return concat(encodeHead(TAG, value.tag), encodeCbor(value.value));
  const pairs = [...value].map(([key, item]) => [encodeCbor(key), encodeCbor(item)]).sort((a, b) => compare(a[0], b[0]));
  return concat(encodeHead(MAP, pairs.length), ...pairs.flat());
}
