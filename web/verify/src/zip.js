// The one byte form of a package's ZIP (docs/formats.md §11). Nothing is tolerated: what this reader accepts can be
// written in exactly one way, so a changed byte cannot hide in the container.
import { equal, text, utf8 } from './bytes.js';
import { Malformed } from './malformed.js';

const LOCAL_SIGNATURE = 0x04034b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const NAME_MAX_BYTES = 255;
const NAME = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;
const DOS_DATE = 0x0021; // 1980-01-01
const CRC_PIECE_BYTES = 1024 * 1024; // a breath about every 3 ms

// Eight tables: eight bytes a step ("slicing by 8").
const CRC_TABLES = Array.from({ length: 8 }, () => new Uint32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  CRC_TABLES[0][byte] = value;
}
for (let table = 1; table < 8; table++) {
  for (let byte = 0; byte < 256; byte++) {
    const before = CRC_TABLES[table - 1][byte];
    CRC_TABLES[table][byte] = (before >>> 8) ^ CRC_TABLES[0][before & 255];
  }
}

function crcUpdate(start, bytes) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = CRC_TABLES;
  let crc = start;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc = t7[crc & 255] ^ t6[(crc >>> 8) & 255] ^ t5[(crc >>> 16) & 255] ^ t4[crc >>> 24]
      ^ t3[bytes[at + 4]] ^ t2[bytes[at + 5]] ^ t1[bytes[at + 6]] ^ t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 255];
  return crc;
}

/** CRC-32 (ISO-HDLC) of bytes. */
export const crc32 = (bytes) => (crcUpdate(0xffffffff, bytes) ^ 0xffffffff) >>> 0;

async function pacedCrc32(bytes, pace) {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at += CRC_PIECE_BYTES) {
    crc = crcUpdate(crc, bytes.subarray(at, at + CRC_PIECE_BYTES));
    await pace.breathe();
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function expect(view, at, size, wanted, what) {
  const have = size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
  if (have !== wanted) throw new Malformed(`ZIP: ${what} at byte ${at} is not what a package has`);
}

function readEnd(view) {
  const at = view.byteLength - END_BYTES;
  if (at < 0) throw new Malformed('ZIP: file is too short to be a package');
  expect(view, at, 4, END_SIGNATURE, 'end record');
  expect(view, at + 4, 2, 0, 'disk number');
  expect(view, at + 6, 2, 0, 'disk number');
  const files = view.getUint16(at + 8, true);
  expect(view, at + 10, 2, files, 'number of files');
  const size = view.getUint32(at + 12, true);
  const start = view.getUint32(at + 16, true);
  expect(view, at + 20, 2, 0, 'comment length');
  if (start + size !== at) throw new Malformed('ZIP: the central directory does not end where the end record starts');
  return { files, start, end: at };
}

/** Whether a package may have a file of this name. */
export function isFileName(name) {
  return name.length <= NAME_MAX_BYTES && NAME.test(name) && !name.split('/').some((part) => part === '.' || part === '..');
}

function readName(bytes, at, size) {
  if (size < 1 || size > NAME_MAX_BYTES) throw new Malformed(`ZIP: file name at byte ${at} has ${size} bytes`);
  const name = text(bytes.subarray(at, at + size));
  if (!isFileName(name)) throw new Malformed(`ZIP: file name at byte ${at} is not allowed in a package`);
  return name;
}

/** The fields that local and central header share, from `version needed` to `extra length`. */
function readShared(view, at) {
  expect(view, at, 2, 20, 'version needed');
  expect(view, at + 2, 2, 0x0800, 'flags');
  expect(view, at + 4, 2, 0, 'compression method');
  expect(view, at + 6, 2, 0, 'time');
  expect(view, at + 8, 2, DOS_DATE, 'date');
  const size = view.getUint32(at + 14, true);
  expect(view, at + 18, 4, size, 'size');
  expect(view, at + 24, 2, 0, 'extra length');
  return { crc: view.getUint32(at + 10, true), size, nameSize: view.getUint16(at + 22, true) };
}

function readCentral(bytes, view, at, end) {
  if (at + CENTRAL_BYTES > end) throw new Malformed('ZIP: the central directory ends early');
  expect(view, at, 4, CENTRAL_SIGNATURE, 'central header');
  expect(view, at + 4, 2, 0x0314, 'version made by');
  const file = readShared(view, at + 6);
  expect(view, at + 32, 2, 0, 'comment length');
  expect(view, at + 34, 2, 0, 'disk number');
  expect(view, at + 36, 2, 0, 'internal attributes');
  expect(view, at + 38, 4, 0x81a40000, 'external attributes');
  if (at + CENTRAL_BYTES + file.nameSize > end) throw new Malformed('ZIP: the central directory ends early');
  return { ...file, offset: view.getUint32(at + 42, true), name: readName(bytes, at + CENTRAL_BYTES, file.nameSize) };
}

function readLocal(bytes, view, central, limit) {
  const at = central.offset;
  const dataAt = at + LOCAL_BYTES + central.nameSize;
  if (dataAt + central.size > limit) throw new Malformed(`ZIP: ${central.name} does not fit before the central directory`);
  expect(view, at, 4, LOCAL_SIGNATURE, 'local header');
  const local = readShared(view, at + 4);
  const sameName = local.nameSize === central.nameSize
    && equal(bytes.subarray(at + LOCAL_BYTES, dataAt), utf8(central.name));
  if (!sameName || local.crc !== central.crc || local.size !== central.size) {
    throw new Malformed(`ZIP: local and central header of ${central.name} differ`);
  }
  return bytes.subarray(dataAt, dataAt + central.size);
}

/** Reads the container: Map from name to bytes, in order. Also checks every CRC-32. */
export async function readZip(bytes, pace) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) !== LOCAL_SIGNATURE) throw new Malformed('ZIP: file does not start with a local header');
  const { files, start, end } = readEnd(view);
  const out = new Map();
  let at = start;
  let offset = 0;
  let last = '';
  for (let number = 0; number < files; number++) {
    const central = readCentral(bytes, view, at, end);
    if (central.name <= last) throw new Malformed(`ZIP: ${central.name} is out of order or repeated`);
    if (central.offset !== offset) throw new Malformed(`ZIP: ${central.name} does not follow the file before it`);
    const data = readLocal(bytes, view, central, start);
    if ((await pacedCrc32(data, pace)) !== central.crc) {
      throw new Malformed(`ZIP: the bytes of ${central.name} do not have their CRC-32: damaged or changed`);
    }
    out.set(central.name, data);
    last = central.name;
    at += CENTRAL_BYTES + central.nameSize;
    offset += LOCAL_BYTES + central.nameSize + central.size;
    await pace.breathe(offset, bytes.length);
  }
  if (at !== end || offset !== start) throw new Malformed('ZIP: bytes stand between the files and the directory');
  return out;
}
