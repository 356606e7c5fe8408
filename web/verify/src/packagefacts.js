// What the page shows of a package beside the checks: who, what range, when, and each record with what is known of it.
import { hex } from './bytes.js';
import { verifierKeyText } from './note.js';
import { unitState } from './unit.js';

/** Facts about the package as a whole; members are absent where a check did not get that far. */
export function packageFacts({ manifest, chain, entries, epochs, checkpoint, recount, timeBounds }) {
  const seals = (entries ?? []).filter((entry) => entry.kind === 'seal');
  return {
    log: manifest.log,
    env: manifest.env,
    tenant: manifest.tenant,
    size: manifest.size,
    first: manifest.first,
    count: manifest.count,
    disclosure: manifest.disclosure,
    software: manifest.software,
    genesis: manifest.genesis,
    ...(manifest.period ? { period: manifest.period } : {}),
    ...(manifest.framework === undefined ? {} : { framework: manifest.framework }),
    ...(seals.length > 0 ? { committed: { from: seals[0].seal.committed_at, to: seals[seals.length - 1].seal.committed_at } } : {}),
    ...(checkpoint ? { root: hex(checkpoint.root) } : {}),
    ...(chain ? { root_key: verifierKeyText(`${chain.origin}/root`, chain.root.publicKey) } : {}),
    ...(epochs ? { open_epochs: epochs.filter((epoch) => !epoch.closed).map(({ producer, epoch, last_seq: after }) => ({ producer, epoch, after })) } : {}),
    ...(timeBounds ? { time_bounds: timeBounds } : {}),
    totals: recount?.totals ?? manifest.totals,
  };
}

/** One row per unit of a record: {id, state, fields, digests}. */
export function unitRows(record, index, knowledge) {
  return record.units.map((unit) => {
    const known = knowledge.get(index, unit.id);
    return {
      id: unit.id,
      state: unitState(unit.digests.length, known.fields.length, known.isErased),
      fields: known.fields,
      hidden: unit.digests.length - known.fields.length,
    };
  });
}

/** One row per record or statement, with the commit time of the seal that closes its batch. */
export function packageRecords({ entries, knowledge }) {
  const rows = [];
  let committedAt = null;
  for (let at = entries.length - 1; at >= 0; at--) {
    const entry = entries[at];
    if (entry.kind === 'seal') committedAt = entry.seal.committed_at;
    else rows.push(recordRow(entry, committedAt, unitRows(entry.record, entry.index, knowledge)));
  }
  return rows.reverse();
}

/** What is shown of one record. */
export function recordRow(entry, committedAt, units) {
  const { record, kind, index } = entry;
  return {
    index, kind, committedAt, units, type: record.type, id: record.record_id, observedAt: record.observed_at, actor: record.actor,
    assurance: record.assurance, producer: record.producer, epoch: record.epoch, seq: record.seq, clear: record.clear ?? null,
    system: record.system ?? null, stream: record.stream ? `${record.stream} v${record.stream_version}` : null,
    signer: entry.sign1 ? hex(entry.sign1.kid) : null, leaf: hex(entry.leaf), critical: record.critical, env: record.env,
  };
}
