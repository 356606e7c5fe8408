// Disclosures of body fields (docs/formats.md §3, the form of RFC 9901).
import { base64url, fromBase64url, utf8 } from './bytes.js';
import { parseJcs, toJcs } from './jcs.js';
import { Malformed, within } from './malformed.js';
import { sha256 } from './sha256.js';

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const SALT_BYTES = 16;

/** Reads one encoded disclosure: {name, value, digest}. */
export function parseDisclosure(encoded) {
  if (typeof encoded !== 'string') throw new Malformed('disclosure is not a string');
  return within('disclosure', () => {
    const parts = parseJcs(fromBase64url(encoded));
    if (!Array.isArray(parts) || parts.length !== 3) throw new Malformed('is not [salt, name, value]');
    const [salt, name, value] = parts;
    if (fromBase64url(salt).length !== SALT_BYTES) throw new Malformed(`salt is not ${SALT_BYTES} bytes`);
    if (typeof name !== 'string' || !NAME.test(name)) throw new Malformed('field name is not of the allowed form');
    // In a unit's plaintext a disclosure stands in an array, and that nests 32 levels.
    toJcs([parts]);
    return { name, value, digest: base64url(sha256(utf8(encoded))) };
  });
}

/**
 * What is known of one unit: `shown` when every digest has its disclosure, `erased` when a tombstone is proved,
 * `withheld` otherwise. Undisclosed is not missing.
 */
export function unitState(digestCount, shownCount, isErased) {
  if (shownCount === digestCount) return 'shown';
  return isErased ? 'erased' : 'withheld';
}
