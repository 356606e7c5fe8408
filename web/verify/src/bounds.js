// Time bounds on both sides of every entry, out of what anchors confirmed and witnesses cosigned (docs/formats.md §11.3). Not after: an entry below the
// size of a confirmed checkpoint was in the log when the evidence was made. Not before: an entry behind the record of evidence that nobody could foresee
// took its place after that. A bound is {size, record, earliest, latest (microseconds), source, isUnforeseeable}.
import { Faults } from './report.js';
import { TIME_BOUNDS_CHECK } from './plans.js';

const INTERVALS_MAX = 1024;
const TOLD_MAX = 4;
const TOLERANCE = 3_600_000_000n; // clocks without a time server drift by minutes
const LAST_SECOND = 253_402_300_800n; // of the year 9999

/** RFC 3339 in UTC with six digits of fraction. */
export function microsText(time) {
  const seconds = time / 1_000_000n;
  if (seconds >= LAST_SECOND) return `${time} microseconds after 1970`;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return `${whole}.${String(time % 1_000_000n).padStart(6, '0')}Z`;
}

const limit = (time, source) => ({ time, source });
const same = (a, b) => a === b || (a !== null && b !== null && a.time === b.time && a.source === b.source);

function limitsOf(bounds, index) {
  let [notBefore, notAfter] = [null, null];
  for (const bound of bounds) {
    // Of several that say the same, the last begins and the first ends: which one is named is settled, too.
    if (bound.isUnforeseeable && bound.record < index && !(notBefore?.time > bound.earliest)) notBefore = limit(bound.earliest, bound.source);
    if (bound.size > index && !(notAfter?.time <= bound.latest)) notAfter = limit(bound.latest, bound.source);
  }
  return { notBefore, notAfter };
}

/** The intervals of the entries from `first` until before `end`, in order and without a gap. */
export function intervalsOf(bounds, first, end) {
  const inside = bounds.flatMap((bound) => [bound.size, bound.record + 1]).filter((edge) => edge >= first && edge < end);
  const edges = [...new Set([first, end, ...inside])].sort((a, b) => a - b);
  const intervals = [];
  for (let at = 0; at + 1 < edges.length; at++) {
    const next = { first: edges[at], last: edges[at + 1] - 1, ...limitsOf(bounds, edges[at]) };
    const before = intervals[intervals.length - 1];
    if (before && same(before.notBefore, next.notBefore) && same(before.notAfter, next.notAfter)) before.last = next.last;
    else intervals.push(next);
  }
  return intervals;
}

const toldLimit = (one) => (one ? `${microsText(one.time)} (${one.source})` : 'unknown');
const told = (one) => `entries ${one.first} to ${one.last}: logged not before ${toldLimit(one.notBefore)}, not after ${toldLimit(one.notAfter)}`;
const plain = (one) => (one ? { source: one.source, time: microsText(one.time) } : null);

/** What the witness by whom the quorum of the trust file was met says of time; `witnessed`: {name, seconds} or null. */
export function boundsOfWitnesses(checkpoint, witnessed) {
  if (!witnessed) return [];
  const latest = BigInt(witnessed.seconds) * 1_000_000n;
  return [{ size: checkpoint.size, record: checkpoint.size, earliest: 0n, latest, source: `witness ${witnessed.name}`, isUnforeseeable: false }];
}

/** Runs the check `time bounds` over the seals given and gives what the facts list; null when no clock outside the log says anything. */
export async function checkTimes(run, bounds, first, end, seals) {
  if (bounds.length === 0) return null;
  const intervals = intervalsOf(bounds, first, end);
  run.add(TIME_BOUNDS_CHECK);
  await run.check('time bounds', () => {
    const faults = new Faults();
    for (const { index, seal } of seals) {
      const { notBefore, notAfter } = intervals.find((one) => one.last >= index) ?? intervals[intervals.length - 1];
      const time = BigInt(seal.committed_at);
      const wrong = [notBefore && notBefore.time > time + TOLERANCE ? notBefore : null, notAfter && time > notAfter.time + TOLERANCE ? notAfter : null];
      for (const one of wrong.filter((each) => each !== null)) {
        faults.add(`seal at entry ${index}, of entries ${seal.first} to ${index - 1}: its commit time ${microsText(time)} is contradicted by `
          + `${one.source} at ${microsText(one.time)}`);
      }
    }
    const more = intervals.length - TOLD_MAX;
    const lines = [...intervals.slice(0, TOLD_MAX).map(told), ...(more > 0 ? [`and ${more} more intervals among the facts`] : [])];
    return faults.result(lines.join('; ') || 'no entry in the range');
  });
  return intervals.slice(0, INTERVALS_MAX).map((one) => (
    { first: one.first, last: one.last, not_after: plain(one.notAfter), not_before: plain(one.notBefore) }));
}
