// Packages of a log in which a witness's alarm stands: open, lifted, lifted before it was raised, lifted by the wrong record, and beside the range.
import { idFrom, Log, unitOf } from './log.mjs';
import { packageFiles } from './package.mjs';
import { b64, jcs, zip } from './primitives.mjs';

function alarmed(lift = null) {
  const log = new Log().begin();
  log.seal();
  log.record('event.logged', { units: [unitOf('a', { message: 'one' })] });
  log.seal();
  const found = log.record('witness.conflict_found', { clear: { kind: 'rolled_back', proved: false, size: 40 } });
  log.seal();
  if (lift === null) return { log, found };
  log.record('witness.conflict_lifted', { clear: { conflict: lift === 'right' ? log.headers[found].record_id : idFrom('another') } });
  return { log: log.seal(), found };
}

/** A package whose proof brings along these entries too. */
function withExtra(log, options, indexes) {
  return zip(packageFiles(log, {
    ...options,
    falsify: (files) => {
      const proof = JSON.parse(files['proof.json']);
      for (const index of indexes) proof.extra.push({ entry: b64(log.entries[index]), index, path: log.path(index) });
      proof.extra.sort((a, b) => a.index - b.index);
      files['proof.json'] = jcs(proof);
    },
  }));
}

/** [{family, name, bytes, trust, verdict}] */
export function alarmedPackages() {
  const [open, lifted, wrong] = [alarmed(), alarmed('right'), alarmed('wrong')];
  const range = { first: open.log.seals[0] + 1, count: 2 };
  const lift = lifted.log.entries.length - 2;
  const trust = open.log.trust('root');
  const of = (name, bytes, verdict) => ({ family: 'alarms', name, bytes, trust, verdict });
  return [
    of('open', zip(packageFiles(open.log)), 'noticed'),
    of('lifted', zip(packageFiles(lifted.log)), 'holds'),
    of('lifted for another', zip(packageFiles(wrong.log)), 'noticed'),
    of('beside the range', withExtra(open.log, range, [open.found]), 'noticed'),
    of('beside the range, with what lifted it', withExtra(lifted.log, range, [lifted.found, lift]), 'holds'),
    of('lifted by nothing', withExtra(lifted.log, range, [lift]), 'holds'),
    of('something else beside the range', withExtra(open.log, { first: 0, count: range.first }, [range.first]), 'noticed'),
  ];
}
