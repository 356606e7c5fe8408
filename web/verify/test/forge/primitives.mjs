// The second construction of every primitive: straight from the specifications, on node:crypto, sharing no line with ../../src.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

export const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const b64 = (bytes) => Buffer.from(bytes).toString('base64');
export const b64url = (bytes) => Buffer.from(bytes).toString('base64url');

/** RFC 8785 for values without floats. */
export function jcs(value) {
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${jcs(value[name])}`).join(',')}}`;
}

function cborHead(major, value) {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value]);
  if (value < 0x10000) return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
  const out = Buffer.alloc(5);
  out[0] = (major << 5) | 26;
  out.writeUInt32BE(value, 1);
  return out;
}

/** CBOR of numbers, strings, Buffers, arrays, null and arrays of pairs wrapped in {map: [...]}, in the order given. */
export function cbor(value) {
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'number') return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([cborHead(4, value.length), ...value.map(cbor)]);
  return Buffer.concat([cborHead(5, value.map.length), ...value.map.flatMap(([key, item]) => [cbor(key), cbor(item)])]);
}

/** A key pair from a label; deterministic, for tests only. */
export function keyFrom(label) {
  const seed = sha256(label);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const publicBytes = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12);
  const id = sha256(Buffer.from('a3010120062158 20'.replace(' ', ''), 'hex'), publicBytes);
  return {
    publicBytes, id, idHex: hex(id),
    sign: (message) => sign(null, message, privateKey),
    info: { alg: 'ed25519', key_id: hex(id), public: b64(publicBytes) },
  };
}

export const leafHash = (entry) => sha256(Buffer.from([0]), entry);
export const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

const split = (size) => {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
};

/** RFC 9162 §2.1.1, by its recursive definition. */
export function treeRoot(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  const k = split(leaves.length);
  return nodeHash(treeRoot(leaves.slice(0, k)), treeRoot(leaves.slice(k)));
}

/** RFC 9162 §2.1.3.1, by its recursive definition. */
export function inclusionPath(index, leaves) {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...inclusionPath(index, leaves.slice(0, k)), treeRoot(leaves.slice(k))]
    : [...inclusionPath(index - k, leaves.slice(k)), treeRoot(leaves.slice(0, k))];
}

/** Roots of the maximal aligned perfect subtrees of [begin, end). */
export function subtreeRoots(begin, end, leaves) {
  if (begin >= end) return [];
  let size = 1;
  while (begin % (size * 2) === 0 && begin + size * 2 <= end) size *= 2;
  return [treeRoot(leaves.slice(begin, begin + size)), ...subtreeRoots(begin + size, end, leaves)];
}

/** COSE_Sign1 bytes. `headers` and `unprotected` are arrays of pairs in order. */
export function sign1(headers, payload, key, { detached = false, unprotected = [] } = {}) {
  const protectedBytes = cbor({ map: headers });
  const signature = key.sign(cbor(['Signature1', protectedBytes, Buffer.alloc(0), payload]));
  return sign1Bytes(protectedBytes, unprotected, detached ? null : payload, signature);
}

export const sign1Bytes = (protectedBytes, unprotected, payload, signature) => Buffer.concat([
  Buffer.from([0xd2]), cbor([protectedBytes, { map: unprotected }, payload, signature])]);

export const noteKeyId = (name, type, publicBytes) => sha256(`${name}\n`, Buffer.from([type]), publicBytes).subarray(0, 4);
export const vkey = (name, key, type = 1) => (
  `${name}+${hex(noteKeyId(name, type, key.publicBytes))}+${b64(Buffer.concat([Buffer.from([type]), key.publicBytes]))}`);

const CRC = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
export const crc32 = (bytes) => {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC[(crc ^ byte) & 255];
  return (crc ^ 0xffffffff) >>> 0;
};

/** The one byte form of docs/formats.md §11 for a name → bytes object. */
export function zip(files) {
  const locals = [];
  const centrals = [];
  let offset = 0;
  for (const name of Object.keys(files).sort()) {
    const data = Buffer.from(files[name]);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(0x0800, 2);
    shared.writeUInt16LE(0x0021, 8);
    shared.writeUInt32LE(crc32(data), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(data.length, 18);
    shared.writeUInt16LE(name.length, 22);
    locals.push(Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), data);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(0x81a40000, 6);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), shared, tail, Buffer.from(name));
    offset += 30 + name.length + data.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
