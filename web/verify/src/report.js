// What a verifier reports (docs/formats.md §12): checks with outcomes, one verdict, three findings.
// Promise: what was not checked never counts as fine. The first fault in the order of the plan decides the exit code.
import { aspectsOf } from './aspects.js';
import { Malformed } from './malformed.js';
import { SCOPE as PACKAGE_SCOPE } from './scope.js';

export const EXIT = Object.freeze({ holds: 0, broken: 1, malformed: 2, undetermined: 3 });
const FAULTS_SHOWN_MAX = 20; // a person reads the first few; the count tells the rest

// The three questions that a reader has, answered apart.
const UNKNOWN = 'Not known: something this rests on could not be decided.';
const FINDINGS = {
  existed: {
    question: 'existed at the time',
    answers: {
      holds: 'Yes: it was in the log when the checkpoint was signed.',
      broken: 'Not shown: the proof contradicts itself.',
      malformed: 'Not shown: the file cannot be read.',
      undetermined: UNKNOWN,
    },
  },
  unaltered: {
    question: 'unaltered',
    answers: {
      holds: 'Yes: it is what was sealed, byte for byte.',
      broken: 'No: something is not as it was sealed.',
      malformed: 'Not shown: the file cannot be read.',
      undetermined: UNKNOWN,
    },
  },
  issued: {
    question: 'issued by whom',
    answers: {
      holds: 'By the log that your trust file names.',
      broken: 'Not shown: a key or signature does not fit.',
      malformed: 'Not shown: the file cannot be read.',
      undetermined: 'Not known: nobody you trust has vouched for these keys.',
    },
  },
};

// Of a kind of file whose answers are other ones.
const ANSWERS = {
  'verification run': {
    existed: { undetermined: 'Not known: a run says when by the log’s own clock; receipts and packages of the entries say more.' },
    unaltered: { holds: 'Yes: these are the verdicts that were signed.' },
    issued: { holds: 'By whoever held the package key of the log that your trust file names.' },
  },
};

const NO_MORE = ' It does not show that what the record says is true, that anything outside the log did not happen, or that a management '
  + 'system conforms to any standard. Tabellion is not a certification body.';
const SCOPES = {
  package: PACKAGE_SCOPE,
  receipt: `This receipt shows that one entry existed in this log in this form when the checkpoint was signed, and who signed it.${NO_MORE}`,
  'verification run': 'This verification run shows what the holder of the log\'s package key says it found when it verified the listed entries against the '
    + 'checkpoint. It does not hold the entries, so it does not show by itself that they verify, that what they say is true, or that a management system '
    + 'conforms to any standard; a package or receipts of them do the former. Tabellion is not a certification body.',
  'transparent statement': `This statement shows that a log took it in, in this form, and signed so.${NO_MORE}`,
  unknown: 'Nothing was verified. Tabellion is not a certification body.',
};

/** Collects the contradictions of one check, keeping the first few in words. */
export class Faults {
  list = [];
  count = 0;

  add(fault) {
    if (fault === null) return;
    this.count++;
    if (this.list.length < FAULTS_SHOWN_MAX) this.list.push(fault);
  }

  /** The check's result: broken with the faults, or holds with `detail`. */
  result(detail, extra = {}) {
    if (this.count === 0) return { outcome: 'holds', detail, ...extra };
    const more = this.count - 1;
    const tail = more === 0 ? '' : ` (and ${more} more)`;
    return { outcome: 'broken', detail: `${this.list[0]}${tail}`, faults: this.list, ...extra };
  }
}

/** `1 batch`, `2 batches`. */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export const holds = (detail) => ({ outcome: 'holds', detail });
export const broken = (detail) => ({ outcome: 'broken', detail, faults: [detail] });
export const undetermined = (detail) => ({ outcome: 'undetermined', detail });

/** A run through a plan of checks, each `{name, title, proves, notProved, findings, required}`. */
export class Run {
  malformed = null;
  facts = {};
  records = [];
  uses = []; // keys that made the signatures which hold: {keyId, purpose, what, at (microseconds or null)}
  witnessed = null; // the witness by whom the quorum of the trust file was met, {name, seconds}

  constructor(kind, plan, pace) {
    this.kind = kind;
    this.pace = pace;
    this.checks = plan.map((check) => ({ ...check, outcome: 'not run', detail: 'an earlier check did not get this far', faults: [] }));
  }

  /** Notes a key that made a signature which holds. */
  use(keyId, purpose, what, at = null) {
    this.uses.push({ keyId, purpose, what, at });
  }

  /** Plans one more check, which only some files have. */
  add(check) {
    this.checks.push({ ...check, outcome: 'not run', detail: 'an earlier check did not get this far', faults: [] });
  }

  find(name) {
    return this.checks.find((check) => check.name === name);
  }

  get anyBroken() {
    return this.checks.some((check) => check.outcome === 'broken');
  }

  /**
   * Runs one check unless a part before it could not be read. `judge` returns {outcome, detail, faults?, value?};
   * a Malformed from it ends the run. Gives the value, or undefined when there is none.
   */
  async check(name, judge) {
    const check = this.find(name);
    if (this.malformed || this.stopped) return undefined;
    this.pace.begin(check.title);
    await this.pace.breathe();
    try {
      const { outcome, detail, faults = [], value } = await judge();
      Object.assign(check, { outcome, detail, faults });
      return value;
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#stopAt(check, error.message);
      return undefined;
    }
  }

  #stopAt(check, what) {
    if (this.anyBroken) {
      Object.assign(check, { outcome: 'broken', detail: `cannot be read: ${what}`, faults: [what] });
      this.stopped = true;
    } else {
      Object.assign(check, { outcome: 'malformed', detail: `cannot be read: ${what}`, faults: [what] });
      this.malformed = { check: check.name, what };
    }
  }

  /** Ends the run: what follows cannot be judged without the value that is missing. */
  stop() {
    this.stopped = true;
  }

  get verdict() {
    if (this.malformed) return 'malformed';
    if (this.anyBroken) return 'broken';
    const open = this.checks.some((check) => check.required && check.outcome !== 'holds');
    return open ? 'undetermined' : 'holds';
  }

  get exitCode() {
    return EXIT[this.verdict];
  }

  /** One of the three findings, only as good as the worst of the checks it rests on. */
  finding(name) {
    const parts = this.checks.filter((check) => check.findings.includes(name));
    let outcome = 'holds';
    if (parts.length === 0 || parts.some((check) => check.required && check.outcome !== 'holds')) outcome = 'undetermined';
    if (parts.some((check) => check.outcome === 'malformed')) outcome = 'malformed';
    if (parts.some((check) => check.outcome === 'broken')) outcome = 'broken';
    const { question, answers } = FINDINGS[name];
    const answer = ANSWERS[this.kind]?.[name]?.[outcome] ?? answers[outcome];
    return { name, question, outcome, answer, restsOn: parts.map((check) => check.name) };
  }

  /** What the whole of it shows at best, and what it never does. */
  get scope() {
    return SCOPES[this.kind];
  }

  get findings() {
    return Object.keys(FINDINGS).map((name) => this.finding(name));
  }

  get aspects() {
    return aspectsOf(this);
  }

  /** The machine-readable report, `tabellion.report/1`. */
  toJson() {
    return {
      aspects: this.aspects.map(({ aspect, outcome, answer, restsOn }) => ({ answer, aspect, outcome, rests_on: restsOn.join(', ') })),
      checks: this.checks.map(({ name, outcome, detail, proves, notProved, required }) => (
        { detail, does_not_prove: notProved, name, outcome, proves, required })),
      exit: this.exitCode,
      facts: this.facts,
      findings: this.findings.map(({ question, outcome, answer, restsOn }) => ({ answer, outcome, question, rests_on: restsOn })),
      format: 'tabellion.report/1',
      scope: this.scope,
      subject: this.kind,
      verdict: this.verdict,
    };
  }
}

/** A report on input that is no known form at all. */
export function unreadable(what, pace) {
  const run = new Run('unknown', [{
    name: 'form', title: 'Form', required: true, findings: ['existed', 'unaltered', 'issued'],
    proves: 'The file is a package, a receipt, a transparent statement or a verification run.', notProved: 'Anything about its content.',
  }], pace);
  run.malformed = { check: 'form', what };
  Object.assign(run.find('form'), { outcome: 'malformed', detail: what, faults: [what] });
  return run;
}
