// How the check of evidence ends when it gives no time. Both are ordinary outcomes; any other error is a fault of this program.

/** The evidence is not of this digest, or contradicts itself. */
export class Contradiction extends Error {}

/** Nothing speaks against it, and something is missing that only the reader can have. */
export class NotChecked extends Error {}

export function insist(holds, what) {
  if (!holds) throw new Contradiction(what);
}
