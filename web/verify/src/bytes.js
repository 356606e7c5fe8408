// Bytes and their text forms (docs/formats.md §1). Every decoder accepts the canonical form only.
import { Malformed } from './malformed.js';

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const HEX_DIGITS = '0123456789abcdef';
const NOT_A_DIGIT = 255;

const encoder = new TextEncoder();
// ignoreBOM keeps a byte order mark in the text: dropping it would make two byte strings equal.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function digitTable(alphabet) {
  const table = new Uint8Array(128).fill(NOT_A_DIGIT);
  for (let value = 0; value < alphabet.length; value++) table[alphabet.charCodeAt(value)] = value;
  return table;
}

const STANDARD_VALUES = digitTable(STANDARD);
const URL_SAFE_VALUES = digitTable(URL_SAFE);

export const utf8 = (text) => encoder.encode(text);

/** Text of UTF-8 bytes; malformed bytes are refused, never replaced. */
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Malformed('is not UTF-8 text');
  }
}

/** The lines of a file, as bytes. */
export function linesOf(bytes) {
  const lines = [];
  for (let at = 0; at <= bytes.length; at += lines[lines.length - 1].length + 1) {
    const end = bytes.indexOf(0x0a, at);
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end));
  }
  return lines;
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(a, b) {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Bytewise order: negative, zero or positive. */
export function compare(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}

export function hex(bytes) {
  let out = '';
  for (const byte of bytes) out += HEX_DIGITS[byte >> 4] + HEX_DIGITS[byte & 15];
  return out;
}

/** Bytes of lower-case hex digits; `size` in bytes. */
export function fromHex(digits, size) {
  if (typeof digits !== 'string' || digits.length !== size * 2 || !/^[0-9a-f]*$/.test(digits)) {
    throw new Malformed(`expected ${size * 2} lower-case hex digits`);
  }
  const out = new Uint8Array(size);
  for (let at = 0; at < size; at++) out[at] = parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return out;
}

function encode64(bytes, alphabet, pad) {
  const out = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const have = Math.min(3, bytes.length - at);
    const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    let digits = alphabet[group >> 18] + alphabet[(group >> 12) & 63];
    if (have > 1) digits += alphabet[(group >> 6) & 63];
    if (have > 2) digits += alphabet[group & 63];
    out.push(pad ? digits.padEnd(4, '=') : digits);
  }
  return out.join('');
}

function decode64(digits, values) {
  const tail = digits.length % 4;
  if (tail === 1) throw new Malformed('is not base64 (length)');
  const out = new Uint8Array((digits.length * 3) >> 2);
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (let place = 0; place < digits.length; place++) {
    const code = digits.charCodeAt(place);
    const value = code < 128 ? values[code] : NOT_A_DIGIT;
    if (value === NOT_A_DIGIT) throw new Malformed('is not base64 (digit)');
    pending = ((pending << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (pending >> bits) & 255;
    }
  }
  // Left-over bits must be zero, or one value would have several spellings.
  if ((pending & ((1 << bits) - 1)) !== 0) throw new Malformed('is not canonical base64');
  return out;
}

export const base64 = (bytes) => encode64(bytes, STANDARD, true);
export const base64url = (bytes) => encode64(bytes, URL_SAFE, false);

/** RFC 4648 §4, padded. */
export function fromBase64(digits) {
  if (typeof digits !== 'string' || digits.length % 4 !== 0) throw new Malformed('is not padded base64');
  const bare = digits.endsWith('==') ? digits.slice(0, -2) : digits.endsWith('=') ? digits.slice(0, -1) : digits;
  return decode64(bare, STANDARD_VALUES);
}

/** RFC 4648 §5, without padding. */
export function fromBase64url(digits) {
  if (typeof digits !== 'string') throw new Malformed('is not base64url');
  return decode64(digits, URL_SAFE_VALUES);
}

/** A decimal without sign or leading zeros, at most 2^53 − 1. */
export function fromDecimal(digits) {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(digits) || !Number.isSafeInteger(Number(digits))) {
    throw new Malformed('expected a decimal number without leading zeros');
  }
  return Number(digits);
}
