// The producers' own counts within a range (docs/formats.md §7): what is missing, what is open, what contradicts.
import { toJcs } from './jcs.js';

class Epoch {
  counter = newCounter();
  opened = false;
  closing = null; // facts of epoch.closed
  previous = null; // facts of epoch.opened
  systems = new Map(); // system → counter

  constructor(producer, epoch) {
    this.producer = producer;
    this.epoch = epoch;
  }

  summary() {
    const { first, last, count } = this.counter;
    return {
      closed: this.closing !== null, count, epoch: this.epoch, first_seq: first, last_seq: last,
      missing: missingIn(this.counter), opened: this.opened, producer: this.producer,
    };
  }
}

function newCounter() {
  return { first: 0, last: 0, count: 0 };
}

/** Counts one number; false when it repeats or steps back. */
function countOne(counter, seq) {
  if (seq <= counter.last) return false;
  if (counter.count === 0) counter.first = seq;
  counter.last = seq;
  counter.count++;
  return true;
}

const missingIn = (counter) => counter.last - counter.first + 1 - counter.count;

/** The fold over the records and statements of a range, in log order. */
export class NumberLedger {
  #epochs = new Map();
  #faults;
  #fromStart;

  /** @param {boolean} fromStart whether the range begins at entry 0, so that every epoch must begin at 1 */
  constructor(faults, fromStart) {
    this.#faults = faults;
    this.#fromStart = fromStart;
  }

  #epoch(producer, number) {
    const name = `${producer}/${number}`;
    if (!this.#epochs.has(name)) this.#epochs.set(name, new Epoch(producer, number));
    return this.#epochs.get(name);
  }

  observe(record, index) {
    const epoch = this.#epoch(record.producer, record.epoch);
    if (!countOne(epoch.counter, record.seq)) {
      this.#faults.add(`entry ${index} repeats or steps back to number ${record.seq} of producer ${record.producer}`);
    }
    if (record.system !== undefined) {
      if (!epoch.systems.has(record.system)) epoch.systems.set(record.system, newCounter());
      if (!countOne(epoch.systems.get(record.system), record.system_seq)) {
        this.#faults.add(`entry ${index} repeats or steps back to number ${record.system_seq} of system ${record.system}`);
      }
    }
    if (!record.facts) return;
    if (record.type === 'log.genesis' || record.type === 'epoch.opened') this.#open(epoch, record, index);
    if (record.type === 'epoch.closed') {
      if (epoch.closing) this.#faults.add(`entry ${index} closes its epoch a second time`);
      epoch.closing = record.facts;
    }
  }

  #open(epoch, record, index) {
    if (epoch.opened) this.#faults.add(`entry ${index} opens an epoch that has begun`);
    epoch.opened = true;
    epoch.previous = record.facts.previous ?? null;
  }

  #judge(epoch) {
    const name = `epoch ${epoch.epoch} of producer ${epoch.producer}`;
    const { first, last } = epoch.counter;
    const missing = missingIn(epoch.counter);
    if (missing > 0) this.#faults.add(`${name} lacks ${missing} of its numbers ${first} to ${last}`);
    if (this.#fromStart && first !== 1) this.#faults.add(`${name} does not begin at 1 though the range begins at entry 0`);
    for (const [system, counter] of epoch.systems) {
      if (missingIn(counter) > 0) this.#faults.add(`${name} lacks ${missingIn(counter)} numbers of system ${system}`);
      if (this.#fromStart && counter.first !== 1) this.#faults.add(`${name} does not count system ${system} from 1`);
    }
    if (epoch.closing) this.#judgeClose(epoch, name);
    if (epoch.previous) this.#judgePrevious(epoch, name);
  }

  #judgeClose(epoch, name) {
    if (epoch.counter.last > epoch.closing.last_seq) this.#faults.add(`${name} goes on after its close`);
    const stated = new Map(epoch.closing.systems.map((one) => [one.system, one.last_seq]));
    for (const [system, counter] of epoch.systems) {
      if (stated.get(system) !== counter.last) this.#faults.add(`${name} closes with another last number of system ${system}`);
      stated.delete(system);
    }
    // A system whose records all lie before the range cannot be seen; in a whole epoch every one can.
    if (epoch.counter.first === 1 && stated.size > 0) this.#faults.add(`${name} closes with a system that it has no record of`);
  }

  #judgePrevious(epoch, name) {
    if (epoch.previous.epoch >= epoch.epoch) this.#faults.add(`${name} names a previous epoch that is not earlier`);
    const before = this.#epochs.get(`${epoch.producer}/${epoch.previous.epoch}`);
    if (!before) return;
    if (before.counter.last !== epoch.previous.last_seq || (before.closing !== null) !== epoch.previous.closed) {
      this.#faults.add(`${name} says of the previous epoch what its records do not`);
    }
  }

  /** Judges every epoch and gives their summaries by (producer, epoch). */
  finish() {
    const epochs = [...this.#epochs.values()].sort((a, b) => (
      a.producer < b.producer ? -1 : a.producer > b.producer ? 1 : a.epoch - b.epoch));
    for (const epoch of epochs) this.#judge(epoch);
    return epochs.map((epoch) => epoch.summary());
  }
}

export const sameSummaries = (a, b) => toJcs(a) === toJcs(b);
