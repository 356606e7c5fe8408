// Every member of every JSON part, taken away or given a value of another kind, in evidence that is otherwise well made and well signed.
// What is malformed, what is broken and what is merely unusual has to be the same for every verifier.
import { makePackage } from './package.mjs';
import { b64, cbor, jcs, sign1, sign1Bytes } from './primitives.mjs';
import { sampleLog } from './sample.mjs';

const VALUES = [null, true, false, -1, 0, 1, 2, 1.5, 2 ** 53 - 1, 2 ** 53, 2 ** 32, '', 'x', '0'.repeat(32), 'f'.repeat(64), [], [1], ['a', 'a'], {}, { a: 1 }];
const MEMBERS_MAX = 400; // paths into one part; the sample's largest has 150

/** Every path to a member or item of a value, outermost first. */
function paths(value, path = []) {
  if (value === null || typeof value !== 'object') return [];
  return Object.keys(value).flatMap((name) => [[...path, name], ...paths(value[name], [...path, name])]).slice(0, MEMBERS_MAX);
}

/** Copies of a value, each wrong in one place: [{name, value}]. `dense` also tries every value at every inner place. */
function variants(value, dense = true) {
  const out = [{ name: 'with a member more', value: { ...value, zzz: 1 } }];
  for (const path of paths(value)) {
    const edit = (name, change) => {
      const copy = structuredClone(value);
      const holder = path.slice(0, -1).reduce((at, step) => at[step], copy);
      change(holder, path.at(-1));
      out.push({ name: `${path.join('.')} ${name}`, value: copy });
    };
    edit('taken away', (holder, last) => { if (Array.isArray(holder)) holder.splice(Number(last), 1); else delete holder[last]; });
    if (!dense && path.length > 1) continue;
    for (const other of VALUES) edit(`= ${JSON.stringify(other)}`, (holder, last) => { holder[last] = other; });
  }
  return out;
}

const named = (family, list) => list.map((one) => ({ family, ...one }));

function manifests() {
  const { log } = sampleLog();
  let model;
  makePackage(log, { falsify: (files, manifest) => { model = structuredClone(manifest); } });
  return variants(model).map(({ name, value }) => ({
    name: `manifest: ${name}`, trust: log.trust(),
    bytes: makePackage(log, { falsify: (files, manifest) => {
      for (const member of Object.keys(manifest)) delete manifest[member];
      Object.assign(manifest, value);
    } }),
  }));
}

/** A JSON file of the package, or one line of it. */
function jsonFile(file, { line = null, options = {}, dense = true } = {}) {
  const { log } = sampleLog();
  const split = (text) => (line === null ? [text] : text.trimEnd().split('\n'));
  let model;
  makePackage(log, { ...options, falsify: (files) => { model = JSON.parse(split(files[file])[line ?? 0]); } });
  return variants(model, dense).map(({ name, value }) => ({
    name: `${file}: ${name}`, trust: log.trust(),
    bytes: makePackage(log, { ...options, falsify: (files) => {
      const lines = split(files[file]);
      lines[line ?? 0] = jcs(value);
      files[file] = line === null ? lines[0] : lines.map((one) => `${one}\n`).join('');
    } }),
  }));
}

/** A key record as its root signs it; what the protected header repeats is text whatever the payload has. */
function keyRecord(log, header, value) {
  const claim = (member) => (typeof value[member] === 'string' ? value[member] : header[member]);
  const claims = { map: [[1, claim('actor')], [2, claim('record_id')]] };
  return sign1([[1, -8], [3, 'application/tabellion-record+json'], [4, log.keys.root.id], [15, claims]], Buffer.from(jcs(value)), log.keys.root);
}

/** A record in the log itself, sealed as it is. `make` gives its header and may change the log before. */
function records(what, make) {
  const first = sampleLog().log;
  return variants(make(first)).map(({ name, value }) => {
    const { log } = sampleLog();
    const header = make(log);
    log.append(header.stream === 'keys' ? keyRecord(log, header, value) : Buffer.from(jcs(value)), header);
    return { name: `${what}: ${name}`, trust: log.trust(), bytes: makePackage(log.seal()) };
  });
}

const own = (type, more) => (log) => log.header(type, { producer: log.producer, ...more(log) });
const id = '0123456789abcdef'.repeat(2);

function clears() {
  const key = (log) => structuredClone(log.keys.actor.info);
  const inKeys = (type, clear) => own(type, (log) => ({
    producer: log.rootProducer, critical: true, actor: log.credentials.root, assurance: 'signed', clear: clear(log), stream: 'keys', stream_version: log.keyVersion + 1,
  }));
  return [
    ...records('key.granted', inKeys('key.granted', (log) => ({ credential: id, key: key(log), purpose: 'actor' }))),
    ...records('key.revoked', inKeys('key.revoked', (log) => ({ key_id: log.keys.actor.idHex, reason: 'lost' }))),
    ...records('epoch.opened', own('epoch.opened', () => ({ critical: true, producer: id, clear: { previous: { closed: true, epoch: 1, last_seq: 4 } } }))),
    ...records('erasure.ordered', own('erasure.ordered', () => ({ critical: true, clear: { keys: [id], scope: 'record' } }))),
    ...records('hold.placed', own('hold.placed', () => ({ critical: true, clear: { hold: id, keys: [id] } }))),
    ...records('deletion', own('system.deletion_requested', () => ({ critical: true, system: id, clear: { due_at: 5 } }))),
    ...records('purged', own('system.purged', () => ({ critical: true, system: id, clear: { order: id } }))),
    ...records('exported', own('package.exported', () => ({ clear: { count: 1, first: 1, manifest_sha256: 'a'.repeat(64), size: 2 } }))),
  ];
}

function headers() {
  return records('record', own('event.logged', (log) => ({
    system: id, stream: 'thing/one', stream_version: 1, basis: 3, idem: 'a'.repeat(64), parents: [{ hash: 'b'.repeat(64), record_id: id, role: 'cause' }],
    units: [...log.units.values()].slice(0, 1),
  })));
}

function seals() {
  const { log } = sampleLog();
  return variants(log.sealPayloads.get(17)).map(({ name, value }) => {
    const changed = sampleLog().log;
    changed.record('event.logged');
    const payload = { ...value };
    // Where the variant keeps them, the numbers of the new batch; what it changed stays changed.
    const fits = { first: 18, count: 1 };
    for (const member of Object.keys(fits)) if (value[member] === log.sealPayloads.get(17)[member]) payload[member] = fits[member];
    const gone = Object.fromEntries(Object.keys(log.sealPayloads.get(17)).filter((member) => !(member in value)).map((member) => [member, undefined]));
    const keep = Object.fromEntries(Object.entries(payload).filter(([member, one]) => jcs(one) !== jcs(log.sealPayloads.get(17)[member] ?? null)));
    changed.seal({ ...keep, ...gone });
    return { name: `seal: ${name}`, trust: log.trust(), bytes: makePackage(changed) };
  });
}

function receipts() {
  const { log } = sampleLog();
  const lines = log.receipt(8, log.units.get([...log.units.keys()].find((place) => place.startsWith('8/'))).disclosures.map((one) => one.encoded)).toString().split('\n');
  const extra = JSON.parse(Buffer.from(lines[1].slice(6), 'base64'));
  return variants(extra).map(({ name, value }) => ({
    name: `receipt: ${name}`, trust: log.trust('log'), bytes: Buffer.from([lines[0], `extra ${b64(jcs(value))}`, ...lines.slice(2)].join('\n')),
  }));
}

/** The package's signature with other headers; signed as they stand. */
function signatures() {
  const { log } = sampleLog();
  const key = log.keys.package;
  const TYPE = 'application/tabellion-package+json';
  const make = (name, pairs, { unprotected = [], payload = null, cut = 0, raw = null } = {}) => ({
    name: `manifest.cose: ${name}`, trust: log.trust(),
    bytes: makePackage(log, { signManifest: (json) => {
      const protectedBytes = raw ?? cbor({ map: pairs });
      const signature = key.sign(cbor(['Signature1', protectedBytes, Buffer.alloc(0), payload ?? Buffer.from(json)]));
      return sign1Bytes(protectedBytes, unprotected, payload, signature.subarray(0, 64 - cut));
    } }),
  });
  const good = [[1, -8], [3, TYPE], [4, key.id]];
  return [
    make('as it should be', good), make('no key id', good.slice(0, 2)), make('a short key id', [...good.slice(0, 2), [4, key.id.subarray(1)]]),
    make('no algorithm', good.slice(1)), make('another algorithm', [[1, -7], ...good.slice(1)]), make('no content type', [good[0], good[2]]),
    make('a seal’s content type', [good[0], [3, 'application/tabellion-seal+json'], good[2]]), make('another content type', [good[0], [3, 'text/plain'], good[2]]),
    make('claims', [...good, [15, { map: [[1, 'a'], [2, 'b']] }]]), make('an unknown header', [...good, [99, 1]]), make('a critical header', [good[0], [2, [99]], ...good.slice(1), [99, 1]]),
    make('headers out of order', [good[2], good[0], good[1]]), make('a header twice', [good[0], ...good]), make('something unprotected', good, { unprotected: [[5, 1]] }),
    make('a payload inside', good, { payload: Buffer.from('{}') }), make('a short signature', good, { cut: 1 }), make('no protected header', good, { raw: Buffer.alloc(0) }),
    make('the actor’s key id', [...good.slice(0, 2), [4, log.keys.actor.id]]), make('a protected header with more behind it', good, { raw: Buffer.concat([cbor({ map: good }), Buffer.from([0])]) }),
  ];
}

/** Every case: [{family, name, bytes, trust}]. */
export const misshapenEvidence = () => [
  ...named('misshapen manifest', manifests()),
  ...named('misshapen proof', jsonFile('proof.json', { options: { first: 7, count: 4 }, dense: true })),
  ...named('misshapen line', [...jsonFile('erasures.jsonl', { line: 0 }), ...jsonFile('disclosures/00000000.jsonl', { line: 0 })]),
  ...named('misshapen record', headers()), ...named('misshapen clear', clears()), ...named('misshapen seal', seals()),
  ...named('misshapen receipt', receipts()), ...named('misshapen signature', signatures()),
];
