// Verifies a receipt: a C2SP tlog-proof whose extra line carries the entry, its seal and its keys (docs/formats.md §9).
import { NotChecked } from './anchor/finding.js';
import { boundsOfWitnesses, checkTimes } from './bounds.js';
import { hex } from './bytes.js';
import { Knowledge, parseDisclosures, takeDisclosures } from './disclosures.js';
import { parseEntry } from './entry.js';
import { judgeCheckpoint, judgeIssuer } from './issuer.js';
import { parseJcs } from './jcs.js';
import { ChainBroken, KeyChain, sealFault, statementFault } from './keychain.js';
import { Malformed, within } from './malformed.js';
import { isIncluded, leafHash } from './merkle.js';
import { verifierKeyText } from './note.js';
import { recordRow, unitRows } from './packagefacts.js';
import { ANCHORS_CHECK, RECEIPT_PLAN } from './plans.js';
import { judgeReceiptAnchors, readAnchors } from './receiptanchors.js';
import { isKnown } from './recordtypes.js';
import { broken, counted, Faults, holds, Run, undetermined } from './report.js';
import * as shape from './shape.js';
import { checkSourceSignature } from './sourcekeys.js';
import { parseTlogProof } from './tlogproof.js';

export const RECEIPT_MAX_BYTES = 4 * 1024 * 1024;
const KEY_RECORDS_MAX = 256;

const hashes = shape.listOf(shape.hashBytes);
const EXTRA = shape.closed({
  'anchors?': readAnchors,
  disclosures: shape.listOf(shape.string),
  entry: shape.entry,
  format: shape.exactly('tabellion.receipt/1'),
  keys: (value) => shape.ascending(shape.listOf(shape.closed({
    entry: shape.entry, index: shape.count, path: hashes,
  }), 1, KEY_RECORDS_MAX)(value), (one) => one.index, 'key records'),
  'seal?': shape.closed({ batch_path: hashes, entry: shape.entry, index: shape.count, path: hashes }),
});

/** Reads a receipt but for its key records, which are read where they are judged: their hashes come first. */
export function parseReceiptFile(bytes) {
  if (bytes.length > RECEIPT_MAX_BYTES) throw new Malformed('receipt is larger than 4 MiB');
  const proof = parseTlogProof(bytes);
  if (proof.extra === null) throw new Malformed('receipt has no extra line');
  const extra = within('extra', () => EXTRA(parseJcs(proof.extra)));
  const { index, path, checkpoint } = proof;
  within('checkpoint', () => shape.origin(checkpoint.origin));
  const entry = parseEntry(extra.entry, index);
  return { index, path, checkpoint, extra, entry, seal: readSeal(entry, extra.seal) };
}

/** The seal of an entry; a seal is its own, everything else needs one. */
function readSeal(entry, given) {
  if ((entry.kind === 'seal') !== (given === undefined)) {
    throw new Malformed(entry.kind === 'seal' ? 'receipt of a seal holds a second seal' : 'receipt holds no seal');
  }
  if (!given) return entry;
  const seal = parseEntry(given.entry, given.index);
  if (seal.kind !== 'seal') throw new Malformed('the seal of the receipt is no seal');
  return seal;
}

/** Where evidence of anchors cannot be read. */
async function leftToOthers() {
  throw new NotChecked('it is not read here; tabellion verify and verify.html read it');
}

/** Verifies receipt bytes against a policy (or null). Who is to read evidence of anchors, too, gives `checkEvidence` of anchor/evidence.js. */
export async function verifyReceipt(bytes, policy, pace, checkEvidence = leftToOthers) {
  const run = new Run('receipt', RECEIPT_PLAN, pace);
  const receipt = await run.check('form', () => {
    const value = parseReceiptFile(bytes);
    return { ...holds(`A receipt of entry ${value.index} with ${counted(value.extra.keys.length, 'key record')}.`), value };
  });
  if (!receipt) return run;
  await run.check('entry', () => judgeEntry(receipt));
  await run.check('inclusion', () => judgeInclusion(receipt));
  const chain = await run.check('keys', () => judgeKeys(run, receipt));
  const logKey = chain?.inForce('log', receipt.checkpoint.size);
  run.witnessed = await run.check('issuer', () => judgeIssuer(policy, chain, logKey, receipt.checkpoint)) ?? null;
  await run.check('checkpoint signature', () => judgeCheckpoint(logKey, receipt.checkpoint));
  await run.check('seal', () => judgeSeal(receipt, chain));
  run.find('statement').required = receipt.entry.kind === 'statement';
  await run.check('statement', () => judgeStatement(receipt, chain));
  if (chain) noteKeys(run, receipt, chain, logKey);
  const knowledge = new Knowledge();
  await run.check('disclosures', () => judgeDisclosures(receipt, knowledge));
  if (chain) await checkSourceSignature(run, receipt.entry);
  run.facts = receiptFacts(receipt, chain);
  const bounds = chain ? [...await anchorsOf(run, receipt, policy, checkEvidence), ...boundsOfWitnesses(receipt.checkpoint, run.witnessed)] : [];
  if (chain) run.facts.levels = levelsOf(run);
  const timeBounds = await checkTimes(run, bounds, receipt.index, receipt.index + 1, [receipt.seal]);
  if (timeBounds) run.facts.time_bounds = timeBounds;
  if (receipt.entry.record) {
    const { record, index } = receipt.entry;
    run.records = [recordRow(receipt.entry, receipt.seal.seal.committed_at, unitRows(record, index, knowledge))];
  }
  return run;
}

/** What the anchors in the receipt say of its checkpoint. */
async function anchorsOf(run, { extra, checkpoint }, policy, checkEvidence) {
  if (!extra.anchors) return [];
  run.add(ANCHORS_CHECK);
  return await run.check('anchors', () => judgeReceiptAnchors(extra.anchors, checkpoint, policy?.anchors, checkEvidence)) ?? [];
}

const INCLUDED = ['form', 'entry', 'inclusion', 'keys', 'issuer', 'checkpoint signature', 'seal'];

/** How far the evidence inside the file goes for this reader (docs/formats.md §9.2). */
function levelsOf(run) {
  const isGood = (name) => run.find(name)?.outcome === 'holds';
  if (!INCLUDED.every(isGood)) return [];
  return ['included', ...(run.witnessed ? ['witnessed'] : []), ...(isGood('anchors') ? ['anchored'] : [])];
}

/** The environment that the receipt's genesis names, as far as it can be read; whether it is the log's is for the key checks. */
function genesisEnvironment([first]) {
  if (first.index !== 0) return null;
  try {
    return parseEntry(first.entry, 0).record?.env ?? null;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return null;
  }
}

function judgeEntry({ entry, extra, checkpoint }) {
  const { record } = entry;
  if ((record?.log ?? entry.seal.log) !== checkpoint.origin) return broken(`entry ${entry.index} is of another log than the checkpoint`);
  const env = genesisEnvironment(extra.keys);
  if (record && env !== null && record.env !== env) return broken(`entry ${entry.index} is of environment ${record.env}, the log is a ${env} log`);
  if (record?.critical && !isKnown(record)) {
    const what = `critical type ${record.type}, version ${record.type_version}`;
    return undetermined(`The record is of ${what}, which this verifier does not know. Use a newer one.`);
  }
  return holds(`${record ? record.type : 'A seal'}, entry ${entry.index} of ${checkpoint.origin}.`);
}

function judgeInclusion({ entry, path, extra, checkpoint }) {
  const faults = new Faults();
  const { size, root } = checkpoint;
  const parts = [
    { what: 'entry', index: entry.index, leaf: entry.leaf, path },
    ...extra.keys.map((key) => ({ what: 'key record', index: key.index, leaf: leafHash(key.entry), path: key.path })),
    ...(extra.seal ? [{ what: 'seal', index: extra.seal.index, leaf: leafHash(extra.seal.entry), path: extra.seal.path }] : []),
  ];
  for (const part of parts) {
    if (!isIncluded(part.leaf, part.index, size, part.path, root)) faults.add(`${part.what} ${part.index} is not in the tree of the checkpoint`);
  }
  return faults.result(`Root ${hex(root)} at size ${size}.`);
}

async function judgeKeys(run, { extra, checkpoint }) {
  const keys = extra.keys.map((item) => parseEntry(item.entry, item.index));
  const chain = new KeyChain(false);
  const faults = new Faults();
  try {
    for (const key of keys) await chain.apply(key);
  } catch (error) {
    if (!(error instanceof ChainBroken)) throw error;
    run.stop();
    return broken(error.message);
  }
  if (chain.origin !== checkpoint.origin) faults.add('the genesis is of another log than the checkpoint');
  return faults.result(`${counted(keys.length, 'key record')}; root key ${chain.root.keyId.slice(0, 16)}….`, { value: chain });
}

async function judgeSeal({ entry, seal: sealed, extra, checkpoint }, chain) {
  const faults = new Faults();
  const facts = sealed.seal;
  if (facts.log !== checkpoint.origin) faults.add(`seal ${sealed.index} is of another log than the checkpoint`);
  if (facts.first + facts.count !== sealed.index) faults.add(`seal ${sealed.index} does not stand after its own entries`);
  if (extra.seal) {
    const place = entry.index - facts.first;
    const inBatch = place >= 0 && isIncluded(entry.leaf, place, facts.count, extra.seal.batch_path, facts.root);
    if (!inBatch) faults.add(`seal ${sealed.index} did not close a batch with entry ${entry.index}`);
  }
  faults.add(await sealFault(chain, sealed));
  return faults.result(`Batch of entries ${facts.first} to ${sealed.index}, closed by the writer key.`);
}

async function judgeStatement({ entry }, chain) {
  if (entry.kind !== 'statement') return { outcome: 'not run', detail: 'The entry is not signed by its actor; the seal attributes it to the log’s writer.' };
  const signer = hex(entry.sign1.kid);
  if (signer !== chain.root.keyId && !chain.find(signer)) {
    return undetermined('The receipt does not hold the key of the statement’s actor; a package does.');
  }
  const fault = await statementFault(chain, entry);
  return fault ? broken(fault) : holds(`Signed by ${entry.record.actor}.`);
}

function judgeDisclosures({ entry, extra: { disclosures } }, knowledge) {
  const faults = new Faults();
  const fields = parseDisclosures(disclosures);
  disclosures.forEach((encoded, at) => takeFromAnyUnit(encoded, fields[at].digest, entry, knowledge, faults));
  return faults.result(disclosures.length === 0 ? 'Nothing is disclosed.' : `${counted(disclosures.length, 'disclosed field')}.`);
}

/** A receipt's disclosures do not name their unit: the digest does. */
function takeFromAnyUnit(encoded, digest, entry, knowledge, faults) {
  const unit = entry.record?.units.find((one) => one.digests.includes(digest));
  if (!unit) faults.add(`a disclosed field of entry ${entry.index} is not what was sealed`);
  else takeDisclosures([encoded], entry, unit.id, knowledge, faults);
}

/** Notes the keys that made the signatures which hold, all at the time of the batch. */
function noteKeys(run, { entry, seal }, chain, logKey) {
  const at = seal.seal.committed_at;
  const isGood = (name) => run.find(name).outcome === 'holds';
  run.use(chain.root.keyId, 'root', run.kind);
  if (isGood('checkpoint signature')) run.use(logKey.keyId, 'log', 'checkpoint signature', at);
  if (isGood('seal')) run.use(hex(seal.sign1.kid), 'writer', `seal at entry ${seal.index}`, at);
  if (!isGood('statement')) return;
  const signer = hex(entry.sign1.kid);
  run.use(signer, signer === chain.root.keyId ? 'root' : 'actor', `statement at entry ${entry.index}`, at);
}

function receiptFacts({ entry, seal, checkpoint }, chain) {
  return {
    log: checkpoint.origin, size: checkpoint.size, first: entry.index, count: 1, root: hex(checkpoint.root),
    committed: { from: seal.seal.committed_at, to: seal.seal.committed_at },
    ...(chain ? {
      env: chain.env, tenant: chain.tenant, genesis: chain.genesis, root_key: verifierKeyText(`${chain.origin}/root`, chain.root.publicKey),
    } : {}),
  };
}
