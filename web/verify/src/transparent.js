// Verifies a transparent statement: a statement with COSE Receipts (docs/formats.md §4, RFC 9942).
import { hex } from './bytes.js';
import { parseReceipt, placeOf, splitTransparent, toBeSigned } from './cose.js';
import { Knowledge } from './disclosures.js';
import { parseEntry } from './entry.js';
import { keyIdOf } from './keyid.js';
import { Malformed, within } from './malformed.js';
import { rootFromPath } from './merkle.js';
import { recordRow, unitRows } from './packagefacts.js';
import { TRANSPARENT_PLAN } from './plans.js';
import { pinsFor } from './policy.js';
import { broken, counted, holds, Run, undetermined } from './report.js';
import { isKeyRecord, isKnown } from './recordtypes.js';
import { isRegistered, verifyRegistered } from './registered.js';
import { verifySignature } from './webcrypto.js';

export const TRANSPARENT_MAX_BYTES = 4 * 1024 * 1024;
const RECEIPTS_MAX = 64; // one per log that took the statement in

/** Verifies a transparent statement's bytes against a policy (or null). */
export async function verifyTransparent(bytes, policy, pace, directory = null) {
  if (isRegistered(bytes)) return verifyRegistered(bytes, policy, pace);
  const run = new Run('transparent statement', TRANSPARENT_PLAN, pace);
  const parts = await run.check('form', () => readForm(bytes));
  if (!parts) return run;
  const { entry, receipts } = parts;
  const pinned = await run.check('issuer', () => judgeIssuer(parts, policy));
  await run.check('receipt', () => judgeReceipt(parts, pinned));
  if (run.find('receipt').outcome === 'holds') run.use(keyIdOf(pinned.key), 'log', 'receipt');
  const signer = await run.check('statement signature', () => judgeSignature(entry, policy, directory));
  if (signer) run.use(hex(entry.sign1.kid), signer, 'statement signature');
  const shown = pinned?.receipt ?? receipts.find((receipt) => receipt.iss === entry.record.log) ?? receipts[0];
  entry.index = shown.index;
  run.facts = { log: entry.record.log, env: entry.record.env, size: shown.size, first: shown.index, count: 1 };
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
  return { ...holds(`${record.type} with ${counted(receipts.length, 'receipt')}.`), value };
}

/**
 * Finds the receipt that decides: the first of the statement's own log under a pinned key. The header that holds receipts is
 * signed by nobody, so what others have added there must not turn a good statement into a broken one.
 */
function judgeIssuer({ entry, receipts }, policy) {
  if (!policy) return undetermined('No trust file was given. A transparent statement carries no keys, so nothing can be checked without one.');
  const pins = pinsFor(policy, entry.record.log).log;
  for (const receipt of receipts) {
    const key = pins.find((pin) => receipt.iss === entry.record.log && keyIdOf(pin) === hex(receipt.kid));
    if (!key) continue;
    const value = { receipt, key };
    if (policy.quorum === 'none') return { ...holds(`A receipt is by the log key of ${receipt.iss} that the trust file pins.`), value };
    return { ...undetermined('The trust file asks for witnesses, and a transparent statement carries no cosignatures.'), value };
  }
  return undetermined(`No receipt is by a log key that the trust file pins for ${entry.record.log}.`);
}

async function judgeReceipt({ entry, receipts }, pinned) {
  if (!receipts.some((receipt) => receipt.iss === entry.record.log)) return broken('No receipt is of the log that the statement was made for.');
  if (!pinned) return undetermined('The key that signed is not known, so no receipt could be checked.');
  const { receipt, key } = pinned;
  if (receipt.sub !== entry.record.record_id) return broken('The receipt is for another record.');
  const root = rootFromPath(entry.leaf, receipt.index, receipt.size, receipt.path);
  if (!root) return broken('The path of the receipt does not fit its tree.');
  if (!(await verifySignature(key, toBeSigned(receipt, root), receipt.signature))) {
    return broken('The receipt does not verify: the log did not sign a tree with this statement.');
  }
  const others = receipts.length - 1;
  return holds(`The entry at ${placeOf(receipt)}, signed by the log.${others > 0 ? ` ${counted(others, 'other receipt')} not checked.` : ''}`);
}

/** By the root for a key record, when the trust file pins it; for others by a key that the reader's directory holds. The value is the signer's purpose. */
async function judgeSignature(entry, policy, directory) {
  const roots = policy ? pinsFor(policy, entry.record.log).root : [];
  const root = isKeyRecord(entry.record) ? roots.find((pin) => keyIdOf(pin) === hex(entry.sign1.kid)) : undefined;
  const key = root ?? directory?.get(hex(entry.sign1.kid))?.public;
  if (!key) {
    return undetermined('The actor’s public key is not in this file, so the statement’s own signature was not checked.');
  }
  const good = await verifySignature(key, toBeSigned(entry.sign1, entry.sign1.payload), entry.sign1.signature);
  const whose = root ? 'the pinned root key' : 'the key that your key directory holds';
  return good ? { ...holds(`Signed by ${whose}.`), value: root ? 'root' : 'actor' } : broken('The signature of the statement does not verify.');
}
