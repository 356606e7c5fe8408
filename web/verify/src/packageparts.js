// The parts of a package, read in order: container, manifest, files, entries (docs/formats.md §12). Each step fills `pack`
// with what later ones judge.
import { isAlarm } from './alarms.js';
import { hex } from './bytes.js';
import { parsePackageSignature } from './cose.js';
import { parseEntry, splitBundle } from './entry.js';
import { Malformed, within } from './malformed.js';
import { BUNDLE_ENTRIES, bundleName, checkFileSet, parseErasureLines, parseManifest, parseProof } from './manifest.js';
import { parseCheckpoint } from './note.js';
import { isKnown, KEY_TYPES } from './recordtypes.js';
import { broken, counted, Faults, holds, undetermined } from './report.js';
import { fileDigest } from './webcrypto.js';
import { readZip } from './zip.js';

export async function readContainer(run, pack, bytes) {
  await run.check('container', async () => {
    pack.files = await readZip(bytes, run.pace);
    pack.bundles = checkFileSet(pack.files);
    return holds(`${counted(pack.files.size, 'file')}, ${counted(bytes.length, 'byte')}, in the one byte form.`);
  });
}

export async function readManifest(run, pack) {
  await run.check('manifest', () => {
    const manifest = parseManifest(pack.files.get('manifest.json'));
    pack.signature = within('manifest.cose', () => parsePackageSignature(pack.files.get('manifest.cose')));
    pack.manifest = manifest;
    return holds(`Entries ${manifest.first} to ${manifest.first + manifest.count - 1} of ${manifest.log} at size ${manifest.size}.`);
  });
}

export async function checkFiles(run, pack) {
  await run.check('files', async () => {
    const faults = new Faults();
    const listed = new Map(pack.manifest.files.map((file) => [file.path, file]));
    for (const [name, data] of pack.files) {
      if (name === 'manifest.json' || name === 'manifest.cose') continue;
      const file = listed.get(name);
      listed.delete(name);
      if (!file) faults.add(`${name} is not listed in the manifest`);
      else if (file.size !== data.length) faults.add(`${name} has ${data.length} bytes, the manifest says ${file.size}`);
      else if (hex(await fileDigest(data, run.pace)) !== file.sha256) faults.add(`${name} is not the file that the manifest lists`);
    }
    for (const name of listed.keys()) faults.add(`${name} is listed in the manifest and not there`);
    return faults.result(`${counted(pack.files.size - 2, 'file')} as listed.`);
  });
}

/** The entries of the range as bytes, or why the files cannot hold that range: another number of files, or of entries in one. */
function readBundles({ manifest: { count }, bundles, files }) {
  const due = Math.ceil(count / BUNDLE_ENTRIES);
  if (bundles !== due) return { fault: `${count} entries need ${due} entries files, and there are ${bundles}` };
  const found = [];
  for (let number = 0; number < due; number++) {
    const name = bundleName(number);
    const bundle = within(name, () => splitBundle(files.get(name)));
    const wanted = Math.min(BUNDLE_ENTRIES, count - found.length);
    if (bundle.length !== wanted) return { fault: `${name} holds ${bundle.length} entries and not ${wanted}` };
    found.push(...bundle);
  }
  return { found };
}

export async function readEntries(run, pack) {
  await run.check('entries', async () => {
    const { manifest } = pack;
    const { found, fault } = readBundles(pack);
    if (fault) {
      run.stop();
      return broken(fault);
    }
    const faults = new Faults();
    const entries = [];
    for (const bytes of found) {
      entries.push(within('entries', () => parseEntry(bytes, manifest.first + entries.length)));
      await run.pace.breathe(entries.length, manifest.count);
    }
    pack.entries = entries;
    readProof(pack);
    const outside = pack.proof.extra.map((item) => ({ ...parseEntry(item.entry, item.index), path: item.path }));
    pack.extra = new Map(outside.map((entry) => [entry.index, entry]));
    for (const entry of outside) faults.add(needlessFault(entry, pack));
    return judgeForms(entries, outside.length, manifest, faults);
  });
}

/** Reads what places the range in the tree. What cannot be read is said where the tree is judged, which is the next check. */
function readProof(pack) {
  try {
    pack.checkpoint = within('checkpoint', () => parseCheckpoint(pack.files.get('checkpoint')));
    pack.proof = parseProof(pack.files.get('proof.json'));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    pack.unreadableProof = error;
    pack.proof = { extra: [], left: [], right: [] };
  }
}

/** Indexes of the tombstones that erasures.jsonl points at, or null when it cannot be read: that is said in its own check. */
function tombstones(pack) {
  try {
    return new Set(parseErasureLines(pack.files.get('erasures.jsonl')).map((line) => line.tombstone));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return null;
  }
}

/** Why an entry from outside the range has no reason to be in the package, or null. */
function needlessFault(entry, pack) {
  const { manifest } = pack;
  const { index, record, seal } = entry;
  const end = manifest.first + manifest.count;
  if (index >= manifest.first && index < end) return `entry ${index} is given as outside the range and lies in it`;
  if (seal) {
    const isEdge = index + 1 === manifest.first || index + 1 === manifest.size || (index > end && seal.first === end);
    return isEdge ? null : `the seal ${index}, from outside the range, is none that the package needs`;
  }
  pack.tombstones ??= { read: tombstones(pack) };
  const isTombstone = pack.tombstones.read?.has(index) ?? true;
  return isTombstone || KEY_TYPES.has(record.type) || isAlarm(record) ? null : `entry ${index}, from outside the range, proves nothing that the package needs`;
}

function judgeForms(entries, outside, manifest, faults) {
  let unknown = null;
  for (const entry of entries) {
    if (entry.record && entry.record.log !== manifest.log) faults.add(`entry ${entry.index} is of another log`);
    if (entry.record && entry.record.env !== manifest.env) faults.add(`entry ${entry.index} is of environment ${entry.record.env}`);
    if (entry.record?.critical && !isKnown(entry.record)) unknown ??= entry;
  }
  if (faults.count === 0 && unknown) {
    const { type, type_version: version } = unknown.record;
    return undetermined(`Entry ${unknown.index} is of critical type ${type}, version ${version}, which this verifier does not know. Use a newer one.`);
  }
  return faults.result(`${counted(manifest.count, 'entry', 'entries')} in the range, ${outside} from outside it.`);
}
