// The certificate: verdict, facts, the three findings, every check with what it proves and does not, what is missing.
import { el, sign } from './dom.js';
import { bytes, number, plural, preciseTime, time, visible } from './show.js';
import { missing, TITLES, verdictSentence } from './words.js';

const ENVIRONMENTS = { production: 'Production', sandbox: 'Sandbox: not a production log', development: 'Development: not a production log' };
const FINDING_TITLES = { existed: 'Existed at the time', unaltered: 'Unaltered', issued: 'Issued by whom' };
const OUTCOME_WORDS = { holds: 'holds', broken: 'broken', undetermined: 'undetermined', malformed: 'malformed', 'not run': 'not run' };

function fact(name, ...content) {
  return content[0] === undefined || content[0] === null ? null : el('div', { class: 'fact' }, el('dt', {}, name), el('dd', {}, ...content));
}

const mono = (text) => el('code', {}, visible(text));

function timeSpan({ from, to }) {
  const at = (micros) => el('time', { title: preciseTime(micros) }, time(micros));
  return from === to ? [at(from)] : [at(from), ' to ', at(to)];
}

function range(facts) {
  if (facts.count === 1) return `${number(facts.first)} of ${number(facts.size)}`;
  if (facts.count === 0) return `none of ${number(facts.size)}`;
  return `${number(facts.first)} to ${number(facts.first + facts.count - 1)} of ${number(facts.size)}`;
}

function factList(run, file) {
  const { facts } = run;
  const isPeriod = facts.period !== undefined;
  return el('dl', { class: 'facts' },
    fact('File', el('bdi', {}, visible(file.name)), ` (${bytes(file.size)})`),
    facts.log ? fact('Log', mono(facts.log)) : null,
    facts.env ? fact('Environment', ENVIRONMENTS[facts.env]) : null,
    facts.size === undefined ? null : fact(facts.count === 1 ? 'Entry' : 'Entries', range(facts), run.kind === 'transparent statement' ? ' (as the receipt says)' : null),
    facts.verdicts === undefined ? null : fact('Entries', `${number(facts.reached)} of ${number(facts.asked)} asked for, ${facts.end}`),
    ...Object.entries(facts.verdicts ?? {}).map(([name, { holds, broken, not_checked: open }]) => (
      fact(`Of these, ${name}`, `${number(holds)} hold, ${number(broken)} broken, ${number(open)} not checked`))),
    facts.levels === undefined ? null : fact('Evidence inside', facts.levels.join(', ') || 'nothing that you trust'),
    facts.committed ? fact('Committed', ...timeSpan(facts.committed)) : null,
    isPeriod ? fact('Period', ...timeSpan(facts.period)) : null,
    facts.framework === undefined ? null : fact('Prepared for', el('bdi', {}, visible(facts.framework)), ' (a label, not a judgement)'),
    facts.root ? fact('Root', mono(facts.root)) : null,
    facts.software ? fact('Written by', el('bdi', {}, visible(facts.software))) : null);
}

function certificate(run, file, at) {
  const { verdict } = run;
  return el('section', { class: 'certificate', 'data-verdict': verdict, 'aria-labelledby': 'verdict-title' },
    el('div', { class: 'certificate-inner' },
      el('div', { class: 'verdict' },
        sign(verdict),
        el('div', {},
          el('p', { class: 'eyebrow' }, run.kind === 'unknown' ? 'Verification' : `Verification of a ${run.kind}`),
          el('h2', { id: 'verdict-title', 'data-testid': 'verdict', 'data-verdict': verdict, 'data-exit': run.exitCode, tabindex: -1 }, TITLES[verdict]),
          el('p', { class: 'sentence', 'data-testid': 'verdict-sentence' }, visible(verdictSentence(run))))),
      factList(run, file),
      el('p', { class: 'provenance' }, `Checked on this device ${time(at * 1000)} · exit code ${run.exitCode} · no network was used`)));
}

function findings(run) {
  return el('section', { class: 'findings', 'aria-label': 'Three findings' },
    run.findings.map((finding) => el('article', { class: 'finding', 'data-outcome': finding.outcome, 'data-testid': `finding-${finding.name}` },
      el('h3', {}, sign(finding.outcome), FINDING_TITLES[finding.name]),
      el('p', { class: 'answer' }, finding.answer),
      el('p', { class: 'rests' }, `Rests on: ${finding.restsOn.join(', ')}.`))));
}

/** Four rows rather than four more cards: what was not checked has to be seen, not admired. */
function aspects(run) {
  if (run.aspects.length === 0) return null;
  return el('section', { class: 'aspects', 'aria-labelledby': 'aspects-title', 'data-testid': 'aspects' },
    el('h2', { id: 'aspects-title' }, 'Four aspects, apart'),
    el('dl', {}, run.aspects.flatMap((aspect) => [
      el('dt', {}, aspect.aspect),
      el('dd', { 'data-outcome': aspect.outcome, 'data-testid': `aspect-${aspect.aspect.replace(/ /g, '-')}` }, `${aspect.outcome}. ${visible(aspect.answer)}`),
    ])));
}

function faultList(check) {
  if (check.faults.length < 2) return null;
  return el('ol', { class: 'faults' }, check.faults.map((fault) => el('li', {}, visible(fault))));
}

function checkRow(check) {
  const opened = check.outcome === 'broken' || check.outcome === 'malformed';
  return el('details', { class: 'check', open: opened, 'data-outcome': check.outcome, 'data-testid': `check-${check.name.replace(/ /g, '-')}` },
    el('summary', {},
      sign(check.outcome),
      el('span', { class: 'check-name' }, check.title),
      el('span', { class: 'check-outcome' }, OUTCOME_WORDS[check.outcome]),
      el('span', { class: 'check-detail' }, visible(check.detail))),
    el('div', { class: 'check-body' },
      faultList(check),
      el('dl', {},
        el('dt', {}, 'Proves'), el('dd', {}, check.outcome === 'holds' ? check.proves : `Would prove, if it held: ${check.proves}`),
        el('dt', {}, 'Does not prove'), el('dd', {}, check.notProved))));
}

function checks(run) {
  const held = run.checks.filter((check) => check.outcome === 'holds').length;
  return el('section', { class: 'checks', 'aria-labelledby': 'checks-title' },
    el('div', { class: 'section-head' },
      el('h2', { id: 'checks-title' }, 'Checks'),
      el('p', {}, `${held} of ${plural(run.checks.length, 'check')} hold${held === 1 ? 's' : ''}. Open one to read what it proves and what it does not.`)),
    run.checks.map(checkRow));
}

function missingSection(run) {
  const lines = missing(run);
  return el('section', { class: 'missing', 'aria-labelledby': 'missing-title', 'data-testid': 'missing' },
    el('h2', { id: 'missing-title' }, 'What is not here'),
    lines.length === 0 ? null : el('ul', {}, lines.map((line) => el('li', {}, visible(line)))),
    el('p', { class: 'scope' }, run.scope));
}

function issuerKey(run) {
  if (!run.facts.root_key || run.finding('issued').outcome === 'broken') return null;
  return el('section', { class: 'issuer', 'aria-labelledby': 'issuer-title' },
    el('h2', { id: 'issuer-title' }, 'The issuer’s root key'),
    el('p', {}, 'This is what the file says of itself. Compare it with what the issuer gave you by another way (its site, a contract, a call). '
      + 'Only a key that came by another way belongs in a trust file.'),
    el('pre', { tabindex: 0, 'aria-label': 'Root key line' }, el('code', {}, `log ${visible(run.facts.root_key)}`)));
}

/** All of the result but the records, in reading order; the records go between `before` and `after`. */
export function resultView(run, file, at) {
  return { before: [certificate(run, file, at), findings(run), aspects(run), checks(run)], after: [missingSection(run), issuerKey(run)] };
}
