// What the console's pages do beyond reading and sending forms, which work without this: keyboard, palette, colours, copying, the live
// count of a package, and loading the verifier. Promise: text of others only ever becomes a text node.
(() => {
  'use strict';
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // Coming in. The token stands behind the #, which no server sees; it leaves the address before anything else happens.
  const LINK = /^#link=(.+)$/;
  const link = LINK.exec(location.hash);
  if (link && location.pathname !== '/login') location.replace(`/login${location.hash}`);
  const field = one('[data-login]');
  if (field && link) {
    field.value = link[1];
    history.replaceState(null, '', location.pathname + location.search);
    one('button', field.form).focus();
  }

  // Colours: as the system has them, dark, light.
  const THEMES = ['', 'dark', 'light'];
  const WORDS = { '': 'Auto', dark: 'Dark', light: 'Light' };
  const themeSwitch = one('[data-theme-switch]');
  themeSwitch?.form.addEventListener('submit', (event) => {
    event.preventDefault();
    const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? '') + 1) % THEMES.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    const secure = location.protocol === 'https:' ? '; Secure' : '';
    document.cookie = `tabellion_theme=${next}; Path=/; SameSite=Strict; Max-Age=${next ? 31536000 : 0}${secure}`;
    themeSwitch.textContent = WORDS[next];
    themeSwitch.setAttribute('aria-label', `${WORDS[next]} colours. Switch.`);
  });

  // Folds of the bar and of tables close when something else is pressed.
  const folds = () => all('.bar details[open], .columns[open]');
  document.addEventListener('pointerdown', (event) => {
    for (const fold of folds()) if (!fold.contains(event.target)) fold.open = false;
  });

  // Rows: j and k go through them, Enter follows their link, a press anywhere on one does too.
  const rowLinks = () => all('main tr[data-href]').map((row) => one('a', row)).filter((found) => found && found.offsetParent !== null);
  const step = (by) => {
    const links = rowLinks();
    const at = links.findIndex((found) => found.closest('tr').contains(document.activeElement));
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  document.addEventListener('click', (event) => {
    const row = event.target.closest?.('tr[data-href]');
    if (!row || event.target.closest('a, button, input, label, summary') || String(getSelection())) return;
    location.assign(row.dataset.href);
  });

  // The palette: every page and the primary action, and the search for everything else.
  const palette = one('#palette');
  const typed = one('[data-palette]');
  const commands = () => all('.commands a', palette).filter((found) => !found.parentElement.hidden);
  // The focus stays in the field; which command it would take is said by the field, too.
  const choose = (chosen) => {
    for (const [number, found] of all('.commands a', palette).entries()) {
      found.id = `command-${number}`;
      found.setAttribute('aria-selected', String(found === chosen));
    }
    if (chosen) typed.setAttribute('aria-activedescendant', chosen.id);
    else typed.removeAttribute('aria-activedescendant');
    chosen?.scrollIntoView({ block: 'nearest' });
  };
  const chosen = () => one('.commands a[aria-selected="true"]', palette);
  const openPalette = () => {
    if (!palette || palette.open) return;
    palette.showModal();
    typed.value = '';
    filterPalette();
    typed.focus();
  };
  const filterPalette = () => {
    const text = typed.value.trim().toLowerCase();
    for (const found of all('.commands a', palette)) found.parentElement.hidden = !`${found.textContent} ${found.dataset.words ?? ''}`.toLowerCase().includes(text);
    choose(commands()[0]);
  };
  typed?.addEventListener('input', filterPalette);
  typed?.form.addEventListener('submit', (event) => {
    const to = chosen();
    if (!to || to.parentElement.hidden) return;
    event.preventDefault();
    location.assign(to.href);
  });
  typed?.addEventListener('keydown', (event) => {
    if (!['ArrowDown', 'ArrowUp'].includes(event.key)) return;
    event.preventDefault();
    const found = commands();
    const at = found.indexOf(chosen()) + (event.key === 'ArrowDown' ? 1 : -1);
    choose(found[Math.min(Math.max(at, 0), found.length - 1)]);
  });
  for (const button of all('[data-open="palette"]')) button.addEventListener('click', openPalette);

  // Keys. None of them acts while somebody types.
  let before = '';
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.key === 'Escape') for (const fold of folds()) { fold.open = false; one('summary', fold).focus(); }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, select, textarea, dialog[open]')) return;
    const did = { j: () => step(1), k: () => step(-1), '/': () => (one('[data-slash]') ?? one('.find input'))?.focus(), '?': () => one('#keyboard')?.showModal() }[event.key];
    if (did) {
      event.preventDefault();
      did();
    } else if (before === 'g' && event.key === 'h') location.assign('/');
    before = event.key;
  });

  // Copying. Clipboards are there on secure pages alone; elsewhere the text is selected for the person to copy.
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
      const said = button.textContent;
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = said; }, 1500);
    } catch {
      button.textContent = 'Press Ctrl C';
    }
  };
  for (const code of all('.facts code[data-copy]')) {
    const button = make('button', { type: 'button', className: 'copy-id', textContent: 'Copy' });
    button.setAttribute('aria-label', `Copy ${code.closest('div')?.querySelector('dt')?.textContent ?? 'it'}`);
    button.addEventListener('click', () => copy(code.dataset.copy, button));
    (code.closest('a') ?? code).after(button);
  }
  for (const button of all('[data-copy-from]')) {
    button.addEventListener('click', () => {
      const from = document.getElementById(button.dataset.copyFrom);
      from.select();
      copy(from.value, button);
    });
  }
  for (const field of all('[data-select]')) field.addEventListener('focus', () => field.select());
  one('[data-focus]')?.focus();

  // On a narrow screen the pages stand in one row: the current one is brought into it.
  const rail = one('.rail');
  const current = one('a[aria-current]', rail ?? root);
  if (rail && current && rail.scrollWidth > rail.clientWidth) rail.scrollLeft = current.offsetLeft - (rail.clientWidth - current.offsetWidth) / 2;

  // Filters: what says nothing is left out of the address.
  document.body.addEventListener('htmx:configRequest', (event) => {
    const { parameters } = event.detail;
    for (const name of Object.keys(parameters)) if (parameters[name] === '') delete parameters[name];
  });
  // What a filter left is said, not only shown.
  const heard = one('[data-heard]');
  document.body.addEventListener('htmx:afterSettle', (event) => {
    const region = event.target.closest?.('.table-region');
    if (!heard || !region) return;
    const rows = all('tbody tr', region).length;
    heard.textContent = one('.extent', region)?.textContent ?? (rows ? `${rows} ${rows === 1 ? 'row' : 'rows'}` : one('.empty-title', region)?.textContent ?? 'Nothing matches');
  });
  // What is no page of this session (it is over, the server is away) is better seen whole.
  document.body.addEventListener('htmx:responseError', () => location.reload());

  // The live count of a package.
  const builder = one('[data-builder] form');
  builder?.addEventListener('change', () => {
    const asked = new URLSearchParams([...new FormData(builder)].filter(([name, text]) => text !== '' && !['csrf', 'once', 'form'].includes(name)));
    htmx.ajax('GET', `/packages?${asked}`, { target: '#count', select: '#count', swap: 'outerHTML' });
  });

  // A file to keep: its digest is computed here. It goes along only when the form says so, and only when the form is sent.
  const keep = one('[data-keep]');
  const chosenFile = one('#keep-file');
  const say = (text) => { one('#keep-file-said').textContent = text; };
  const inBase64 = (bytes) => {
    let text = '';
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  };
  chosenFile?.addEventListener('change', async () => {
    const file = chosenFile.files[0];
    if (!file) return;
    one('#keep-name').value = file.name;
    one('#keep-size_bytes').value = file.size;
    one('#keep-media_type').value = file.type;
    one('#keep-sha256').value = '';
    if (!globalThis.crypto?.subtle) { say('Over plain http this browser computes no digests: type in what sha256sum prints.'); return; }
    say('Computing its digest.');
    try {
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
      one('#keep-sha256').value = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      say('Its digest is filled in below.');
    } catch (error) { say(`The file could not be read: ${error.message}`); }
  });
  one('form', keep ?? root)?.addEventListener('submit', async (event) => {
    const form = event.target;
    const content = form.elements.content;
    if (!keep || !form.elements.whole?.checked || content.value) return;
    const file = chosenFile.files[0];
    if (!file) return;
    event.preventDefault();
    if (file.size > Number(keep.dataset.keep)) { say(`The file has ${file.size} bytes; at most ${keep.dataset.keep} are kept here. Record its digest alone.`); chosenFile.focus(); return; }
    content.value = inBase64(new Uint8Array(await file.arrayBuffer()));
    form.requestSubmit();
  });

  // Proofs: the verifier is loaded when it is first asked for.
  const OWN = 'Believes the trust file that you chose.';
  const HANDED = 'Believes the trust file that this console hands out. It comes from the same hand as the receipt: to be independent of us, choose one that you got another way.';
  const bytes = async (address) => {
    const answer = await fetch(address, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(`${address} was answered with ${answer.status}. Reload the page and try again.`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const verify = async (section, button) => {
    const into = one('.verdict', section);
    button.disabled = true;
    into.replaceChildren(make('p', { textContent: 'Checking.' }));
    try {
      const own = one('#own-trust', section).files[0];
      const [{ check }, receipt, trust] = await Promise.all([
        import(section.dataset.proof), bytes(button.dataset.verify),
        own ? own.arrayBuffer().then((buffer) => new Uint8Array(buffer)) : bytes('/settings/trust.txt'),
      ]);
      await check(into, receipt, trust, own ? OWN : HANDED);
    } catch (error) {
      into.replaceChildren(make('p', { className: 'fault', textContent: `No verdict: ${error.message}` }));
    } finally {
      button.disabled = false;
    }
  };
  for (const section of all('[data-proof]')) {
    for (const button of all('[data-verify]', section)) button.addEventListener('click', () => verify(section, button));
  }
})();
