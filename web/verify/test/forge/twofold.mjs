// Two faults in one package, one for each pair of checks: the first in the order of docs/formats.md §12 has to decide, and to decide alike.
import { makePackage } from './package.mjs';
import { jcs, keyFrom } from './primitives.mjs';
import { sampleLog } from './sample.mjs';

const SHOWN = 'disclosures/00000000.jsonl';
const ERASED = 'erasures.jsonl';

const firstLine = (name, change) => (files) => {
  const [line, ...rest] = files[name].split('\n');
  const value = JSON.parse(line);
  change(value);
  files[name] = [jcs(value), ...rest].join('\n');
};

// By the check that each belongs to; `log` changes the log before its last seal, `files` the package before it is signed.
const FAULTS = {
  'manifest malformed': { files: (files, manifest) => { manifest.scope += ' All is well.'; } },
  'files broken': { files: (files, manifest) => { manifest.files = []; } },
  'entries broken': { log: (log) => log.record('event.logged', { env: 'production' }) },
  'entries malformed': { log: (log) => log.append(Buffer.from('{"a":1}'), log.header('event.logged', { producer: log.producer })) },
  'entries undetermined': { log: (log) => log.record('robot.licensed', { critical: true }) },
  'tree malformed by its proof': { files: (files) => { files['proof.json'] = '{}'; } },
  'tree malformed by its checkpoint': { files: (files) => { files.checkpoint = files.checkpoint.replace('\n\n', '\n'); } },
  'tree broken': { files: (files) => { files.checkpoint = files.checkpoint.replace(/\n[A-Za-z]/, (letter) => (letter === '\nA' ? '\nB' : '\nA')); } },
  'keys broken': { files: (files, manifest) => { manifest.keys--; } },
  'checkpoint signature broken': { files: (files, manifest, log) => { files.checkpoint = log.checkpoint(log.entries.length, keyFrom('thief')); } },
  'seals broken': { seal: { root: '00'.repeat(32) } },
  'statements broken': { log: (log) => log.statement('approval.given', {}, keyFrom('x')) },
  'disclosures malformed': { files: firstLine(SHOWN, (line) => { line.disclosures = []; }) },
  'disclosures broken': { files: firstLine(SHOWN, (line) => { line.unit = 'f'.repeat(32); }) },
  'erasures malformed': { files: (files) => { files[ERASED] = files[ERASED].trimEnd(); } },
  'erasures broken': { files: firstLine(ERASED, (line) => { line.tombstone -= 1; }) },
  'numbers broken': { log: (log) => { log.header('event.logged', { producer: log.producer }); log.record('event.logged'); } },
  'period edges broken': { files: (files, manifest) => { manifest.period = { from: 5, to: 6 }; } },
  'totals broken': { files: (files, manifest) => { manifest.totals.units++; } },
};

function withBoth(one, other) {
  const { log } = sampleLog();
  for (const fault of [one, other]) fault.log?.(log);
  log.record('event.logged');
  log.seal({ ...one.seal, ...other.seal });
  const falsify = (files, manifest) => { for (const fault of [one, other]) fault.files?.(files, manifest, log); };
  return { trust: log.trust(), bytes: makePackage(log, { falsify }) };
}

/** Every pair, and each fault alone: [{family, name, bytes, trust}]. */
export function twofoldEvidence() {
  const names = Object.keys(FAULTS);
  return names.flatMap((one, at) => names.slice(at).map((other) => (
    { family: 'two faults', name: one === other ? one : `${one}, ${other}`, verdict: 'noticed', ...withBoth(FAULTS[one], one === other ? {} : FAULTS[other]) })));
}
