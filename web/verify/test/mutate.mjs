// Mutations of packages, seeded; shared by the mutation tests and by agree.mjs.
import { crc32 } from './forge/primitives.mjs';

/** A copy with one bit, or one whole byte, of one byte changed. */
export function flipByte(bytes, at, next) {
  const out = Uint8Array.from(bytes);
  out[at] ^= next.below(2) === 0 ? 1 << next.below(8) : 1 + next.below(255);
  return out;
}

/** A copy whose CRC-32 values fit again wherever local headers can still be followed. */
export function repairChecksums(bytes) {
  const out = Uint8Array.from(bytes);
  const view = new DataView(out.buffer);
  const checksums = new Map();
  let at = 0;
  while (at + 30 <= out.length && view.getUint32(at, true) === 0x04034b50) {
    const start = at + 30 + view.getUint16(at + 26, true);
    const end = start + view.getUint32(at + 18, true);
    if (end > out.length) return out;
    const crc = crc32(out.subarray(start, end));
    view.setUint32(at + 14, crc, true);
    checksums.set(at, crc);
    at = end;
  }
  while (at + 46 <= out.length && view.getUint32(at, true) === 0x02014b50) {
    const crc = checksums.get(view.getUint32(at + 42, true));
    if (crc !== undefined) view.setUint32(at + 16, crc, true);
    at += 46 + view.getUint16(at + 28, true);
  }
  return out;
}

/** One random mutation: {name, bytes}. The kinds reach the container, the checksums and the parts behind them. */
export function mutate(bytes, next) {
  const at = next.below(bytes.length);
  switch (next.below(8)) {
    case 0: return { name: `flip ${at}`, bytes: flipByte(bytes, at, next) };
    case 1: return { name: `cut to ${at}`, bytes: bytes.slice(0, at) };
    case 2: return { name: `cut at ${at}`, bytes: Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1 + next.below(8))]) };
    case 3: return { name: `insert at ${at}`, bytes: Uint8Array.from([...bytes.slice(0, at), ...next.bytes(1 + next.below(8)), ...bytes.slice(at)]) };
    default: return { name: `flip ${at}, checksums repaired`, bytes: repairChecksums(flipByte(bytes, at, next)) };
  }
}
