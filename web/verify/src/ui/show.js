// How values look to a person. Characters that could mislead (controls, direction overrides) are made visible.

const MISLEADING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const VALUE_SHOWN_MAX = 20_000; // characters; a field may be as large as an entry

/** Text with misleading characters spelled out, e.g. ⟨U+202E⟩. */
export const visible = (text) => text.replace(MISLEADING, (character) => (
  `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`));

/** Microseconds since 1970 as UTC to the second; beyond the calendar of the browser, the bare number. */
export function time(micros) {
  const date = new Date(Math.floor(micros / 1000));
  return Number.isNaN(date.getTime()) ? `${micros} µs` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The same to the microsecond, ISO 8601. */
export function preciseTime(micros) {
  const date = new Date(Math.floor(micros / 1000));
  if (Number.isNaN(date.getTime())) return `${micros} µs since 1970`;
  return `${date.toISOString().slice(0, -1)}${String(micros % 1000).padStart(3, '0')}Z`;
}

export const number = (value) => value.toLocaleString('en');
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const shortId = (id) => `${id.slice(0, 8)}…`;

/** A field's value as text: strings as they are, everything else as JSON. */
export function value(data) {
  const source = typeof data === 'string' ? data : JSON.stringify(data, null, 2);
  return source.length > VALUE_SHOWN_MAX ? `${visible(source.slice(0, VALUE_SHOWN_MAX))} … (${number(source.length)} characters)` : visible(source);
}

export function bytes(size) {
  if (size < 1000) return plural(size, 'byte');
  if (size < 1_000_000) return `${(size / 1000).toFixed(1)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
