// Packages whose log was anchored, with every byte of the evidence changed: what somebody can do who has all of the log's keys and none of those outside.
// The log records the changed evidence, seals it and signs the package; only the evidence itself can show what is wrong.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { keccak256 } from '../../src/keccak.js';
import { Log, unitOf } from './log.mjs';
import { makePackage } from './package.mjs';
import { b64, hex, jcs, keyFrom, sha256, treeRoot, vkey } from './primitives.mjs';

const NOW_MICROS = Date.now() * 1000;
const HOUR_SECONDS = 3600;
const now = Math.floor(Date.now() / 1000);
const HEIGHT = 900_000;
/** Of so many bytes of a receipt one is changed. Odd, so that every bit gets its turn. */
const RECEIPT_STRIDE = 5;
const TSA = new URL('../../../../scripts/peers/tsa.sh', import.meta.url).pathname;

/** The log up to the checkpoint that is anchored. */
function begun() {
  const log = new Log().begin();
  log.seal();
  log.record('event.logged', { units: [unitOf('a', { message: 'one' })] });
  return log.seal();
}

const textOf = (log, size) => `${log.origin}\n${size}\n${b64(treeRoot(log.leaves.slice(0, size)))}\n`;

/** RFC 9162 §2.1.4.1, by its recursive definition. */
function consistency(old, leaves, isWhole = true) {
  if (old === leaves.length) return isWhole ? [] : [treeRoot(leaves)];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return old <= k
    ? [...consistency(old, leaves.slice(0, k), isWhole), treeRoot(leaves.slice(k))]
    : [...consistency(old - k, leaves.slice(k), false), treeRoot(leaves.slice(0, k))];
}

/** A package whose one anchor is this evidence. */
function packageWith(kind, evidence) {
  const log = begun();
  const size = log.entries.length;
  const checkpoint = log.checkpoint(size);
  const record = log.record('anchor.confirmed', {
    clear: { anchor: kind, evidence_sha256: hex(sha256(evidence)), root: hex(treeRoot(log.leaves)), size },
  });
  log.seal({ committed_at: NOW_MICROS });
  const file = {
    anchor: kind, checkpoint, consistency: consistency(size, log.leaves).map(hex), evidence: b64(evidence), format: 'tabellion.anchor/1',
    record: { entry: b64(log.entries[record]), index: record, path: log.path(record) },
  };
  return makePackage(log, { falsify: (files) => { files['anchors/00000000.json'] = jcs(file); } });
}

// RLP and the trie of transactions, by the yellow paper, appendices B and D.
const digits = (value) => Buffer.from(value === 0 ? '' : value.toString(16).padStart(value.toString(16).length + (value.toString(16).length % 2), '0'), 'hex');
const prefixed = (base, payload) => {
  if (payload.length < 56) return Buffer.concat([Buffer.from([base + payload.length]), payload]);
  const length = digits(payload.length);
  return Buffer.concat([Buffer.from([base + 55 + length.length]), length, payload]);
};
const string = (bytes) => (bytes.length === 1 && bytes[0] < 0x80 ? Buffer.from(bytes) : prefixed(0x80, Buffer.from(bytes)));
const list = (items) => prefixed(0xc0, Buffer.concat(items));
const nibbles = (bytes) => [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
const hexPrefix = (path, isLeaf) => {
  const flag = (isLeaf ? 2 : 0) + (path.length % 2);
  const all = path.length % 2 ? [flag, ...path] : [flag, 0, ...path];
  return Buffer.from(all.flatMap((nibble, at) => (at % 2 ? [] : [nibble * 16 + all[at + 1]])));
};

function node(entries, depth, wanted, way) {
  const tails = entries.map(([path]) => path.slice(depth));
  if (entries.length === 1) return list([string(hexPrefix(tails[0], true)), string(entries[0][1])]);
  const shared = tails[0].findIndex((nibble, at) => tails.some((tail) => tail[at] !== nibble));
  if (shared > 0) return list([string(hexPrefix(tails[0].slice(0, shared), false)), child(entries, depth + shared, wanted, way)]);
  const items = [];
  for (let nibble = 0; nibble < 16; nibble++) {
    const below = entries.filter(([path]) => path[depth] === nibble);
    items.push(below.length === 0 ? string([]) : child(below, depth + 1, wanted, way));
  }
  return list([...items, string([])]);
}

function child(entries, depth, wanted, way) {
  const encoded = node(entries, depth, wanted, way);
  if (encoded.length < 32) return encoded;
  if (entries.some(([path]) => path === wanted)) way.unshift(encoded);
  return string(keccak256(encoded));
}

function evm(digest) {
  const chain = 5;
  const transaction = (data, nonce) => Buffer.concat([Buffer.from([2]), list([
    string(digits(chain)), string(digits(nonce)), string(digits(1)), string(digits(2)), string(digits(30_000)), string(Buffer.alloc(20, 1)),
    string([]), string(data), list([]), string([]), string(Buffer.alloc(32, 2)), string(Buffer.alloc(32, 3)),
  ])]);
  const all = Array.from({ length: 20 }, (_, at) => transaction(at === 3 ? digest : Buffer.alloc(8, at), at));
  const entries = all.map((bytes, at) => [nibbles(string(digits(at))), bytes]).sort(([a], [b]) => (String.fromCharCode(...a) < String.fromCharCode(...b) ? -1 : 1));
  const way = [];
  const root = node(entries, 0, entries.find(([, bytes]) => bytes === all[3])[0], way);
  const fields = Array.from({ length: 16 }, () => string(Buffer.alloc(32, 4)));
  fields[4] = string(keccak256(root));
  fields[8] = string(digits(70));
  fields[11] = string(digits(now - HOUR_SECONDS));
  const header = list(fields);
  const evidence = list([
    string(Buffer.from('tabellion.evm/1')), string(digits(chain)), string(header), string(all[3]), string(digits(3)), list([root, ...way].map(string)),
  ]);
  return { evidence, line: `#! evm ${chain} 70 ${hex(keccak256(header))}` };
}

const number = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >> 7)]);
const counted = (bytes) => [...number(bytes.length), ...bytes];

function openTimestamps(digest) {
  const bitcoin = [0, ...Buffer.from('0588960d73d71901', 'hex'), ...counted(number(HEIGHT))];
  const pending = [0, ...Buffer.from('83dfe30d2ef90c8e', 'hex'), ...counted(counted(Buffer.from('https://calendar.example/x')))];
  const unknown = [0, ...Buffer.from('0102030405060708', 'hex'), ...counted([1, 2])];
  const nonce = Buffer.alloc(4, 9);
  const first = sha256(digest, nonce);
  const root = createHash('sha256').update(Buffer.concat([Buffer.from('front'), first])).digest();
  const evidence = Buffer.from([
    ...Buffer.from('004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294', 'hex'), 1, 8, ...digest,
    0xf0, ...counted(nonce), 0x08, // append, SHA-256
    0xff, ...pending,
    0xff, 0xf2, 0xf3, 0x67, 0x02, ...unknown, // reverse, hexlify, Keccak-256, SHA-1
    0xff, 0x03, ...unknown, // RIPEMD-160
    0xf1, ...counted(Buffer.from('front')), 0x08, ...bitcoin,
  ]);
  const header = Buffer.alloc(80, 4);
  root.copy(header, 36);
  header.writeUInt32LE(now, 68);
  return { evidence, line: `#! bitcoin ${HEIGHT} ${hex(header)}` };
}

function arweave(digest) {
  const key = keyFrom('arweave');
  const sha384 = (...parts) => createHash('sha384').update(Buffer.concat(parts)).digest();
  const pair = ['App-Name', 'Tabellion'].map((text) => Buffer.concat([Buffer.from([text.length * 2]), Buffer.from(text)]));
  const tags = Buffer.concat([Buffer.from([2]), ...pair, Buffer.from([0])]);
  const parts = ['dataitem', '1', '2', key.publicBytes, '', Buffer.alloc(32, 6), tags, digest].map((part) => Buffer.from(part));
  const message = parts.reduce(
    (folded, part) => sha384(folded, sha384(sha384(Buffer.from(`blob${part.length}`)), sha384(part))), sha384(Buffer.from(`list${parts.length}`)));
  const length = (value) => Buffer.concat([digits(value), Buffer.alloc(7)]);
  const evidence = Buffer.concat([
    Buffer.from([2, 0]), key.sign(message), key.publicBytes, Buffer.from([0, 1]), parts[5], length(1), length(tags.length), tags, digest]);
  return { evidence, line: '' };
}

/** Stamps out of `openssl ts`: by a signer right below its authority, with RSA and SHA-1 bindings, and by one below an authority in between. */
function stamps(digest) {
  const place = mkdtempSync(join(tmpdir(), 'stamps-'));
  try {
    execFileSync('bash', [TSA, place], { stdio: 'ignore' });
    const query = Buffer.concat([Buffer.from('30380201013031300d060960864801650304020105000420', 'hex'), digest]);
    // TimeStampReq: version, imprint, certReq.
    const whole = Buffer.concat([Buffer.from([0x30, 0x39]), query.subarray(2), Buffer.from([0x01, 0x01, 0xff])]);
    writeFileSync(join(place, 'q'), whole);
    return [['good', 'ca'], ['rsa', 'rsa-ca'], ['deep', 'ca']].map(([section, authority]) => {
      execFileSync('openssl', [
        'ts', '-reply', '-config', join(place, 'tsa.cnf'), '-section', section, '-queryfile', join(place, 'q'), '-out', join(place, 'r')], { stdio: 'ignore' });
      return { name: section, evidence: readFileSync(join(place, 'r')), line: `#! rfc3161 stamps ${b64(readFileSync(join(place, `${authority}.der`)))}` };
    });
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** A receipt of a root log, a log of its own, that records this checkpoint; its seal says that it is now. */
function rootLog({ origin, size, root }, { by = 'root.example/log/all', type = 'shard.checkpoint_recorded', isStatement = false } = {}) {
  const log = new Log({ origin: by, label: 'root log' }).begin();
  log.seal();
  const clear = { key: hex(sha256('key')), origin, root: hex(root), signature: b64(Buffer.alloc(64, 7)), size };
  const more = type === 'shard.conflict_found' ? { kind: 'forked', known_size: size, proved: true } : {};
  const index = log[isStatement ? 'statement' : 'record'](type, { clear: { ...clear, ...more } });
  log.seal({ committed_at: NOW_MICROS });
  const purposes = [null, 'log', 'writer', ...(isStatement ? ['actor'] : [])];
  return { evidence: log.receipt(index, [], purposes), line: `#! root-log ${vkey(`${log.origin}/root`, log.keys.root)}` };
}

/** The receipt with evidence of its own inside, which nobody is to follow. */
function nested(evidence) {
  const [first, extra, ...rest] = evidence.toString().split('\n');
  const inside = JSON.parse(Buffer.from(extra.slice('extra '.length), 'base64'));
  const anchors = [{ anchor: 'root-log', evidence: b64(evidence) }];
  return Buffer.from([first, `extra ${b64(jcs({ ...inside, anchors }))}`, ...rest].join('\n'));
}

/** Receipts of a root log that are in order and are not of this checkpoint, or not its own word. */
function rootLogForgeries(tree) {
  const { evidence } = rootLog(tree);
  return {
    'another size': rootLog({ ...tree, size: tree.size + 1 }).evidence,
    'another root': rootLog({ ...tree, root: sha256('other') }).evidence,
    'another shard': rootLog({ ...tree, origin: 'notary.example/log/beta' }).evidence,
    'a conflict': rootLog(tree, { type: 'shard.conflict_found' }).evidence,
    'a statement of somebody else': rootLog(tree, { isStatement: true }).evidence,
    'the shard for itself': rootLog(tree, { by: tree.origin }).evidence,
    'evidence inside evidence': nested(evidence),
  };
}

/** Whether a signature covers every byte of the evidence, or a form that has one spelling. */
const isWhole = (kind) => kind === 'arweave' || kind === 'root-log';

/** [{family, name, bytes, trust, verdict}]: `dated` means that whoever lets it pass must say the same times as of the whole, or none. */
export function anchoredEvidence(step = 1) {
  const log = begun();
  const digest = sha256(textOf(log, log.entries.length));
  const tree = { origin: log.origin, size: log.entries.length, root: treeRoot(log.leaves) };
  const kinds = [
    ...stamps(digest).map((one) => ({ kind: 'rfc3161', ...one })), { kind: 'opentimestamps', ...openTimestamps(digest) },
    { kind: 'arweave', ...arweave(digest) }, { kind: 'evm', ...evm(digest) },
    { kind: 'root-log', ...rootLog(tree), forgeries: rootLogForgeries(tree) },
  ];
  const cases = [];
  for (const { kind, name = kind, evidence, line, forgeries = {} } of kinds) {
    const trust = Buffer.from(`${log.trust('root')}${line}\n`);
    const of = (what, changed, verdict, believed = trust) => cases.push(
      { family: 'anchors', name: `${name}: ${what}`, bytes: packageWith(kind, changed), trust: believed, verdict, like: `${name}: whole` });
    of('whole', evidence, 'holds');
    of('whole, nobody believed', evidence, 'holds', log.trust('root'));
    // A receipt is tried byte by byte as one (mutations.py); here it is the largest evidence by far.
    const stride = kind === 'root-log' ? step * RECEIPT_STRIDE : step;
    for (let at = 0; at < evidence.length; at += stride) {
      const changed = Buffer.from(evidence);
      changed[at] ^= 1 << (at % 8);
      of(`byte ${at}`, changed, isWhole(kind) ? 'noticed' : 'dated');
    }
    for (const length of [0, 1, evidence.length >> 1, evidence.length - 1]) of(`${length} bytes`, evidence.subarray(0, length), kind === 'rfc3161' || isWhole(kind) ? 'noticed' : 'dated');
    of('one byte more', Buffer.concat([evidence, Buffer.from([0])]), isWhole(kind) ? 'noticed' : 'dated');
    for (const [what, forged] of Object.entries(forgeries)) of(what, forged, 'noticed');
  }
  return cases;
}

