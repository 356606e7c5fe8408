// Disclosures and erasures of a package against the records' digests (docs/formats.md §3, §8, §11).
import { ascending } from './shape.js';
import { parseDisclosure } from './unit.js';

const TOMBSTONE_NAME = /^u[0-9a-f]{32}$/;

/** What is known about the units of a range: (index, unit) → {fields, isErased}. */
export class Knowledge {
  #units = new Map();
  #names = new Map(); // index → field names seen in that record

  #at(index, unit) {
    const name = `${index}/${unit}`;
    if (!this.#units.has(name)) this.#units.set(name, { fields: [], isErased: false });
    return this.#units.get(name);
  }

  get(index, unit) {
    return this.#units.get(`${index}/${unit}`) ?? { fields: [], isErased: false };
  }

  /** Takes a field that its digest proves. False when the record already has a field of that name. */
  addField(index, unit, field) {
    if (!this.#names.has(index)) this.#names.set(index, new Set());
    const names = this.#names.get(index);
    if (names.has(field.name)) return false;
    names.add(field.name);
    this.#at(index, unit).fields.push({ name: field.name, value: field.value });
    return true;
  }

  /** Marks a unit erased; gives a fault when some of it is shown all the same. */
  erase(index, unit) {
    const known = this.#at(index, unit);
    known.isErased = true;
    return known.fields.length === 0 ? null : `unit ${unit} of entry ${index} is erased and shown at once`;
  }

  /** Takes a tombstone's field, proved by its digest: tombstones are shown field by field and never as units. */
  showTombstone(tombstone, field) {
    const unit = tombstone.record.units.find((one) => one.digests.includes(field.digest));
    this.addField(tombstone.index, unit.id, field);
  }
}

/** Reads a list of disclosures, which stands in digest order. */
export const parseDisclosures = (encoded) => ascending(encoded.map(parseDisclosure), (field) => field.digest, 'disclosures');

/** Checks one unit's encoded disclosures against its digests; fields that hold go into `knowledge`. */
export function takeDisclosures(encoded, entry, unitId, knowledge, faults) {
  const unit = entry?.record?.units.find((one) => one.id === unitId);
  const fields = parseDisclosures(encoded);
  if (!unit) {
    faults.add(`a disclosure is for unit ${unitId}, which its record does not have`);
    return;
  }
  if (entry.record.type === 'erasure.done') {
    faults.add(`the disclosures show the tombstone ${entry.index}, which only erasures.jsonl may`);
    return;
  }
  for (const field of fields) {
    if (!unit.digests.includes(field.digest)) {
      faults.add(`field "${field.name}" of entry ${entry.index} is not what was sealed`);
    } else if (!knowledge.addField(entry.index, unitId, field)) {
      faults.add(`entry ${entry.index} has two fields named "${field.name}"`);
    }
  }
}

/** Why an erasure line is not proved by its tombstone, or null when it is. */
export function erasureFault(line, entry, tombstone) {
  if (!entry?.record?.units.some((unit) => unit.id === line.unit)) {
    return `an erasure is of unit ${line.unit}, which entry ${line.index} does not have`;
  }
  if (tombstone?.record?.type !== 'erasure.done' || !tombstone.record.facts) {
    return `entry ${line.tombstone} is no tombstone for unit ${line.unit}`;
  }
  if (line.tombstone <= line.index) return `tombstone ${line.tombstone} is older than the record ${line.index} that it erases`;
  return null;
}

/** Whether a disclosure is the tombstone field of a unit. */
export function isTombstoneOf(field, unitId, tombstone) {
  return TOMBSTONE_NAME.test(field.name) && field.name === `u${unitId}` && field.value === true
    && tombstone.record.units.some((unit) => unit.digests.includes(field.digest));
}
