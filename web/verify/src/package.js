// Verifies a package: the checks of docs/formats.md §12 in their order, each on values that earlier ones produced.
import { checkAlarms } from './alarms.js';
import { judgeAnchors } from './anchors.js';
import { boundsOfWitnesses, checkTimes } from './bounds.js';
import { equal, hex } from './bytes.js';
import { toBeSigned } from './cose.js';
import { Knowledge, erasureFault, isTombstoneOf, takeDisclosures } from './disclosures.js';
import { judgeCheckpoint, judgeIssuer } from './issuer.js';
import { ChainBroken, KeyChain, statementFault } from './keychain.js';
import { within } from './malformed.js';
import { anchorName, BUNDLE_ENTRIES, disclosuresName, parseDisclosureLines, parseErasureLines } from './manifest.js';
import { isIncluded, rootFromRange } from './merkle.js';
import { NumberLedger, sameSummaries } from './numbers.js';
import { packageFacts, packageRecords } from './packagefacts.js';
import { checkFiles, readContainer, readEntries, readManifest } from './packageparts.js';
import { ANCHORS_CHECK, PACKAGE_PLAN } from './plans.js';
import { isKeyRecord } from './recordtypes.js';
import { broken, counted, Faults, holds, Run } from './report.js';
import { checkShards } from './shards.js';
import { checkSourceSignatures } from './sourcekeys.js';
import { checkSources, sourceRows } from './sources.js';
import { edgeFault, judgeSeals, lastSealFault, periodFault } from './seals.js';
import { recount, totalsFault } from './totals.js';
import { parseDisclosure } from './unit.js';
import { verifySignature } from './webcrypto.js';

/** Verifies package bytes against a policy (or null). Gives the Run with checks, facts and records. */
export async function verifyPackage(bytes, policy, pace) {
  const run = new Run('package', PACKAGE_PLAN, pace);
  const pack = {};
  const steps = [
    readContainer, readManifest, checkFiles, readEntries, checkTree, foldKeys, checkManifestSignature, checkIssuer,
    checkCheckpoint, checkSeals, checkStatements, checkDisclosures, checkErasures, checkNumbers, checkPeriod, checkTotals,
    checkSources, checkSourceSignatures, checkOutsideClocks, checkAlarms, checkShards,
  ];
  for (const step of steps) {
    if (run.malformed || run.stopped) break;
    await step(run, pack, bytes, policy);
  }
  if (pack.manifest) run.facts = packageFacts(pack, policy);
  // Records are shown whatever the verdict, so that a reader sees what is claimed; the verdict stands above them.
  if (pack.entries && pack.knowledge) run.records = packageRecords(pack);
  return run;
}

/** What clocks outside the log say: the anchors of the package, and the witnesses of its checkpoint. */
async function checkOutsideClocks(run, pack, bytes, policy) {
  const { manifest, entries } = pack;
  let bounds = boundsOfWitnesses(pack.checkpoint, run.witnessed);
  if (pack.files.has(anchorName(0))) {
    run.add(ANCHORS_CHECK);
    bounds = [...await run.check('anchors', () => judgeAnchors(run, pack, policy?.anchors)) ?? [], ...bounds];
  }
  const seals = entries.filter((entry) => entry.kind === 'seal');
  pack.timeBounds = await checkTimes(run, bounds, manifest.first, manifest.first + manifest.count, seals);
}

async function checkTree(run, pack) {
  await run.check('tree', async () => {
    if (pack.unreadableProof) throw pack.unreadableProof;
    const { manifest, checkpoint, proof, entries, extra } = pack;
    const faults = new Faults();
    if (checkpoint.origin !== manifest.log) faults.add('the checkpoint is of another log than the manifest');
    if (checkpoint.size !== manifest.size) faults.add(`the checkpoint is of size ${checkpoint.size}, the manifest says ${manifest.size}`);
    const leaves = entries.map((entry) => entry.leaf);
    const root = await rootFromRange({ left: proof.left, leaves, right: proof.right, first: manifest.first, size: checkpoint.size }, run.pace);
    if (!root) faults.add('the proof has the wrong number of hashes for this range');
    else if (!equal(root, checkpoint.root)) faults.add('the entries do not give the root that the checkpoint holds');
    for (const entry of extra.values()) {
      const inside = entry.index >= manifest.first && entry.index < manifest.first + manifest.count;
      if (!inside && !isIncluded(entry.leaf, entry.index, checkpoint.size, entry.path, checkpoint.root)) {
        faults.add(`entry ${entry.index}, from outside the range, is not in the tree`);
      }
    }
    return faults.result(`Root ${hex(checkpoint.root)} at size ${checkpoint.size}.`);
  });
}

async function foldKeys(run, pack) {
  await run.check('keys', async () => {
    const { manifest, entries, extra } = pack;
    const known = [...extra.values(), ...entries].sort((a, b) => a.index - b.index);
    const chain = new KeyChain(true);
    const faults = new Faults();
    try {
      for (const entry of known) {
        if (entry.record?.stream === 'keys') await chain.apply(entry);
        else if (entry.index === 0) throw new ChainBroken('entry 0 is not the genesis');
        else if (entry.kind === 'seal' && entry.seal.keys !== chain.version) {
          faults.add(`seal ${entry.index} knows ${entry.seal.keys} key records, here are ${chain.version}`);
        }
      }
      if (chain.version === 0) throw new ChainBroken('the genesis, entry 0, is not there');
    } catch (error) {
      if (!(error instanceof ChainBroken)) throw error;
      run.stop();
      return broken(error.message);
    }
    if (chain.version !== manifest.keys) faults.add(`the manifest says ${manifest.keys} key records, here are ${chain.version}`);
    if (chain.genesis !== manifest.genesis) faults.add('the manifest names another genesis');
    if (chain.origin !== manifest.log || chain.env !== manifest.env || chain.tenant !== manifest.tenant) {
      faults.add('the genesis is of another log, environment or tenant than the manifest');
    }
    faults.add(lastSealFault(manifest, entries, extra));
    pack.chain = chain;
    pack.logKey = chain.inForce('log', manifest.size);
    // The newest time that is known here; manifest and checkpoint are not older.
    pack.newest = Math.max(...known.map((entry) => entry.seal?.committed_at ?? 0));
    run.use(chain.root.keyId, 'root', run.kind);
    return faults.result(`${counted(chain.version, 'key record')}, none left out; root key ${chain.root.keyId.slice(0, 16)}….`);
  });
}

async function checkManifestSignature(run, pack) {
  await run.check('manifest signature', async () => {
    const { chain, manifest, signature } = pack;
    const key = chain.inForce('package', manifest.size);
    if (!key) return broken('No package key was in force at the size of the checkpoint.');
    if (hex(signature.kid) !== key.keyId) return broken('The manifest is not signed by the package key in force.');
    const message = toBeSigned(signature, pack.files.get('manifest.json'));
    if (!(await verifySignature(key.publicKey, message, signature.signature))) {
      return broken('The signature of the manifest does not verify: manifest.json or manifest.cose was changed.');
    }
    run.use(key.keyId, 'package', 'manifest signature', pack.newest);
    return holds(`Signed by package key ${key.keyId.slice(0, 16)}….`);
  });
}

async function checkIssuer(run, pack, bytes, policy) {
  run.witnessed = await run.check('issuer', () => judgeIssuer(policy, pack.chain, pack.logKey, pack.checkpoint)) ?? null;
}

async function checkCheckpoint(run, pack) {
  await run.check('checkpoint signature', () => judgeCheckpoint(pack.logKey, pack.checkpoint));
  if (run.find('checkpoint signature').outcome === 'holds') run.use(pack.logKey.keyId, 'log', 'checkpoint signature', pack.newest);
}

async function checkSeals(run, pack) {
  await run.check('seals', async () => {
    const faults = new Faults();
    const { edges, seals } = await judgeSeals(run, pack, faults);
    pack.edges = edges;
    for (const { index, seal, sign1 } of pack.entries) if (seal) run.use(hex(sign1.kid), 'writer', `seal at entry ${index}`, seal.committed_at);
    return faults.result(`${counted(seals, 'batch', 'batches')}, closed by the writer key.`);
  });
}

async function checkStatements(run, pack) {
  await run.check('statements', async () => {
    const faults = new Faults();
    let seen = 0;
    const batches = pack.entries.filter((entry) => entry.seal);
    let batch = 0;
    for (const entry of pack.entries) {
      if (entry.kind !== 'statement') continue;
      seen++;
      const fault = await statementFault(pack.chain, entry);
      faults.add(fault);
      while (batches[batch]?.index < entry.index) batch++;
      if (fault === null && !isKeyRecord(entry.record)) {
        run.use(hex(entry.sign1.kid), 'actor', `statement at entry ${entry.index}`, batches[batch]?.seal.committed_at);
      }
      await run.pace.breathe(entry.index - pack.manifest.first, pack.manifest.count);
    }
    return faults.result(seen === 0 ? 'No signed statements in the range.' : `${counted(seen, 'signed statement')}.`);
  });
}

const entryAt = (pack, index) => pack.entries[index - pack.manifest.first] ?? pack.extra.get(index);

async function checkDisclosures(run, pack) {
  await run.check('disclosures', async () => {
    const faults = new Faults();
    const knowledge = new Knowledge();
    let lines = 0;
    for (let number = 0; number < pack.bundles; number++) {
      const name = disclosuresName(number);
      if (!pack.files.has(name)) continue;
      const start = pack.manifest.first + number * BUNDLE_ENTRIES;
      for (const line of parseDisclosureLines(pack.files.get(name), name)) {
        lines++;
        if (line.index < start || line.index >= start + BUNDLE_ENTRIES) {
          faults.add(`${name} speaks of entry ${line.index}, which is not in its bundle`);
        }
        within(name, () => takeDisclosures(line.disclosures, pack.entries[line.index - pack.manifest.first], line.unit, knowledge, faults));
        await run.pace.breathe(line.index - pack.manifest.first, pack.manifest.count);
      }
    }
    pack.knowledge = knowledge;
    return faults.result(lines === 0 ? 'Nothing is disclosed.' : `${counted(lines, 'unit')} with disclosed fields.`);
  });
}

async function checkErasures(run, pack) {
  await run.check('erasures', async () => {
    const faults = new Faults();
    const lines = parseErasureLines(pack.files.get('erasures.jsonl'));
    for (const line of lines) {
      const field = within('erasures.jsonl', () => parseDisclosure(line.disclosure));
      const tombstone = entryAt(pack, line.tombstone);
      const fault = erasureFault(line, pack.entries[line.index - pack.manifest.first], tombstone);
      if (fault) faults.add(fault);
      else if (!isTombstoneOf(field, line.unit, tombstone)) {
        faults.add(`the tombstone ${line.tombstone} does not prove that unit ${line.unit} was erased`);
      } else {
        faults.add(pack.knowledge.erase(line.index, line.unit));
        pack.knowledge.showTombstone(tombstone, field);
      }
      await run.pace.breathe();
    }
    return faults.result(lines.length === 0 ? 'No erased units in the range.' : `${counted(lines.length, 'erased unit')}, proved by tombstone.`);
  });
}

async function checkNumbers(run, pack) {
  await run.check('numbers', async () => {
    const faults = new Faults();
    const ledger = new NumberLedger(faults, pack.manifest.first === 0);
    for (const entry of pack.entries) {
      if (entry.record) ledger.observe(entry.record, entry.index);
      await run.pace.breathe(entry.index - pack.manifest.first, pack.manifest.count);
    }
    pack.epochs = ledger.finish();
    const open = pack.epochs.filter((epoch) => !epoch.closed).length;
    const note = open === 0 ? '' : ` ${open} of ${counted(pack.epochs.length, 'epoch')} still open: what the producers did later is unknown.`;
    return faults.result(`No number is missing or repeated.${note}`);
  });
}

async function checkPeriod(run, pack) {
  await run.check('period edges', () => {
    const { manifest, entries, edges } = pack;
    const ends = manifest.first + manifest.count === manifest.size;
    const asOf = ends ? ` As of size ${manifest.size}; later batches are not spoken of.` : '';
    const open = edgeFault(manifest, entries, edges);
    if (open) return broken(open);
    if (!manifest.period) return holds(`No period is claimed, only the range of entries.${asOf}`);
    const fault = periodFault(manifest, entries, edges);
    return fault ? broken(fault) : holds(`Every batch of the period is here and no other.${asOf}`);
  });
}

async function checkTotals(run, pack) {
  await run.check('totals', () => {
    pack.recount = recount(pack.entries, pack.knowledge);
    const fault = totalsFault(pack.manifest, pack.recount)
      ?? (sameSummaries(pack.epochs, pack.manifest.epochs) ? null : 'the manifest says of the epochs what the records do not')
      ?? (sameSummaries(sourceRows(pack.entries, pack.manifest.first === 0), pack.manifest.sources ?? []) ? null
        : 'the manifest says of the sources what the records do not');
    return fault ? broken(fault) : holds(`${counted(pack.recount.totals.units, 'unit')}: `
      + `${pack.recount.totals.shown} shown, ${pack.recount.totals.withheld} withheld, ${pack.recount.totals.erased} erased.`);
  });
}
