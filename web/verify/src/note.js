// C2SP signed notes, verifier keys and checkpoints, read canonical-only (docs/formats.md §2).
// Parsing proves nothing: a note's text may be used only after one of its signatures has been verified.
import { base64, concat, equal, fromBase64, fromDecimal, fromHex, hex, text, utf8 } from './bytes.js';
import { isPublicKey } from './ed25519.js';
import { Malformed } from './malformed.js';
import { ML_DSA_KEY_BYTES, ML_DSA_SIGNATURE_BYTES } from './mldsa.js';
import { sha256 } from './sha256.js';

export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export const ML_DSA_44 = 0x06;
const COSIGNER_NAME_BYTES_MAX = 255;
const SIGNATURES_MAX = 64; // C2SP asks for at least 16
const SIGNATURE_START = '— ';
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const ORIGIN_BYTES_MAX = 255;
const KEY_NAME = /^[^\p{White_Space}\p{Cc}+]+$/u;
const KEY_NAME_BYTES_MAX = 512;

export function checkKeyName(name) {
  if (!KEY_NAME.test(name) || utf8(name).length > KEY_NAME_BYTES_MAX) throw new Malformed('key name is empty, too long or holds a space, plus or control character');
  return name;
}

/** The four bytes that name a key in signature lines, as a number's big-endian bytes. */
export function noteKeyId(name, type, publicKey) {
  return sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey).subarray(0, 4);
}

/** A verifier key `name+id+key`: {name, keyId, type, publicKey}. */
export function parseVerifierKey(source) {
  const parts = source.split('+');
  if (parts.length < 3) throw new Malformed('verifier key is not name+id+key');
  // The key itself may contain "+": it is base64.
  const [name, keyId, ...rest] = parts;
  const material = fromBase64(rest.join('+'));
  if (material.length < 2) throw new Malformed('verifier key is too short');
  const key = { name: checkKeyName(name), keyId: fromHex(keyId, 4), type: material[0], publicKey: material.subarray(1) };
  if (key.type === ED25519 || key.type === COSIGNATURE || key.type === ML_DSA_44) {
    if (key.type === ML_DSA_44) {
      if (key.publicKey.length !== ML_DSA_KEY_BYTES) throw new Malformed('verifier key is not an ML-DSA-44 key');
      if (utf8(name).length > COSIGNER_NAME_BYTES_MAX) throw new Malformed('name of an ML-DSA-44 cosigner is too long');
    } else if (!isPublicKey(key.publicKey)) {
      throw new Malformed('verifier key is not a usable Ed25519 key');
    }
    if (!equal(key.keyId, noteKeyId(key.name, key.type, key.publicKey))) {
      throw new Malformed('verifier key id does not belong to its name and key');
    }
  }
  return key;
}

function parseSignatureLine(line) {
  if (!line.startsWith(SIGNATURE_START)) throw new Malformed('signature line does not start with an em dash');
  const [name, encoded, ...more] = line.slice(SIGNATURE_START.length).split(' ');
  if (encoded === undefined || more.length > 0) throw new Malformed('signature line is not name and signature');
  const blob = fromBase64(encoded);
  if (blob.length < 5) throw new Malformed('signature is too short');
  return { name: checkKeyName(name), keyId: blob.subarray(0, 4), signature: blob.subarray(4) };
}

/** A signed note: {text, signatures: [{name, keyId, signature}]}. */
export function parseNote(source) {
  if (CONTROL.test(source)) throw new Malformed('note holds a control character');
  const split = source.lastIndexOf('\n\n');
  if (split < 0 || !source.endsWith('\n')) throw new Malformed('note has no signatures');
  const lines = source.slice(split + 2).split('\n');
  lines.pop();
  if (lines.length === 0 || lines.length > SIGNATURES_MAX) throw new Malformed(`note has not 1 to ${SIGNATURES_MAX} signatures`);
  return { text: source.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** A signed checkpoint of any log: {origin, size, root, note}. Whether it is the log in question is for who asked. */
export function parseCheckpoint(bytes) {
  const note = parseNote(text(bytes));
  const lines = note.text.split('\n');
  if (lines.length !== 4 || lines[3] !== '') throw new Malformed('checkpoint text is not origin, size and root');
  const root = fromBase64(lines[2]);
  if (root.length !== 32) throw new Malformed('checkpoint root is not 32 bytes');
  if (utf8(lines[0]).length > ORIGIN_BYTES_MAX) throw new Malformed('checkpoint origin is longer than 255 bytes');
  return { origin: checkKeyName(lines[0]), size: fromDecimal(lines[1]), root, note };
}

/** The text that is signed of a checkpoint whose root is in hex. */
export const checkpointText = ({ origin, size, root }) => `${origin}\n${size}\n${base64(fromHex(root, 32))}\n`;

/** The signatures of a note under one key (usually none or one). */
export function signaturesBy(note, name, type, publicKey) {
  const keyId = noteKeyId(name, type, publicKey);
  return note.signatures.filter((line) => line.name === name && equal(line.keyId, keyId)).map((line) => line.signature);
}

const TIME_BYTES = 8;
const ED25519_SIGNATURE_BYTES = 64;

/** The time of a cosignature, in seconds, and its signature of `size` bytes; null when it has another form. */
function timed(blob, size) {
  if (blob.length !== TIME_BYTES + size || blob[0] >= 0x80) return null; // the time has 63 bits
  const seconds = blob.subarray(0, TIME_BYTES).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return { seconds, signature: blob.subarray(TIME_BYTES) };
}

/** The message of a timestamped Ed25519 cosignature (C2SP tlog-cosignature) and its signature, or null when it has another form. */
export function cosignedMessage(noteText, blob) {
  const one = timed(blob, ED25519_SIGNATURE_BYTES);
  return one && { ...one, message: concat(utf8(`cosignature/v1\ntime ${one.seconds}\n`), utf8(noteText)) };
}

function uint64(value) {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(value));
  return new Uint8Array(bytes.buffer);
}

const lengthAnd = (name) => concat(Uint8Array.of(utf8(name).length), utf8(name));

/** The same of an ML-DSA-44 one by the key called `name`: it is over the tree that the checkpoint says, from its first entry on, and not over the text. */
export function cosignedTree(checkpoint, name, blob) {
  const one = timed(blob, ML_DSA_SIGNATURE_BYTES);
  const { origin, size, root } = checkpoint;
  return one && {
    ...one,
    message: concat(utf8('subtree/v1\n\0'), lengthAnd(name), uint64(one.seconds), lengthAnd(origin), uint64(0), uint64(size), root),
  };
}

/** The text form of a verifier key, for showing and for trust files. */
export function verifierKeyText(name, publicKey) {
  const type = Uint8Array.of(ED25519);
  return `${name}+${hex(noteKeyId(name, ED25519, publicKey))}+${base64(concat(type, publicKey))}`;
}
