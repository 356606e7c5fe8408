// A checkpoint's digest as the data of a transaction, on any chain whose blocks are Ethereum's. Shown: a transaction whose data is the digest is in the
// transaction trie of a block header with this hash. Not shown: who sent it, whether it succeeded, or that the header is the chain's: the reader names
// block hashes. RLP and the trie are those of the yellow paper, appendices B and D.
import { equal, hex, utf8 } from '../bytes.js';
import { keccak256 } from '../keccak.js';
import { toBigInt } from './der.js';
import { Contradiction, insist } from './finding.js';

const BYTES_MAX = 256 * 1024;
const NODES_MAX = 16;
const FIELDS_MAX = 64;
const FORMAT = utf8('tabellion.evm/1');
const TRANSACTION_TYPE = 2;

/** The first item of RLP in its canonical form and what follows it. */
function split(bytes) {
  const first = bytes[0];
  const isList = first >= 0xc0;
  const base = first - (isList ? 0xc0 : 0x80);
  let [at, length] = first < 0x80 ? [0, 1] : [1, base];
  if (first >= 0x80 && base > 55) {
    const digits = bytes.subarray(1, base - 54);
    insist(digits.length === base - 55 && digits.length <= 4 && digits[0] !== 0, 'RLP has a length in another than its shortest form');
    [at, length] = [base - 54, Number(toBigInt(digits))];
    insist(length > 55, 'RLP has a length in another than its shortest form');
  }
  const payload = bytes.subarray(at, at + length);
  insist(payload.length === length && !(first === 0x81 && payload[0] < 0x80), 'RLP has an item that is cut off or not in its shortest form');
  return [{ isList, payload, whole: bytes.subarray(0, at + length) }, bytes.subarray(at + length)];
}

function itemsOf(bytes, most) {
  const found = [];
  for (let rest = bytes; rest.length > 0;) {
    insist(found.length < most, 'RLP has more items than belong there');
    const [item, after] = split(rest);
    found.push(item);
    rest = after;
  }
  return found;
}

function string({ isList, payload }) {
  insist(!isList, 'RLP has no string there');
  return payload;
}

function list({ isList, payload }, most) {
  insist(isList, 'RLP has no list there');
  return itemsOf(payload, most);
}

function number(item, digits = 8) {
  insist(string(item).length <= digits && item.payload[0] !== 0, 'RLP has no number in its shortest form there');
  return toBigInt(item.payload);
}

/** The items of a list that is all of `bytes`. */
function whole(bytes, most) {
  const [only] = itemsOf(bytes, 1);
  insist(only, 'RLP has nothing there');
  return list(only, most);
}

/** Chain and data of a signed transaction of type 2; the rest has the form that it must have. */
function readTransaction(bytes) {
  insist(bytes[0] === TRANSACTION_TYPE, 'not a transaction of type 2');
  const fields = whole(bytes.subarray(1), 12);
  insist(fields.length === 12, 'a transaction has other fields');
  const chain = number(fields[0]);
  for (const [at, digits] of [[1, 8], [2, 16], [3, 16], [4, 8]]) number(fields[at], digits);
  insist(string(fields[5]).length === 20 && fields[8].isList, 'a transaction has other fields');
  for (const at of [6, 10, 11]) string(fields[at]);
  return { chain, data: string(fields[7]) };
}

const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);

/** The key of a transaction in the trie: its place as RLP writes it. */
function keyOf(index) {
  const bytes = [];
  for (let rest = index; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 255n));
  return nibbles(bytes.length === 1 && bytes[0] < 0x80 ? bytes : [0x80 + bytes.length, ...bytes]);
}

/** The value under a key; nodes that stand inside their parent are not repeated. */
function find(root, key, nodes) {
  const left = [...nodes];
  const next = (hash) => {
    const node = left.shift();
    insist(node && equal(keccak256(node), hash), 'a node of the transaction trie is not there');
    return node;
  };
  let path = key;
  let node = next(root);
  for (;;) {
    const items = whole(node, 17);
    let child;
    if (items.length === 2) {
      const encoded = nibbles(string(items[0]));
      insist(encoded.length > 0 && encoded[0] < 4 && (encoded[0] % 2 === 1 || encoded[1] === 0), 'a node’s path is of another form');
      const prefix = encoded.slice(encoded[0] % 2 === 1 ? 1 : 2);
      insist(prefix.every((nibble, at) => path[at] === nibble), 'the nodes lead elsewhere');
      path = path.slice(prefix.length);
      [, child] = items;
      if (encoded[0] >= 2) {
        insist(path.length === 0 && left.length === 0, 'the nodes lead elsewhere');
        return string(child);
      }
    } else {
      insist(items.length === 17, 'a node of the trie is of another form');
      if (path.length === 0) {
        insist(string(items[16]).length > 0 && left.length === 0, 'the nodes lead elsewhere');
        return items[16].payload;
      }
      child = items[path[0]];
      path = path.slice(1);
    }
    node = child.isList ? child.whole : next(child.payload);
  }
}

/** The block that a transaction with this digest as its data is shown to be in: {chain, number, hash, time in seconds}. */
export function blockOf(evidence, digest) {
  insist(evidence.length <= BYTES_MAX, 'too long for a transaction’s evidence');
  const items = whole(evidence, 6);
  insist(items.length === 6 && equal(string(items[0]), FORMAT), 'not the evidence of a transaction');
  const [chain, header, transaction, index] = [number(items[1]), string(items[2]), string(items[3]), number(items[4])];
  const nodes = list(items[5], NODES_MAX).map(string);
  const said = readTransaction(transaction);
  insist(equal(said.data, digest), 'the transaction’s data is not the checkpoint’s digest');
  insist(said.chain === chain, `the transaction is of chain ${said.chain}, not ${chain}`);
  const fields = whole(header, FIELDS_MAX);
  insist(fields.length >= 12 && string(fields[4]).length === 32, 'a block’s header has other fields');
  const block = { chain, number: number(fields[8]), hash: hex(keccak256(header)), time: number(fields[11]) };
  try {
    insist(equal(find(fields[4].payload, keyOf(index), nodes), transaction), 'another transaction');
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    throw new Contradiction('the transaction is not in the block: the nodes do not lead from its transactions root to it');
  }
  return block;
}
