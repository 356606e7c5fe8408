// People at work in the console, in a real browser, on the demo's log.
//   PLACE=DIRECTORY CHROMIUM=PROGRAM node --test console.test.mjs      DIRECTORY holds the demo's log as demo/ (scripts/console.sh makes it)
// `tabellion` and `tabellion-verify` must be in PATH. Leaves screenshots in DIRECTORY/browser, or with IMAGES=DIRECTORY there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const PLACE = process.env.PLACE;
const DEMO = join(PLACE, 'demo');
const IMAGES = process.env.IMAGES ?? join(PLACE, 'browser');
const START_TIMEOUT_MS = 60_000; // a busy machine opens the log and reads it all
const STEP_TIMEOUT_MS = 30_000;
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 740 };
const ROOT = process.getuid?.() === 0;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let browser;
let server;
let base;

const freePort = () => new Promise((resolve, reject) => {
  const probe = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

/** Runs the program and gives what it printed as JSON. */
function program(...words) {
  const ran = spawnSync('tabellion', [...words, '--dir', DEMO, '--json'], { encoding: 'utf8' });
  assert.equal(ran.status, 0, `tabellion ${words.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

/** A link that lets a new person with these roles in. */
function link(name, ...roles) {
  const printed = program('person', 'add', name, ...roles.flatMap((role) => ['--role', role]));
  return `${base}/#link=${/#link=([\w-]+)/.exec(printed)[1]}`;
}

before(async () => {
  mkdirSync(IMAGES, { recursive: true });
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  const env = { ...process.env, TABELLION_CONSOLE__LISTEN: `127.0.0.1:${port}`, TABELLION_GATEWAY__LISTEN: 'off' };
  server = spawn('tabellion', ['serve', '--dir', DEMO], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  server.once('error', (error) => { throw error; });
  let said = '';
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`tabellion serve does not start: ${said}`)), START_TIMEOUT_MS);
    server.once('exit', () => reject(new Error(`tabellion serve ended: ${said}`)));
    server.stderr.on('data', (data) => {
      said += data;
      if (!said.includes('serving the log')) return;
      clearTimeout(late);
      resolve();
    });
  });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Chromium has no sandbox for root.
    args: [...(ROOT ? ['--no-sandbox'] : []), '--disable-quic', '--disable-sync', '--disable-component-update', '--disable-background-networking'],
  });
});
after(async () => {
  await browser?.close();
  if (server?.exitCode === null) {
    const ended = new Promise((resolve) => { server.once('exit', resolve); });
    server.kill('SIGTERM');
    await ended;
  }
});

/** A browser of its own; afterwards nothing may have gone elsewhere, and nothing complained. */
async function visit(options, use) {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  context.setDefaultTimeout(STEP_TIMEOUT_MS);
  const complaints = [];
  const page = await context.newPage();
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error}`));
  page.on('request', (request) => request.url().startsWith(base) || complaints.push(`${page.url()} asked ${request.url()}`));
  try {
    await use(page, complaints);
    assert.deepEqual(complaints, [], 'a page broke its own content policy, threw, or asked somebody else');
  } finally {
    await context.close();
  }
}

/** Comes in as a new person with these roles. */
async function signIn(page, name, ...roles) {
  await page.goto(link(name, ...roles));
  await page.waitForURL((url) => url.pathname === '/login' && url.hash === '');
  await page.getByRole('button', { name: 'Come in' }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
}

const proved = async (page) => {
  const verdict = page.getByTestId('proof-verdict');
  await verdict.waitFor();
  const steps = await page.locator('.steps > li').evaluateAll((all) => all.map((one) => [one.dataset.testid, one.dataset.outcome]));
  return { verdict: await verdict.getAttribute('data-verdict'), steps };
};

test('a compliance officer comes in by a link, finds a denied call and proves it in the browser', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Cleo Marsh', 'compliance-officer');
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('combobox', { name: /^Outcome/ }).selectOption('Denied');
    await page.waitForURL(/\/calls\?state=denied$/);
    await page.getByRole('link', { name: /Outcome: Denied/ }).waitFor();
    const words = await page.locator('td.state').allTextContents();
    assert.ok(words.length > 3 && words.every((word) => word === 'Denied'), `the filter lets others through: ${words}`);
    await page.getByRole('row').filter({ hasText: 'Policy denied' }).first().getByRole('link').first().click();
    await page.getByRole('heading', { name: 'What decided' }).waitFor();
    await page.getByRole('button', { name: 'Verify in this browser' }).click();
    const seen = await proved(page);
    assert.equal(seen.verdict, 'holds', `good evidence is refused: ${JSON.stringify(seen)}`);
    for (const step of ['form', 'inclusion', 'issuer', 'checkpoint-signature', 'seal', 'disclosures']) {
      assert.ok(seen.steps.some(([name, outcome]) => name === `step-${step}` && outcome === 'holds'), `the step ${step} is not shown: ${JSON.stringify(seen.steps)}`);
    }
    // Somebody else's trust file: nothing is broken, and nothing is known.
    const foreign = join(PLACE, 'foreign-trust.txt');
    writeFileSync(foreign, `log other.example/log/x+${'0'.repeat(8)}+AUFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkE=\nquorum none\n`);
    await page.getByLabel(/Trust file of your own/).setInputFiles(foreign);
    await page.getByRole('button', { name: 'Verify in this browser' }).click();
    await page.waitForFunction(() => document.querySelector('.verdict')?.textContent && document.querySelector('[data-verdict]')?.dataset.verdict !== 'holds');
  });
});

test('an administrator registers a system and issues a key, shown once', async () => {
  await visit({}, async (page, complaints) => {
    await signIn(page, 'Ines Duarte', 'administrator');
    await page.goto(`${base}/systems`);
    await page.getByRole('link', { name: 'Register a system' }).click();
    await page.getByLabel('Name').fill('Branch assistant');
    await page.getByLabel('Purposes').fill('Branch Help');
    await page.getByLabel('Description').fill('Helps at the counter.');
    await page.getByRole('button', { name: 'Register the system' }).click();
    const fault = page.getByRole('alert').getByRole('link', { name: /Purposes/ });
    await fault.waitFor();
    assert.equal(await page.getByLabel('Description').inputValue(), 'Helps at the counter.', 'what was typed is lost');
    complaints.splice(0); // the refusal itself, which a browser reports as a failed load
    await fault.click();
    assert.equal(new URL(page.url()).hash, '#system-purposes', 'the summary does not lead to the field');
    await page.getByLabel('Purposes').fill('branch-help');
    await page.getByRole('button', { name: 'Register the system' }).click();
    await page.getByTestId('recorded').waitFor();
    assert.match(await page.getByTestId('recorded').textContent(), /Recorded at\s+#[\d,]+/, 'nobody learns where it was recorded');
    await page.getByRole('link', { name: 'Issue a key' }).click();
    await page.getByLabel('Name').fill('counter');
    await page.getByRole('button', { name: 'Issue the key' }).click();
    assert.match(await page.getByLabel('The whole key').inputValue(), /^tbl_[0-9a-f]{32}_[\w-]{43}$/);
    await page.getByRole('link', { name: 'I have copied it' }).click();
    assert.doesNotMatch(await page.content(), /tbl_[0-9a-f]{32}_/, 'the secret is shown twice');
    assert.doesNotMatch(page.url(), /tbl_/, 'the secret is in an address');
  });
});

test('an auditor builds a package, and what was downloaded verifies', async () => {
  await visit({ acceptDownloads: true }, async (page) => {
    await signIn(page, 'Noor Haddad', 'auditor');
    await page.goto(`${base}/packages`);
    const shown = () => page.locator('#count dd').allTextContents();
    const before = await shown();
    await page.getByLabel('No content').check();
    await page.waitForFunction((before) => [...document.querySelectorAll('#count dd')].map((one) => one.textContent).join() !== before.join(), before);
    assert.equal((await shown())[4], '0', 'the live count does not follow the form');
    await page.getByLabel('All but personal content').check();
    await page.getByRole('button', { name: 'Build the package' }).click();
    await page.getByText('The verifier says: holds').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Download evidence-/ }).click()]);
    const file = join(PLACE, 'downloaded.zip');
    await download.saveAs(file);
    const ran = spawnSync('tabellion-verify', [file, '--trust', join(DEMO, 'trust.txt')], { encoding: 'utf8' });
    assert.equal(ran.status, 0, `an auditor would refuse what the console handed out: ${ran.stdout}`);
  });
});

test('an assessment is drafted, refused to its author, approved by a second person, and the control moves', async () => {
  await visit({}, async (author, complaints) => {
    await signIn(author, 'Orla Venn', 'compliance-officer');
    // A system that goes live without one, so that the control falls.
    await author.goto(`${base}/systems/new`);
    await author.getByLabel('Name').fill('Letter writer');
    await author.getByLabel('Purposes').fill('letters');
    await author.getByRole('button', { name: 'Register the system' }).click();
    await author.getByTestId('recorded').waitFor();
    await author.getByText('Move to another stage').click();
    await author.getByRole('combobox', { name: 'To' }).selectOption('live');
    await author.getByRole('textbox', { name: 'Reason' }).fill('The board agreed.');
    await author.getByRole('button', { name: 'Move the system' }).click();
    await author.getByTestId('recorded').waitFor();
    await author.goto(`${base}/controls/8.4`);
    const before = await author.locator('.parts').innerText();
    await author.getByRole('list').filter({ has: author.getByRole('link', { name: 'Open the register' }) }).last().getByRole('link', { name: 'Open the register' }).first().click();
    await author.getByRole('link', { name: 'Start a draft' }).first().click();
    const system = await author.locator('#item-system').inputValue();
    assert.notEqual(system, '', 'what would turn it green does not lead to the system that lacks it');
    await author.getByLabel(/^Title/).fill('Assessment before first use');
    await author.getByRole('button', { name: 'Save the draft' }).click();
    await author.getByTestId('recorded').waitFor();
    await author.getByText(/Not filled in yet: \d+ of \d+/).waitFor();
    assert.equal(await author.getByRole('button', { name: 'Put it before an approver' }).count(), 0, 'a draft that lacks fields can be put forward');
    await author.getByRole('link', { name: 'Fill them in' }).click();
    for (const area of await author.locator('textarea').all()) await area.fill('What there is to say about it.');
    for (const choice of await author.locator('form.register-form select').all()) if (!(await choice.inputValue())) await choice.selectOption({ index: 1 });
    await author.getByRole('radio', { name: 'Yes' }).first().check();
    await author.getByRole('button', { name: 'Save the draft' }).click();
    await author.getByTestId('recorded').waitFor();
    await author.getByRole('link', { name: 'Put it forward' }).click();
    await author.getByRole('button', { name: 'Put it before an approver' }).click();
    await author.getByTestId('recorded').waitFor();
    const item = new URL(author.url()).pathname;
    await author.goto(`${base}${item}/decide`);
    await author.getByText(/nobody approves their own work/).waitFor();
    assert.equal(await author.getByRole('button', { name: 'Record my decision' }).count(), 0, 'an author is offered to approve their own work');
    await visit({}, async (approver) => {
      await signIn(approver, 'Abel Stone', 'approver');
      await approver.getByRole('link', { name: 'Decide on Assessment before first use' }).click();
      const digest = /[0-9a-f]{64}/.exec(await approver.locator('#part-exactly .lead').innerText())[0];
      assert.equal(await approver.locator('input:checked').count(), 0, 'a decision is chosen beforehand');
      await approver.getByRole('radio', { name: /^Approve/ }).check();
      await approver.getByRole('textbox', { name: 'Reason' }).fill('Read against the data sheet.');
      await approver.getByRole('button', { name: 'Record my decision' }).click();
      await approver.getByTestId('recorded').waitFor();
      assert.equal(await approver.locator(`code[data-copy="${digest}"]`).count() > 0, true, 'what was approved is not what was shown');
    });
    await author.goto(`${base}/controls/8.4`);
    const after = await author.locator('.parts').innerText();
    assert.notEqual(after, before, 'the approval moved nothing');
    assert.match(after, /approved by a second person and in date: (\d+) of \1\b/, 'the control does not say why');
    await author.locator('.strip').getByText('decided on an item: Assessment before first use').waitFor();
    await author.locator('.parts').getByRole('link', { name: /^#/ }).first().click();
    await author.getByText('register.decided').first().waitFor();
    assert.deepEqual(complaints, []);
  });
});

test('a task is begun on its control, done by its owner, closed by a second person, and no status moves', async () => {
  await visit({}, async (officer, complaints) => {
    await signIn(officer, 'Pia Lorentz', 'compliance-officer');
    await officer.goto(`${base}/controls/A.5.3`);
    // The integrity of the log counts every entry, these too.
    const parts = async () => (await officer.locator('.parts').innerText()).replace(/\d[\d,]* entries/g, 'entries');
    const before = await parts();
    await officer.getByRole('link', { name: 'New task' }).click();
    assert.equal(await officer.getByLabel(/^Clauses and controls/).inputValue(), 'A.5.3', 'the control has to be typed again');
    await officer.getByLabel(/^Title/).fill('Name who reads the assessments');
    await officer.getByLabel(/^What is needed/).fill('A list of readers with their training.');
    await officer.getByLabel(/^Owner/).selectOption({ label: 'Iris Brandt' });
    await officer.getByLabel(/^Due/).fill('2020-01-31');
    await officer.getByRole('button', { name: 'Open it' }).click();
    await officer.getByTestId('recorded').waitFor();
    await officer.getByText('It is overdue').waitFor();
    const item = new URL(officer.url()).pathname;
    await officer.goto(`${base}/controls?work=overdue`);
    await officer.getByRole('row', { name: /A\.5\.3/ }).getByText('2020-01-31, overdue').waitFor();
    // Handed to somebody else, who answers, and cannot close it.
    await visit({}, async (owner) => {
      await signIn(owner, 'Gerd Amsel', 'governance-engineer');
      await owner.goto(`${base}${item}`);
      await owner.getByRole('textbox', { name: 'Comment' }).fill('I take this over from Iris.');
      await owner.getByRole('button', { name: 'Add the comment' }).click();
      await owner.getByTestId('recorded').waitFor();
      await owner.getByRole('link', { name: 'Fill in what is asked' }).click();
      await owner.getByLabel(/^Owner/).selectOption({ label: 'Gerd Amsel' });
      await owner.getByLabel(/^What was done/).fill('Three readers are named in the minutes of 4 March.');
      // Evidence is found by what was done; what is not in the list is typed.
      const find = owner.getByLabel('Find a record by what was done, or by its number');
      const offered = await owner.locator('#pick-records option').evaluateAll((all) => all.map((one) => one.value));
      const record = offered.find((one) => /decided on an item: /.test(one));
      assert.ok(record, `no decision is offered as evidence: ${offered.slice(0, 5)}`);
      await find.fill(record);
      await find.press('Enter');
      await find.fill('https://example.org/minutes');
      await owner.getByRole('button', { name: 'Add' }).last().click();
      assert.deepEqual((await owner.getByLabel(/^Where it shows/).inputValue()).split('\n'), [record, 'https://example.org/minutes'], 'what was picked is not in the field');
      await owner.getByRole('button', { name: 'Save' }).click();
      await owner.getByTestId('recorded').waitFor();
      await owner.getByRole('link', { name: 'Hand it over' }).click();
      await owner.getByRole('combobox', { name: 'To' }).selectOption('answered');
      await owner.getByRole('textbox', { name: 'Reason' }).fill('All three agreed.');
      await owner.getByRole('button', { name: 'Take the step' }).click();
      await owner.getByTestId('recorded').waitFor();
      assert.equal(await owner.locator('option[value="closed"]').count(), 0, 'who answered is offered to close it');
    });
    await officer.goto(`${base}/inbox`);
    await officer.getByRole('link', { name: 'Close Name who reads the assessments, or send it back' }).click();
    await officer.getByText('I take this over from Iris.').first().waitFor();
    await officer.getByRole('combobox', { name: 'To' }).selectOption('closed');
    await officer.getByRole('textbox', { name: 'Reason' }).fill('Read the minutes.');
    await officer.getByRole('button', { name: 'Take the step' }).click();
    await officer.getByTestId('recorded').waitFor();
    await officer.goto(`${base}/controls/A.5.3`);
    assert.equal(await parts(), before, 'a task moved a status');
    assert.deepEqual(complaints, [], 'a page complained');
  });
});

test('what was typed outlives the session it was typed in, for its person alone', async () => {
  await visit({}, async (page, complaints) => {
    const context = page.context();
    const drafts = () => page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith('tabellion draft')).length);
    await signIn(page, 'Hedda Moll', 'compliance-officer');
    const me = await page.locator('body').getAttribute('data-person');
    await page.goto(`${base}/registers/task/new?reference=8.4`);
    await page.getByLabel(/^Title/).fill('Explain the refusals');
    await page.getByLabel(/^What is needed/).fill('A long explanation.\nWith two lines.');
    // Somebody signs out in another tab: the session is over while this one is typing.
    const other = await context.newPage();
    await other.goto(base);
    await other.locator('.person summary').click();
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.waitForURL(/\/login/);
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByText('What you typed is kept in this tab').waitFor();
    await page.getByRole('link', { name: 'Sign in' }).click();
    complaints.splice(0); // the refusal itself, which a browser reports as a failed load
    const again = program('person', 'link', me.split('/').pop());
    const field = page.getByLabel('Your link');
    await field.fill(/#link=([\w-]+)/.exec(again)[1]);
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByTestId('draft').waitFor();
    assert.equal(new URL(page.url()).pathname, '/registers/task/new', 'the way back to the form is lost');
    assert.equal(await page.getByLabel(/^What is needed/).inputValue(), 'A long explanation.\nWith two lines.', 'what was typed is lost with the session');
    // Somebody else who signs in here reads none of it, and it is gone.
    await page.getByLabel(/^Title/).fill('Explain all the refusals');
    await page.goto(`${base}/registers`);
    await signIn(page, 'Odd Stranger', 'compliance-officer');
    await page.goto(`${base}/registers/task/new?reference=8.4`);
    assert.equal(await page.getByLabel(/^Title/).inputValue(), '', 'somebody reads what another person typed');
    assert.equal(await drafts(), 0, 'a draft stays in the browser of somebody else');
    // What is recorded or cancelled is no draft any more.
    await page.getByLabel(/^Title/).fill('Begun and cancelled');
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Work to do', level: 1 }).waitFor();
    await page.goto(`${base}/registers/task/new`);
    assert.equal(await page.getByLabel(/^Title/).inputValue(), '', 'what was cancelled comes back');
    await page.getByLabel(/^Title/).fill('Begun and recorded');
    await page.getByLabel(/^What is needed/).fill('Something.');
    await page.getByLabel(/^Owner/).selectOption({ label: 'Odd Stranger' });
    await page.getByLabel(/^Due/).fill('2099-12-31');
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByTestId('recorded').waitFor();
    assert.equal(await drafts(), 0, 'what is recorded is offered again');
  });
});

test('an auditor sees at home what was answered, and asks on a control', async () => {
  await visit({}, async (auditor) => {
    await signIn(auditor, 'Nils Ferro', 'auditor');
    await auditor.goto(`${base}/controls/6.1.3`);
    await auditor.getByRole('link', { name: 'New request' }).click();
    await auditor.getByLabel(/^Title/).fill('Treatment of what remains');
    await auditor.getByLabel(/^What is needed/).fill('Who accepted it, and until when.');
    await auditor.getByLabel(/^Owner/).selectOption({ label: 'Henrik Falk' });
    await auditor.getByLabel(/^Due/).fill('2099-12-31');
    await auditor.getByRole('button', { name: 'Open it' }).click();
    await auditor.getByTestId('recorded').waitFor();
    assert.equal(await auditor.getByRole('link', { name: 'Edit' }).count(), 0, 'what was asked could be asked otherwise');
    await auditor.goto(base);
    await auditor.locator('#part-requests').getByRole('link', { name: 'Treatment of what remains' }).waitFor();
  });
});

test('a prompt is shown after a reason that is on record, and who looked stands beside it', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Cora Blythe', 'compliance-officer');
    await page.goto(`${base}/calls?state=answered&q=loan`);
    await page.locator('#table-calls tbody a').first().click();
    await page.getByText('Nobody has looked').waitFor();
    assert.equal(await page.getByText('What the provider got', { exact: true }).count(), 0, 'a prompt is shown to whoever opens the call');
    await page.getByRole('textbox', { name: 'Reason' }).fill('Complaint 2026-114');
    await page.getByRole('button', { name: 'Show prompt and answer' }).click();
    await page.getByTestId('recorded').waitFor();
    await page.getByText('What the provider got', { exact: true }).waitFor();
    assert.match(await page.locator('#table-looked').innerText(), /Cora Blythe\s+Complaint 2026-114/, 'who looked is not shown');
    await page.getByRole('region', { name: 'Table: Who looked before' }).getByRole('link', { name: /^#/ }).click();
    await page.getByText('content.viewed').first().waitFor();
    await page.getByRole('link', { name: 'viewed: the call' }).waitFor();
    await page.getByRole('button', { name: 'Verify in this browser' }).click();
    assert.equal((await proved(page)).verdict, 'holds');
  });
});

test('a window is dragged open on a chart, its numbers are one key away, and the past is read', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Theo Rand', 'administrator');
    await page.goto(`${base}/calls`);
    await page.locator('.chart canvas').waitFor();
    const all = await page.locator('tr[data-at]').count();
    const { x, y, width, height } = await page.locator('.chart .u-over').boundingBox();
    await page.mouse.move(x + width * 0.6, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.98, y + height / 2, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=.*&to=/);
    await page.getByRole('link', { name: /^From: / }).waitFor();
    assert.ok(await page.locator('tbody tr[data-href]').count() > 0, 'the window is empty');
    // By keyboard: from the numbers of a bar to its calls.
    await page.goto(`${base}/calls`);
    await page.getByText('The numbers').focus();
    await page.keyboard.press('Enter');
    await page.locator('tr[data-at] a').first().waitFor();
    assert.equal(await page.locator('tr[data-at]').count(), all);
    await page.locator('tr[data-at] a').first().press('Enter');
    await page.waitForURL(/from=.*&to=/);
    // A filter changes the chart with the table.
    await page.goto(`${base}/calls`);
    const before = await page.locator('#over-time .hint').innerText();
    await page.getByRole('combobox', { name: /^Outcome/ }).selectOption('Denied');
    await page.getByRole('link', { name: /Outcome: Denied/ }).waitFor();
    assert.notEqual(await page.locator('#over-time').innerText(), before, 'the chart is of other calls than the table');
    assert.doesNotMatch(await page.locator('#over-time').innerText(), /let through/, 'the chart is of other calls than the table');

    await page.goto(`${base}/systems`);
    await page.locator('.as-of summary').click();
    await page.getByLabel('Show this page as of').fill('300');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('Read only.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Register a system' }).count(), 0, 'the past is offered to be changed');
    await page.locator('tbody a').first().click();
    await page.waitForURL(/as_of=300/);
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Controls' }).click();
    await page.getByText('Read only.').waitFor();
    await page.getByRole('link', { name: 'Back to now' }).click();
    await page.waitForURL((url) => !url.search.includes('as_of'));
  });
});

test('somebody without a role is told whom to ask and signs out', async () => {
  await visit({}, async (administrator) => {
    await signIn(administrator, 'Ada Prior', 'administrator');
    await administrator.goto(`${base}/people/new`);
    await administrator.getByLabel('Name').fill('Nils Ohne');
    await administrator.getByRole('button', { name: 'Add the person' }).click();
    await administrator.getByText('Let them in').click();
    await administrator.getByRole('button', { name: 'Make a link' }).click();
    const token = /#link=([\w-]+)/.exec(await administrator.getByRole('textbox', { name: 'The link' }).inputValue())[1];
    await visit({}, async (page) => {
      await page.goto(`${base}/#link=${token}`);
      await page.getByRole('button', { name: 'Come in' }).click();
      await page.getByText('You have no role here yet').waitFor();
      await page.getByText('Ask whoever sent you your link').waitFor();
      await page.locator('.person summary').click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(/\/login/);
    });
  });
});

test('a file is kept for the auditor: its digest is computed in the browser, and a small one comes along', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Petra Nyman', 'compliance-officer');
    await page.goto(`${base}/controls/9.3.1`);
    await page.getByRole('link', { name: 'Keep a file' }).last().click();
    const minutes = { name: 'minutes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello world') };
    await page.getByLabel('Choose the file').setInputFiles(minutes);
    await page.getByText('Its digest is filled in below.').waitFor();
    const digest = 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9';
    assert.equal(await page.getByLabel('SHA-256').inputValue(), digest, 'the record would name another file');
    assert.equal(await page.getByLabel('Clause or control').inputValue(), '9.3.1', 'what it is kept for has to be typed again');
    await page.getByRole('checkbox', { name: /^Keep the file itself/ }).check();
    await page.getByRole('button', { name: 'Put it on record' }).click();
    await page.getByTestId('recorded').getByRole('link', { name: /^#/ }).click();
    await page.getByText('document.captured').first().waitFor();
    await page.getByText('aGVsbG8gd29ybGQ=').first().waitFor();
  });
});

test('the palette says what it would do, a filter what it left, and nothing hides what has the focus', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Hanna Falk', 'administrator', 'compliance-officer');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('soa');
    const field = page.getByRole('combobox', { name: 'Go to a page, or search' });
    const active = await field.getAttribute('aria-activedescendant');
    assert.equal(await page.locator(`#${active}`).innerText(), 'Statement of Applicability', 'who cannot see the choice does not hear it');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/soa$/);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.keyboard.press('Control+k');
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), RULES);
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join('; ')}`), [], `the open palette keeps somebody out (${scheme})`);
      await page.keyboard.press('Escape');
    }
    await page.goto(`${base}/calls`);
    await page.getByRole('combobox', { name: /^Outcome/ }).selectOption('Denied');
    await page.waitForFunction(() => /\d/.test(document.querySelector('[data-heard]').textContent));
    await page.setViewportSize({ width: 1280, height: 600 });
    await page.goto(`${base}/registers/ai_system/new`);
    for (let presses = 0; presses < 200; presses++) {
      await page.keyboard.press('Tab');
      const seen = await page.evaluate(() => {
        const at = document.activeElement;
        const bar = document.querySelector('.stuck');
        if (at === document.body || bar.contains(at)) return at === document.body ? 'over' : 'bar';
        if (!at.closest('main')) return 'around';
        const [field, foot, head] = [at, bar, document.querySelector('.bar')].map((element) => element.getBoundingClientRect());
        return field.top < foot.top && field.bottom > head.bottom && (field.bottom <= foot.top + 1 || field.height > 300) ? 'seen' : `hidden: ${at.id || at.name || at.textContent}`;
      });
      assert.doesNotMatch(seen, /^hidden/, 'what has the focus lies under the bar that saves');
      if (seen === 'bar') break;
    }
    await page.setViewportSize(PHONE);
    for (const path of ['/settings', '/registers', '/']) {
      await page.goto(base + path);
      const inside = await page.evaluate(() => {
        const place = document.querySelector('.rail a[aria-current]').getBoundingClientRect();
        return place.left >= 0 && place.right <= window.innerWidth;
      });
      assert.ok(inside, `${path}: where one is stands off the screen`);
    }
  });
});

test('numbers of traffic open the calls that they count', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Tore Lund', 'administrator');
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Traffic' }).click();
    await page.getByRole('heading', { name: 'Traffic', level: 1 }).waitFor();
    const row = page.locator('#table-ends tbody tr').filter({ hasText: 'Policy denied' });
    const number = row.locator('td.number a').first();
    const counted = Number((await number.innerText()).replaceAll(',', ''));
    assert.ok(counted > 0, 'the demo has calls that a rule denied');
    await number.click();
    await page.getByRole('link', { name: /Reason: policy_denied/ }).waitFor();
    const rows = await page.locator('#table-calls tbody tr').count();
    assert.equal(rows, Math.min(counted, 50), 'a number opens a list of another length');
    await page.goBack();
    await page.getByRole('region', { name: 'Table: By system' }).getByRole('link').first().click();
    await page.getByRole('link', { name: 'Stop this system' }).click();
    await page.getByRole('textbox', { name: /^Which/ }).waitFor();
    assert.match(await page.getByRole('textbox', { name: /^Which/ }).inputValue(), /^[0-9a-f]{32}$/, 'the form does not know what is to be stopped');
  });
});

test('a budget is set and raised on its page, and a text is tried against the rules of masking without a draft of it', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Berta Nyman', 'governance-engineer');
    await keepBudget(page);
    await page.goto(`${base}/budgets/loans-day`);
    await page.getByRole('img', { name: /^Money: .* of 12\.50 EUR used/ }).waitFor();
    await page.getByText('Raise it, or set it anew').click();
    await page.getByRole('textbox', { name: /^Money/ }).fill('20');
    await page.getByRole('textbox', { name: 'Why' }).first().fill('More is tried this week.');
    await page.getByRole('button', { name: 'Set it so' }).click();
    await page.getByTestId('recorded').waitFor();
    await page.getByRole('img', { name: /of 20\.00 EUR used/ }).waitFor();
    await page.getByText('Raise it, or set it anew').click();
    await page.getByRole('textbox', { name: /^Money/ }).fill('12.50');
    await page.getByRole('textbox', { name: 'Why' }).first().fill('As before.');
    await page.getByRole('button', { name: 'Set it so' }).click();
    await page.getByRole('img', { name: /of 12\.50 EUR used/ }).waitFor();
    await page.goto(`${base}/masking`);
    await page.getByRole('textbox', { name: /^Text/ }).fill('Write to ann@example.org, please.');
    await page.getByRole('button', { name: 'Show what would be sent' }).click();
    await page.getByText('Write to <EMAIL_*>, please.').waitFor();
    const kept = await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)));
    assert.ok(!kept.includes('ann@example.org'), `the browser keeps what was tried: ${kept}`);
  });
});

test('an opening is asked for from the page of its system with what nothing looks into, and whoever asked does not open it', async () => {
  await visit({}, async (page, complaints) => {
    await signIn(page, 'Olena Marsh', 'administrator');
    const opening = await askForOpening(page);
    await page.goto(base + opening);
    await page.getByText('Nothing is open by it').waitFor();
    await page.getByText(/nothing masks it and no guard looks at it/).first().waitFor();
    await page.getByRole('textbox', { name: /^Why it may be opened/ }).fill('I am sure of it.');
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByText(/you asked for this opening/i).first().waitFor();
    await page.goto(`${base}/openings?state=waiting`);
    assert.ok(await page.locator(`a[href="${opening}"]`).count() > 0, 'what waits for a second person is not in their list');
    // The page that refuses is a refusal to the browser too.
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('403')));
  });
  await visit({}, async (page) => {
    await signIn(page, 'Piet Sand', 'approver');
    await page.goto(`${base}/openings?state=waiting`);
    await page.locator('#table-openings tbody a').first().click();
    await page.getByRole('textbox', { name: /^Why it may be opened/ }).fill('The files hold no personal data; seen by me.');
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByTestId('recorded').waitFor();
    await page.getByText(/^Open until/).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Open it' }).count(), 0, 'what is open can be opened again');
  });
});

test('keyboard only: find a denied call and prove it', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Kai Lindqvist', 'compliance-officer');
    const { keyboard } = page;
    const tabTo = async (wanted) => {
      for (let presses = 0; presses < 90; presses++) {
        await keyboard.press('Tab');
        const focused = await page.evaluate(() => {
          const at = document.activeElement;
          return `${at.tagName} ${at.name ?? ''} ${at.textContent.trim()}`;
        });
        if (wanted.test(focused)) return;
      }
      assert.fail(`nobody gets to ${wanted} by the Tab key`);
    };
    await keyboard.press('Control+k');
    await keyboard.type('calls');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Calls', level: 1 }).waitFor();
    await keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'q-calls', 'the slash does not lead to the search');
    await tabTo(/^SELECT state/);
    await keyboard.type('Denied');
    await page.waitForURL(/state=denied/);
    await page.getByRole('link', { name: /Outcome: Denied/ }).waitFor();
    await page.evaluate(() => document.activeElement.blur());
    await keyboard.press('j');
    await keyboard.press('j');
    await keyboard.press('k');
    const outlined = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outlined, 'none', 'nobody sees where the focus is');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What decided' }).waitFor();
    await tabTo(/^BUTTON .*Verify in this browser/);
    await keyboard.press('Enter');
    assert.equal((await proved(page)).verdict, 'holds');
    await page.evaluate(() => document.activeElement.blur());
    await keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor({ state: 'hidden' });
    await keyboard.press('g');
    await keyboard.press('h');
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  });
});

test('without JavaScript everything can be read and every form sent', async () => {
  await visit({ javaScriptEnabled: false }, async (page) => {
    await page.goto(`${base}/calls`);
    await page.getByLabel('Your link').fill(link('Plain Reader', 'administrator', 'compliance-officer'));
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByRole('heading', { name: 'Calls', level: 1 }).waitFor();
    await page.getByRole('combobox', { name: /^Outcome/ }).selectOption('Denied');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('link', { name: /Outcome: Denied/ }).waitFor();
    await page.locator('#table-calls tbody a').first().click();
    await page.getByText('tabellion-verify entry.receipt').waitFor();
    await page.getByRole('button', { name: /Switch/ }).click();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark', 'the colours cannot be switched');
    await page.goto(`${base}/systems/new`);
    await page.getByLabel('Name').fill('Plain');
    await page.getByLabel('Purposes').fill('plain');
    await page.getByRole('button', { name: 'Register the system' }).click();
    await page.getByTestId('recorded').waitFor();
    await page.goto(`${base}/policies?as_of=60`);
    await page.getByText('Read only.').waitFor();
  });
});

/** A budget for everybody's calls, once: the pages about budgets have something on them. */
async function keepBudget(page) {
  await page.goto(`${base}/budgets`);
  if (await page.locator('a[href="/budgets/loans-day"]').count() > 0) return;
  await page.goto(`${base}/budgets/new`);
  await page.getByRole('textbox', { name: 'Name' }).fill('loans-day');
  await page.getByRole('combobox', { name: 'Whose calls' }).selectOption("Everybody's");
  await page.getByRole('combobox', { name: 'In', exact: true }).selectOption('A day');
  await page.getByRole('textbox', { name: /^Money/ }).fill('12.50');
  await page.getByRole('textbox', { name: /^Currency/ }).fill('EUR');
  await page.getByRole('textbox', { name: /^Tokens/ }).fill('2000000');
  await page.getByRole('textbox', { name: 'Why' }).fill('A first limit, to be looked at in a month.');
  await page.getByRole('button', { name: 'Set the budget' }).click();
  await page.getByTestId('recorded').waitFor();
}

/** Asks for an opening to the first system that stands in the list; gives the address of its page. */
async function askForOpening(page) {
  await page.goto(`${base}/systems`);
  await page.goto(base + await page.locator('tr[data-href]').first().getAttribute('data-href'));
  await page.getByRole('link', { name: 'Ask for an opening' }).click();
  assert.match(await page.getByRole('combobox', { name: 'For the system' }).inputValue(), /^[0-9a-f]{32}$/, 'the form does not know for whom');
  await page.getByRole('radio', { name: /^Files at the provider/ }).check();
  const day = new Date(Date.now() + 30 * 24 * 3600 * 1000).toISOString().slice(0, 10);
  await page.getByLabel(/^Ends by itself on/).fill(day);
  await page.getByRole('textbox', { name: 'Why' }).fill('Evaluation files of the pilot, without personal data.');
  await page.getByRole('button', { name: 'Ask for it' }).click();
  await page.getByTestId('recorded').waitFor();
  const opening = new URL(page.url()).pathname;
  // The link above led to a part of the page; what was recorded is no draft all the same.
  await page.goto(`${base}/openings`);
  assert.equal(await page.getByTestId('draft').count(), 0, 'what was recorded comes back as a draft');
  return opening;
}

/** Pages with something on each, by a name for their images. */
async function allPages(page) {
  await keepBudget(page);
  const opening = await askForOpening(page);
  const first = async (path) => {
    await page.goto(base + path);
    return page.locator('tr[data-href]').first().getAttribute('data-href');
  };
  const call = await first('/calls?state=answered');
  const system = await first('/systems');
  const key = await first('/keys?state=works');
  const policy = await first('/policies');
  const person = await first('/people');
  const item = await first('/registers/impact_assessment?review=approved');
  const waiting = await first('/registers/impact_assessment?review=in_review');
  const task = await first('/registers/task?open=true');
  const request = await first('/registers/request?open=true');
  const kept = await first('/calls?state=answered&q=loan');
  return {
    home: '/', inbox: '/inbox', traffic: '/traffic', 'past-traffic': '/traffic?as_of=400', providers: '/providers', budgets: '/budgets', 'budget-new': '/budgets/new', budget: '/budgets/loans-day', costs: '/costs', invoices: '/invoices', configuration: '/configuration-changes', 'costs-model': '/costs?by=model', rules: '/rules', 'rule-new': '/rules/new',
    openings: '/openings', opening, packs: '/packs', playground: '/playground', masking: '/masking', stops: '/stops', 'stop-system': `/stops?scope=system&subject=${system.split('/').pop()}`, calls: '/calls', denied: '/calls?state=denied', call, systems: '/systems', system, 'system-new': '/systems/new',
    'system-edit': `${system}/edit`, keys: '/keys', key, 'key-new': '/keys/new', policies: '/policies', policy, 'policy-new': '/policies/new', people: '/people',
    person, 'person-new': '/people/new', registers: '/registers', inventory: '/registers/ai_system', items: '/registers/impact_assessment', item, 'item-edit': `${item}/edit`, 'item-history': `${item}/history`,
    'item-new': '/registers/ai_system/new', controls: '/controls', control: '/controls/8.4', soa: '/soa', 'soa-row': '/soa/A.5.2', 'soa-several': '/soa/several', keep: '/records/new?serves=8.4', packages: '/packages', erasures: '/erasures', sources: '/sources', ledger: '/ledger', entry: '/ledger/40', settings: '/settings', search: '/search?q=loan',
    past: '/policies?as_of=60', 'past-home': '/?as_of=400', 'past-system': `${system}?as_of=400`, 'past-controls': '/controls?as_of=400', 'past-refused': '/packages?as_of=60',
    approval: `${waiting}/decide`, task, 'task-edit': `${task}/edit`, 'task-new': '/registers/task/new?reference=8.4', tasks: '/registers/task', request, 'request-edit': `${request}/edit`, kept, decided: '/ledger/74', nothing: '/calls?model=no-such-model',
  };
}

/** How much of the page moved since it was opened, and what did. */
const shifts = (page) => page.evaluate(() => new Promise((resolve) => {
  const named = ({ node, previousRect, currentRect }) => `${node?.nodeName} ${node?.className} ${previousRect.y} to ${currentRect.y}, ${previousRect.height} to ${currentRect.height}`;
  const watch = new PerformanceObserver((list) => {
    const own = list.getEntries().filter((entry) => !entry.hadRecentInput);
    resolve({ sum: own.reduce((sum, entry) => sum + entry.value, 0), sources: own.flatMap((entry) => entry.sources.map(named)) });
  });
  watch.observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve({ sum: 0, sources: [] }), 100); // nothing moved, so nothing is reported
}));

test('axe finds nothing on any page in either scheme, and nothing moves or runs off the screen', async () => {
  await visit({}, async (page, complaints) => {
    await signIn(page, 'Uma Castellan', 'administrator', 'compliance-officer');
    const pages = await allPages(page);
    const barriers = [];
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(base + path);
        if (name === 'call') {
          await page.getByRole('button', { name: 'Verify in this browser' }).first().click();
          await proved(page);
        }
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), RULES);
        const said = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
        barriers.push(...said.map((one) => `${name} (${scheme}) ${one}`));
        // A first look at a page may come while the machine is busy; what moves by itself moves again.
        let moved = await shifts(page);
        if (moved.sum >= 0.01) {
          console.error(`${name} (${scheme}) moved once: ${JSON.stringify(moved)}`);
          await page.goto(base + path);
          moved = await shifts(page);
        }
        assert.ok(moved.sum < 0.01, `${name}: something moves under the pointer (${JSON.stringify(moved)})`);
      }
    }
    assert.deepEqual(barriers, [], 'a page keeps somebody out');
    // The page that refuses is a refusal to the browser too.
    const refusals = complaints.splice(0).filter((text) => !text.includes('404'));
    assert.deepEqual(refusals, [], 'a page complained');
  });
});

test('screens of both sizes', async () => {
  await visit({}, async (page, complaints) => {
    await signIn(page, 'Sana Iqbal', 'administrator', 'compliance-officer');
    const pages = await allPages(page);
    for (const [size, viewport] of [['1440', DESKTOP], ['360', PHONE]]) {
      await page.setViewportSize(viewport);
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(base + path);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wider <= 0, `${name} is ${wider} px wider than a screen of ${size}`);
        if (!['home', 'denied', 'call', 'system', 'packages', 'entry', 'policy', 'item', 'approval', 'controls', 'control', 'soa', 'calls', 'traffic', 'budget', 'costs', 'masking'].includes(name)) continue;
        if (name === 'call') {
          await page.getByRole('button', { name: 'Verify in this browser' }).first().click();
          await proved(page);
          if (size === '1440') await page.evaluate(() => scrollTo(0, document.querySelector('.proof').offsetTop - 60));
        }
        await page.screenshot({ path: join(IMAGES, `console-${name}-${size}.png`) });
      }
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.goto(`${base}/calls?state=denied`);
      await page.screenshot({ path: join(IMAGES, `console-dark-${size}.png`) });
      await page.emulateMedia({ colorScheme: 'light' });
    }
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('404')));
  });
});

// Last: pages and pictures above show the statement as it was approved.
test('a row of the Statement of Applicability that is changed leads back to its place, and the approval says what it no longer covers', async () => {
  await visit({}, async (page) => {
    await signIn(page, 'Runa Berg', 'compliance-officer');
    await page.goto(`${base}/soa/several`);
    await page.getByText('Every control is decided').waitFor();
    await page.goto(`${base}/soa`);
    await page.locator('#row-A\\.7\\.3').getByRole('link', { name: 'A.7.3' }).click();
    await page.getByRole('textbox', { name: 'Reason' }).fill('By contract with our customers.');
    await page.getByRole('button', { name: /^Record/ }).click();
    await page.getByTestId('recorded').waitFor();
    assert.equal(new URL(page.url()).hash, '#row-A.7.3', 'every row is a way back to the top of the document');
    assert.match(await page.locator('#row-A\\.7\\.3').innerText(), /By contract with our customers\./);
    await page.getByText('It changed since its approval').waitFor();
  });
});
