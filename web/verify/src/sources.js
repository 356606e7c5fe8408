// What outside sources sent, by their own count, and which of their numbers are missing (docs/formats.md §7.1, §11.1, §12). A number is here, declared lost
// or missing, in whatever order it came; what an actor signed elsewhere is not counted.
import { isObject } from './jcs.js';
import { Malformed } from './malformed.js';
import { SOURCES_CHECK } from './plans.js';
import { hasClear, isKnown } from './recordtypes.js';
import { holds, undetermined } from './report.js';
import * as shape from './shape.js';

const NAMED_GAPS_MAX = 64;
const NAMED_MAX = 8;
const NUMBER = shape.closed({
  source: shape.closed({ epoch: shape.ordinal, producer: shape.id, seq: shape.ordinal, 'withheld?': shape.oneOf('sampled', 'private') }),
});

/** A set of numbers, as its stretches. */
export class Spans {
  #spans = []; // [first, last], ascending, apart from one another

  /** Adds first to last; whether any of them is new. */
  insert(first, last) {
    let at = this.#place(first);
    if (at > 0 && this.#spans[at - 1][1] >= first - 1) at--;
    const near = this.#spans[at];
    if (near && near[0] <= first && last <= near[1]) return false;
    let end = at;
    let [low, high] = [first, last];
    while (end < this.#spans.length && this.#spans[end][0] <= last + 1) {
      low = Math.min(low, this.#spans[end][0]);
      high = Math.max(high, this.#spans[end][1]);
      end++;
    }
    this.#spans.splice(at, end - at, [low, high]);
    return true;
  }

  /** How many stretches begin before a number. */
  #place(first) {
    let [low, high] = [0, this.#spans.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#spans[middle][0] < first) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get count() {
    // Each stretch by itself: a sum with `last` in it may be more than a number here holds, while the numbers of one epoch never are.
    return this.#spans.reduce((sum, [first, last]) => sum + (last - first + 1), 0);
  }

  /** How many numbers up to `to` there are. */
  countThrough(to) {
    return this.#spans.reduce((sum, [first, last]) => (first > to ? sum : sum + (Math.min(last, to) - first + 1)), 0);
  }

  get first() {
    return this.#spans[0]?.[0] ?? null;
  }

  get last() {
    return this.#spans.at(-1)?.[1] ?? 0;
  }

  missing(from, to) {
    const found = [];
    let due = from;
    for (const [first, last] of this.#spans) {
      if (first > to) break;
      if (first > due) found.push({ first: due, last: first - 1 });
      due = Math.max(due, last + 1);
    }
    if (due <= to) found.push({ first: due, last: to });
    return found;
  }
}

/** The source's own number in a header whose type has no clear members of its own, or null. */
export function numberOf(record) {
  if (hasClear(record.type) || !isObject(record.clear)) return null;
  try {
    return NUMBER(record.clear).source;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

class Epoch {
  seen = new Spans();
  sampled = new Spans();
  accounted = new Spans();
  repeated = 0;
  settled = 0;
  stated = 0;
  closed = false;
  signed = null;

  constructor({ producer, epoch }) {
    this.producer = producer;
    this.epoch = epoch;
  }

  record({ seq, withheld }) {
    if (!this.seen.insert(seq, seq)) this.repeated++;
    this.accounted.insert(seq, seq);
    if (withheld === 'sampled') this.sampled.insert(seq, seq);
  }

  heartbeat({ beat, last_seq: last, lost, signed, spooled, closed }) {
    this.settled = Math.max(this.settled, last - spooled);
    // The newest that the source signed; whether the signature is right is another check's.
    const count = [beat, last - spooled, lost];
    if (signed && (this.signed === null || shape.precedes(this.signed, count))) this.signed = count;
    this.stated = Math.max(this.stated, last);
    this.closed ||= closed;
  }

  /** Numbers declared lost beyond those that the source signed, up to where its count is settled. */
  get unsignedLost() {
    if (this.signed === null) return 0;
    const [, settled, lost] = this.signed;
    return Math.max(0, this.accounted.countThrough(settled) - this.seen.countThrough(settled) - lost);
  }

  row(beginsAtOne) {
    const begin = beginsAtOne ? 1 : this.accounted.first;
    const end = begin === null ? 0 : Math.max(this.accounted.last, this.settled);
    const first = end === 0 ? 0 : begin;
    const gaps = end === 0 ? [] : this.accounted.missing(first, end);
    const unsigned = this.unsignedLost;
    return {
      ...(unsigned > 0 && { unsigned_lost: unsigned }),
      closed: this.closed, count: this.seen.count, epoch: this.epoch, first_seq: first, gaps: gaps.slice(0, NAMED_GAPS_MAX), last_seq: end,
      lost: this.accounted.count - this.seen.count, missing: gaps.reduce((sum, gap) => sum + (gap.last - gap.first + 1), 0),
      producer: this.producer, repeated: this.repeated, sampled: this.sampled.count,
      waiting: Math.max(0, this.stated - Math.max(end, this.settled)),
    };
  }
}

/** One row per life of a source, from the entries of a range. */
export function sourceRows(entries, isWholeLog) {
  const epochs = new Map();
  const of = (life) => {
    const name = `${life.producer}/${life.epoch}`;
    if (!epochs.has(name)) epochs.set(name, new Epoch(life));
    return epochs.get(name);
  };
  for (const { kind, record } of entries) {
    if (kind !== 'record') continue;
    const number = numberOf(record);
    if (number) of(number).record(number);
    else if (record.type === 'source.heartbeat' && isKnown(record)) of(record.facts).heartbeat(record.facts);
    else if (record.type === 'gap.declared' && isKnown(record)) of(record.facts).accounted.insert(record.facts.first, record.facts.last);
  }
  const sorted = [...epochs.values()].sort((a, b) => (a.producer < b.producer ? -1 : a.producer > b.producer ? 1 : a.epoch - b.epoch));
  return sorted.map((epoch, place) => epoch.row(isWholeLog || sorted[place - 1]?.producer === epoch.producer));
}

const stretch = ({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`);

function told(row) {
  const place = `source ${row.producer} epoch ${row.epoch}`;
  const found = [];
  if (row.missing > 0) {
    const named = row.gaps.slice(0, NAMED_MAX).map(stretch).join(', ') + (row.gaps.length > NAMED_MAX ? ' and more' : '');
    found.push(`${place}: ${row.missing} of its numbers are missing: ${named}`);
  }
  if (row.unsigned_lost > 0) found.push(`${place}: ${row.unsigned_lost} more of its numbers are declared lost than it signed`);
  if (row.repeated > 0) found.push(`${place}: ${row.repeated} records repeat a number that was there before`);
  return found;
}

/** Runs the check `sources`, which a report has when the range holds numbers of outside sources. */
export async function checkSources(run, { manifest, entries }) {
  const rows = sourceRows(entries, manifest.first === 0);
  if (rows.length === 0) return;
  run.add(SOURCES_CHECK);
  // Of all epochs together it may be more than 2^53.
  const sum = (name) => rows.reduce((total, row) => total + BigInt(row[name]), 0n);
  const faults = rows.flatMap(told);
  const more = faults.length - NAMED_MAX;
  await run.check('sources', () => (faults.length > 0
    ? undetermined([...faults.slice(0, NAMED_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('; '))
    : holds(`epochs of sources: ${rows.length}, records: ${sum('count')}, of those without content by sampling: ${sum('sampled')}, declared lost: `
      + `${sum('lost')}, missing: 0; not closed, so unknown after their last number: ${rows.filter((row) => !row.closed).length}`)));
}
