// ANS-104 data items as Arweave's upload services take them, signed with Ed25519 (signature type 2). The signed message is the deep hash that deployed
// services and readers compute: over "dataitem", "1", the signature type in decimals, owner, target, anchor, the raw bytes of the tags, and the data.
import { base64url, utf8 } from '../bytes.js';
import { sha256 } from '../sha256.js';
import { sha384 } from '../sha512.js';
import { verifySignature } from '../webcrypto.js';
import { insist } from './finding.js';

const BYTES_MAX = 64 * 1024;
const TAGS_MAX = 128;
const NAME_BYTES_MAX = 1024;
const VALUE_BYTES_MAX = 3072;
const ED25519 = 2;

class Reader {
  constructor(bytes) {
    this.rest = bytes;
  }

  take(count) {
    insist(this.rest.length >= count, 'not an ANS-104 data item: it is cut off');
    const found = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return found;
  }

  littleEndian(size) {
    return Number(this.take(size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n));
  }

  optional() {
    const [flag] = this.take(1);
    insist(flag <= 1, 'not an ANS-104 data item: a part is neither there nor left out');
    return this.take(flag * 32);
  }

  /** A number of Avro that is not negative, in its shortest form. */
  long() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const [byte] = this.take(1);
      insist(scale <= 128 ** 4 && (byte !== 0 || scale === 1), 'not an ANS-104 data item: a number of the tags');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    insist(value % 2 === 0, 'not an ANS-104 data item: a negative length');
    return value / 2;
  }

  text(most) {
    const length = this.long();
    insist(length >= 1 && length <= most, 'not an ANS-104 data item: a tag’s length');
    this.take(length);
  }
}

/** The number of tags in one block of pairs of strings, or in nothing. */
function countTags(bytes) {
  if (bytes.length === 0) return 0;
  const reader = new Reader(bytes);
  const count = reader.long();
  insist(count >= 1 && count <= TAGS_MAX, 'not an ANS-104 data item: other than 1 to 128 tags in one block');
  for (let tag = 0; tag < count; tag++) {
    reader.text(NAME_BYTES_MAX);
    reader.text(VALUE_BYTES_MAX);
  }
  insist(reader.rest.length === 1 && reader.rest[0] === 0, 'not an ANS-104 data item: the tags are not one block of Avro');
  return count;
}

function deepHash(parts) {
  return parts.reduce(
    (folded, part) => sha384(folded, sha384(sha384(utf8(`blob${part.length}`)), sha384(part))), sha384(utf8(`list${parts.length}`)));
}

/** Reads a data item: {id, data, isSigned}. */
export async function readDataItem(bytes) {
  insist(bytes.length <= BYTES_MAX, 'too long for a data item of a checkpoint');
  const reader = new Reader(bytes);
  const kind = reader.littleEndian(2);
  insist(kind === ED25519, `signature type ${kind} of the data item is not Ed25519 (2)`);
  const [signature, owner] = [reader.take(64), reader.take(32)];
  const [target, anchor] = [reader.optional(), reader.optional()];
  const [count, length] = [reader.littleEndian(8), reader.littleEndian(8)];
  const tags = reader.take(length);
  insist(countTags(tags) === count, 'not an ANS-104 data item: another number of tags than is said');
  const data = reader.rest;
  const message = deepHash([utf8('dataitem'), utf8('1'), utf8(`${ED25519}`), owner, target, anchor, tags, data]);
  return { id: base64url(sha256(signature)), data, isSigned: await verifySignature(owner, message, signature) };
}
