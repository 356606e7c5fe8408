// A person opens the verify.html that came in a package, in a real browser, from a file, with the network off.
//   PLACE=DIRECTORY CHROMIUM=PROGRAM node --test verify-html.test.mjs      DIRECTORY as scripts/peers/fixture.sh makes it
// `tabellion-verify` must be in PATH: page and program have to agree on every file. Leaves screenshots in DIRECTORY/browser.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const PLACE = process.env.PLACE;
const PAGE = join(PLACE, 'package', 'verify.html');
const TRUST = join(PLACE, 'demo', 'trust.txt');
const PACKAGE = join(PLACE, 'demo', 'evidence.zip');
const VERDICT_TIMEOUT_MS = 120_000; // a few hundred entries take a second; this is for a machine busy with something else
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const ROOT = process.getuid?.() === 0;

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Chromium has no sandbox for root. The rest keeps the browser itself from looking for a network that must not be needed.
    args: [...(ROOT ? ['--no-sandbox'] : []), '--disable-quic', '--disable-sync', '--disable-component-update', '--disable-background-networking'],
  });
});
after(() => browser?.close());

/** Opens the page offline; `use` gets it; afterwards nothing may have been requested but the page, and nothing complained. */
async function withPage(viewport, use) {
  const context = await browser.newContext({ viewport, offline: true });
  const complaints = [];
  const requests = [];
  const page = await context.newPage();
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  try {
    await page.goto(pathToFileURL(PAGE).href);
    await use(page);
    const asked = requests.filter((url) => url !== pathToFileURL(PAGE).href);
    assert.deepEqual(asked, [], 'the page asked for something: whoever answers learns what is being checked');
    assert.deepEqual(complaints, [], 'the page broke its own content policy or threw');
  } finally {
    await context.close();
  }
}

/** Chooses the files as a person does and returns what the page says. */
async function check(page, evidence, trust) {
  if (trust) await page.getByLabel(/^Trust file/).setInputFiles(trust);
  await page.getByLabel(/^Evidence/).setInputFiles(evidence);
  const verdict = page.getByTestId('verdict');
  await verdict.waitFor({ timeout: VERDICT_TIMEOUT_MS });
  const checks = await page.locator('details[data-testid^="check-"]').evaluateAll((all) => (
    all.map((one) => [one.dataset.testid.replace('check-', ''), one.dataset.outcome])));
  return { verdict: await verdict.getAttribute('data-verdict'), exit: Number(await verdict.getAttribute('data-exit')), checks };
}

/** What the program says of the same files. */
function program(evidence, trust) {
  const ran = spawnSync('tabellion-verify', [evidence, ...(trust ? ['--trust', trust] : []), '--json'], { encoding: 'utf8' });
  assert.equal(ran.error, undefined, `tabellion-verify could not be run: ${ran.error}`);
  return { exit: ran.status, checks: JSON.parse(ran.stdout).checks.map((one) => [one.name.replaceAll(' ', '-'), one.outcome]) };
}

/** The checks up to and with the first that fails: that one decides, and what is looked at after it may differ (formats §12). */
function decisive(checks) {
  const fault = checks.findIndex(([, outcome]) => ['broken', 'malformed'].includes(outcome));
  return fault < 0 ? checks : checks.slice(0, fault + 1);
}

function assertAgreement(seen, evidence, trust) {
  const theirs = program(evidence, trust);
  assert.equal(seen.exit, theirs.exit, `page and program disagree on ${evidence}`);
  assert.deepEqual(decisive(seen.checks), decisive(theirs.checks), `page and program disagree on a check of ${evidence}`);
}

for (const [name, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  test(`a package with its trust file holds (${name})`, async () => {
    await withPage(viewport, async (page) => {
      await page.screenshot({ path: join(PLACE, 'browser', `${name}-empty.png`), fullPage: true });
      const seen = await check(page, PACKAGE, TRUST);
      await page.screenshot({ path: join(PLACE, 'browser', `${name}-holds.png`), fullPage: true });
      assert.equal(seen.verdict, 'holds', `an auditor would refuse good evidence: ${JSON.stringify(seen.checks)}`);
      assertAgreement(seen, PACKAGE, TRUST);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} px wider than the ${name} screen`);
    });
  });
}

test('a package without a trust file is never reported as fine', async () => {
  await withPage(DESKTOP, async (page) => {
    const seen = await check(page, PACKAGE);
    await page.screenshot({ path: join(PLACE, 'browser', 'issuer-unknown.png'), fullPage: true });
    assert.equal(seen.verdict, 'undetermined', 'unknown passed for fine');
    assertAgreement(seen, PACKAGE);
  });
});

for (const name of ['flipped', 'repacked']) {
  test(`a package with a changed byte is refused and says where (${name})`, async () => {
    const damaged = join(PLACE, `${name}.zip`);
    await withPage(DESKTOP, async (page) => {
      const seen = await check(page, damaged, TRUST);
      await page.screenshot({ path: join(PLACE, 'browser', `${name}.png`), fullPage: true });
      // A bare flip breaks the container's CRC-32, so the file is malformed; with the CRC-32 repaired it is well formed and false.
      assert.equal(seen.verdict, name === 'flipped' ? 'malformed' : 'broken', 'changed evidence would be believed');
      assert.ok(seen.checks.some(([, outcome]) => outcome === seen.verdict), 'the page refuses without naming a check');
      assertAgreement(seen, damaged, TRUST);
    });
  });
}

for (const name of ['one.json.receipt', 'log.zip']) {
  test(`what the program wrote for one recorded file holds (${name})`, async () => {
    const [evidence, trust] = [join(PLACE, name), join(PLACE, 'trust.txt')];
    await withPage(DESKTOP, async (page) => {
      const seen = await check(page, evidence, trust);
      await page.screenshot({ path: join(PLACE, 'browser', `${name}.png`), fullPage: true });
      assert.equal(seen.verdict, 'holds', `evidence that somebody kept is refused: ${JSON.stringify(seen.checks)}`);
      assertAgreement(seen, evidence, trust);
    });
  });
}
