// OpenTimestamps proofs: from a digest by plain operations to what a calendar or a Bitcoin block attests, in the format of the reference implementation
// (python-opentimestamps, DetachedTimestampFile). Operations are computed, never believed; an attestation of a kind that is not known counts for nothing.
import { concat, equal, hex, utf8 } from '../bytes.js';
import { sha256 } from '../sha256.js';
import { insist } from './finding.js';
import { keccak256 } from '../keccak.js';
import { sha1 } from './sha1.js';

export const HEADER_BYTES = 80;
const BYTES_MAX = 64 * 1024;
const DEPTH_MAX = 256;
const BRANCHES_MAX = 256;
const MESSAGE_BYTES_MAX = 4096;
const ATTESTATION_BYTES_MAX = 8192;
const URL_BYTES_MAX = 1000;
const MAGIC = '004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294';
const PENDING = '83dfe30d2ef90c8e';
const BITCOIN = '0588960d73d71901';
const APPEND = 0xf0, PREPEND = 0xf1, MORE = 0xff, ATTESTATION = 0, SHA256 = 0x08;
// Bytes of messages that operations are computed on, each message counted as at least so many: what a small proof may cost.
const HASHED_BYTES_MAX = 512 * 1024;
const COUNTED_BYTES_MIN = 128;
// How long the result is, given the message's length, and the operation. RIPEMD-160 is read and not computed: it is longer than any message.
const OPERATIONS = new Map([
  [0xf2, [(length) => length, (message) => message.slice().reverse()]], [0xf3, [(length) => 2 * length, (message) => utf8(hex(message))]],
  [0x02, [() => 20, sha1]], [SHA256, [() => 32, (message) => sha256(message)]], [0x67, [() => 32, keccak256]], [0x03, [() => Infinity]],
]);

/** A message that is computed when somebody asks for it: what leads to no block that the reader knows costs nothing. */
function known(length, make) {
  let value;
  return { length, get value() { return value ??= make(); } };
}

class Reader {
  at = 0;
  hashed = 0;

  constructor(bytes) {
    this.bytes = bytes;
  }

  take(count) {
    const found = this.bytes.subarray(this.at, this.at + count);
    insist(found.length === count, 'the OpenTimestamps proof is cut off');
    this.at += count;
    return found;
  }

  number() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const [byte] = this.take(1);
      insist(shift <= 56n && (byte !== 0 || shift === 0n), 'the OpenTimestamps proof has a number in another than its shortest form');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  octets(least, most) {
    const length = this.number();
    insist(length >= least && length <= most, 'the OpenTimestamps proof has a length beyond its limits');
    return this.take(Number(length));
  }

  finish() {
    insist(this.at === this.bytes.length, 'the OpenTimestamps proof goes on after its end');
  }

  /** Everything that is known of one message; null where an operation on the way is not computed. */
  timestamp(proof, message, depth) {
    insist(depth <= DEPTH_MAX, 'the OpenTimestamps proof has more than 256 operations in a row');
    for (let branch = 0; branch < BRANCHES_MAX; branch++) {
      let [tag] = this.take(1);
      const goesOn = tag === MORE;
      if (goesOn) [tag] = this.take(1);
      if (tag === ATTESTATION) this.attestation(proof, message);
      else this.timestamp(proof, this.apply(tag, message), depth + 1);
      if (!goesOn) return;
    }
    insist(false, 'the OpenTimestamps proof has more than 256 branches');
  }

  apply(tag, message) {
    const joins = tag === APPEND || tag === PREPEND;
    insist(joins || OPERATIONS.has(tag), 'the OpenTimestamps proof has an operation that is not known');
    const argument = joins ? this.octets(1, MESSAGE_BYTES_MAX) : null;
    if (message === null) return null;
    this.hashed += Math.max(message.length, COUNTED_BYTES_MIN);
    insist(this.hashed <= HASHED_BYTES_MAX, 'the OpenTimestamps proof has operations on more than 512 KiB of messages');
    const [resultLength, compute] = joins
      ? [(length) => length + argument.length, (value) => concat(...(tag === APPEND ? [value, argument] : [argument, value]))] : OPERATIONS.get(tag);
    const length = resultLength(message.length);
    return length <= MESSAGE_BYTES_MAX ? known(length, () => compute(message.value)) : null;
  }

  attestation(proof, message) {
    const tag = hex(this.take(8));
    const inner = new Reader(this.octets(0, ATTESTATION_BYTES_MAX));
    if (tag === PENDING) {
      const url = inner.octets(1, URL_BYTES_MAX);
      inner.finish();
      insist(/^[A-Za-z0-9._/:-]+$/.test(String.fromCharCode(...url)), 'the OpenTimestamps proof has a calendar’s URL in another form');
      proof.isPending = true;
    } else if (tag === BITCOIN) {
      proof.blocks.push({ height: inner.number(), message });
      inner.finish();
    }
  }
}

/** Reads a .ots file over SHA-256: {digest, isPending, blocks: [{height, message}]}. */
export function readProof(bytes) {
  insist(bytes.length <= BYTES_MAX, 'too long for an OpenTimestamps proof');
  const reader = new Reader(bytes);
  const isProof = hex(reader.take(MAGIC.length / 2)) === MAGIC && reader.number() === 1n && reader.take(1)[0] === SHA256;
  insist(isProof, 'not an OpenTimestamps proof over SHA-256');
  const proof = { digest: reader.take(32), isPending: false, blocks: [] };
  reader.timestamp(proof, known(32, () => proof.digest), 0);
  reader.finish();
  return proof;
}

/** The time in a block's header, in seconds, when its Merkle root is what the proof leads to at this height; otherwise null. */
export function timeIn(proof, height, header) {
  const root = header.subarray(36, 68);
  const isThere = proof.blocks.some((block) => block.height === height && block.message?.length === root.length && equal(block.message.value, root));
  return isThere ? BigInt(new DataView(header.buffer, header.byteOffset).getUint32(68, true)) : null;
}
