// Whom a reader believes about time: the lines of a trust file that begin with `#!`, which a tlog-policy passes over as comments (docs/formats.md §10.1).
// Promise: a line that begins so and is none of these is refused, so that a misspelt one is never quietly without effect.
import { fromBase64, fromHex, linesOf, text } from '../bytes.js';
import { Malformed, within } from '../malformed.js';
import { ED25519, parseVerifierKey } from '../note.js';
import { readAuthority } from './certificate.js';
import { Contradiction } from './finding.js';
import { HEADER_BYTES } from './ots.js';

const LINES_MAX = 4096;
const MARK = [0x23, 0x21];

function decimal(word, what) {
  const value = /^(0|[1-9][0-9]{0,19})$/.test(word) ? BigInt(word) : -1n;
  if (value < 0n || value >= 1n << 64n) throw new Malformed(`the ${what} has to be a number`);
  return value;
}

function digits(word, size, what) {
  if (!/^[0-9A-Fa-f]*$/.test(word) || word.length !== size * 2) throw new Malformed(`the ${what} has to be ${size * 2} hex digits`);
  return fromHex(word.toLowerCase(), size);
}

function authority(word) {
  let bytes;
  try {
    bytes = fromBase64(word);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed('the certificate has to be base64 of its DER form');
  }
  try {
    return readAuthority(bytes);
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    throw new Malformed(`the certificate cannot be used: ${error.message}`);
  }
}

function rootLog(word) {
  const wrong = 'the key has to be the verifier key of a log: ORIGIN+ID+KEY';
  try {
    const key = parseVerifierKey(word);
    if (key.type === ED25519) return key;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  throw new Malformed(wrong);
}

function take(trust, [kind, ...words]) {
  if (kind === 'rfc3161' && words.length === 2) trust.authorities.push({ name: words[0], certificate: authority(words[1]) });
  else if (kind === 'bitcoin' && words.length === 2) {
    trust.bitcoin.push({ height: decimal(words[0], 'height'), header: digits(words[1], HEADER_BYTES, 'header') });
  } else if (kind === 'evm' && words.length === 3) {
    const hash = digits(words[2].replace(/^0x/, ''), 32, 'block’s hash');
    trust.evm.push({ chain: decimal(words[0], 'chain'), number: decimal(words[1], 'block'), hash });
  } else if (kind === 'root-log' && words.length === 1) {
    trust.rootLogs.push(rootLog(words[0]));
  } else {
    throw new Malformed('write it as: #! rfc3161 NAME CERTIFICATE, #! bitcoin HEIGHT HEADER, #! evm CHAIN NUMBER HASH, or #! root-log KEY');
  }
}

/** Reads the lines of a trust file; all others are for others. Errors name the line. */
export function parseAnchorTrust(bytes) {
  const trust = { authorities: [], bitcoin: [], evm: [], rootLogs: [] };
  let lines = 0;
  linesOf(bytes).forEach((line, at) => {
    if (!MARK.every((byte, place) => line[place] === byte)) return;
    within(`trust file line ${at + 1}`, () => {
      if (++lines > LINES_MAX) throw new Malformed(`more than ${LINES_MAX} lines about anchors`);
      take(trust, text(line.subarray(MARK.length)).split(/\p{White_Space}+/u).filter((word) => word !== ''));
    });
  });
  return trust;
}
