// The sentences of a verdict and of what is missing. Plain words, and never more than was shown.
import { number, plural } from './show.js';

const NOUN = { package: 'package', receipt: 'receipt', 'transparent statement': 'statement', 'verification run': 'verification run', unknown: 'file' };

export const TITLES = { holds: 'Holds', broken: 'Broken', undetermined: 'Undetermined', malformed: 'Malformed' };

const lowerFirst = (text) => text.charAt(0).toLowerCase() + text.slice(1);
const upperFirst = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The verdict in one sentence. */
export function verdictSentence(run) {
  const noun = NOUN[run.kind];
  const first = (outcome) => run.checks.find((check) => check.required && check.outcome === outcome);
  if (run.verdict === 'holds') return `Every required check of this ${noun} holds, and its log is one that your trust file names.`;
  if (run.verdict === 'malformed') return sentence(`This ${noun} cannot be read: ${lowerFirst(run.malformed.what)}`);
  if (run.verdict === 'broken') return sentence(`This ${noun} contradicts itself or its signatures: ${first('broken')?.detail ?? ''}`);
  const open = first('undetermined');
  const others = run.checks.some((check) => check.required && !['holds', 'undetermined'].includes(check.outcome));
  if (open?.name === 'issuer' && run.kind !== 'transparent statement' && !others) return `Nothing in this ${noun} contradicts itself, but nobody you trust vouches for its log.`;
  return sentence(`Nothing was found broken, but something required could not be decided. ${upperFirst(open?.detail ?? '')}`);
}

/** What a reader must not take this for having: a list of sentences. */
export function missing(run) {
  const { facts } = run;
  const lines = [];
  if (facts.totals?.withheld > 0) {
    lines.push(`${plural(facts.totals.withheld, 'unit')} withheld: sealed here, not shown to you. Withheld is not missing; the issuer can show it later and it can be checked then.`);
  }
  if (facts.totals?.erased > 0) lines.push(`${plural(facts.totals.erased, 'unit')} erased: the content is gone for good, and the log holds the tombstone that says so.`);
  for (const epoch of facts.open_epochs ?? []) {
    lines.push(`Producer ${epoch.producer.slice(0, 8)}…, epoch ${epoch.epoch}: unknown after number ${number(epoch.after)}, because the epoch is not closed.`);
  }
  if (run.kind === 'package' && facts.size !== undefined) {
    const end = facts.first + facts.count;
    lines.push(end === facts.size
      ? `As of size ${number(facts.size)}: entries that came later are not spoken of.`
      : `Entries ${number(end)} to ${number(facts.size - 1)} are in the log and not in this package.`);
    if (facts.first > 0) lines.push(`Entries 0 to ${number(facts.first - 1)} are in the log and not in this package.`);
  }
  if (run.kind === 'receipt') lines.push('A receipt speaks of one entry and does not hold later revocations of keys; a package does.');
  if (run.kind === 'verification run') {
    lines.push('The entries are not in this file: it says what the holder of the log’s package key found. Receipts and packages of the entries show it.');
    if (facts.truncated) lines.push(`${number(facts.asked)} entries were asked for, more than a run takes; the rest was left out.`);
    else if (facts.end === 'cancelled') lines.push(`The run was ended before all of the ${number(facts.asked)} entries were reached.`);
  }
  if (run.kind === 'transparent statement') lines.push('The time of commit, the actor’s public key and revocations are not in this form; a package holds them. The tree size is what the receipt says, not signed.');
  return lines;
}
