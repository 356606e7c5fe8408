// Packages that a dishonest holder of all keys could sign: each is well signed and wrong in one place (or unusual and right).
// Random mutations never get past the manifest's signature; these do.
import { idFrom, unitOf } from './log.mjs';
import { makePackage } from './package.mjs';
import { b64, jcs, keyFrom } from './primitives.mjs';
import { sampleLog } from './sample.mjs';

const withManifest = (change, options = {}) => {
  const { log } = sampleLog();
  return { log, bytes: makePackage(log, { ...options, falsify: (files, manifest) => change(manifest, files) }) };
};

/** A log changed before its last seal. */
const withLog = (change, sealChange) => {
  const { log } = sampleLog();
  change(log);
  return { log, bytes: makePackage(log.seal(sealChange)) };
};

const withLine = (name, change) => withManifest((manifest, files) => {
  const lines = files[name].trimEnd().split('\n').map((line) => JSON.parse(line));
  change(lines);
  files[name] = lines.map((line) => `${jcs(line)}\n`).join('');
});

const withProof = (change, options) => withManifest((manifest, files) => {
  const proof = JSON.parse(files['proof.json']);
  change(proof);
  files['proof.json'] = jcs(proof);
}, options);

const repeated = (log, header) => {
  for (let copy = 0; copy < 2; copy++) log.append(Buffer.from(jcs(header)), header);
};

const closing = (log, change) => {
  const header = log.header('epoch.closed', { producer: log.producer, critical: true });
  header.clear = { last_seq: header.seq, systems: [{ last_seq: 3, system: idFrom('system') }] };
  change(header.clear, header);
  log.append(Buffer.from(jcs(header)), header);
};

const MIDDLE = { first: 7, count: 4 };
const SHOWN = 'disclosures/00000000.jsonl';

const CASES = {
  'as it should be': () => withManifest(() => {}),
  'nothing shown': () => withManifest(() => {}, { show: () => false }),
  'middle range': () => withManifest(() => {}, MIDDLE),
  'empty range': () => withManifest(() => {}, { first: 7, count: 0 }),
  'older size': () => withManifest(() => {}, { first: 7, count: 9, size: 18 }),
  'one unit too many': () => withManifest((manifest) => { manifest.totals.units++; }),
  'one record type renamed': () => withManifest((manifest) => { manifest.types['event.lagged'] = manifest.types['event.logged']; delete manifest.types['event.logged']; }),
  'epoch called closed': () => withManifest((manifest) => { manifest.epochs[0].closed = true; }),
  'epoch called open': () => withManifest((manifest) => { manifest.epochs[0].opened = !manifest.epochs[0].opened; }),
  'key record not counted': () => withManifest((manifest) => { manifest.keys--; }),
  'other genesis': () => withManifest((manifest) => { manifest.genesis = '00'.repeat(32); }),
  'other environment': () => withManifest((manifest) => { manifest.env = 'production'; }),
  'other tenant': () => withManifest((manifest) => { manifest.tenant = 'other'; }),
  'larger size': () => withManifest((manifest) => { manifest.size++; }),
  'shifted range': () => withManifest((manifest) => { manifest.first++; }),
  'file not listed': () => withManifest((manifest) => { manifest.files = []; }),
  'period without end': () => withManifest((manifest) => { manifest.period = { from: 5, to: 5 }; }),
  'period of another time': () => withManifest((manifest) => { manifest.period = { from: 5, to: 6 }; }),
  'period too long': () => withManifest((manifest) => { manifest.period = { from: 5, to: 9e15 }; }, MIDDLE),
  'proof hash too many': () => withProof((proof) => { proof.right.push('00'.repeat(32)); }),
  'proof hash changed': () => withProof((proof) => { proof.left[0] = '00'.repeat(32); }, MIDDLE),
  'edge seal missing': () => withProof((proof) => { proof.extra = proof.extra.filter((item) => item.index !== 6); }, MIDDLE),
  'seal after missing': () => withProof((proof) => { proof.extra = proof.extra.filter((item) => item.index !== 15); }, MIDDLE),
  'last seal missing': () => withProof((proof) => { proof.extra = proof.extra.filter((item) => item.index !== 17); }, MIDDLE),
  'key record missing': () => withProof((proof) => { proof.extra = proof.extra.filter((item) => item.index !== 3); }, MIDDLE),
  'tombstone missing': () => withProof((proof) => { proof.extra = proof.extra.filter((item) => item.index !== 12); }, MIDDLE),
  'needless entry': () => withManifest((manifest, files) => {
    const { log } = sampleLog();
    const proof = JSON.parse(files['proof.json']);
    proof.extra.push({ entry: b64(log.entries[16]), index: 16, path: log.path(16) });
    proof.extra.sort((a, b) => a.index - b.index);
    files['proof.json'] = jcs(proof);
  }, MIDDLE),
  'extra path changed': () => withProof((proof) => { proof.extra[1].path[0] = '00'.repeat(32); }, MIDDLE),
  'field of another record': () => withLine(SHOWN, (lines) => { [lines[0].disclosures, lines[1].disclosures] = [lines[1].disclosures, lines[0].disclosures]; }),
  'disclosures out of order': () => withLine(SHOWN, (lines) => { lines[0].disclosures.reverse(); }),
  'disclosure twice': () => withLine(SHOWN, (lines) => { lines[0].disclosures.push(lines[0].disclosures.at(-1)); }),
  'line without disclosure': () => withLine(SHOWN, (lines) => { lines[0].disclosures = []; }),
  'unit partly shown': () => withLine(SHOWN, (lines) => { lines[0].disclosures.pop(); }),
  'lines out of order': () => withLine(SHOWN, (lines) => { lines.reverse(); }),
  'line for another unit': () => withLine(SHOWN, (lines) => { lines[0].unit = idFrom('none'); }),
  'line beyond the range': () => withLine(SHOWN, (lines) => { lines.at(-1).index = 999; }),
  'erasure without tombstone': () => withLine('erasures.jsonl', (lines) => { lines[0].tombstone = 11; }),
  'erasure of another unit': () => withLine('erasures.jsonl', (lines) => { lines[0].unit = idFrom('none'); }),
  'erasure forgotten': () => withManifest((manifest, files) => { files['erasures.jsonl'] = ''; }),
  'record without seal': () => { const { log } = sampleLog(); log.record('event.logged'); return { log, bytes: makePackage(log) }; },
  'number left out': () => withLog((log) => { log.header('event.logged', { producer: log.producer }); log.record('event.logged'); }),
  'number twice': () => withLog((log) => repeated(log, log.header('event.logged', { producer: log.producer }))),
  'system number left out': () => withLog((log) => {
    const header = log.header('event.logged', { producer: log.producer, system: idFrom('system') });
    header.system_seq++;
    log.append(Buffer.from(jcs(header)), header);
  }),
  'epoch closed': () => withLog((log) => closing(log, () => {})),
  'epoch closed with another number': () => withLog((log) => closing(log, (clear) => { clear.last_seq++; })),
  'epoch closed without its system': () => withLog((log) => closing(log, (clear) => { clear.systems = []; })),
  'epoch goes on after close': () => withLog((log) => { closing(log, () => {}); log.record('event.logged'); }),
  'seal with another root': () => withLog((log) => log.record('event.logged'), { root: '00'.repeat(32) }),
  'seal goes back in time': () => withLog((log) => log.record('event.logged'), { committed_at: 1 }),
  'seal knows fewer keys': () => withLog((log) => log.record('event.logged'), { keys: 1 }),
  'seal of another log': () => withLog((log) => log.record('event.logged'), { log: 'x.example/log/y' }),
  'seal of fewer entries': () => withLog((log) => { log.record('event.logged'); log.record('event.logged'); }, { count: 1 }),
  'seal by another key': () => withLog((log) => { log.keys.writer = keyFrom('x'); log.record('event.logged'); }),
  'statement by an unknown key': () => withLog((log) => log.statement('approval.given', {}, keyFrom('x'))),
  'statement by the writer': () => withLog((log) => log.statement('approval.given', {}, log.keys.writer)),
  'statement after revocation': () => withLog((log) => {
    log.keyRecord('key.revoked', { key_id: log.keys.actor.idHex, reason: 'compromised' });
    log.statement('approval.given');
  }),
  'statement of another actor': () => withLog((log) => log.statement('approval.given', { actor: idFrom('someone else') })),
  'second writer': () => withLog((log) => log.grant('writer', keyFrom('x'))),
  'key granted twice': () => withLog((log) => log.grant('actor')),
  'key granted by another root': () => withLog((log) => { log.keys.root = keyFrom('x'); log.grant('actor', keyFrom('y')); }),
  'key record of another actor': () => withLog((log) => { log.credentials.root = idFrom('x'); log.grant('actor', keyFrom('y'), idFrom('y')); }),
  'key record of another producer': () => withLog((log) => { log.rootProducer = idFrom('x'); log.grant('actor', keyFrom('y'), idFrom('y')); }),
  'unknown key revoked': () => withLog((log) => log.keyRecord('key.revoked', { key_id: keyFrom('x').idHex, reason: 'lost' })),
  'rotation by both keys': () => withLog((log) => log.rotate('package', 'x')),
  'rotation without the old key': () => withLog((log) => { log.keys.actor = keyFrom('x'); log.rotate('actor', 'y'); }),
  'key id of another key': () => withLog((log) => { const key = keyFrom('x'); key.info.key_id = keyFrom('y').idHex; log.grant('actor', key); }),
  'key of small order': () => withLog((log) => { const key = keyFrom('x'); key.info.public = b64(Buffer.alloc(32)); log.grant('actor', key); }),
  'key record of another version': () => withLog((log) => log.record('key.granted', { type_version: 2, critical: true })),
  'unknown critical type': () => withLog((log) => log.record('robot.licensed', { critical: true })),
  'unknown type': () => withLog((log) => log.record('robot.logged', { clear: { anything: [1, 'x'] } })),
  'known type with other facts': () => withLog((log) => log.record('record.read', { clear: { entry: 1, more: 1 } })),
  'known type not critical': () => withLog((log) => log.record('hold.released', { clear: { hold: idFrom('h') } })),
  'record of another log': () => withLog((log) => log.record('event.logged', { log: 'x.example/log/y' })),
  'record of another environment': () => withLog((log) => log.record('event.logged', { env: 'production' })),
  'record with null': () => withLog((log) => log.record('event.logged', { idem: null })),
  'record with an empty clear': () => withLog((log) => log.record('event.logged', { clear: {} })),
  'system without its number': () => withLog((log) => log.record('event.logged', { system_seq: 1 })),
  'tombstone with a wrong count': () => withLog((log) => log.record('erasure.done', {
    critical: true, units: [unitOf('t', { [`u${idFrom('x')}`]: true })], clear: { erased: 2, last: true, order: idFrom('o') },
  })),
  'two fields of one name': () => {
    const { log } = sampleLog();
    log.record('event.logged', { units: [unitOf('one', { a: 1 }), unitOf('two', { a: 2 })] });
    return { log, bytes: makePackage(log.seal()) };
  },
  'field nested too deep': () => {
    const { log } = sampleLog();
    let deep = 1;
    for (let level = 0; level < 32; level++) deep = [deep];
    log.record('event.logged', { units: [unitOf('deep', { a: deep })] });
    return { log, bytes: makePackage(log.seal()) };
  },
  'second genesis': () => withLog((log) => log.keyRecord('log.genesis', {
    digest_alg: 'sha-256', env: log.env, key: log.keys.root.info, origin: log.origin, tenant: 'acme',
  })),
};

/** Every case with its bytes and the trust file that pins its root: [{name, bytes, trust}]. */
export function craftedPackages() {
  return Object.entries(CASES).map(([name, craft]) => {
    const { log, bytes } = craft();
    const { log: genuine } = sampleLog();
    return { name, bytes, trust: (log.origin === genuine.origin ? genuine : log).trust() };
  });
}
