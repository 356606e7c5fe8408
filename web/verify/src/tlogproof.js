// C2SP tlog-proof@v1, read canonical-only: the outer form of a receipt (docs/formats.md §9).
import { fromBase64, fromDecimal, text, utf8 } from './bytes.js';
import { Malformed } from './malformed.js';
import { parseCheckpoint } from './note.js';

export const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const PATH_MAX = 63; // a tree of 2^63 leaves

function hashLine(line) {
  const hash = fromBase64(line);
  if (hash.length !== 32) throw new Malformed('line of the inclusion path is not a hash');
  return hash;
}

/** {extra, index, path, checkpoint}: `extra` is null when there is none. */
export function parseTlogProof(bytes) {
  const source = text(bytes);
  const end = source.indexOf('\n\n');
  if (end < 0) throw new Malformed('proof holds no checkpoint');
  const lines = source.slice(0, end).split('\n');
  if (lines.shift() !== FIRST_LINE) throw new Malformed(`first line is not ${FIRST_LINE}`);
  let extra = null;
  if (lines[0]?.startsWith('extra ')) extra = fromBase64(lines.shift().slice('extra '.length));
  const indexLine = lines.shift();
  if (!indexLine?.startsWith('index ')) throw new Malformed('proof has no index line');
  const index = fromDecimal(indexLine.slice('index '.length));
  if (lines.length > PATH_MAX) throw new Malformed('inclusion path is longer than any tree');
  return { extra, index, path: lines.map(hashLine), checkpoint: parseCheckpoint(utf8(source.slice(end + 2))) };
}
