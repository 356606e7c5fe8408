// What the manifest counts, counted again from the entries (docs/formats.md §11.1).
import { toJcs } from './jcs.js';
import { unitState } from './unit.js';

/** {totals, types} of a range, given what is known of its units. */
export function recount(entries, knowledge) {
  const totals = { entries: entries.length, erased: 0, records: 0, seals: 0, shown: 0, statements: 0, units: 0, withheld: 0 };
  const types = new Map();
  const kinds = { record: 'records', statement: 'statements', seal: 'seals' };
  for (const { kind, record, index } of entries) {
    totals[kinds[kind]]++;
    if (!record) continue;
    types.set(record.type, (types.get(record.type) ?? 0) + 1);
    for (const unit of record.units) {
      const known = knowledge.get(index, unit.id);
      totals.units++;
      totals[unitState(unit.digests.length, known.fields.length, known.isErased)]++;
    }
  }
  return { totals, types: Object.fromEntries(types) };
}

/** Why the manifest's counts are not those of the entries, or null. */
export function totalsFault(manifest, counted) {
  for (const [name, count] of Object.entries(counted.totals)) {
    if (manifest.totals[name] !== count) return `the manifest says ${manifest.totals[name]} ${name}, here are ${count}`;
  }
  if (toJcs(manifest.types) !== toJcs(counted.types)) return 'the manifest counts other record types than the entries hold';
  return null;
}
