// Canonical readers: JCS, CBOR, base64, notes, trust files, tlog-proofs; with the log library's shared golden files.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { base64, base64url, fromBase64, fromBase64url, fromDecimal, hex, utf8 } from '../src/bytes.js';
import { decodeCbor, encodeCbor, Tagged } from '../src/cbor.js';
import { parseReceipt, parseSign1, splitTransparent } from '../src/cose.js';
import { parseJcs, parseJcsText, toJcs } from '../src/jcs.js';
import { parseKeyDirectory } from '../src/keydirectory.js';
import { Malformed } from '../src/malformed.js';
import { leafHash, rootFromPath } from '../src/merkle.js';
import { COSIGNATURE, ED25519, noteKeyId, parseCheckpoint, parseNote, parseVerifierKey, signaturesBy } from '../src/note.js';
import { checkQuorum, parsePolicy } from '../src/policy.js';
import { parseTlogProof } from '../src/tlogproof.js';
import { parseDisclosure } from '../src/unit.js';
import { random } from './random.mjs';

const GOLDEN = new URL('../../../crates/tlog/tests/golden/', import.meta.url);
const golden = async (name) => new Uint8Array(await readFile(new URL(name, GOLDEN)));
const refuses = (read, why) => assert.throws(read, Malformed, why);

test('JCS: the example of RFC 8785 §3.2.3 sorts by UTF-16 code units', () => {
  const value = { '€': 'Euro Sign', '\r': 'Carriage Return', '\ufb33': 'Hebrew Letter Dalet With Dagesh', 1: 'One', '😀': 'Emoji', '\u0080': 'Control', 'ö': 'Latin' };
  const order = Object.keys(JSON.parse(toJcs(value))).filter((name) => name !== '1');
  assert.deepEqual(order, ['\r', '\u0080', 'ö', '€', '😀', '\ufb33'], 'two writers would sign different bytes');
  assert.equal(toJcs({ s: '€$\u000f\nA\'B"\\\\"/' }), '{"s":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
});

test('JCS: what is not canonical is refused', () => {
  for (const source of ['{"a":1,"a":1}', '{"b":1,"a":1}', '{"a": 1}', '{"a":1}\n', '1.0', '1e3', '-0', '1.5', '9007199254740992', '"\\u0041"',
    '"\\ud800"', '01', '{"a":1,}', '', 'nul', '"\\/"', `${'['.repeat(33)}${']'.repeat(33)}`]) {
    refuses(() => parseJcsText(source), `accepted ${source}`);
  }
  refuses(() => parseJcs(Uint8Array.of(0x22, 0xff, 0x22)), 'accepted bytes that are not UTF-8');
  refuses(() => parseJcs(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), 'accepted a byte order mark');
  for (const source of ['9007199254740991', '-9007199254740991', '{"":null}', `${'['.repeat(32)}${']'.repeat(32)}`, '"\u2028😀"', '{"__proto__":1}']) {
    assert.equal(toJcs(parseJcsText(source)), source, `refused ${source}`);
  }
});

test('base64 in its canonical spelling only', () => {
  const next = random();
  for (let size = 0; size < 40; size++) {
    const bytes = next.bytes(size);
    assert.equal(base64(bytes), Buffer.from(bytes).toString('base64'), `seed ${next.seed}`);
    assert.deepEqual(fromBase64(base64(bytes)), bytes);
    assert.deepEqual(fromBase64url(base64url(bytes)), bytes);
  }
  for (const source of ['A', 'AA', 'AAA', 'AB==', 'AAB=', 'AA=A', '====', 'AA==\n', 'A-==', 'AAAA====']) {
    refuses(() => fromBase64(source), `accepted ${source}`);
  }
  for (const source of ['A', 'AB', 'AA==', 'A+AA', 'AAB']) refuses(() => fromBase64url(source), `accepted ${source}`);
  for (const source of ['', '00', '01', '+1', '1 ', '9007199254740992', '1e3']) refuses(() => fromDecimal(source), `accepted ${source}`);
});

// RFC 8949 appendix A, the forms that are used here.
const CBOR = [
  [0, '00'], [23, '17'], [24, '1818'], [100, '1864'], [1000, '1903e8'], [1000000, '1a000f4240'], [1000000000000, '1b000000e8d4a51000'],
  [-1, '20'], [-100, '3863'], [-1000, '3903e7'], [null, 'f6'], [[], '80'], [[1, [2, 3], [4, 5]], '8301820203820405'], ['', '60'], ['IETF', '6449455446'],
  ['ü', '62c3bc'],
];

test('CBOR: RFC 8949 examples both ways', () => {
  for (const [value, digits] of CBOR) {
    assert.equal(hex(encodeCbor(value)), digits, `${value}`);
    assert.deepEqual(decodeCbor(Buffer.from(digits, 'hex')), value, digits);
  }
  const map = new Map([[-1, 1], [10, 2], ['a', new Tagged(18, [])]]);
  assert.deepEqual(decodeCbor(encodeCbor(map)), new Map([[10, 2], [-1, 1], ['a', new Tagged(18, [])]]));
});

test('CBOR: what is not deterministic is refused', () => {
  for (const digits of ['1817', '190017', '1a00000017', '1b0000000000000017', '5f42010243030405ff', '9fff', 'bf616101ff', 'a2020101 02'.replace(' ', ''),
    'a201010102', 'f5', 'f97e00', 'fb3ff199999999999a', '0000', '41', '8201', '61ff', '1bffffffffffffffff', 'a18001', '']) {
    refuses(() => decodeCbor(Buffer.from(digits, 'hex')), `accepted ${digits}`);
  }
  refuses(() => decodeCbor(Buffer.from('81'.repeat(40) + '00', 'hex')), 'deep nesting must not exhaust the stack');
});

test('notes and checkpoints: the example of C2SP signed-note', () => {
  const key = parseVerifierKey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k');
  const note = parseNote('This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n');
  assert.equal(signaturesBy(note, key.name, key.type, key.publicKey).length, 1, 'a signer of another implementation is not recognised');
  for (const source of ['no signatures\n', 'a\n\n', 'a\n\n— x\n', 'a\n\n— x AAAAAA==', 'a\r\n\n— x AAAAAAAA\n', 'a\n\n- x AAAAAAAA\n', 'a\n\n— x  AAAAAAAA\n']) {
    refuses(() => parseNote(source), `accepted ${JSON.stringify(source)}`);
  }
  const root = base64(new Uint8Array(32));
  const tail = '\n— notary.example/log/acme AAAAAAAA\n';
  for (const body of [`notary.example/log/acme\n01\n${root}\n`, `notary.example/log/acme\n1\n${root}\nmore\n`, `x y\n1\n${root}\n`, `notary.example/log/acme\n1\nAAAA\n`]) {
    refuses(() => parseCheckpoint(utf8(body + tail)), `accepted ${JSON.stringify(body)}`);
  }
});

test('trust files: groups and quorum of the log library’s golden files', async () => {
  const policy = parsePolicy(await golden('policy.txt'));
  const plain = parseCheckpoint(await golden('checkpoint.txt'));
  const cosigned = parseCheckpoint(await golden('checkpoint-cosigned.txt'));
  assert.equal((await checkQuorum(policy, plain)).outcome, 'undetermined', 'a missing witness would pass');
  assert.equal((await checkQuorum(policy, cosigned)).outcome, 'undetermined', 'one of three groups would pass');
  const first = new TextDecoder().decode(await golden('policy.txt')).replace('quorum X-and-Y', 'quorum X1');
  assert.equal((await checkQuorum(parsePolicy(utf8(first)), cosigned)).outcome, 'holds', 'a real cosignature is not recognised');
  const forged = { ...cosigned, note: { ...cosigned.note, text: cosigned.note.text.replace('11', '12') } };
  assert.equal((await checkQuorum(parsePolicy(utf8(first)), forged)).outcome, 'broken', 'a false cosignature would pass');
});

/** Requirement: B11. */
test('trust files: a post-quantum witness counts, and for the tree that it signed alone', async () => {
  const policy = parsePolicy(await golden('policy-ml-dsa.txt'));
  const cosigned = parseCheckpoint(await golden('checkpoint-cosigned-ml-dsa.txt'));
  const quorum = await checkQuorum(policy, cosigned);
  assert.equal(quorum.outcome, 'holds', quorum.detail);
  assert.deepEqual(quorum.witnessed, { name: 'pq', seconds: 1_767_225_600 }, 'the reader would not learn who dated it, or when');
  for (const changed of [{ size: cosigned.size + 1 }, { origin: `${cosigned.origin}x` }, { root: new Uint8Array(32) }]) {
    assert.equal((await checkQuorum(policy, { ...cosigned, ...changed })).outcome, 'broken', `it vouches for a tree that it never saw: ${Object.keys(changed)}`);
  }
  assert.equal((await checkQuorum(policy, parseCheckpoint(await golden('checkpoint.txt')))).outcome, 'undetermined', 'a missing witness would pass');
  const source = new TextDecoder().decode(await golden('policy-ml-dsa.txt'));
  refuses(() => parsePolicy(utf8(source.replace('witness.example/w1', 'witness.example/w2'))), 'a key under another name');
  refuses(() => parsePolicy(utf8(source.replace(/.{8}\nquorum/, '\nquorum'))), 'a key that is too short');
});

test('trust files: what is not a policy is refused with its line', () => {
  const log = 'log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  for (const source of ['', log, `${log}\n${log}\nquorum none\n`, 'quorum none\nquorum none\n', 'quorum W\n', 'witness none x\nquorum none\n', `log x\nquorum none\n`,
    `${log}\nquorum none\nfrobnicate\n`, 'group G any W\nquorum none\n', log.replace('530d903a', '530d903b') + '\nquorum none\n', 'quorum none\r\n']) {
    refuses(() => parsePolicy(utf8(source)), `accepted ${JSON.stringify(source)}`);
  }
  assert.equal(parsePolicy(utf8(`# comment ü\n\t ${log} https://x\t\n\nquorum none\n`)).logs.length, 1);
});

test('trust files: as many, as large and with such keys as the other verifiers read', () => {
  const key = (type, number) => {
    const publicKey = new Uint8Array(32);
    publicKey.set(fromBase64('6THJ5GubnqECkYWTJBHhkJtXngh3YspoA1hyucq/dTY='));
    publicKey[0] = number & 255;
    publicKey[1] = number >> 8;
    const name = `n${number}.example`;
    return `${name}+${hex(noteKeyId(name, type, publicKey))}+${base64(new Uint8Array([type, ...publicKey]))}`;
  };
  const lines = (count, line) => Array.from({ length: count }, (_, number) => line(number)).join('\n');
  const reads = (source) => parsePolicy(typeof source === 'string' ? utf8(source) : source);
  // Of random points about half are keys; what is asked here is how many are read, so only those count.
  const good = (type) => Array.from({ length: 2000 }, (_, number) => number).filter((number) => {
    try {
      return parseVerifierKey(key(type, number));
    } catch {
      return false;
    }
  });
  const [logs, witnesses] = [good(ED25519), good(COSIGNATURE)];
  for (const [keyword, keys, type] of [['log', logs, ED25519], ['witness', witnesses, COSIGNATURE]]) {
    const source = (count) => `${lines(count, (at) => `${keyword} ${keyword === 'witness' ? `w${at} ` : ''}${key(type, keys[at])}`)}\nquorum none\n`;
    reads(source(256));
    refuses(() => reads(source(257)), `257 ${keyword} lines, which others refuse`);
  }
  refuses(() => reads(`log ${key(COSIGNATURE, witnesses[0])}\nquorum none\n`), 'a log with the key of a witness');
  refuses(() => reads(`witness w ${key(ED25519, logs[0])}\nquorum none\n`), 'a witness with the key of a log');
  refuses(() => reads(`#${'x'.repeat(256 * 1024)}\nquorum none\n`), 'more than 256 KiB');
  const latin = new Uint8Array([...utf8(' # caf'), 0xe9, ...utf8('\nquorum none\n')]);
  assert.equal(reads(latin).quorum, 'none', 'a comment that is not UTF-8 is refused, and others read it');
  refuses(() => reads(new Uint8Array([...utf8('witness w'), 0xe9, ...utf8(`${key(COSIGNATURE, witnesses[0])}\nquorum none\n`)])), 'a name that is not UTF-8');
  refuses(() => reads('# \u0001\nquorum none\n'), 'a control character in a comment');
});

test('COSE Receipts: index and size are numbers that JSON says exactly', async () => {
  const receipt = decodeCbor(await golden('receipt.bin')).value;
  const placed = (index, size) => encodeCbor(new Tagged(18, [receipt[0], new Map([[396, new Map([[-1, [encodeCbor([size, index, []])]]])]]), null, receipt[3]]));
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(parseReceipt(placed(0, most)).size, most);
  const larger = Buffer.from(placed(0, most)).toString('hex').replace('1b001fffffffffffff', '1b0020000000000000');
  refuses(() => parseReceipt(new Uint8Array(Buffer.from(larger, 'hex'))), 'a size of 2^53');
});

test('disclosures: a value nests 30 levels, as in the other verifiers', () => {
  const nested = (levels) => base64url(utf8(`["AAAAAAAAAAAAAAAAAAAAAA","a",${'['.repeat(levels)}${']'.repeat(levels)}]`));
  assert.equal(parseDisclosure(nested(30)).name, 'a');
  refuses(() => parseDisclosure(nested(31)), 'a value that no unit can hold');
});

test('key directories: half a character is no text', () => {
  const source = (note) => `{"format":"tabellion.key-directory/1","keys":[{"key_id":"${'0'.repeat(64)}","note":"${note}","organisation":"A","valid_from":"2020-01-01"}]}`;
  assert.equal(parseKeyDirectory(utf8(source('\\ud83d\\ude00'))).size, 1);
  refuses(() => parseKeyDirectory(utf8(source('\\ud800'))), 'half a character');
});

test('tlog-proof and COSE Receipt of the log library', async () => {
  const proof = parseTlogProof(await golden('entry.tlog-proof'));
  assert.equal(proof.index, 6);
  assert.equal(new TextDecoder().decode(parseTlogProof(await golden('entry-extra.tlog-proof')).extra), 'extra data');
  const receipt = parseReceipt(await golden('receipt.bin'));
  const { statement, receipts } = splitTransparent(await golden('transparent.bin'));
  assert.deepEqual(Buffer.from(statement), Buffer.from(await golden('statement.bin')), 'the statement in the log would have another hash');
  assert.deepEqual(Buffer.from(receipts[0]), Buffer.from(await golden('receipt.bin')));
  assert.equal(parseSign1(statement).kind, 'statement');
  const root = rootFromPath(leafHash(statement), receipt.index, receipt.size, receipt.path);
  assert.notEqual(root, null, 'the receipt’s path does not fit its tree');
});
