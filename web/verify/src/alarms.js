// Alarms in the log itself: a witness knows another history of it (docs/formats.md §8, §12). An alarm counts until a later record lifts it. Which of two
// histories is the right one nobody can say from a package, so an open alarm leaves it undetermined, in so many words.
import { microsText } from './bounds.js';
import { ALARMS_CHECK } from './plans.js';
import { holds, undetermined } from './report.js';
import { isKnown } from './recordtypes.js';

const FOUND = 'witness.conflict_found';
const LIFTED = 'witness.conflict_lifted';
const KINDS = { forked: 'forked', rolled_back: 'rolled back' };
const NAMED_MAX = 8;

/** Whether a record raises or lifts an alarm, so that a package may bring it along from outside its range. */
export const isAlarm = (record) => (record.type === FOUND || record.type === LIFTED) && isKnown(record);

function told({ index, record }) {
  const { kind, proved, size } = record.facts;
  const who = proved ? 'under the log’s own signature' : 'by the witness’s word alone';
  return `entry ${index}: a witness saw another history of this log at ${microsText(BigInt(record.observed_at))}: ${KINDS[kind]}, `
    + `its tree has ${size} entries, ${who}; not lifted`;
}

/** Runs the check `alarms`, which a report has when there is an alarm. */
export async function checkAlarms(run, { entries, extra }) {
  const records = [...extra.values(), ...entries].filter((entry) => entry.record && isAlarm(entry.record)).sort((a, b) => a.index - b.index);
  const raised = records.filter((entry) => entry.record.type === FOUND);
  if (raised.length === 0) return;
  const lifted = new Map(records.flatMap(({ index, record }) => (record.type === LIFTED ? [[record.facts.conflict, index]] : [])));
  const open = raised.filter(({ index, record }) => !(lifted.get(record.record_id) > index));
  const more = open.length - NAMED_MAX;
  run.add(ALARMS_CHECK);
  await run.check('alarms', () => (open.length === 0
    ? holds(`alarms: ${raised.length}, each lifted by a later record`)
    : undetermined([...open.slice(0, NAMED_MAX).map(told), ...(more > 0 ? [`and ${more} more`] : [])].join('; '))));
}
