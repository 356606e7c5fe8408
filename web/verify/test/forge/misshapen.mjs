// Every member of every JSON part, taken away or given a value of another kind, in evidence that is otherwise well made and well signed.
// What is malformed, what is broken and what is merely unusual has to be the same for every verifier.
import { makePackage } from './package.mjs';
import { b64, cbor, inclusionPath, jcs, keyFrom, noteKeyId, sign1, sign1Bytes, treeRoot, vkey } from './primitives.mjs';
import { secondKeyIdOf } from '../../src/keyid.js';
import { sampleLog } from './sample.mjs';

const VALUES = [null, true, false, -1, 0, 1, 2, 1.5, 2 ** 53 - 2, 2 ** 53 - 1, 2 ** 53, 2 ** 32, '', 'x', '0'.repeat(32), 'f'.repeat(64), [], [1], ['a', 'a'], {}, { a: 1 }];
const MEMBERS_MAX = 400; // paths into one part; the sample's largest has 150

/** Every path to a member or item of a value, outermost first. */
function paths(value, path = []) {
  if (value === null || typeof value !== 'object') return [];
  return Object.keys(value).flatMap((name) => [[...path, name], ...paths(value[name], [...path, name])]).slice(0, MEMBERS_MAX);
}

/** Copies of a value, each wrong in one place: [{name, value}]. `dense` also tries every value at every inner place; `only` names the
 * outermost members that are worth trying. */
export function variants(value, { dense = true, only = null } = {}) {
  const out = [{ name: 'with a member more', value: { ...value, zzz: 1 } }];
  for (const path of paths(value)) {
    if (only && !only.has(path[0])) continue;
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

// What a record's type decides; the other members are tried on a record of no type in particular.
const TYPED = new Set(['clear', 'critical', 'type', 'type_version', 'seq', 'stream', 'stream_version', 'system', 'actor', 'producer', 'log', 'env']);

/** A JSON file of the package, or one line of it. */
function jsonFile(file, { line = null, options = {}, dense = true } = {}) {
  const { log } = sampleLog();
  const split = (text) => (line === null ? [text] : text.trimEnd().split('\n'));
  let model;
  makePackage(log, { ...options, falsify: (files) => { model = JSON.parse(split(files[file])[line ?? 0]); } });
  return variants(model, { dense }).map(({ name, value }) => ({
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
function records(what, make, only = null) {
  const first = sampleLog().log;
  return variants(make(first), { only }).map(({ name, value }) => {
    const { log } = sampleLog();
    const header = make(log);
    log.append(header.stream === 'keys' ? keyRecord(log, header, value) : Buffer.from(jcs(value)), header);
    return { name: `${what}: ${name}`, trust: log.trust(), bytes: makePackage(log.seal()) };
  });
}

const own = (type, more) => (log) => log.header(type, { producer: log.producer, ...more(log) });
const id = '0123456789abcdef'.repeat(2);
// Of the form alone: no verifier of a package asks whether a second key signed for itself (docs/formats.md §6.1).
const mlDsa = b64(Buffer.alloc(2420, 1));
const secondKey = { alg: 'ml-dsa-44', key_id: secondKeyIdOf(Buffer.alloc(1312, 2)), public: b64(Buffer.alloc(1312, 2)) };

function clears() {
  const key = (log) => structuredClone(log.keys.actor.info);
  const inKeys = (type, clear) => own(type, (log) => ({
    producer: log.rootProducer, critical: true, actor: log.credentials.root, assurance: 'signed', clear: clear(log), stream: 'keys', stream_version: log.keyVersion + 1,
  }));
  return [
    ...records('key.granted', inKeys('key.granted', (log) => ({ credential: id, key: key(log), purpose: 'actor' })), TYPED),
    ...records('key.revoked', inKeys('key.revoked', (log) => ({ key_id: log.keys.actor.idHex, reason: 'lost' })), TYPED),
    ...records('epoch.opened', own('epoch.opened', () => ({ critical: true, producer: id, clear: { previous: { closed: true, epoch: 1, last_seq: 4 } } })), TYPED),
    ...records('erasure.ordered', own('erasure.ordered', () => ({ critical: true, clear: { keys: [id], scope: 'record' } })), TYPED),
    ...records('hold.placed', own('hold.placed', () => ({ critical: true, clear: { hold: id, keys: [id] } })), TYPED),
    ...records('deletion', own('system.deletion_requested', () => ({ critical: true, system: id, clear: { due_at: 5 } })), TYPED),
    ...records('purged', own('system.purged', () => ({ critical: true, system: id, clear: { order: id } })), TYPED),
    ...records('second key', own('second_key.rotated', () => ({ clear: { key: secondKey, new_signature: mlDsa, old: 'a'.repeat(64), old_signature: mlDsa } })), TYPED),
    ...records('withdrawn', own('second_key.withdrawn', () => ({ clear: { key_id: 'a'.repeat(64), reason: 'lost' } })), TYPED),
    ...records('exported', own('package.exported', () => ({ clear: { count: 1, first: 1, manifest_sha256: 'a'.repeat(64), size: 2 } })), TYPED),
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

/** A COSE_Sign1 with other headers and parts than it should have, each signed as it stands: [{name, message}]. */
export function messages(pairs, payload, key, { detached = false, unprotected = [] } = {}) {
  const make = (name, headers, { outside = unprotected, attach = !detached, cut = 0, raw = null } = {}) => {
    const protectedBytes = raw ?? cbor({ map: headers });
    const signature = key.sign(cbor(['Signature1', protectedBytes, Buffer.alloc(0), payload]));
    return { name, message: sign1Bytes(protectedBytes, outside, attach ? payload : null, signature.subarray(0, 64 - cut)) };
  };
  const other = (label, value) => pairs.map(([name, old]) => [name, name === label ? value : old]);
  const kid = pairs.find(([label]) => label === 4)[1];
  return [
    make('as it should be', pairs),
    ...pairs.map(([label]) => make(`without header ${label}`, pairs.filter(([name]) => name !== label))),
    make('another algorithm', other(1, -7)), make('a short key id', other(4, kid.subarray(1))), make('a key id of zeros', other(4, Buffer.alloc(32))), make('a text as key id', other(4, 'key')),
    make('another content type', pairs.some(([label]) => label === 3) ? other(3, 'text/plain') : [pairs[0], [3, 'text/plain'], ...pairs.slice(1)]),
    make('a number as content type', other(3, 60)), make('claims', [...pairs.filter(([label]) => label < 15), [15, { map: [[1, 'a'], [2, 'b']] }], ...pairs.filter(([label]) => label > 15)]),
    make('a claim more', pairs.map(([label, old]) => [label, label === 15 ? { map: [...old.map, [6, 1]] } : old])),
    make('an empty claim', pairs.map(([label, old]) => [label, label === 15 ? { map: [[1, ''], old.map[1]] } : old])),
    make('a long claim', pairs.map(([label, old]) => [label, label === 15 ? { map: [[1, 'x'.repeat(513)], old.map[1]] } : old])),
    make('a claim less', pairs.map(([label, old]) => [label, label === 15 ? { map: old.map.slice(0, 1) } : old])),
    make('a verifiable data structure', [...pairs.filter(([label]) => label !== 395), [395, 2]]),
    make('an unknown header', [...pairs, [999, 1]]), make('a critical header', [pairs[0], [2, [999]], ...pairs.slice(1), [999, 1]]),
    make('headers out of order', [...pairs].reverse()), make('a header twice', [pairs[0], ...pairs]),
    make('something unprotected', pairs, { outside: [...unprotected, [1000, 1]] }), make('nothing unprotected', pairs, { outside: [] }),
    make('the payload on the other side', pairs, { attach: detached }), make('a short signature', pairs, { cut: 1 }), make('no signature', pairs, { cut: 64 }),
    make('no protected header', pairs, { raw: Buffer.alloc(0) }), make('an empty protected header', [], {}),
    make('more bytes behind the protected header', pairs, { raw: Buffer.concat([cbor({ map: pairs }), Buffer.from([0])]) }),
  ];
}

const TYPE = (name) => `application/tabellion-${name}+json`;

/** Messages in every place where one stands. */
function signatures() {
  const { log } = sampleLog();
  const trust = log.trust();
  let json;
  makePackage(log, { signManifest: (text) => { json = text; return null; } });
  const manifest = messages([[1, -8], [3, TYPE('package')], [4, log.keys.package.id]], Buffer.from(json), log.keys.package, { detached: true });
  const packages = manifest.map(({ name, message }) => ({ name: `manifest.cose: ${name}`, trust, bytes: makePackage(log, { signManifest: () => message }) }));

  const payload = (changed, index) => Buffer.from(jcs(changed.sealPayloads.get(index)));
  const last = log.entries.length - 1;
  const seal = messages([[1, -8], [3, TYPE('seal')], [4, log.keys.writer.id]], payload(log, last), log.keys.writer).map(({ name, message }) => {
    const changed = sampleLog().log;
    changed.entries[last] = message;
    return { name: `seal: ${name}`, trust, bytes: makePackage(changed) };
  });

  const made = sampleLog().log;
  const header = made.header('approval.given', { producer: made.actorProducer, assurance: 'signed' });
  const claims = { map: [[1, header.actor], [2, header.record_id]] };
  const pairs = [[1, -8], [3, TYPE('record')], [4, made.keys.actor.id], [15, claims]];
  const statement = messages(pairs, Buffer.from(jcs(header)), made.keys.actor).map(({ name, message }) => {
    const changed = sampleLog().log;
    changed.append(message, header);
    return { name: `statement: ${name}`, trust, bytes: makePackage(changed.seal()) };
  });
  return [...packages, ...seal, ...statement];
}

/** Transparent statements: the receipt's own headers, its proof, and the list that holds receipts. */
function transparent() {
  const { log } = sampleLog();
  const index = 9;
  const trust = log.trust('log');
  const size = log.entries.length;
  const own = log.headers[index];
  const signature = log.entries[index].subarray(log.entries[index].length - 64);
  const protectedBytes = log.entries[index].subarray(4, 4 + log.entries[index][3]);
  const around = (receipts) => sign1Bytes(protectedBytes, [[394, receipts]], Buffer.from(jcs(own)), signature);
  const pairs = [[1, -8], [4, log.keys.log.id], [15, { map: [[1, log.origin], [2, own.record_id]] }], [395, 1]];
  const path = inclusionPath(index, log.leaves);
  const root = treeRoot(log.leaves);
  const proven = (proof) => [[396, { map: [[-1, [cbor(proof)]]] }]];
  const good = [size, index, path];
  const receipts = messages(pairs, root, log.keys.log, { detached: true, unprotected: proven(good) });
  const receiptOf = (proof, outside = proven(proof)) => sign1(pairs, root, log.keys.log, { detached: true, unprotected: outside });
  const whole = receiptOf(good);
  const foreign = sign1([pairs[0], pairs[1], [15, { map: [[1, 'other.example/log/x'], [2, own.record_id]] }], pairs[3]], root, log.keys.log, { detached: true, unprotected: proven(good) });
  const lists = [
    ['none', []], ['two of one', [whole, whole]], ['a foreign one first', [foreign, whole]], ['a foreign one alone', [foreign]], ['a text', ['x']], ['an empty one', [Buffer.alloc(0)]],
    ['sixteen', Array(16).fill(whole)], ['seventeen', Array(17).fill(whole)], ['a number', 1],
    ['another record', [sign1([pairs[0], pairs[1], [15, { map: [[1, log.origin], [2, '0'.repeat(32)]] }], pairs[3]], root, log.keys.log, { detached: true, unprotected: proven(good) })]],
  ];
  const proofs = [
    ['another size', [size + 1, index, path]], ['a size of nothing', [0, 0, []]], ['another index', [size, index + 1, path]], ['an index beyond', [size, size, path]], ['a negative index', [size, -1, path]],
    ['a hash less', [size, index, path.slice(1)]], ['a hash more', [size, index, [...path, root]]], ['a short hash', [size, index, [path[0].subarray(1), ...path.slice(1)]]],
    ['a text', 'x'], ['two parts', [size, index]], ['four parts', [size, index, path, 0]], ['sixty-four hashes', [size, index, Array(64).fill(root)]],
  ];
  return [
    ...receipts.map(({ name, message }) => ({ name: `receipt: ${name}`, bytes: around([message]) })),
    ...lists.map(([name, list]) => ({ name: `receipts: ${name}`, bytes: around(list) })),
    ...proofs.map(([name, proof]) => ({ name: `proof: ${name}`, bytes: around([receiptOf(proof)]) })),
    { name: 'proof: two', bytes: around([receiptOf(good, [[396, { map: [[-1, [cbor(good), cbor(good)]]] }]])]) },
    { name: 'proof: of consistency', bytes: around([receiptOf(good, [[396, { map: [[-2, [cbor(good)]]] }]])]) },
    { name: 'something else unprotected', bytes: sign1Bytes(protectedBytes, [[394, [whole]], [999, 1]], Buffer.from(jcs(own)), signature) },
    { name: 'the statement alone', bytes: log.entries[index] },
  ].map((one) => ({ trust, ...one }));
}

/** Copies of a text, each with one line that is not as it should be: [{name, text}]. */
export function lineVariants(text) {
  const lines = text.split('\n');
  const out = [];
  const edit = (at, name, replacement) => out.push({ name: `line ${at}: ${name}`, text: [...lines.slice(0, at), ...replacement, ...lines.slice(at + 1)].join('\n') });
  lines.forEach((line, at) => {
    edit(at, 'removed', []);
    edit(at, 'doubled', [line, line]);
    edit(at, 'emptied', ['']);
    edit(at, 'an empty line before it', ['', line]);
    for (const [name, other] of [
      ['a space before', ` ${line}`], ['a space behind', `${line} `], ['a carriage return', `${line}\r`], ['a tab', line.replace(' ', '\t')], ['two spaces', line.replace(' ', '  ')],
      ['another letter', line.replace(/[A-Za-z]/, (one) => (one === 'A' ? 'B' : 'A'))], ['a zero before a number', line.replace(/(^|\s)(\d)/, '$10$2')], ['a number more', line.replace(/\d+$/, (one) => String(Number(one) + 1))],
      ['no padding', line.replace(/=+$/, '')], ['padding more', `${line}=`], ['an accent', `${line}é`], ['half a character', `${line}\ud800`], ['a zero byte', `${line}\0`], ['a plus', `${line}+`], ['a comment', `# ${line}`],
      ['a delete', `${line}\x7f`], ['a next line', `${line}\x85`], ['a space that does not break', line.replace(/ |$/, '\u00a0')], ['a line separator', `${line}\u2028`], ['a byte order mark', `\ufeff${line}`],
      ['a delete before a space', line.replace(/ (?=[^ ]*$)/, '\x7f ')], ['a mark before a space', line.replace(/ (?=[^ ]*$)/, '\ufeff ')],
    ]) if (other !== line) edit(at, name, [other]);
  });
  return out;
}

/** The forms that are lines of text: receipt, checkpoint, trust file. */
function texts() {
  const { log } = sampleLog();
  const trust = log.trust('log');
  const receipt = log.receipt(9).toString();
  const witness = keyFrom('witness');
  const policy = `# ours\n\nlog ${vkey(log.origin, log.keys.log)} https://log.example\nlog ${vkey(`${log.origin}/root`, log.keys.root)}\nwitness w ${vkey('w.example', witness, 4)} https://w.example\n`
    + `witness v ${vkey('v.example', keyFrom('v'), 4)}\ngroup both 1 w v\ngroup all-of-it any both\nquorum all-of-it\n`;
  const cosigned = (key, seconds = 1_700_000_001) => {
    const [text] = log.checkpoint().split('\n\n');
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(seconds));
    const blob = Buffer.concat([noteKeyId('w.example', 4, witness.publicBytes), time, key.sign(Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}\n`))]);
    return `${log.checkpoint()}— w.example ${b64(blob)}\n`;
  };
  const witnessed = (checkpoint) => makePackage(log, { falsify: (files) => { files.checkpoint = checkpoint; } });
  const good = witnessed(cosigned(witness));
  return [
    ...named('misshapen text', [
      ...lineVariants(receipt).map(({ name, text }) => ({ name: `receipt: ${name}`, trust, bytes: Buffer.from(text) })),
      ...lineVariants(cosigned(witness)).map(({ name, text }) => ({ name: `checkpoint: ${name}`, trust: Buffer.from(policy), bytes: witnessed(Buffer.from(text)) })),
      { name: 'receipt: sixty-four hashes', trust, bytes: Buffer.from(receipt.replace(/index 9\n[^]*?\n\n/, `index 9\n${`${b64(Buffer.alloc(32))}\n`.repeat(64)}\n`)) },
      { name: 'checkpoint: sixty-five signatures', trust, bytes: witnessed(`${log.checkpoint()}${`— x.example ${b64(Buffer.alloc(68))}\n`.repeat(64)}`) },
    ]),
    ...named('witnesses', [
      { name: 'signed', trust: Buffer.from(policy), bytes: good },
      { name: 'not signed', trust: Buffer.from(policy), bytes: witnessed(log.checkpoint()) },
      { name: 'signed by a thief', trust: Buffer.from(policy), bytes: witnessed(cosigned(keyFrom('thief'))) },
      { name: 'signed twice', trust: Buffer.from(policy), bytes: witnessed(`${cosigned(witness)}${cosigned(witness, 5).split('\n').at(-2)}\n`) },
      { name: 'signed once well and once not', trust: Buffer.from(policy), bytes: witnessed(`${cosigned(witness)}${cosigned(keyFrom('thief')).split('\n').at(-2)}\n`) },
      { name: 'asked of a receipt', trust: Buffer.from(policy), bytes: log.receipt(9) },
      { name: 'asked of a transparent statement', trust: Buffer.from(policy), bytes: log.transparent(9) },
    ]),
    ...named('trust file', lineVariants(policy).map(({ name, text }) => ({ name, trust: Buffer.from(text), bytes: good }))),
  ];
}

/** The cases about COSE alone. */
export const signatureEvidence = () => [...named('misshapen signature', signatures()), ...named('misshapen transparent', transparent())];

/** The cases about text alone. */
export const textEvidence = texts;

/** Every case: [{family, name, bytes, trust}]. */
export const misshapenEvidence = () => [
  ...named('misshapen manifest', manifests()),
  ...named('misshapen proof', jsonFile('proof.json', { options: { first: 7, count: 4 }, dense: false })),
  ...named('misshapen line', [...jsonFile('erasures.jsonl', { line: 0 }), ...jsonFile('disclosures/00000000.jsonl', { line: 0 })]),
  ...named('misshapen record', headers()), ...named('misshapen clear', clears()), ...named('misshapen seal', seals()),
  ...named('misshapen receipt', receipts()), ...signatureEvidence(), ...textEvidence(),
];
