// The anchors of a receipt: evidence that somebody outside held the digest of the receipt's own checkpoint (docs/formats.md §9). Promise: what could not be
// checked is never a bound, and nothing here dates an entry from below: for that it takes the log's record of the evidence.
import { EVIDENCE_BYTES_MAX, KINDS, NOBODY } from './anchor/kinds.js';
import { Contradiction, NotChecked } from './anchor/finding.js';
import { base64, utf8 } from './bytes.js';
import { Malformed } from './malformed.js';
import { Faults, undetermined } from './report.js';
import { sha256 } from './sha256.js';
import * as shape from './shape.js';

const ANCHORS_MAX = 8;

const one = shape.closed({
  anchor: shape.oneOf(...KINDS),
  evidence: (value) => {
    const bytes = shape.bytes(value);
    if (bytes.length > EVIDENCE_BYTES_MAX) throw new Malformed('is larger than any evidence');
    return bytes;
  },
});

export const readAnchors = (value) => shape.ascending(
  shape.listOf(one, 1, ANCHORS_MAX)(value), ({ anchor, evidence }) => [anchor, base64(evidence)], 'anchors');

/** Judges the check `anchors` by `checkEvidence` of anchor/evidence.js; the value is what those that hold say of time. */
export async function judgeReceiptAnchors(anchors, checkpoint, trust, checkEvidence) {
  const digest = sha256(utf8(checkpoint.note.text));
  const { size } = checkpoint;
  const [faults, bounds, open] = [new Faults(), [], []];
  for (const [at, { anchor, evidence }] of anchors.entries()) {
    try {
      const found = await checkEvidence(anchor, evidence, digest, trust ?? NOBODY);
      bounds.push({ size, record: size, ...found, isUnforeseeable: false });
    } catch (error) {
      if (error instanceof Contradiction) faults.add(`anchor ${at + 1}: ${error.message}`);
      else if (error instanceof NotChecked) open.push(`anchor ${at + 1}: ${anchor} not checked: ${error.message}`);
      else throw error;
    }
  }
  const rest = open.length === 0 ? '' : `${open.length} of ${anchors.length} not checked (${open[0]})`;
  if (faults.count === 0 && bounds.length === 0) return { ...undetermined(rest), value: [] };
  return faults.result([`${bounds.length} of ${anchors.length} confirmed`, rest].filter((part) => part !== '').join('; '), { value: bounds });
}
