// Verifies a verification run: what the holder of a log's package key found when it verified many entries at once (docs/formats.md §12.3).
// Promise: nothing the run says of itself is believed; what it found is shown as its signer's word, because the entries are not in the file.
import { hex, fromBase64, text, utf8 } from './bytes.js';
import { parseRunSignature, toBeSigned } from './cose.js';
import { parseEntry } from './entry.js';
import { judgeCheckpoint, judgeIssuer } from './issuer.js';
import { parseJcs, toJcs } from './jcs.js';
import { ChainBroken, KeyChain } from './keychain.js';
import { Malformed, within } from './malformed.js';
import { isIncluded, leafHash } from './merkle.js';
import { parseCheckpoint } from './note.js';
import { RUN_PLAN } from './plans.js';
import { broken, counted, holds, Run, undetermined } from './report.js';
import * as shape from './shape.js';
import { verifySignature } from './webcrypto.js';

const FORMAT = 'tabellion.verification-run/1';
export const RUN_FIRST_LINE = `${FORMAT}\n`;
const ENTRIES_MAX = 50_000;
const BYTES_MAX = 48 * 1024 * 1024;
const CHECKPOINT_BYTES_MAX = 512 * 1024;
const DETAIL_BYTES_MAX = 300;
const NEWLINE = 0x0a;
const NAMES = ['content', 'inclusion', 'signature', 'time'];

const standing = shape.oneOf('holds', 'broken', 'not checked');
const detail = (value) => {
  if (shape.string(value) === '' || utf8(value).length > DETAIL_BYTES_MAX) throw new Malformed(`expected text of 1 to ${DETAIL_BYTES_MAX} bytes`);
  return value;
};
const VERDICT = shape.closed({
  asked: shape.matching(/^[0-9a-fA-F]{1,32}$/, 'an index or a record’s id'), content: standing, 'detail?': detail, inclusion: standing, 'index?': shape.count,
  'leaf?': shape.hash, signature: standing, time: standing,
});
const RUN = shape.closed({
  asked: shape.count,
  cap: shape.exactly(ENTRIES_MAX),
  checkpoint: shape.string,
  end: shape.oneOf('completed', 'cancelled'),
  ended_at: shape.time,
  env: shape.environment,
  format: shape.exactly(FORMAT),
  keys: (value) => shape.ascending(shape.listOf(shape.closed({
    entry: shape.entry, index: shape.count, path: shape.listOf(shape.hashBytes),
  }))(value), (one) => one.index, 'key records'),
  log: shape.origin,
  reached: shape.count,
  software: shape.string,
  started_at: shape.time,
  totals: (value) => value,
  truncated: shape.boolean,
  verdicts: shape.listOf(parseVerdict, 0, ENTRIES_MAX),
});

function parseVerdict(value) {
  const verdict = VERDICT(value);
  if ((verdict.index === undefined) !== (verdict.leaf === undefined)) throw new Malformed('a verdict has an index or a leaf hash, and not both');
  if (verdict.index === undefined && NAMES.some((name) => verdict[name] === 'holds')) throw new Malformed('a verdict holds of an entry that it does not name');
  return verdict;
}

function totalsOf(verdicts) {
  const totals = Object.fromEntries(NAMES.map((name) => [name, { broken: 0, holds: 0, not_checked: 0 }]));
  for (const verdict of verdicts) for (const name of NAMES) totals[name][verdict[name].replace(' ', '_')]++;
  return totals;
}

/** Refuses numbers that are not those of its own verdicts. */
function checkNumbers(run) {
  const { asked, reached, verdicts, truncated, end } = run;
  const due = Math.min(asked, ENTRIES_MAX);
  const fits = reached === verdicts.length && truncated === asked > ENTRIES_MAX && toJcs(run.totals) === toJcs(totalsOf(verdicts))
    && (reached === due || (end === 'cancelled' && reached < due));
  if (!fits || run.ended_at < run.started_at) throw new Malformed('what it says of its own numbers and times does not agree with its verdicts');
}

/** Reads a file: {run, signed, signature, checkpoint}. */
function parseRun(bytes) {
  if (bytes.length > BYTES_MAX) throw new Malformed('verification run is larger than 48 MiB');
  const start = utf8(RUN_FIRST_LINE).length;
  const end = bytes.indexOf(NEWLINE, start);
  if (end < 0 || bytes.length < end + 2 || bytes.at(-1) !== NEWLINE) throw new Malformed('verification run is not of three lines');
  const signed = bytes.subarray(start, end);
  const signature = within('signature', () => parseRunSignature(fromBase64(text(bytes.subarray(end + 1, -1)))));
  const run = RUN(parseJcs(signed));
  checkNumbers(run);
  const note = utf8(run.checkpoint);
  if (note.length > CHECKPOINT_BYTES_MAX) throw new Malformed('checkpoint is larger than 512 KiB');
  return { run, signed, signature, checkpoint: within('checkpoint', () => parseCheckpoint(note)) };
}

/** Verifies a verification run's bytes against a policy (or null). */
export async function verifyRun(bytes, policy, pace) {
  const report = new Run('verification run', RUN_PLAN, pace);
  const file = await report.check('form', () => {
    const value = parseRun(bytes);
    return { ...holds(`A run over ${counted(value.run.verdicts.length, 'entry', 'entries')} of ${value.run.log}.`), value };
  });
  if (!file) return report;
  const { run, signed, signature, checkpoint } = file;
  report.facts = runFacts(run, checkpoint);
  await report.check('verdicts', () => judgeVerdicts(run, checkpoint.size));
  const chain = await report.check('keys', () => judgeKeys(report, file));
  if (!chain) return report;
  report.use(chain.root.keyId, 'root', report.kind);
  const logKey = chain.inForce('log', checkpoint.size);
  report.witnessed = await report.check('issuer', () => judgeIssuer(policy, chain, logKey, checkpoint)) ?? null;
  await report.check('checkpoint signature', () => judgeCheckpoint(logKey, checkpoint));
  if (report.find('checkpoint signature').outcome === 'holds') report.use(logKey.keyId, 'log', 'checkpoint signature', run.ended_at);
  await report.check('run signature', () => judgeSignature(report, chain, file, signed, signature));
  return report;
}

async function judgeSignature(report, chain, { run, checkpoint }, signed, signature) {
  const key = chain.inForce('package', checkpoint.size);
  if (!key) return broken('No package key was in force at the size of the checkpoint.');
  if (hex(signature.kid) !== key.keyId) return broken('The run is not signed by the package key in force.');
  if (!(await verifySignature(key.publicKey, toBeSigned(signature, signed), signature.signature))) {
    return broken('The signature of the run does not verify: a verdict, or what was asked for or left out, was changed.');
  }
  report.use(key.keyId, 'package', 'run signature', run.ended_at);
  return holds(`Signed by package key ${key.keyId.slice(0, 16)}….`);
}

/** The chain of key records, each of which has to stand in the checkpoint's tree; its value. One that cannot be read is broken: a run has one form, and it was read. */
async function judgeKeys(report, { run, checkpoint }) {
  const refused = (why) => {
    report.stop();
    return broken(why);
  };
  if (checkpoint.origin !== run.log) return refused(`The checkpoint is of ${checkpoint.origin}, the run of ${run.log}.`);
  for (const { entry, index, path } of run.keys) {
    if (!isIncluded(leafHash(entry), index, checkpoint.size, path, checkpoint.root)) return refused(`Key record ${index} is not in the tree of the checkpoint.`);
  }
  if (run.keys[0]?.index !== 0) return refused('Entry 0, the genesis, is not here.');
  const chain = new KeyChain(true);
  try {
    for (const { entry, index } of run.keys) await chain.apply(parseEntry(entry, index));
  } catch (error) {
    if (!(error instanceof ChainBroken) && !(error instanceof Malformed)) throw error;
    return refused(error.message);
  }
  if (chain.origin !== run.log || chain.env !== run.env) return refused(`The genesis is of ${chain.origin} (${chain.env}), the run says otherwise.`);
  return { ...holds(`${counted(run.keys.length, 'key record')}; root key ${chain.root.keyId.slice(0, 16)}….`), value: chain };
}

function judgeVerdicts({ verdicts, asked, reached, end, truncated }, size) {
  const beyond = verdicts.find((one) => one.index >= size);
  if (beyond) return broken(`${beyond.asked} is said to stand beyond the checkpoint's ${size} entries`);
  const wrong = verdicts.filter((one) => NAMES.some((name) => one[name] === 'broken'));
  if (wrong.length > 0) return broken(`${wrong.length} entries are broken, the first of them ${wrong[0].asked}: ${wrong[0].detail ?? ''}`);
  const open = verdicts.filter((one) => one.signature !== 'holds' || one.inclusion !== 'holds').length;
  if (end === 'cancelled' || truncated || open > 0 || reached === 0) {
    const why = truncated ? 'more were asked for than a run takes' : end;
    return undetermined(`${reached} of ${asked} were reached (${why}), and of ${open} of these signature or place were not checked; nothing is broken`);
  }
  return holds(`all ${reached} entries: signature and place hold, nothing is broken`);
}

function runFacts({ log, env, asked, reached, end, truncated, totals, software, ended_at: ended }, { size }) {
  return { log, env, tree_size: size, asked, reached, end, truncated, verdicts: totals, software, ended };
}
