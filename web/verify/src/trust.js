// The whole of a trust file (docs/formats.md §10): whose logs and witnesses a reader believes, and whom about time.
import { parseAnchorTrust } from './anchor/trustlines.js';
import { parsePolicy } from './policy.js';

/** Reads a trust file: a policy with `anchors`. Errors name the line. */
export const parseTrust = (bytes) => ({ ...parsePolicy(bytes), anchors: parseAnchorTrust(bytes) });
