// The RFC 9162 tree over SHA-256: leaves, ranges of perfect subtrees, inclusion paths (docs/formats.md §2).
// Sizes and indexes are numbers up to 2^53 − 1, so halving is done by division and never with 32-bit operators.
import { equal } from './bytes.js';
import { sha256 } from './sha256.js';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const LEAVES_A_BREATH = 512; // about a millisecond of hashing
export const EMPTY_ROOT = sha256();

export const leafHash = (entry) => sha256(LEAF, entry);
export const nodeHash = (left, right) => sha256(NODE, left, right);

/** Sizes of the maximal aligned perfect subtrees of [begin, end), left to right. */
export function perfectSizes(begin, end) {
  const sizes = [];
  for (let at = begin; at < end;) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 <= end) size *= 2;
    sizes.push(size);
    at += size;
  }
  return sizes;
}

/** A run of perfect subtrees that starts at 0 and grows to the right; gives the root of everything pushed. */
export class Range {
  end = 0;
  #nodes = []; // {size, hash}, sizes descending

  /** Adds a perfect subtree of `size` leaves at the right edge, where it must be aligned. */
  push(hash, size = 1) {
    let node = { size, hash };
    while (this.#nodes.length > 0 && this.#nodes[this.#nodes.length - 1].size === node.size) {
      node = { size: node.size * 2, hash: nodeHash(this.#nodes.pop().hash, node.hash) };
    }
    this.#nodes.push(node);
    this.end += size;
  }

  root() {
    if (this.#nodes.length === 0) return EMPTY_ROOT;
    return this.#nodes.map((node) => node.hash).reduceRight((right, left) => nodeHash(left, right));
  }
}

/** Root over leaf hashes alone. */
export function rootOf(leaves) {
  const range = new Range();
  for (const leaf of leaves) range.push(leaf);
  return range.root();
}

/**
 * The root of a tree of `size` from hashes left of a range, the range's leaf hashes and hashes right of it
 * (docs/formats.md §11.2). Null when the number of hashes is not the one the numbers ask for.
 */
export async function rootFromRange({ left, leaves, right, first, size }, pace) {
  const leftSizes = perfectSizes(0, first);
  const rightSizes = perfectSizes(first + leaves.length, size);
  if (first + leaves.length > size || left.length !== leftSizes.length || right.length !== rightSizes.length) return null;
  const range = new Range();
  leftSizes.forEach((width, at) => range.push(left[at], width));
  for (let at = 0; at < leaves.length; at++) {
    range.push(leaves[at]);
    if (at % LEAVES_A_BREATH === 0) await pace.breathe(at, leaves.length);
  }
  rightSizes.forEach((width, at) => range.push(right[at], width));
  return range.root();
}

/** The root that an inclusion path leads to (RFC 9162 §2.1.3.2), or null when its length does not fit. */
export function rootFromPath(leaf, index, size, path) {
  if (index >= size) return null;
  let place = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return null;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash);
      while (place % 2 === 0 && place !== 0) {
        place /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}

/** Whether a tree continues an earlier one of itself (RFC 9162 §2.1.4.2); both are {size, root}. */
export function isConsistent(older, newer, path) {
  if (older.size > newer.size) return false;
  if (older.size === 0 || older.size === newer.size) return path.length === 0 && equal(older.root, older.size === 0 ? EMPTY_ROOT : newer.root);
  let place = older.size - 1;
  let last = newer.size - 1;
  while (place % 2 === 1) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  // A perfect tree's root is the first hash of the climb and is not sent.
  const climb = place === 0 ? [older.root, ...path] : path;
  if (climb.length === 0) return false;
  let [old, hash] = [climb[0], climb[0]];
  for (const sibling of climb.slice(1)) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      [old, hash] = [nodeHash(sibling, old), nodeHash(sibling, hash)];
      while (place % 2 === 0 && place !== 0) [place, last] = [place / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 && equal(old, older.root) && equal(hash, newer.root);
}

export function isIncluded(leaf, index, size, path, root) {
  const found = rootFromPath(leaf, index, size, path);
  return found !== null && equal(found, root);
}
