// Verifies a statement that somebody else signed and the log registered (docs/formats.md §4.1): its receipts carry the entry that names it.
import { hex } from './bytes.js';
import { parseRegistration, placeOf, splitRegistered, toBeSigned } from './cose.js';
import { Knowledge } from './disclosures.js';
import { parseEntry } from './entry.js';
import { keyIdOf } from './keyid.js';
import { Malformed, within } from './malformed.js';
import { rootFromPath } from './merkle.js';
import { recordRow, unitRows } from './packagefacts.js';
import { TRANSPARENT_PLAN } from './plans.js';
import { pinsFor } from './policy.js';
import { isKnown } from './recordtypes.js';
import { broken, counted, holds, Run, undetermined } from './report.js';
import { sha256 } from './sha256.js';
import { verifySignature } from './webcrypto.js';

const REGISTERED = 'statement.registered';

/** Whether these bytes are of this form: told by the first receipt, which carries an entry. */
export function isRegistered(bytes) {
  try {
    parseRegistration(splitRegistered(bytes).receipts[0]);
    return true;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** Verifies such a statement's bytes against a policy (or null). */
export async function verifyRegistered(bytes, policy, pace) {
  const run = new Run('transparent statement', TRANSPARENT_PLAN, pace);
  const parts = await run.check('form', () => readForm(bytes));
  if (!parts) return run;
  const pinned = await run.check('issuer', () => judgeIssuer(parts, policy));
  await run.check('receipt', () => judgeReceipt(parts, pinned));
  if (run.find('receipt').outcome === 'holds') run.use(keyIdOf(pinned.key), 'log', 'receipt');
  await run.check('statement signature', () => undetermined(
    `The issuer’s public key ${parts.first.entry.record.facts.issuer_key} is not in this file, so the statement’s own signature was not checked here.`,
  ));
  const { entry, receipt } = pinned ?? parts.first;
  entry.index = receipt.index;
  run.facts = { log: entry.record.log, env: entry.record.env, size: receipt.size, first: receipt.index, count: 1 };
  run.records = [recordRow(entry, null, unitRows(entry.record, entry.index, new Knowledge()))];
  return run;
}

function readForm(bytes) {
  const { statement, receipts } = splitRegistered(bytes);
  const registrations = receipts.map((one, at) => within(`receipt ${at + 1}`, () => {
    const { receipt, entry: encoded } = parseRegistration(one);
    const entry = parseEntry(encoded, receipt.index);
    if (entry.kind !== 'record' || entry.record.type !== REGISTERED || !isKnown(entry.record)) {
      throw new Malformed('carries an entry that registers no statement');
    }
    return { receipt, entry };
  }));
  const [first] = registrations;
  const { log } = first.entry.record;
  const own = registrations.filter(({ receipt, entry }) => receipt.iss === log && entry.record.log === log);
  const value = { digest: hex(sha256(statement)), first, log, own };
  return { ...holds(`A statement of somebody else, registered in ${log}, with ${counted(registrations.length, 'receipt')}.`), value };
}

function judgeIssuer({ log, own }, policy) {
  if (!policy) return undetermined('No trust file was given. A transparent statement carries no keys, so nothing can be checked without one.');
  const pins = pinsFor(policy, log).log;
  for (const one of own) {
    const key = pins.find((pin) => keyIdOf(pin) === hex(one.receipt.kid));
    if (!key) continue;
    const value = { ...one, key };
    if (policy.quorum === 'none') return { ...holds(`A receipt is by the log key of ${log} that the trust file pins.`), value };
    return { ...undetermined('The trust file asks for witnesses, and a transparent statement carries no cosignatures.'), value };
  }
  return undetermined(`No receipt is by a log key that the trust file pins for ${log}.`);
}

async function judgeReceipt({ digest, own }, pinned) {
  if (own.length === 0) return broken('No receipt is of the log of the entry that it carries.');
  if (!pinned) return undetermined('The key that signed is not known, so no receipt could be checked.');
  const { receipt, entry, key } = pinned;
  if (entry.record.facts.statement_sha256 !== digest) return broken('The entry registers another statement: this one was changed, or the receipt is not its own.');
  if (receipt.sub !== entry.record.record_id) return broken('The receipt is for another record than the one that it carries.');
  const root = rootFromPath(entry.leaf, receipt.index, receipt.size, receipt.path);
  if (!root) return broken('The path of the receipt does not fit its tree.');
  if (!(await verifySignature(key, toBeSigned(receipt, root), receipt.signature))) {
    return broken('The receipt does not verify: the log did not sign a tree with this entry.');
  }
  return holds(`The entry at ${placeOf(receipt)} registers this statement, signed by the log.`);
}
