// What the anchors in a package say: each file's evidence against the log (docs/formats.md §11.3). Promise: evidence counts only for a checkpoint that the
// log key signed and that the package's checkpoint continues; what could not be checked is never a bound.
import { Contradiction, NotChecked, insist } from './anchor/finding.js';
import { EVIDENCE_BYTES_MAX, KINDS, NOBODY } from './anchor/kinds.js';
import { checkEvidence } from './anchor/evidence.js';
import { hex, utf8 } from './bytes.js';
import { parseEntry } from './entry.js';
import { judgeCheckpoint } from './issuer.js';
import { parseJcs } from './jcs.js';
import { Malformed, within } from './malformed.js';
import { anchorName } from './manifest.js';
import { isConsistent, isIncluded, leafHash } from './merkle.js';
import { parseCheckpoint } from './note.js';
import { isKnown } from './recordtypes.js';
import { Faults, undetermined } from './report.js';
import { sha256 } from './sha256.js';
import * as shape from './shape.js';

const hashes = shape.listOf(shape.hashBytes);

const FILE = shape.closed({
  anchor: shape.oneOf(...KINDS),
  checkpoint: shape.string,
  consistency: hashes,
  evidence: (value) => {
    const bytes = shape.bytes(value);
    if (bytes.length > EVIDENCE_BYTES_MAX) throw new Malformed('is larger than any evidence');
    return bytes;
  },
  format: shape.exactly('tabellion.anchor/1'),
  record: shape.closed({ entry: shape.entry, index: shape.count, path: hashes }),
});

/** Reads a part whose faults contradict the evidence rather than end the run. */
function asContradiction(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw new Contradiction(error.message);
    throw error;
  }
}

/** The record has to be in the tree and to name this very evidence. */
function checkRecord(file, checkpoint, whole) {
  const { entry, index, path } = file.record;
  insist(isIncluded(leafHash(entry), index, whole.size, path, whole.root), `the record at entry ${index} is not in the tree`);
  const { record } = asContradiction(() => parseEntry(entry, index));
  const said = record?.type === 'anchor.confirmed' && isKnown(record) ? record.facts : {};
  const isOfThis = said.anchor === file.anchor && said.evidence_sha256 === hex(sha256(file.evidence))
    && said.size === checkpoint.size && said.root === hex(checkpoint.root) && index >= checkpoint.size;
  insist(isOfThis, `entry ${index} is not the record of this evidence`);
}

async function checkFile(file, { manifest, checkpoint: whole, chain }, trust) {
  const checkpoint = asContradiction(() => parseCheckpoint(utf8(file.checkpoint)));
  insist(checkpoint.origin === manifest.log, `the checkpoint is of ${checkpoint.origin}, the package of ${manifest.log}`);
  const signed = await judgeCheckpoint(chain.inForce('log', checkpoint.size), checkpoint);
  insist(signed.outcome === 'holds', `the checkpoint anchored: ${signed.detail}`);
  insist(isConsistent(checkpoint, whole, file.consistency), 'the package’s checkpoint does not continue the one anchored');
  checkRecord(file, checkpoint, whole);
  const digest = sha256(utf8(checkpoint.note.text));
  return { size: checkpoint.size, record: file.record.index, ...await checkEvidence(file.anchor, file.evidence, digest, trust) };
}

/** Judges the anchors of a package; the value is what those that hold say of time. */
export async function judgeAnchors(run, pack, trust) {
  const files = [];
  while (pack.files.has(anchorName(files.length))) {
    const name = anchorName(files.length);
    files.push([name, within(name, () => FILE(parseJcs(pack.files.get(name))))]);
  }
  const [faults, bounds, open] = [new Faults(), [], []];
  for (const [name, file] of files) {
    try {
      bounds.push(await checkFile(file, pack, trust ?? NOBODY));
    } catch (error) {
      if (error instanceof Contradiction) faults.add(`${name}: ${error.message}`);
      else if (error instanceof NotChecked) open.push(`${name}: ${file.anchor} not checked: ${error.message}`);
      else throw error;
    }
    await run.pace.breathe();
  }
  const rest = open.length === 0 ? '' : `${open.length} of ${files.length} not checked (${open[0]})`;
  if (faults.count === 0 && bounds.length === 0) return { ...undetermined(rest), value: [] };
  return faults.result([`${bounds.length} of ${files.length} confirmed`, rest].filter((part) => part !== '').join('; '), { value: bounds });
}
