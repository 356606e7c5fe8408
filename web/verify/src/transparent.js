// Verifies a transparent statement: a statement with COSE Receipts (docs/formats.md §4, RFC 9942).
import { hex } from './bytes.js';
import { parseReceipt, splitTransparent, toBeSigned } from './cose.js';
import { Knowledge } from './disclosures.js';
import { parseEntry } from './entry.js';
import { keyIdOf } from './keychain.js';
import { Malformed, within } from './malformed.js';
import { rootFromPath } from './merkle.js';
import { recordRow, unitRows } from './packagefacts.js';
import { TRANSPARENT_PLAN } from './plans.js';
import { pinsFor } from './policy.js';
import { counted, Faults, holds, Run, undetermined } from './report.js';
import { isKnown } from './recordtypes.js';
import { verifySignature } from './webcrypto.js';

export const TRANSPARENT_MAX_BYTES = 4 * 1024 * 1024;
const RECEIPTS_MAX = 64; // one per log that took the statement in

/** Verifies a transparent statement's bytes against a policy (or null). */
export async function verifyTransparent(bytes, policy, pace) {
  const run = new Run('transparent statement', TRANSPARENT_PLAN, pace);
  const parts = await run.check('form', () => readForm(bytes));
  if (!parts) return run;
  const pinned = await run.check('issuer', () => judgeIssuer(parts, policy));
  await run.check('receipt', () => judgeReceipts(parts, pinned ?? new Map()));
  await run.check('statement signature', () => (
    undetermined('The actor’s public key is not in this file, so the statement’s own signature was not checked.')));
  const { entry, receipts } = parts;
  run.facts = { log: entry.record.log, env: entry.record.env, size: receipts[0].size, first: receipts[0].index, count: 1 };
  run.records = [recordRow(entry, null, unitRows(entry.record, entry.index, new Knowledge()))];
  return run;
}

function readForm(bytes) {
  if (bytes.length > TRANSPARENT_MAX_BYTES) throw new Malformed('transparent statement is larger than 4 MiB');
  const { statement, receipts: encoded } = splitTransparent(bytes);
  if (encoded.length > RECEIPTS_MAX) throw new Malformed(`more than ${RECEIPTS_MAX} receipts`);
  const receipts = encoded.map((one, at) => within(`receipt ${at + 1}`, () => parseReceipt(one)));
  const entry = parseEntry(statement, receipts[0].index);
  const value = { entry, receipts };
  const { record } = entry;
  const faults = judgeAgreement(value);
  if (faults.count === 0 && record.critical && !isKnown(record)) {
    return { ...undetermined(`The record is of critical type ${record.type}, which this verifier does not know. Use a newer one.`), value };
  }
  return faults.result(`${record.type} with ${counted(receipts.length, 'receipt')}.`, { value });
}

function judgeAgreement({ entry, receipts }) {
  const faults = new Faults();
  for (const receipt of receipts) {
    if (receipt.iss !== entry.record.log) faults.add('a receipt is of another log than the statement was made for');
    if (receipt.sub !== entry.record.record_id) faults.add('a receipt is for another record');
  }
  return faults;
}

/** Finds the pinned key of each receipt: the check's value is a Map from receipt to public key. */
function judgeIssuer({ receipts }, policy) {
  if (!policy) return undetermined('No trust file was given. A transparent statement carries no keys, so nothing can be checked without one.');
  const pinned = new Map();
  for (const receipt of receipts) {
    const key = pinsFor(policy, receipt.iss).log.find((pin) => keyIdOf(pin) === hex(receipt.kid));
    if (key) pinned.set(receipt, key);
  }
  if (pinned.size === 0) return undetermined('No receipt is by a log key that the trust file pins.');
  const value = pinned;
  if (policy.quorum !== 'none') {
    return { ...undetermined('The trust file asks for witnesses, and a transparent statement carries no cosignatures.'), value };
  }
  return { ...holds(`${counted(pinned.size, 'receipt')} by a log key that the trust file pins.`), value };
}

async function judgeReceipts({ entry, receipts }, pinned) {
  const faults = new Faults();
  for (const receipt of receipts) {
    const root = rootFromPath(entry.leaf, receipt.index, receipt.size, receipt.path);
    const key = pinned.get(receipt);
    if (!root) faults.add('the path of a receipt does not fit its tree');
    else if (key && !(await verifySignature(key, toBeSigned(receipt, root), receipt.signature))) {
      faults.add('a receipt does not verify: the log did not sign a tree with this statement');
    }
  }
  if (faults.count === 0 && pinned.size === 0) return undetermined('The key that signed is not known, so no receipt could be checked.');
  return faults.result(pinned.size === receipts.length ? `${counted(pinned.size, 'receipt')} verified.`
    : `${pinned.size} of ${receipts.length} receipts verified; the others are by logs that the trust file does not pin.`);
}
