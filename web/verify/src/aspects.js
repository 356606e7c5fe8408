// Four aspects of evidence that stay apart (docs/formats.md §12.1): signature, ledger inclusion, time, live source. Each holds, is broken or was
// not checked. Promise: what was not looked at, or could not be decided, is never fine; a fault in any check breaks one of the first three.

const NOT_CHECKED = 'not checked';
const CLOCK = 'the commit time is the clock of the log’s own writer, and no clock outside the log vouches for it';

// The checks that an aspect rests on, by kind of file.
const RESTS_ON = {
  package: {
    signature: [
      'container', 'manifest', 'files', 'keys', 'manifest signature', 'issuer', 'checkpoint signature', 'seals', 'statements', 'source signatures',
      'key directory',
    ],
    inclusion: ['entries', 'tree', 'issuer', 'checkpoint signature', 'seals', 'disclosures', 'erasures', 'numbers', 'period edges', 'totals', 'alarms',
      'shards'],
    time: ['issuer', 'checkpoint signature', 'seals', 'time bounds'],
  },
  receipt: {
    signature: ['form', 'keys', 'issuer', 'checkpoint signature', 'seal', 'statement', 'source signature', 'key directory'],
    inclusion: ['entry', 'inclusion', 'issuer', 'checkpoint signature', 'seal', 'disclosures'],
    time: ['issuer', 'checkpoint signature', 'seal', 'time bounds'],
  },
  'verification run': {
    signature: ['form', 'keys', 'issuer', 'checkpoint signature', 'run signature', 'key directory'],
    inclusion: ['form', 'keys', 'issuer', 'checkpoint signature', 'verdicts'],
    time: ['issuer', 'checkpoint signature'],
  },
  'transparent statement': {
    signature: ['form', 'issuer', 'receipt', 'statement signature', 'key directory'],
    inclusion: ['form', 'issuer', 'receipt'],
    time: [],
  },
};

// Of a receipt for an entry that its actor, or its source, did not sign.
const SIGNED_OR_NOT = ['statement', 'source signature'];
/** Where an entry is not signed, that is no part of the aspect; elsewhere every check is. */
const partsOf = (run, names) => run.checks.filter((check) => names.includes(check.name) && (check.required || !SIGNED_OR_NOT.includes(check.name)));

function fromChecks(run, aspect, names, yes) {
  const parts = partsOf(run, names);
  const open = parts.filter((check) => check.outcome !== 'holds').map((check) => check.name).join(', ');
  const restsOn = parts.map((check) => check.name);
  if (open === '') return { aspect, outcome: 'holds', answer: yes, restsOn };
  if (parts.some((check) => check.outcome === 'broken' || check.outcome === 'malformed')) {
    return { aspect, outcome: 'broken', answer: `Not shown: see ${open}.`, restsOn };
  }
  return { aspect, outcome: NOT_CHECKED, answer: `Something it rests on could not be decided: see ${open}.`, restsOn };
}

const SECONDS_MAX = 8.64e12; // what a Date can hold
const dated = (seconds) => (seconds <= SECONDS_MAX ? new Date(seconds * 1000).toISOString() : `${seconds} seconds after 1970`);

/** Holds only when a clock outside the log has dated it: an anchor, or the witnesses that the trust file asks for. */
function timeOf(run, names) {
  if (names.length === 0) return { aspect: 'time', outcome: NOT_CHECKED, answer: 'This form of receipt carries no time at all.', restsOn: [] };
  const anchors = run.find('anchors');
  // Evidence that nobody could check leaves the time as it is; evidence that is wrong does not.
  const areWrong = anchors?.outcome === 'broken' || anchors?.outcome === 'malformed';
  const found = fromChecks(run, 'time', areWrong ? [...names, 'anchors'] : names, '');
  if (found.outcome !== 'holds') return found;
  if (anchors?.outcome === 'holds') return { ...found, answer: `Outside clocks bound it: ${run.find('time bounds').detail}.` };
  if (!run.witnessed) return { ...found, outcome: NOT_CHECKED, answer: `No outside clock: ${CLOCK}.` };
  return { ...found, answer: `Not after ${dated(run.witnessed.seconds)}, by witness ${run.witnessed.name}.` };
}

/** [{aspect, outcome, answer, restsOn}] of a run; none for a file of no known kind. `run.witnessed` is who met the quorum: {name, seconds}. */
export function aspectsOf(run) {
  const parts = RESTS_ON[run.kind];
  if (!parts) return [];
  return [
    fromChecks(run, 'signature', parts.signature, 'Every signature is valid, by a key in force of a log you trust.'),
    fromChecks(run, 'ledger inclusion', parts.inclusion, 'Everything stands in the tree that the log signed.'),
    timeOf(run, parts.time),
    {
      aspect: 'live source', outcome: NOT_CHECKED, restsOn: [],
      answer: 'Not asked: this verifier asks nobody. Ask the log itself for a newer checkpoint and a consistency proof.',
    },
  ];
}
