// What helps people write: a draft that outlives the session it was typed in, and records that are picked instead of typed.
// Promises: a draft stays in this tab and is given back to its person alone; it is gone when it was recorded, when they discard it or sign out, and
// after twelve hours. Must never: keep a password, a file or a proof of the session; put text of others anywhere but into a text node or a value.
(() => {
  'use strict';
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const PREFIX = 'tabellion draft ';
  const KEPT_MS = 12 * 60 * 60 * 1000; // as long as a session lasts
  const MAX_CHARS = 1_200_000; // a little more than the largest form
  const NOT_KEPT = ['hidden', 'password', 'file', 'submit', 'button', 'image', 'reset'];
  const GUARDS = ['version', 'revision']; // so that nobody overwrites what they have not seen, also by a draft
  const person = document.body.dataset.person ?? '';
  const address = new URLSearchParams(location.search);
  let store = null;
  try { store = sessionStorage; } catch { /* a browser that keeps nothing */ }

  const keys = () => (store ? Object.keys(store).filter((key) => key.startsWith(PREFIX)) : []);
  const read = (key) => {
    try { return JSON.parse(store.getItem(key)); } catch { return null; }
  };
  const write = (key, draft) => {
    const text = JSON.stringify(draft);
    try { if (text.length <= MAX_CHARS) store?.setItem(key, text); } catch { /* full: the page itself still has it */ }
  };
  const drop = (key) => store?.removeItem(key);

  const kept = (field) => field.name && !NOT_KEPT.includes(field.type) && !field.readOnly;
  const ticked = (field) => field.type === 'checkbox' || field.type === 'radio';
  const content = (form) => {
    const fields = {};
    for (const field of form.elements) {
      if (!kept(field)) continue;
      fields[field.name] ??= [];
      if (!ticked(field) || field.checked) fields[field.name].push(field.value);
    }
    return fields;
  };
  const guards = (form) => Object.fromEntries(GUARDS.filter((name) => form.elements[name]).map((name) => [name, form.elements[name].value]));
  const fill = (form, draft) => {
    const used = {};
    for (const field of form.elements) {
      const values = kept(field) ? draft.fields[field.name] : undefined;
      if (!values) continue;
      if (ticked(field)) {
        field.checked = values.includes(field.value);
        continue;
      }
      used[field.name] = (used[field.name] ?? -1) + 1;
      if (values[used[field.name]] !== undefined) field.value = values[used[field.name]];
    }
    for (const [name, value] of Object.entries(draft.guards)) if (form.elements[name]) form.elements[name].value = value;
  };

  // As a browser names it to the page that comes after: without what stands behind the #.
  const referrer = () => `${location.origin}${location.pathname}${location.search}`;
  const title = () => one('h1')?.textContent.trim() ?? '';
  const here = () => {
    const query = new URLSearchParams(location.search);
    query.delete('recorded');
    return `${location.pathname}${query.size ? `?${query}` : ''}`;
  };

  // What is somebody else's, too old, signed out of or recorded is gone.
  for (const key of keys()) {
    const draft = read(key);
    const foreign = person && draft?.person !== person;
    const recorded = draft?.sent && address.has('recorded') && document.referrer === draft.from;
    if (!draft || foreign || recorded || address.has('left') || Date.now() - draft.at > KEPT_MS) drop(key);
  }

  const restored = (form, key) => {
    const discard = make('button', { type: 'button', className: 'quiet', textContent: 'Discard it' });
    const note = make('div', { className: 'note fair draft' },
      make('p', { className: 'note-title', textContent: 'What you typed before is back' }),
      make('p', { textContent: 'It was kept in this tab for you and is not recorded yet. Look it over, then send it.' }),
      make('p', {}, discard));
    note.setAttribute('role', 'status');
    note.dataset.testid = 'draft';
    discard.addEventListener('click', () => {
      form.dataset.done = 'yes';
      drop(key);
      location.reload();
    });
    form.prepend(note);
  };

  const drafted = (form) => {
    const key = `${PREFIX}${person} ${form.getAttribute('action')}#${form.id}`;
    const first = JSON.stringify(content(form));
    const before = read(key);
    if (before && one('.summary', form)) {
      write(key, { ...before, sent: false }); // refused, and filled in again by the page itself
    } else if (before && JSON.stringify(before.fields) === first) {
      drop(key);
    } else if (before) {
      fill(form, before);
      restored(form, key);
      const fold = form.closest('details');
      if (fold) fold.open = true;
    }
    const keep = (sent) => {
      const fields = content(form);
      if (!sent && JSON.stringify(fields) === first) return;
      write(key, { person, fields, guards: guards(form), page: read(key)?.page ?? here(), title: title(), from: referrer(), at: Date.now(), sent });
    };
    form.addEventListener('submit', () => {
      keep(true);
      form.dataset.done = 'yes';
    });
    for (const cancel of all('.buttons a', form)) {
      cancel.addEventListener('click', () => {
        form.dataset.done = 'yes';
        drop(key);
      });
    }
    addEventListener('pagehide', () => { if (!form.dataset.done) keep(false); });
    // Back to a page that the browser still has: it is as it was left.
    addEventListener('pageshow', (event) => { if (event.persisted) delete form.dataset.done; });
  };
  if (person && store) for (const form of all('form[data-draft]')) drafted(form);

  // What was sent and not taken is waiting: said where one signs in, and at home afterwards.
  if (one('#part-typed')) for (const key of keys()) if (read(key)?.sent) drop(key); // it stands on the page, and no form takes it any more
  const lost = keys().map(read).filter((draft) => draft?.sent);
  if (lost.length && !person) {
    const said = make('p', { textContent: 'What you typed is kept in this tab, for you alone: it comes back when you have signed in here.' });
    said.dataset.testid = 'kept';
    (one('main .note') ?? one('main .login'))?.append(said);
  } else if (lost.length && document.body.hasAttribute('data-unsent')) {
    one('main .note')?.append(make('p', { textContent: 'What you typed is kept in this tab: it is in the form when you open the page anew.' }));
  } else if (lost.length && location.pathname === '/') {
    const list = make('ul', {}, ...lost.map((draft) => make('li', {}, make('a', { href: draft.page, textContent: draft.title || 'Go on writing' }))));
    const note = make('div', { className: 'note fair' }, make('p', { className: 'note-title', textContent: 'You typed something that was not recorded' }), list);
    note.dataset.testid = 'kept';
    one('main .head')?.after(note);
  }

  // Picking: each choice is one more line of the field below.
  for (const find of all('input[data-pick]')) {
    const field = document.getElementById(find.dataset.pick);
    const offered = () => all('option', find.list).map((option) => option.value);
    const add = () => {
      const text = find.value.trim();
      const lines = field.value.split('\n').map((line) => line.trim()).filter(Boolean);
      if (!text) return;
      if (!lines.includes(text)) field.value = [...lines, text].join('\n');
      find.value = '';
      find.focus();
    };
    find.addEventListener('input', (event) => {
      // Chosen from the list, not typed on the way to something longer.
      if (event.inputType === 'insertReplacementText' || (!event.inputType && offered().includes(find.value))) add();
    });
    find.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      add();
    });
    one('button', find.parentElement).addEventListener('click', add);
  }
})();
