// The seals of a package: every batch of the range closed, in order, and the seals at its edges (docs/formats.md §5, §11.2).
import { equal } from './bytes.js';
import { sealFault } from './keychain.js';
import { Range } from './merkle.js';

/** The seals outside the range that a package needs: {before, after, last}; absent ones are null. */
export function edgeSeals(manifest, extra) {
  const end = manifest.first + manifest.count;
  const sealAt = (index) => {
    const entry = extra.get(index);
    return entry?.kind === 'seal' ? entry : null;
  };
  const after = [...extra.values()].find((entry) => entry.kind === 'seal' && entry.index >= end) ?? null;
  return {
    before: manifest.first > 0 ? sealAt(manifest.first - 1) : null,
    after: after?.seal.first === end ? after : null,
    last: sealAt(manifest.size - 1),
  };
}

/** Why the last entry of the tree is not here as a seal, or null: its `keys` shows that no key record is left out. */
export function lastSealFault(manifest, entries, extra) {
  const last = manifest.size - 1;
  const entry = entries[last - manifest.first] ?? extra.get(last);
  return entry?.kind === 'seal' ? null : `entry ${last}, the last of the tree, is not here as a seal`;
}

/** Why the range is not whole batches between their neighbours, or null. */
export function edgeFault(manifest, entries, edges) {
  const end = manifest.first + manifest.count;
  if (manifest.count > 0 && entries[manifest.count - 1]?.kind !== 'seal') return 'the range ends within a batch: its last entries have no seal';
  if (manifest.first > 0 && !edges.before) return `the range does not start at a batch: the seal ${manifest.first - 1} before it is not there`;
  if (end < manifest.size && !edges.after) return 'the first seal after the range is not there';
  return null;
}

function selfFault(entry, log) {
  const { seal, index } = entry;
  if (seal.log !== log) return `seal ${index} is of another log`;
  if (seal.first + seal.count !== index) return `seal ${index} does not stand after its own entries`;
  return null;
}

/** Folds the range's entries batch by batch. */
async function walkBatches(run, manifest, entries, faults) {
  let first = manifest.first;
  let batch = new Range();
  let seals = 0;
  for (const entry of entries) {
    if (entry.kind !== 'seal') {
      batch.push(entry.leaf);
      continue;
    }
    seals++;
    if (entry.seal.first !== first || entry.seal.count !== batch.end) {
      faults.add(`seal ${entry.index} does not cover the entries since the seal before it`);
    } else if (!equal(entry.seal.root, batch.root())) {
      faults.add(`entries ${first} to ${entry.index - 1} are not what seal ${entry.index} closed`);
    }
    first = entry.index + 1;
    batch = new Range();
    await run.pace.breathe(entry.index - manifest.first, manifest.count);
  }
  return seals;
}

/** Judges all seals that the package holds. */
export async function judgeSeals(run, { manifest, entries, extra, chain }, faults) {
  const edges = edgeSeals(manifest, extra);
  const seals = await walkBatches(run, manifest, entries, faults);
  const known = [...extra.values(), ...entries].filter((entry) => entry.kind === 'seal').sort((a, b) => a.index - b.index);
  let time = 0;
  for (const entry of known) {
    faults.add(selfFault(entry, manifest.log));
    faults.add(await sealFault(chain, entry));
    if (entry.seal.committed_at < time) faults.add(`seal ${entry.index} is earlier than a seal before it`);
    time = entry.seal.committed_at;
    await run.pace.breathe(entry.index, manifest.size);
  }
  return { edges, seals };
}

/** Why the period is not exactly the range, or null; `edges` as from judgeSeals. */
export function periodFault(manifest, entries, edges) {
  const { from, to } = manifest.period;
  const outside = entries.find((entry) => entry.kind === 'seal' && (entry.seal.committed_at < from || entry.seal.committed_at >= to));
  if (outside) return `the batch of seal ${outside.index} was not committed within the period`;
  if (edges.before && edges.before.seal.committed_at >= from) return 'the batch before the range belongs to the period and is left out';
  if (edges.after && edges.after.seal.committed_at < to) return 'the batch after the range belongs to the period and is left out';
  return null;
}
