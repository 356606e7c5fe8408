// The manifest, the proof and the file set of a package (docs/formats.md §11).
import { parseJcs, parseJcsLines } from './jcs.js';
import { Malformed, within } from './malformed.js';
import { SCOPE } from './scope.js';
import { isFileName } from './zip.js';
import * as shape from './shape.js';

export const BUNDLE_ENTRIES = 4096;
const FIXED_FILES = [
  'VERIFY.txt', 'checkpoint', 'erasures.jsonl', 'manifest.cose', 'manifest.json', 'proof.json', 'report.html', 'verify.html',
];
// About a framework: all of them or none. Computed by the exporter; listed in the manifest like every file, and not computed again here.
const FRAMEWORK_FILES = [
  'framework/index.json', 'framework/rules.toml', 'framework/soa.json', 'framework/status.json', 'framework/systems.json',
];
// The most bytes that each may have; what a reader holds in memory to read it is bounded by these.
const MIB = 1 << 20;
const FILE_BYTES_MAX = {
  'VERIFY.txt': 256 << 10, checkpoint: 512 << 10, 'manifest.cose': 1 << 10, 'manifest.json': 32 * MIB, 'proof.json': 256 * MIB, 'report.html': 64 * MIB,
  'verify.html': 16 * MIB, 'framework/index.json': 64 * MIB, 'framework/rules.toml': 4 * MIB, 'framework/soa.json': 4 * MIB,
  'framework/status.json': 64 * MIB, 'framework/systems.json': 64 * MIB,
};
// Evidence of outside times.
const ANCHOR = /^anchors\/[0-9]{8}\.json$/;
const ANCHORS_MAX = 1024;
const NUMBERED = /^(entries\/[0-9]{8}\.bundle|disclosures\/[0-9]{8}\.jsonl)$/;
const FILES_MAX = 65535;

export const anchorName = (number) => `anchors/${String(number).padStart(8, '0')}.json`;
export const bundleName = (number) => `entries/${String(number).padStart(8, '0')}.bundle`;
export const disclosuresName = (number) => `disclosures/${String(number).padStart(8, '0')}.jsonl`;

/** Refuses a file set that no package has; gives the number of entry bundles. */
export function checkFileSet(files) {
  for (const name of FIXED_FILES) if (!files.has(name)) throw new Malformed(`file ${name} is missing`);
  if (FRAMEWORK_FILES.some((name) => files.has(name))) {
    for (const name of FRAMEWORK_FILES) if (!files.has(name)) throw new Malformed(`file ${name} is missing`);
  }
  for (const [name, most] of Object.entries(FILE_BYTES_MAX)) {
    if (files.get(name)?.length > most) throw new Malformed(`file ${name} has more than ${most} bytes`);
  }
  let anchors = 0;
  while (anchors < ANCHORS_MAX && files.has(anchorName(anchors))) anchors++;
  let bundles = 0;
  while (files.has(bundleName(bundles))) bundles++;
  for (const name of files.keys()) {
    if (FIXED_FILES.includes(name) || FRAMEWORK_FILES.includes(name)) continue;
    const number = Number(name.match(/[0-9]{8}/)?.[0]);
    if (ANCHOR.test(name) && number < anchors) continue;
    if (!NUMBERED.test(name)) throw new Malformed(`file ${name} is not part of a package`);
    if (number >= bundles) throw new Malformed(`file ${name} has no place in the numbered files`);
  }
  return bundles;
}

const fileName = (value) => {
  if (typeof value !== 'string' || !isFileName(value)) throw new Malformed('expected a file name that a package may have');
  return value;
};
const total = shape.count;
const period = (value) => {
  const read = shape.closed({ from: shape.time, to: shape.time })(value);
  if (read.from >= read.to) throw new Malformed('period does not end after it starts');
  return read;
};
const types = (value) => {
  for (const count of Object.values(shape.object(value))) shape.count(count);
  return value;
};

const SOURCE = shape.closed({
  closed: shape.boolean, count: shape.count, epoch: shape.ordinal, first_seq: shape.count,
  gaps: shape.listOf(shape.closed({ first: shape.ordinal, last: shape.ordinal }), 0, 64), last_seq: shape.count, lost: shape.count, missing: shape.count,
  producer: shape.id, repeated: shape.count, sampled: shape.count, 'unsigned_lost?': shape.ordinal, waiting: shape.count,
});

const MANIFEST = shape.closed({
  count: shape.count,
  disclosure: shape.oneOf('all', 'business', 'none'),
  env: shape.environment,
  epochs: (value) => shape.ascending(shape.listOf(shape.closed({
    closed: shape.boolean, count: shape.count, epoch: shape.count, first_seq: shape.count, last_seq: shape.count,
    missing: shape.count, opened: shape.boolean, producer: shape.id,
  }))(value), (one) => [one.producer, one.epoch], 'epochs'),
  files: (value) => shape.ascending(shape.listOf(shape.closed({
    path: fileName, sha256: shape.hash, size: shape.count,
  }), 0, FILES_MAX)(value), (one) => one.path, 'files'),
  first: shape.count,
  format: shape.exactly('tabellion.package/1'),
  'framework?': shape.string,
  genesis: shape.hash,
  keys: shape.count,
  log: shape.origin,
  'period?': period,
  scope: shape.exactly(SCOPE),
  size: shape.count,
  'sources?': (value) => shape.ascending(shape.listOf(SOURCE, 1)(value), (one) => [one.producer, one.epoch], 'sources'),
  software: shape.string,
  tenant: shape.string,
  totals: shape.closed({
    entries: total, erased: total, records: total, seals: total, shown: total, statements: total, units: total, withheld: total,
  }),
  types,
});

export const parseManifest = (bytes) => within('manifest.json', () => {
  const manifest = MANIFEST(parseJcs(bytes));
  if (manifest.first + manifest.count > manifest.size) throw new Malformed('the range ends after the tree');
  return manifest;
});

const hashes = shape.listOf(shape.hashBytes);

const PROOF = shape.closed({
  extra: (value) => shape.ascending(shape.listOf(shape.closed({
    entry: shape.entry, index: shape.count, path: hashes,
  }))(value), (one) => one.index, 'extra entries'),
  format: shape.exactly('tabellion.proof/1'),
  left: hashes,
  right: hashes,
});

export const parseProof = (bytes) => within('proof.json', () => PROOF(parseJcs(bytes)));

const DISCLOSURE_LINE = shape.closed({ disclosures: shape.listOf(shape.string, 1), index: shape.count, unit: shape.id });
const ERASURE_LINE = shape.closed({ disclosure: shape.string, index: shape.count, tombstone: shape.count, unit: shape.id });

const readLines = (bytes, name, line) => within(name, () => shape.ascending(
  parseJcsLines(bytes).map(line), (one) => [one.index, one.unit], 'lines'));

export const parseDisclosureLines = (bytes, name) => {
  if (bytes.length === 0) throw new Malformed(`${name} is empty; an empty disclosures file is left out`);
  return readLines(bytes, name, DISCLOSURE_LINE);
};
export const parseErasureLines = (bytes) => readLines(bytes, 'erasures.jsonl', ERASURE_LINE);
