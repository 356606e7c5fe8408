// Writes a package of a forged log (docs/formats.md §11).
import { b64, hex, jcs, leafHash, sha256, sign1, subtreeRoots, zip } from './primitives.mjs';

export const SCOPE = 'This package shows that the listed records existed in this log in this form and order when the checkpoint was signed, '
  + 'and who signed them. It does not show that what they say is true, that anything outside the log did not happen, or that a '
  + 'management system conforms to any standard. Tabellion is not a certification body.';
const BUNDLE = 4096;

function epochsOf(headers) {
  const epochs = new Map();
  for (const header of headers) {
    const name = `${header.producer}/${String(header.epoch).padStart(16, '0')}`;
    const one = epochs.get(name) ?? {
      closed: false, count: 0, epoch: header.epoch, first_seq: header.seq, last_seq: 0, missing: 0, opened: false, producer: header.producer,
    };
    one.count++;
    one.last_seq = header.seq;
    one.missing = Math.max(0, one.last_seq - one.first_seq + 1 - one.count);
    if (header.type === 'log.genesis' || header.type === 'epoch.opened') one.opened = true;
    if (header.type === 'epoch.closed') one.closed = true;
    epochs.set(name, one);
  }
  return [...epochs.keys()].sort().map((name) => epochs.get(name));
}

const number = (value) => String(value).padStart(8, '0');

function bundles(log, first, count) {
  const files = {};
  for (let at = 0; at < count; at += BUNDLE) {
    const entries = log.entries.slice(first + at, first + Math.min(count, at + BUNDLE));
    files[`entries/${number(at / BUNDLE)}.bundle`] = Buffer.concat(entries.flatMap((entry) => [Buffer.from([entry.length >> 8, entry.length & 255]), entry]));
  }
  return files;
}

function unitFiles(log, first, count, show) {
  const lines = { shown: new Map(), erased: [] };
  const counts = { erased: 0, shown: 0, units: 0, withheld: 0 };
  const inRange = [...log.units.values()].filter((unit) => unit.index >= first && unit.index < first + count)
    .sort((a, b) => a.index - b.index || (a.id < b.id ? -1 : 1));
  const tombstoned = new Map();
  for (const unit of inRange) {
    counts.units++;
    const isTombstone = log.headers[unit.index].type === 'erasure.done';
    if (unit.tombstone) {
      counts.erased++;
      lines.erased.push(jcs({ disclosure: unit.tombstoneField, index: unit.index, tombstone: unit.tombstone, unit: unit.id }));
      tombstoned.set(unit.tombstone, (tombstoned.get(unit.tombstone) ?? 0) + 1);
    } else if (!isTombstone && show(unit)) {
      counts.shown++;
      const bundle = Math.floor((unit.index - first) / BUNDLE);
      const line = jcs({ disclosures: unit.disclosures.map((one) => one.encoded), index: unit.index, unit: unit.id });
      lines.shown.set(bundle, [...(lines.shown.get(bundle) ?? []), line]);
    } else if (!isTombstone) counts.withheld++;
  }
  for (const unit of inRange) {
    if (log.headers[unit.index].type !== 'erasure.done') continue;
    counts[tombstoned.get(unit.index) === unit.digests.length ? 'shown' : 'withheld']++;
  }
  const files = { 'erasures.jsonl': lines.erased.map((line) => `${line}\n`).join('') };
  for (const [bundle, shown] of lines.shown) files[`disclosures/${number(bundle)}.jsonl`] = shown.map((line) => `${line}\n`).join('');
  return { files, counts, tombstones: [...tombstoned.keys()] };
}

function extraIndexes(log, first, count, size, tombstones) {
  const wanted = new Set();
  log.headers.slice(0, size).forEach((header, index) => {
    if (header?.stream === 'keys') wanted.add(index);
  });
  for (const index of tombstones) wanted.add(index);
  if (first > 0) wanted.add(first - 1);
  if (first + count < size) {
    wanted.add(log.seals.find((seal) => seal >= first + count));
    wanted.add(size - 1);
  }
  return [...wanted].filter((index) => index < first || index >= first + count).sort((a, b) => a - b);
}

/** The files of a package over [first, first+count) at `size`; `falsify(files, manifest)` may change both before signing,
 * `signManifest(json)` makes another manifest.cose. */
export function packageFiles(log, { first = 0, count, size = log.entries.length, period, show = () => true, falsify = () => {}, signManifest = null } = {}) {
  const span = count ?? size - first;
  const headers = log.headers.slice(first, first + span);
  const units = unitFiles(log, first, span, show);
  const leaves = log.leaves.slice(0, size);
  const proof = {
    extra: extraIndexes(log, first, span, size, units.tombstones).map((index) => ({ entry: b64(log.entries[index]), index, path: log.path(index, size) })),
    format: 'tabellion.proof/1',
    left: subtreeRoots(0, first, leaves).map(hex),
    right: subtreeRoots(first + span, size, leaves).map(hex),
  };
  const files = {
    'VERIFY.txt': 'test\n', checkpoint: log.checkpoint(size), 'proof.json': jcs(proof), 'report.html': '<!doctype html>\n',
    'verify.html': '<!doctype html>\n', ...bundles(log, first, span), ...units.files,
  };
  const records = headers.filter((header) => header !== null);
  const statements = log.entries.slice(first, first + span).filter((entry) => entry[0] === 0xd2).length - (headers.length - records.length);
  const types = {};
  for (const header of records) types[header.type] = (types[header.type] ?? 0) + 1;
  const manifest = {
    format: 'tabellion.package/1', log: log.origin, env: log.env, tenant: log.origin.split('/log/')[1], genesis: hex(leafHash(log.entries[0])),
    size, first, count: span, ...(period ? { period } : {}), disclosure: 'all',
    keys: log.headers.slice(0, size).filter((header) => header?.stream === 'keys').length,
    totals: { entries: span, records: records.length - statements, statements, seals: span - records.length, ...units.counts },
    types, epochs: epochsOf(records), scope: SCOPE, software: 'forge 1',
  };
  falsify(files, manifest);
  manifest.files ??= Object.keys(files).sort().map((path) => ({ path, sha256: hex(sha256(files[path])), size: Buffer.byteLength(files[path]) }));
  files['manifest.json'] = jcs(manifest);
  const protectedHeaders = [[1, -8], [3, 'application/tabellion-package+json'], [4, log.keys.package.id]];
  files['manifest.cose'] = signManifest?.(files['manifest.json'])
    ?? sign1(protectedHeaders, Buffer.from(files['manifest.json']), log.keys.package, { detached: true });
  return files;
}

export const makePackage = (log, options) => zip(packageFiles(log, options));
