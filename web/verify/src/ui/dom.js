// Builds elements. Promise: text from a file only ever becomes a text node or an attribute value set here; there is no way
// from data to markup, and no attribute that runs or loads anything can be set.

const ATTRIBUTES = new Set([
  'class', 'id', 'role', 'colspan', 'scope', 'type', 'title', 'open', 'hidden', 'for', 'tabindex', 'value', 'max', 'datetime', 'disabled',
  'viewBox', 'd', 'cx', 'cy', 'r', 'width', 'height', 'autocomplete', 'placeholder', 'spellcheck', 'dir',
]);
const SVG_TAGS = new Set(['svg', 'path', 'circle', 'g']);
const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (!ATTRIBUTES.has(name) && !name.startsWith('aria-') && !name.startsWith('data-')) throw new Error(`attribute ${name} is not allowed`);
  element.setAttribute(name, value === true ? '' : String(value));
}

/** An element with attributes and children; strings become text nodes, null is left out. */
export function el(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else setAttribute(element, name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Replaces what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null));
}

const GLYPHS = {
  holds: 'M6.5 12.5l3.6 3.6 7.4-8',
  broken: 'M7.5 7.5l9 9M16.5 7.5l-9 9',
  undetermined: 'M9 9.4a3 3 0 1 1 4.3 2.7c-.9.5-1.3 1-1.3 2M12 17.2v.1',
  malformed: 'M8 6.5h5.5l3 3v8H8zM10.5 12.5h3M10.5 15h3',
  'not run': 'M7.5 12h9',
};

/** The sign of an outcome: a shape for each, so that colour is never the only difference. Decorative; text stands beside it. */
export function sign(outcome) {
  return el('svg', { viewBox: '0 0 24 24', class: 'sign', 'aria-hidden': 'true', 'data-outcome': outcome },
    el('circle', { cx: 12, cy: 12, r: 11 }), el('path', { d: GLYPHS[outcome] }));
}
