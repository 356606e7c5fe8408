// Verifies a transparent statement: a statement with COSE Receipts (docs/formats.md §4, RFC 9942).
import { hex } from './bytes.js';
import { parseReceipt, splitTransparent, toBeSigned } from './cose.js';
import { Knowledge } from './disclosures.js';
import { parseEntry } from './entry.js';
import { keyIdOf, statementAgrees } from './keychain.js';
import { Malformed, within } from './malformed.js';
import { rootFromPath } from './merkle.js';
import { recordRow, unitRows } from './packagefacts.js';
import { TRANSPARENT_PLAN } from './plans.js';
import { pinsFor } from './policy.js';
import { Faults, holds, Run, undetermined } from './report.js';
import { isKnown } from './recordtypes.js';
import { verifySignature } from './webcrypto.js';

export const TRANSPARENT_MAX_BYTES = 4 * 1024 * 1024;
const RECEIPTS_MAX = 64; // one per log that took the statement in

/** Verifies a transparent statement's bytes against a policy (or null). */
export async function verifyTransparent(bytes, policy, pace) {
  const run = new Run('transparent statement', TRANSPARENT_PLAN, pace);
  const parts = await run.check('form', () => readForm(bytes));
  if (!parts) return run;
  await run.check('agreement', () => judgeAgreement(parts));
  await run.check('receipts', () => judgeReceipts(parts, policy));
  await run.check('statement', () => undetermined('The actor’s public key is not in this file, so the statement’s own signature was not checked.'));
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
  if (record.critical && !isKnown(record)) {
    return { ...undetermined(`The record is of critical type ${record.type}, which this verifier does not know. Use a newer one.`), value };
  }
  return { ...holds(`${record.type} with ${receipts.length} receipt${receipts.length === 1 ? '' : 's'}.`), value };
}

function judgeAgreement({ entry, receipts }) {
  const faults = new Faults();
  if (!statementAgrees(entry)) faults.add('the statement and its signature name different actors or records');
  for (const receipt of receipts) {
    if (receipt.iss !== entry.record.log) faults.add('a receipt is of another log than the statement was made for');
    if (receipt.sub !== entry.record.record_id) faults.add('a receipt is for another record');
  }
  return faults.result('Statement and receipts agree.');
}

async function judgeReceipts({ entry, receipts }, policy) {
  if (!policy) return undetermined('No trust file was given. A transparent statement carries no keys, so nothing can be checked without one.');
  const faults = new Faults();
  let held = 0;
  for (const receipt of receipts) {
    const key = pinsFor(policy, receipt.iss).log.find((pin) => keyIdOf(pin) === hex(receipt.kid));
    const root = rootFromPath(entry.leaf, receipt.index, receipt.size, receipt.path);
    if (!root) faults.add('the path of a receipt does not fit its tree');
    else if (key && !(await verifySignature(key, toBeSigned(receipt, root), receipt.signature))) {
      faults.add('a receipt does not verify: the log did not sign a tree with this statement');
    } else if (key) held++;
  }
  if (faults.count > 0) return faults.result('');
  if (held === 0) return undetermined('No receipt is by a log key that the trust file pins.');
  if (policy.quorum !== 'none') return undetermined('The trust file asks for witnesses, and a transparent statement carries no cosignatures.');
  return held === receipts.length ? holds(`${held} receipt${held === 1 ? '' : 's'} by logs you trust.`)
    : holds(`${held} of ${receipts.length} receipts are by logs you trust; the others were not checked.`);
}

