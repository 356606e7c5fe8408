// Packages: a verifier written from docs/formats.md against a builder written from docs/formats.md (test/forge), which share no code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAlarms } from '../src/alarms.js';
import { verify } from '../src/verify.js';
import { idFrom, Log, unitOf } from './forge/log.mjs';
import { makePackage, packageFiles } from './forge/package.mjs';
import { b64, jcs, keyFrom, noteKeyId, vkey, zip } from './forge/primitives.mjs';
import { sampleLog } from './forge/sample.mjs';

const run = (bytes, trust = null) => verify(new Uint8Array(bytes), trust && new Uint8Array(trust));
const outcome = (report, name) => report.checks.find((check) => check.name === name).outcome;
const explain = (report) => report.checks.filter((check) => check.outcome !== 'holds').map((check) => `${check.name}: ${check.detail}`).join('; ');

/** Asserts exit and the first check that does not hold. */
function assertFault(report, exit, name, loss) {
  assert.equal(report.exitCode, exit, `${loss} — ${explain(report)}`);
  assert.equal(report.checks.find((check) => ['broken', 'malformed', 'undetermined'].includes(check.outcome))?.name, name, explain(report));
}

/** Requirement: A18. Nothing but the package and the public key is needed: no network, no account, no service. */
test('a good package holds with either pin and is undetermined without trust', async () => {
  const { log } = sampleLog();
  const bytes = makePackage(log);
  for (const pin of ['root', 'log']) {
    const report = await run(bytes, log.trust(pin));
    assert.equal(report.verdict, 'holds', `pin ${pin}: ${explain(report)}`);
    assert.ok(report.checks.every((check) => check.outcome === 'holds'), explain(report));
  }
  const blind = await run(bytes);
  assert.equal(blind.exitCode, 3, 'an unknown issuer would be reported as fine');
  assert.equal(blind.finding('issued').outcome, 'undetermined');
  assert.equal(blind.finding('existed').outcome, 'undetermined', 'an imitation can claim any time');
  assert.equal(blind.finding('unaltered').outcome, 'holds');
});

test('what is shown, withheld and erased is told apart', async () => {
  const { log, first, gone } = sampleLog();
  const report = await run(makePackage(log, { show: (unit) => unit.index !== 8 }), log.trust());
  assert.equal(report.verdict, 'holds', explain(report));
  const rows = new Map(report.records.map((row) => [row.index, row]));
  const document = rows.get(first);
  assert.equal(document.units.find((unit) => unit.id === gone.id).state, 'erased', 'an erased unit would look withheld');
  assert.deepEqual(document.units.find((unit) => unit.id !== gone.id).fields.map((field) => field.name).sort(), ['author', 'score', 'title']);
  assert.equal(rows.get(8).units[0].state, 'withheld', 'a withheld unit would look missing');
  assert.ok(document.committedAt > document.observedAt, 'the time of the seal is lost');
  assert.deepEqual(report.facts.totals.withheld, 1);
});

test('ranges within the log: left and right hashes, edge seals, entries from outside', async () => {
  const { log } = sampleLog();
  for (const [first, count, size] of [[0, 7, 18], [7, 4, 18], [7, 4, 11], [7, 9, 18], [11, 5, 18], [16, 2, 18], [0, 11, 11], [7, 0, 18], [18, 0, 18]]) {
    const report = await run(makePackage(log, { first, count, size }), log.trust());
    const wantsOldKey = size < 14;
    assert.equal(report.verdict, wantsOldKey ? 'broken' : 'holds', `[${first}, ${first + count}) of ${size}: ${explain(report)}`);
  }
});

test('a period is exactly its batches', async () => {
  const { log } = sampleLog();
  const at = (seal) => log.sealPayloads.get(seal).committed_at;
  const range = { first: 7, count: 4 };
  const good = await run(makePackage(log, { ...range, period: { from: at(6) + 1, to: at(15) } }), log.trust());
  assert.equal(good.verdict, 'holds', explain(good));
  for (const period of [{ from: at(6), to: at(15) }, { from: at(6) + 1, to: at(15) + 1 }, { from: at(10) + 1, to: at(15) }, { from: at(6) + 1, to: at(10) }]) {
    assertFault(await run(makePackage(log, { ...range, period }), log.trust()), 1, 'period edges', 'a batch of the period could be left out unseen');
  }
});

/** Requirement: V41. A changed, removed or added row is found and named, also by a forger who repairs every checksum. */
test('an edited row, re-signed by the package key, is found in the tree and named by its batch', async () => {
  const { log } = sampleLog();
  const time = String(log.headers[8].observed_at);
  const changed = time.replace(/.$/, (digit) => (digit === '9' ? '8' : '9'));
  const swapped = await run(makePackage(log, { falsify: (files) => {
    const bundle = files['entries/00000000.bundle'].toString('latin1');
    files['entries/00000000.bundle'] = Buffer.from(bundle.replace(`"observed_at":${time}`, `"observed_at":${changed}`), 'latin1');
  } }), log.trust());
  assertFault(swapped, 1, 'tree', 'a changed time passes');
  assert.equal(swapped.finding('issued').outcome, 'broken', 'altered entries would be laid at the issuer’s door');
  assert.match(swapped.checks.find((check) => check.name === 'seals').detail, /entries 7 to 9 are not what seal 10 closed/, 'the place of the change is not named');
});

test('a removed row is found', async () => {
  const { log } = sampleLog();
  const report = await run(makePackage(log, { falsify: (files, manifest) => {
    const bundle = files['entries/00000000.bundle'];
    const last = log.entries.at(-1).length + 2;
    files['entries/00000000.bundle'] = bundle.subarray(0, bundle.length - last);
    manifest.count--;
    manifest.totals.entries--;
    manifest.totals.seals--;
  } }), log.trust());
  assertFault(report, 1, 'tree', 'a truncated log passes');
});

test('thousands of alarms are looked at once each', async () => {
  let reads = 0;
  const record = { type: 'witness.conflict_found', type_version: 1, observed_at: 1, facts: { kind: 'forked', proved: true, size: 9 }, get record_id() { reads++; return '0'.repeat(32); } };
  const lifting = { type: 'witness.conflict_lifted', type_version: 1, facts: { conflict: '1'.repeat(32) } };
  const entries = Array.from({ length: 1000 }, (_, index) => ({ index, record: index < 500 ? record : lifting }));
  let found = null;
  await checkAlarms({ add() {}, check: async (name, judge) => { found = judge(); } }, { entries, extra: new Map() });
  assert.equal(found.outcome, 'undetermined', 'alarms that nothing lifts are passed over');
  assert.ok(reads <= 500, `a package of many alarms keeps the page busy: ${reads} looks at 500 alarms`);
});

test('files of entries that the range does not need are broken', async () => {
  const { log } = sampleLog();
  for (const content of ['', 'junk']) {
    const report = await run(makePackage(log, { falsify: (files) => { files['entries/00000001.bundle'] = content; } }), log.trust());
    assertFault(report, 1, 'entries', 'a file rides along under the package\'s signature that proves nothing');
  }
});

test('files, manifest and signatures that do not fit are broken', async () => {
  const { log } = sampleLog();
  const repacked = (change) => {
    const files = packageFiles(log);
    change(files);
    return zip(files);
  };
  assertFault(await run(repacked((files) => { files['report.html'] = 'other'; }), log.trust()), 1, 'files', 'a swapped report passes');
  assertFault(await run(repacked((files) => { files['manifest.json'] = files['manifest.json'].replace('forge 1', 'forge 2'); }), log.trust()),
    1, 'manifest signature', 'a changed manifest passes');
  assertFault(await run(makePackage(log, { falsify: (files, manifest) => { manifest.totals.shown++; } }), log.trust()), 1, 'totals', 'a false count passes');
  assertFault(await run(makePackage(log, { falsify: (files, manifest) => { manifest.scope += ' All is well.'; } }), log.trust()), 2, 'manifest', 'a larger promise passes');
  assertFault(await run(makePackage(log, { falsify: (files, manifest) => { manifest.epochs[0].closed = true; } }), log.trust()), 1, 'totals', 'an open epoch passes as closed');
  assertFault(await run(makePackage(log, { falsify: (files, manifest) => { manifest.keys--; } }), log.trust()), 1, 'keys', 'a key record could be left out');
  assertFault(await run(makePackage(log, { falsify: (files, manifest) => { manifest.files = []; } }), log.trust()), 1, 'files', 'an unlisted file passes');
  assertFault(await run(makePackage(log, { falsify: (files) => { files.checkpoint = log.checkpoint(18, keyFrom('thief')); } }), log.trust()),
    1, 'checkpoint signature', 'a foreign signature passes');
});

test('container and forms that are not of a package are malformed', async () => {
  const { log } = sampleLog();
  const repacked = (change) => {
    const files = packageFiles(log);
    change(files);
    return zip(files);
  };
  for (const change of [
    (files) => { files['../evil'] = 'x'; }, (files) => { files['a.txt'] = 'x'; }, (files) => { delete files['report.html']; },
    (files) => { files['entries/00000002.bundle'] = files['entries/00000000.bundle']; }, (files) => { files['disclosures/00000001.jsonl'] = 'x'; },
  ]) assertFault(await run(repacked(change), log.trust()), 2, 'container', 'a file could be smuggled in');
  assertFault(await run(repacked((files) => { files['manifest.json'] += ' '; }), log.trust()), 2, 'manifest', 'one manifest would have two spellings');
  assertFault(await run(makePackage(log, { falsify: (files) => { files['proof.json'] = '{}'; } }), log.trust()), 2, 'tree', 'a proof without form passes');
  assertFault(await run(makePackage(log, { falsify: (files) => { files['erasures.jsonl'] = files['erasures.jsonl'].trimEnd(); } }), log.trust()), 2, 'erasures', 'two spellings');
  const framework = ['index.json', 'rules.toml', 'soa.json', 'status.json', 'systems.json'].map((name) => `framework/${name}`);
  const withFramework = (names) => makePackage(log, { falsify: (files) => { for (const name of names) files[name] = '{}'; } });
  assert.equal((await run(withFramework(framework), log.trust())).exitCode, 0, 'a package with statuses does not verify');
  for (const name of framework) assertFault(await run(withFramework(framework.filter((one) => one !== name)), log.trust()), 2, 'container', `${name} is gone`);
  assertFault(await run(withFramework([...framework, 'framework/extra.json']), log.trust()), 2, 'container', 'a sixth file');
  const good = makePackage(log);
  for (const bytes of [good.subarray(0, good.length - 1), Buffer.concat([good, Buffer.from([0])]), Buffer.from('PK'), Buffer.alloc(0), good.subarray(1)]) {
    assert.equal((await run(bytes, log.trust())).exitCode, 2, 'a truncated or padded file passes');
  }
  assert.equal((await run(good, Buffer.from('nonsense\n'))).exitCode, 2, 'a trust file that cannot be read would be ignored');
});

test('the trust file decides the issuer and nothing else', async () => {
  const { log } = sampleLog();
  const bytes = makePackage(log);
  const foreign = keyFrom('foreign');
  const lines = (...pins) => Buffer.from(`${pins.map(([name, key]) => `log ${vkey(name, key)}\n`).join('')}quorum none\n`);
  const root = `${log.origin}/root`;
  for (const [pins, why] of [
    [[['other.example/log/x', log.keys.root]], 'another log'], [[[root, foreign]], 'another root key'], [[[log.origin, foreign]], 'another log key'],
    [[[log.origin, log.keys.root]], 'the root key pinned as log key'], [[[root, foreign], [log.origin, log.keys.log]], 'a genesis of another root'],
  ]) assertFault(await run(bytes, lines(...pins)), 3, 'issuer', `${why} passes for the issuer`);
  assert.equal((await run(bytes, lines([root, log.keys.root], [log.origin, foreign]))).exitCode, 0, 'a rotated log key hides the root');
  const witness = keyFrom('witness');
  const policy = (quorum) => Buffer.from(`log ${vkey(root, log.keys.root)}\nwitness w ${vkey('w.example', witness, 4)}\nquorum ${quorum}\n`);
  assertFault(await run(bytes, policy('w')), 3, 'issuer', 'an unmet quorum passes');
  const cosign = (key) => makePackage(log, { falsify: (files) => {
    const text = files.checkpoint.split('\n\n')[0] + '\n';
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(1700000001n);
    const blob = Buffer.concat([noteKeyId('w.example', 4, witness.publicBytes), time, key.sign(Buffer.from(`cosignature/v1\ntime 1700000001\n${text}`))]);
    files.checkpoint += `— w.example ${b64(blob)}\n`;
  } });
  assert.equal((await run(cosign(witness), policy('w'))).exitCode, 0, 'a witness is not recognised');
  assertFault(await run(cosign(foreign), policy('w')), 1, 'issuer', 'a forged witness passes');
});

test('an imitation with its own keys is consistent and still unknown', async () => {
  const genuine = sampleLog().log;
  const imitation = sampleLog({ label: 'imitation' }).log;
  const report = await run(makePackage(imitation), genuine.trust());
  assertFault(report, 3, 'issuer', 'an imitation passes');
  assert.match(report.checks.find((check) => check.name === 'issuer').detail, /imitation/);
});

test('a critical record that this verifier does not know is not passed over', async () => {
  const { log } = sampleLog();
  log.record('robot.licensed', { critical: true });
  log.seal();
  const report = await run(makePackage(log), log.trust());
  assertFault(report, 3, 'entries', 'an unknown critical record passes');
  assert.equal(outcome(report, 'totals'), 'holds', 'the rest is still checked');
});

test('keys: revoked, unknown and foreign signers', async () => {
  const build = (change) => {
    const { log } = sampleLog();
    change(log);
    return run(makePackage(log.seal()), log.trust());
  };
  const key = keyFrom('late');
  const revoked = await build((log) => {
    log.keyRecord('key.revoked', { key_id: log.keys.actor.idHex, reason: 'compromised' });
    log.statement('approval.given');
  });
  assertFault(revoked, 1, 'statements', 'a revoked key still speaks');
  assertFault(await build((log) => log.statement('approval.given', {}, key)), 1, 'statements', 'anyone can speak');
  assertFault(await build((log) => log.grant('writer', key)), 1, 'keys', 'two writers at once');
  assertFault(await build((log) => { log.keys.root = key; log.grant('actor', keyFrom('x')); }), 1, 'keys', 'anyone can grant keys');
  assertFault(await build((log) => { log.keys.writer = key; log.record('event.logged'); }), 1, 'seals', 'anyone can seal');
  assertFault(await build((log) => log.keyRecord('key.rotated', {
    credential: log.credentials.writer, key: key.info, new_signature: b64(Buffer.alloc(64)), old: log.keys.writer.idHex,
    old_signature: b64(Buffer.alloc(64)), purpose: 'writer',
  })), 1, 'keys', 'the root alone replaces a key');
});

test('a revoked writer is replaced between batches', async () => {
  const { log } = sampleLog();
  const fresh = keyFrom('second writer');
  log.keyRecord('key.revoked', { key_id: log.keys.writer.idHex, reason: 'lost' });
  log.grant('writer', fresh);
  log.keys.writer = fresh;
  log.seal();
  const report = await run(makePackage(log), log.trust());
  assert.equal(report.verdict, 'holds', explain(report));
});

test('seals that do not cover, attest or date their batch are broken', async () => {
  for (const [change, why] of [
    [{ root: '00'.repeat(32) }, 'another root'], [{ committed_at: 1 }, 'an earlier time'], [{ keys: 1 }, 'fewer keys'], [{ log: 'x.example/log/y' }, 'another log'],
  ]) {
    const { log } = sampleLog();
    log.record('event.logged');
    log.seal(change);
    assert.equal((await run(makePackage(log), log.trust())).exitCode, 1, `a seal with ${why} passes`);
  }
  const { log } = sampleLog();
  log.record('event.logged');
  assertFault(await run(makePackage(log), log.trust()), 1, 'keys', 'a record without seal passes');
});

test('disclosures and erasures that were not sealed are broken', async () => {
  const { log, first, gone } = sampleLog();
  const other = unitOf('other', { title: 'Something else' });
  const withLine = (line) => makePackage(log, { falsify: (files) => {
    const lines = [...files['disclosures/00000000.jsonl'].trimEnd().split('\n').map((one) => JSON.parse(one)).filter((one) => one.index !== line.index), line];
    lines.sort((a, b) => a.index - b.index || (a.unit < b.unit ? -1 : 1));
    files['disclosures/00000000.jsonl'] = lines.map((one) => `${jcs(one)}\n`).join('');
  } });
  const unitId = log.headers[first].units.find((unit) => unit.id !== gone.id).id;
  const false1 = await run(withLine({ disclosures: [other.disclosures[0].encoded], index: first, unit: unitId }), log.trust());
  assertFault(false1, 1, 'disclosures', 'an invented field passes');
  assertFault(await run(withLine({ disclosures: [other.disclosures[0].encoded], index: first, unit: idFrom('none') }), log.trust()), 1, 'disclosures', 'an invented unit passes');
  assertFault(await run(withLine({ disclosures: ['AAAA'], index: first, unit: unitId }), log.trust()), 2, 'disclosures', 'a field without form passes');
  const shownAndErased = { disclosures: gone.disclosures.map((one) => one.encoded), index: first, unit: gone.id };
  assertFault(await run(withLine(shownAndErased), log.trust()), 1, 'erasures', 'an erased unit is shown');
  const erased = (change) => makePackage(log, { falsify: (files) => {
    const line = JSON.parse(files['erasures.jsonl']);
    change(line);
    files['erasures.jsonl'] = `${jcs(line)}\n`;
  } });
  const shownUnit = log.headers[8].units[0].id;
  assertFault(await run(erased((line) => { line.index = 8; line.unit = shownUnit; }), log.trust()), 1, 'erasures', 'a tombstone of one unit covers another');
  assertFault(await run(erased((line) => { line.tombstone = 11; }), log.trust()), 1, 'erasures', 'an erasure passes without tombstone');
  const forged = unitOf('forged', { [`u${gone.id}`]: true });
  assertFault(await run(erased((line) => { line.disclosure = forged.disclosures[0].encoded; }), log.trust()), 1, 'erasures', 'a forged tombstone passes');
});

test('numbers that are missing or repeated are broken', async () => {
  const gap = sampleLog().log;
  gap.header('event.logged', { producer: gap.producer });
  gap.record('event.logged');
  assertFault(await run(makePackage(gap.seal()), gap.trust()), 1, 'numbers', 'a record could be dropped before sealing');
  const twice = sampleLog().log;
  const header = twice.header('event.logged', { producer: twice.producer });
  for (let copy = 0; copy < 2; copy++) twice.append(Buffer.from(jcs(header)), header);
  assertFault(await run(makePackage(twice.seal()), twice.trust()), 1, 'numbers', 'one number could be used for two records');
});

test('epochs: closed, opened again, and a close that lies', async () => {
  const closing = (systems, lastSeq) => {
    const { log } = sampleLog();
    const header = log.header('epoch.closed', { producer: log.producer, critical: true });
    header.clear = { last_seq: lastSeq ?? header.seq, systems };
    log.append(Buffer.from(jcs(header)), header);
    log.record('epoch.opened', { epoch: 2, critical: true, clear: { previous: { closed: true, epoch: 1, last_seq: header.seq } } });
    return run(makePackage(log.seal()), log.trust());
  };
  const system = idFrom('system');
  const good = await closing([{ last_seq: 3, system }]);
  assert.equal(good.verdict, 'holds', explain(good));
  assertFault(await closing([{ last_seq: 4, system }]), 1, 'numbers', 'a system’s record could be dropped');
  assertFault(await closing([]), 1, 'numbers', 'a system could be hidden');
  assertFault(await closing([{ last_seq: 3, system }], 99), 2, 'entries', 'a close could lie');
});

test('hostile text stays text in the report', async () => {
  const log = new Log().begin();
  log.record('event.logged', { units: [unitOf('x', { message: '<img src=x onerror=alert(1)>', back: '\u202egnp.exe' })] });
  const report = await run(makePackage(log.seal()), log.trust());
  assert.equal(report.verdict, 'holds', explain(report));
  assert.equal(report.records.at(-1).units[0].fields.find((field) => field.name === 'message').value, '<img src=x onerror=alert(1)>');
});

/** Requirement: A19, R16. Signature, ledger inclusion, time and live source stay apart; what was not checked is never fine. */
test('four aspects stay apart', async () => {
  const { log } = sampleLog();
  const aspects = (report) => Object.fromEntries(report.aspects.map(({ aspect, outcome: said }) => [aspect, said]));
  assert.deepEqual(aspects(await run(makePackage(log), log.trust())), {
    signature: 'holds', 'ledger inclusion': 'holds', time: 'not checked', 'live source': 'not checked',
  }, 'the log’s own clock passes for proof of time, or a log that nobody asked for a live one');
  assert.ok(Object.values(aspects(await run(makePackage(log)))).every((said) => said === 'not checked'), 'a signature by anybody passes for one by somebody');
  const swapped = packageFiles(log);
  swapped['report.html'] = 'other';
  const report = aspects(await run(zip(swapped), log.trust()));
  assert.equal(report.signature, 'broken', 'the signed list of files no longer fits');
  assert.equal(report['ledger inclusion'], 'holds', 'the records are where they were');
  const receipt = aspects(await run(log.receipt(8), log.trust()));
  assert.deepEqual([receipt.signature, receipt['ledger inclusion'], receipt.time], ['holds', 'holds', 'not checked']);
  const statement = aspects(await run(log.transparent(9), log.trust('log')));
  assert.deepEqual([statement.signature, statement['ledger inclusion'], statement.time], ['not checked', 'holds', 'not checked'], 'an unchecked signature of the actor passes');
});

/** A met quorum of witnesses dates the evidence: only then does the aspect of time hold. */
test('a witness that the trust file asks for dates the evidence', async () => {
  const { log } = sampleLog();
  const witness = keyFrom('witness');
  const policy = Buffer.from(`log ${vkey(`${log.origin}/root`, log.keys.root)}\nwitness w ${vkey('w.example', witness, 4)}\nquorum w\n`);
  const bytes = makePackage(log, { falsify: (files) => {
    const [text] = files.checkpoint.split('\n\n');
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(1700000001n);
    const blob = Buffer.concat([noteKeyId('w.example', 4, witness.publicBytes), time, witness.sign(Buffer.from(`cosignature/v1\ntime 1700000001\n${text}\n`))]);
    files.checkpoint += `— w.example ${b64(blob)}\n`;
  } });
  const time = (await run(bytes, policy)).aspects.find(({ aspect }) => aspect === 'time');
  assert.equal(time.outcome, 'holds', 'a witness’s time is lost');
  assert.match(time.answer, /2023-11-14T22:13:21/, 'and the reader is not told which');
});
