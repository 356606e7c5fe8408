// The page: takes files, runs the verifier, shows its report. Promise: nothing is sent anywhere, nothing is stored.
import { DIRECTORY_BYTES_MAX } from './keydirectory.js';
import { Pace } from './pace.js';
import { byId, el, fill } from './ui/dom.js';
import { recordsView } from './ui/recordsview.js';
import { resultView } from './ui/resultview.js';
import { bytes, number, visible } from './ui/show.js';
import { verify } from './verify.js';

const FILE_MAX_BYTES = 1024 ** 3; // one buffer of a browser; larger packages are for the command line
const TRUST_MAX_BYTES = 1024 ** 2;

const state = { file: null, trust: null, keys: null, running: null };

const EVIDENCE_STARTS = ['PK', 'c2sp.org/tlog-proof', '\u00d2'];

/** Whether a dropped file looks like evidence; anything else is taken for a trust file when evidence is there already. */
async function looksLikeEvidence(file) {
  const start = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const text = String.fromCharCode(...start);
  return EVIDENCE_STARTS.some((known) => text.startsWith(known));
}

/** Whether a dropped file looks like a key directory: JSON begins with a brace, a trust file with a word or a comment. */
const looksLikeKeys = async (file) => (await file.slice(0, 64).text()).trimStart().startsWith('{');

function announce(message) {
  byId('status').textContent = message;
}

function showProgress(stage, done, total) {
  const bar = byId('progress-bar');
  byId('progress-stage').textContent = total > 0 ? `${stage}: ${number(done)} of ${number(total)}` : stage;
  if (total > 0) {
    bar.max = total;
    bar.value = done;
  } else bar.removeAttribute('value');
}

async function read(file, limit, what) {
  if (file.size > limit) throw new Error(`The ${what} has ${bytes(file.size)}; this page reads up to ${bytes(limit)}. Use tabellion-verify on the command line.`);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Error(`The browser could not read ${file.name}. Choose it again; it may have been moved or changed.`);
  }
}

function showChosen() {
  const label = (slot, file, empty) => { byId(slot).textContent = file ? `${visible(file.name)} · ${bytes(file.size)}` : empty; };
  label('file-name', state.file, 'No file yet');
  label('trust-name', state.trust, 'None: the issuer stays unknown');
  label('keys-name', state.keys, 'None: no key is looked up');
  for (const slot of ['trust', 'keys']) byId(`${slot}-clear`).hidden = state[slot] === null;
  document.body.classList.toggle('has-result', state.file !== null);
}

function showResult(run) {
  const { before, after } = resultView(run, state.file, Date.now());
  fill(byId('result'), before, recordsView(run), after);
  byId('verdict-title').focus({ preventScroll: true });
  byId('result').scrollIntoView({ block: 'start' });
}

function showFailure(message) {
  fill(byId('result'), el('section', { class: 'failure', role: 'alert' }, el('h2', {}, 'No verdict'), el('p', {}, visible(message))));
}

/** Verifies what is chosen. A run that is still going is dropped. */
async function start() {
  state.running?.abort();
  showChosen();
  if (!state.file) return;
  const running = new AbortController();
  state.running = running;
  fill(byId('result'));
  byId('progress').hidden = false;
  showProgress('Reading', 0, 0);
  announce('Checking.');
  try {
    const evidence = await read(state.file, FILE_MAX_BYTES, 'file');
    const trust = state.trust ? await read(state.trust, TRUST_MAX_BYTES, 'trust file') : null;
    const keys = state.keys ? await read(state.keys, DIRECTORY_BYTES_MAX, 'key directory') : null;
    const pace = new Pace(showProgress, running.signal);
    await pace.rest();
    const run = await verify(evidence, trust, pace, keys);
    if (running.signal.aborted) return;
    showResult(run);
    announce('Checked.');
  } catch (error) {
    if (running.signal.aborted) return;
    showFailure(error instanceof Error ? error.message : 'Something went wrong.');
    announce('No verdict.');
  } finally {
    if (state.running === running) byId('progress').hidden = true;
  }
}

async function takeDropped(files) {
  const dropped = [...files].slice(0, 3);
  for (const file of dropped) {
    const mayBeTrust = dropped.length > 1 || state.file !== null;
    if (mayBeTrust && !(await looksLikeEvidence(file))) state[await looksLikeKeys(file) ? 'keys' : 'trust'] = file;
    else state.file = file;
  }
  await start();
}

function listen() {
  const choose = (input, slot) => byId(input).addEventListener('change', (event) => {
    state[slot] = event.target.files[0] ?? null;
    start();
  });
  choose('file-input', 'file');
  for (const slot of ['trust', 'keys']) {
    choose(`${slot}-input`, slot);
    byId(`${slot}-clear`).addEventListener('click', () => {
      state[slot] = null;
      byId(`${slot}-input`).value = '';
      byId(`${slot}-input`).focus();
      start();
    });
  }
  const whole = document.documentElement;
  whole.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  whole.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) document.body.classList.remove('dragging');
  });
  whole.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    takeDropped(event.dataTransfer.files);
  });
  window.addEventListener('beforeprint', () => {
    for (const check of document.querySelectorAll('details.check')) check.open = true;
  });
}

listen();
showChosen();
