// DER (X.690), as much of it as time-stamps and certificates need: definite and shortest lengths, nothing read beyond its end.
import { Contradiction, insist } from './finding.js';

export const TAG = Object.freeze({
  boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, time: 0x18, sequence: 0x30, set: 0x31,
});
/** The constructed context-specific tag. */
export const context = (number) => 0xa0 | number;

const SECOND = 1_000_000n;

/** Elements that follow each other. */
export class Der {
  constructor(bytes) {
    this.rest = bytes;
  }

  get isEmpty() {
    return this.rest.length === 0;
  }

  /** The next element: {tag, content, whole}. */
  any() {
    const bytes = this.rest;
    insist(bytes.length >= 2 && (bytes[0] & 0x1f) !== 0x1f, 'not DER: an element is cut off or has a tag above 30');
    let length = bytes[1];
    let at = 2;
    if (length >= 0x80) {
      const digits = length & 0x7f;
      insist(digits >= 1 && digits <= 3 && bytes.length >= 2 + digits && bytes[2] !== 0, 'not DER: a length');
      for (length = 0; at < 2 + digits; at++) length = length * 256 + bytes[at];
      insist(length > 0x7f, 'not DER: a length that is not in its shortest form');
    }
    insist(bytes.length >= at + length, 'not DER: an element is cut off');
    this.rest = bytes.subarray(at + length);
    return { tag: bytes[0], content: bytes.subarray(at, at + length), whole: bytes.subarray(0, at + length) };
  }

  /** The content of the next element, which must have this tag. */
  expect(tag) {
    const found = this.any();
    insist(found.tag === tag, `not DER: tag ${found.tag} where ${tag} belongs`);
    return found.content;
  }

  enter(tag) {
    return new Der(this.expect(tag));
  }

  /** The next element if it has this tag, or null. */
  optional(tag) {
    return this.rest[0] === tag ? this.any() : null;
  }

  finish() {
    insist(this.isEmpty, 'not DER: something follows the end');
  }
}

/** An element of these bytes; at most 65,535. */
export function element(tag, content) {
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Uint8Array.from([tag, ...head, ...content]);
}

/** The digits of a non-negative INTEGER in its shortest form, without leading zeros. */
export function magnitude(content) {
  if (content.length === 1 && content[0] === 0) return content.subarray(1);
  if (content[0] === 0 && content[1] >= 0x80) return content.subarray(1);
  insist(content.length > 0 && content[0] !== 0 && content[0] < 0x80, 'not DER: an integer is negative or not in its shortest form');
  return content;
}

export const toBigInt = (digits) => digits.reduce((value, digit) => (value << 8n) | BigInt(digit), 0n);

/** A non-negative INTEGER of at most 64 bits. */
export function unsigned(content) {
  const digits = magnitude(content);
  insist(digits.length <= 8, 'not DER: an integer is too large');
  return toBigInt(digits);
}

/** A BIT STRING of whole bytes. */
export function wholeBytes(content) {
  insist(content[0] === 0, 'not DER: a bit string of other than whole bytes');
  return content.subarray(1);
}

/** Refuses what is no object identifier of arcs below 2^64. */
export function checkOid(content) {
  insist(content.length > 0 && content[content.length - 1] < 0x80, 'not DER: no object identifier');
  let value = 0n;
  for (const byte of content) {
    value = value * 128n + BigInt(byte & 0x7f);
    insist(value < 1n << 64n, 'not DER: an object identifier is too large');
    if (byte < 0x80) value = 0n;
  }
}

/** YYYYMMDDhhmmss as seconds since 1970. */
function seconds(digits) {
  if (!/^[0-9]{14}$/.test(digits)) throw new Contradiction('no time of the form YYYYMMDDhhmmss');
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  // A day that there is not would be read as one of the next month.
  insist(time >= 0 && new Date(time).toISOString() === iso, 'no such day or time of day since 1970');
  return BigInt(time / 1000);
}

const ascii = (bytes) => String.fromCharCode(...bytes);

/** A GeneralizedTime as RFC 3161 §2.4.2 allows it, in microseconds since 1970; what is finer is cut off. */
export function generalizedTime(content) {
  const found = /^([0-9]+)(?:\.([0-9]*[1-9]))?Z$/.exec(ascii(content));
  insist(found, 'a time of the token in another form');
  return seconds(found[1]) * SECOND + BigInt((found[2] ?? '').padEnd(6, '0').slice(0, 6));
}

/** The two times of a certificate, in seconds since 1970 (RFC 5280 §4.1.2.5). */
export function validity(content) {
  const times = new Der(content);
  const ends = [0, 1].map(() => {
    const { tag, content: written } = times.any();
    const digits = ascii(written);
    insist(digits.endsWith('Z') && (tag === TAG.utcTime || tag === TAG.time), 'a certificate’s time in another form');
    const century = tag === TAG.time ? '' : digits.slice(0, 2) >= '50' ? '19' : '20';
    return seconds(century + digits.slice(0, -1));
  });
  times.finish();
  return ends;
}
