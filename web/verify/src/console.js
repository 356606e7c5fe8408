// The verifier as the console loads it: checks one receipt and shows every step of the check. Promise: the bytes that it is given are all that it
// looks at; it asks nobody anything.
import { Malformed } from './malformed.js';
import { Pace } from './pace.js';
import { parsePolicy } from './policy.js';
import { verifyReceipt } from './receipt.js';
import { el, fill, sign } from './ui/dom.js';
import { number, visible } from './ui/show.js';

const WORDS = { holds: 'Holds', broken: 'Broken', undetermined: 'Undetermined', malformed: 'Cannot be read', 'not run': 'Not run' };

const SENTENCES = {
  holds: 'Every required check holds.',
  broken: 'Something is not as it was sealed. Keep the receipt, and tell the operator and whoever relies on it.',
  undetermined: 'Nothing contradicts it, and something needed to decide is missing: most often, the trust file does not name this log.',
  malformed: 'The file is not a receipt that can be read.',
};

function step(check) {
  const proves = check.outcome === 'holds' ? check.proves : `Would show: ${check.proves}`;
  return el('li', { 'data-outcome': check.outcome, 'data-testid': `step-${check.name.replaceAll(' ', '-')}` },
    sign(check.outcome),
    el('div', {},
      el('p', { class: 'step-title' }, el('strong', {}, check.title), ' ', el('span', { class: 'step-outcome' }, WORDS[check.outcome].toLowerCase())),
      el('p', {}, visible(check.detail)),
      el('p', { class: 'hint' }, `${proves} Not shown: ${check.notProved}`)));
}

function place(facts) {
  return facts.size === undefined ? null : el('p', {}, `Entry ${number(facts.first)} of ${number(facts.size)} in `, el('code', {}, visible(facts.log)), '.');
}

function shown(run, whose, took) {
  return [
    el('div', { class: 'verdict-head', 'data-verdict': run.verdict, 'data-testid': 'proof-verdict' }, sign(run.verdict),
      el('div', {}, el('p', { class: 'verdict-word', tabindex: -1 }, WORDS[run.verdict]), el('p', {}, SENTENCES[run.verdict]), place(run.facts))),
    el('ul', { class: 'findings' }, run.findings.map((finding) => el('li', { 'data-outcome': finding.outcome }, sign(finding.outcome),
      el('span', {}, el('strong', {}, finding.question), `: ${finding.answer}`)))),
    el('ol', { class: 'steps' }, run.checks.map(step)),
    el('p', { class: 'hint' }, `${whose} ${run.scope} Computed in this browser in ${Math.round(took)} ms.`),
  ];
}

/**
 * Verifies `receipt` against `trust` (both bytes) and shows the steps in `into`; `whose` says where the trust file comes from. Gives the verdict.
 * Never throws for bad input.
 */
export async function check(into, receipt, trust, whose) {
  const began = performance.now();
  let policy;
  try {
    policy = parsePolicy(trust);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    fill(into, el('p', { class: 'fault' }, `The trust file cannot be read: ${visible(error.message)}`));
    return 'malformed';
  }
  const run = await verifyReceipt(receipt, policy, new Pace());
  fill(into, shown(run, whose, performance.now() - began));
  into.querySelector('.verdict-word')?.focus({ preventScroll: true });
  return run.verdict;
}
