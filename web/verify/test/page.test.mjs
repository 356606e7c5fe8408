// The committed page is what the sources give, and its policy lets nothing in or out.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { buildModule, buildPage } from '../build.mjs';

const COMMITTED = new URL('../../../crates/app/assets/verify.html', import.meta.url);

test('the committed page is a fresh build', async () => {
  const [committed, fresh] = [await readFile(COMMITTED, 'utf8'), await buildPage()];
  assert.ok(committed === fresh, 'people would get another verifier than the one that is tested; run: node web/verify/build.mjs');
});

test('the module that the console loads is a fresh build, and asks nobody anything', async () => {
  const committed = await readFile(new URL('../../../crates/app/assets/console/proof.js', import.meta.url), 'utf8');
  assert.ok(committed === await buildModule(), 'people would check proofs with another verifier than the one that is tested; run: node web/verify/build.mjs');
  assert.doesNotMatch(committed, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|localStorage/,
    'data could become markup or leave the page');
});

/** Requirement: A18. The page needs no network and could not use one. */
test('the page allows one script and one style, and no connection', async () => {
  const page = await buildPage();
  const policy = page.match(/Content-Security-Policy" content="([^"]+)"/)[1];
  assert.match(policy, /^default-src 'none'; /, 'the page could talk to somebody');
  assert.doesNotMatch(policy, /unsafe|https?:|connect-src|img-src|\*/, 'the policy has a hole');
  const only = (tag) => {
    const found = [...page.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))];
    assert.equal(found.length, 1, `one inline ${tag}`);
    return found[0][1];
  };
  for (const part of ['script', 'style']) {
    const hash = createHash('sha256').update(only(part)).digest('base64');
    assert.ok(policy.includes(`${part}-src 'sha256-${hash}'`), `the ${part} would be blocked by its own policy`);
  }
  assert.doesNotMatch(page, /\b(?:src|href)="(?!#)/, 'the page refers to something outside itself');
  assert.doesNotMatch(only('script'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|localStorage/,
    'data could become markup or leave the page');
});

test('the page stays small enough to travel in every package', async () => {
  const size = Buffer.byteLength(await buildPage());
  assert.ok(size <= 304 * 1024, `the page has ${size} bytes: every package carries a copy`);
});

test('the bundle is one script that parses', async () => {
  const script = (await buildPage()).match(/<script>([^]*?)<\/script>/)[1];
  assert.throws(() => runInNewContext(script, {}), { name: 'ReferenceError' }, 'it parses and stops only where there is no browser');
});
