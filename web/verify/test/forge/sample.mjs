// The sample logs that tests share: small, but with every kind of thing a package can hold.
import { idFrom, Log, unitOf } from './log.mjs';

/** Three batches: keys; records, statements, withheld and erased units; a rotation and the tombstone. */
export function sampleLog(options) {
  const log = new Log(options).begin();
  log.seal();
  const system = idFrom('system');
  const shown = unitOf('a', { title: 'Impact assessment', 'score': 7, 'author': 'Ada <b>Lovelace</b>' });
  const gone = unitOf('b', { person: 'Jane Doe', mail: 'jane@example.org' });
  const first = log.record('document.captured', { units: [shown, gone], system });
  log.record('event.logged', { units: [unitOf('c', { message: 'model started' })], system });
  log.statement('approval.given', { units: [unitOf('d', { verdict: 'approved', reason: 'reviewed ✓' })] });
  log.seal();
  log.erase([{ index: first, id: gone.id }]);
  log.rotate('log', 'second log key');
  log.statement('approval.given', { units: [unitOf('e', { verdict: 'refused' })] });
  log.seal();
  log.record('event.logged', { units: [unitOf('f', { message: 'model stopped' })], system });
  log.seal();
  return { log, gone, first };
}
