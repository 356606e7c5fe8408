// The records of a package or receipt: a searchable table, a page at a time, each row opening to what is known of it.
import { el, fill } from './dom.js';
import { number, plural, preciseTime, shortId, time, value, visible } from './show.js';

const PAGE_ROWS = 50; // a phone draws this at once; more come on request
const SUMMARY_CHARACTERS = 90;
const SHORT_FACT_CHARACTERS = 31; // shorter than an id
const STATES = ['shown', 'withheld', 'erased'];
const FILTERS = {
  all: ['All records', () => true],
  statements: ['Signed statements', (row) => row.kind === 'statement'],
  shown: ['With shown fields', (row) => row.units.some((unit) => unit.fields.length > 0)],
  withheld: ['With withheld units', (row) => row.units.some((unit) => unit.state === 'withheld')],
  erased: ['With erased units', (row) => row.units.some((unit) => unit.state === 'erased')],
};

function searchText(row) {
  const fields = row.units.flatMap((unit) => [unit.id, ...unit.fields.map((field) => `${field.name} ${JSON.stringify(field.value)}`)]);
  return [row.index, row.type, row.id, row.actor, row.system, row.stream, row.signer, row.clear && JSON.stringify(row.clear), ...fields]
    .join(' ').toLowerCase();
}

/** The facts in clear that fit on a line: words and numbers; ids and keys are for the detail. */
function clearSummary(clear) {
  const short = Object.entries(clear ?? {}).filter(([, fact]) => typeof fact !== 'object' && String(fact).length <= SHORT_FACT_CHARACTERS);
  return short.map(([name, fact]) => `${name}: ${value(fact)}`).join(' · ');
}

function summary(row) {
  const shown = row.units.flatMap((unit) => unit.fields).map((field) => `${field.name}: ${value(field.value)}`).join(' · ');
  const whole = (shown || clearSummary(row.clear)).replace(/\s+/g, ' ');
  return whole.length > SUMMARY_CHARACTERS ? `${whole.slice(0, SUMMARY_CHARACTERS)}…` : whole;
}

function unitChips(row) {
  const chips = STATES.map((state) => [state, row.units.filter((unit) => unit.state === state).length]).filter(([, count]) => count > 0);
  if (chips.length === 0) return [el('span', { class: 'quiet' }, 'no body')];
  return chips.map(([state, count]) => el('span', { class: 'chip', 'data-state': state }, `${number(count)} ${state}`));
}

function term(name, ...content) {
  return [el('dt', {}, name), el('dd', {}, ...content)];
}

const code = (text) => el('code', {}, visible(text));

function unitBlock(unit) {
  const notes = {
    shown: 'shown in full',
    withheld: `withheld: ${plural(unit.hidden, 'field')} sealed and not shown`,
    erased: `erased: ${plural(unit.hidden, 'field')} gone for good, tombstone proved`,
  };
  return el('div', { class: 'unit', 'data-state': unit.state },
    el('p', { class: 'unit-head' }, el('span', { class: 'chip', 'data-state': unit.state }, unit.state), ' ', notes[unit.state], ' · unit ', code(unit.id)),
    unit.fields.length === 0 ? null : el('dl', { class: 'fields' },
      unit.fields.map((field) => [el('dt', {}, visible(field.name)), el('dd', {}, el('bdi', { class: 'value' }, value(field.value)))])));
}

function detail(row) {
  return el('div', { class: 'record-detail' },
    row.units.map(unitBlock),
    el('dl', { class: 'terms' },
      term('Record', code(row.id)),
      term('Leaf hash', code(row.leaf)),
      row.committedAt === null ? null : term('Sealed', preciseTime(row.committedAt), ' (the seal’s time)'),
      term('Observed', preciseTime(row.observedAt), ' (the sealer’s claim)'),
      term('Actor', code(row.actor), ` · ${row.assurance}`),
      row.signer === null ? null : term('Signed by key', code(row.signer)),
      row.system === null ? null : term('System', code(row.system)),
      row.stream === null ? null : term('Stream', code(row.stream)),
      term('Number', `${number(row.seq)} of epoch ${number(row.epoch)}, producer `, code(row.producer)),
      row.clear === null ? null : term('Facts in clear', el('pre', { tabindex: 0, 'aria-label': 'Facts in clear' }, value(row.clear)))));
}

/** The two table rows of a record: the line, and its detail, built when first opened. */
function tableRows(row) {
  const detailId = `record-${row.index}-detail`;
  const cell = el('td', { colspan: 5, role: 'cell' });
  const lower = el('tr', { id: detailId, role: 'row', class: 'detail-row', hidden: true }, cell);
  const toggle = (event) => {
    const opening = lower.hidden;
    if (opening && cell.childElementCount === 0) fill(cell, detail(row));
    lower.hidden = !opening;
    event.currentTarget.setAttribute('aria-expanded', String(opening));
  };
  const button = el('button', { type: 'button', class: 'row-toggle', 'aria-expanded': 'false', 'aria-controls': detailId, click: toggle },
    el('span', { class: 'visually-hidden' }, 'Entry '), number(row.index));
  const upper = el('tr', { role: 'row', 'data-testid': 'record-row', 'data-index': row.index },
    el('th', { role: 'rowheader', scope: 'row' }, button),
    el('td', { role: 'cell', class: 'type' }, visible(row.type), row.kind === 'statement' ? el('span', { class: 'signed' }, 'statement') : null),
    el('td', { role: 'cell', class: 'when' }, row.committedAt === null ? '–' : time(row.committedAt)),
    el('td', { role: 'cell', class: 'units' }, unitChips(row)),
    el('td', { role: 'cell', class: 'what' }, el('bdi', {}, summary(row)), el('span', { class: 'quiet actor' }, ` actor ${shortId(row.actor)}`)));
  return [upper, lower];
}

class Table {
  #rows;
  #shown = 0;
  #matches;
  #texts = new Map();
  body = el('tbody', { role: 'rowgroup' });
  status = el('p', { class: 'table-status', role: 'status', 'data-testid': 'record-count' });
  more = el('button', { type: 'button', class: 'more', click: () => this.#showMore() }, `Show ${PAGE_ROWS} more`);

  constructor(rows) {
    this.#rows = rows;
    this.filter('', 'all');
  }

  #text(row) {
    if (!this.#texts.has(row)) this.#texts.set(row, searchText(row));
    return this.#texts.get(row);
  }

  filter(query, name) {
    const words = query.toLowerCase().split(/\s+/).filter((word) => word !== '');
    const [, keeps] = FILTERS[name];
    this.#matches = this.#rows.filter((row) => keeps(row) && words.every((word) => this.#text(row).includes(word)));
    this.#shown = 0;
    fill(this.body);
    this.#showMore();
  }

  #showMore() {
    const next = this.#matches.slice(this.#shown, this.#shown + PAGE_ROWS);
    this.body.append(...next.flatMap(tableRows));
    this.#shown += next.length;
    this.more.hidden = this.#shown >= this.#matches.length;
    const all = plural(this.#rows.length, 'record');
    this.status.textContent = this.#matches.length === this.#rows.length
      ? `${all}; ${number(this.#shown)} listed.`
      : `${number(this.#matches.length)} of ${all} match; ${number(this.#shown)} listed.`;
  }
}

function tools(table) {
  const search = el('input', { id: 'record-search', type: 'search', placeholder: 'type, id, field, value …', autocomplete: 'off', spellcheck: 'false' });
  const select = el('select', { id: 'record-filter' }, Object.entries(FILTERS).map(([name, [label]]) => el('option', { value: name }, label)));
  const apply = () => table.filter(search.value, select.value);
  search.addEventListener('input', apply);
  select.addEventListener('change', apply);
  return el('div', { class: 'table-tools' },
    el('div', {}, el('label', { for: 'record-search' }, 'Search'), search),
    el('div', {}, el('label', { for: 'record-filter' }, 'Show'), select));
}

/** The section of records, or null when there are none to show. */
export function recordsView(run) {
  if (run.records.length === 0) return null;
  const table = new Table(run.records);
  const heads = ['Entry', 'Type', 'Sealed', 'Units', 'Content'];
  const caution = ['broken', 'malformed'].includes(run.verdict)
    ? el('p', { class: 'caution' }, 'This file does not hold. What follows is what it claims; do not rely on it.') : null;
  return el('section', { class: 'records', 'aria-labelledby': 'records-title' },
    el('div', { class: 'section-head' }, el('h2', { id: 'records-title' }, 'Records'), table.status),
    caution, tools(table),
    el('table', { role: 'table', 'aria-labelledby': 'records-title' },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, heads.map((head) => el('th', { role: 'columnheader', scope: 'col' }, head)))),
      table.body),
    table.more);
}
