// What one anchor's evidence shows about a digest, given whom the reader believes (docs/formats.md §11.3).
import { equal, hex } from '../bytes.js';
import { readDataItem } from './ans104.js';
import { blockOf } from './evm.js';
import { Contradiction, insist, NotChecked } from './finding.js';
import { readProof, timeIn } from './ots.js';
import { checkRootLog } from './rootlog.js';
import { checkTimeStamp } from './timestamp.js';

const SECOND = 1_000_000n;
const TIME_MAX = (1n << 64n) - 1n;
const BITCOIN_SLACK = 7_200n; // a block's time may be ahead by two hours, and as much is allowed for behind
const EVM_SLACK = 60n; // a block's maker may be ahead by fifteen seconds; a minute leaves room either way

const within = (time) => (time < 0n ? 0n : time > TIME_MAX ? TIME_MAX : time);

const around = (seconds, slack, source, isUnforeseeable) => (
  { earliest: within((seconds - slack) * SECOND), latest: within((seconds + slack) * SECOND), source, isUnforeseeable });

function timeStamp(evidence, digest, trust) {
  if (trust.authorities.length === 0) {
    throw new NotChecked('the trust file names no time-stamp authority; add a line #! rfc3161 NAME CERTIFICATE for one that you trust');
  }
  const refusals = [];
  for (const { name, certificate } of trust.authorities) {
    try {
      const { serial, time, accuracy } = checkTimeStamp(evidence, digest, certificate);
      const source = `time-stamp ${serial} of authority ${name}`;
      return { earliest: within(time - accuracy), latest: within(time + accuracy), source, isUnforeseeable: true };
    } catch (error) {
      if (!(error instanceof Contradiction || error instanceof NotChecked)) throw error;
      refusals.push(error);
    }
  }
  throw refusals.find((error) => error instanceof Contradiction) ?? refusals[0];
}

function openTimestamps(evidence, digest, trust) {
  const proof = readProof(evidence);
  insist(equal(proof.digest, digest), `the proof is of ${hex(proof.digest)}, not of ${hex(digest)}`);
  for (const { height, header } of trust.bitcoin) {
    const time = timeIn(proof, height, header);
    if (time !== null) return around(time, BITCOIN_SLACK, `Bitcoin block ${height}, whose header the trust file gives`, false);
  }
  const wrong = proof.blocks.find((block) => trust.bitcoin.some((given) => given.height === block.height));
  insist(!wrong, `the proof does not lead to the Merkle root of Bitcoin block ${wrong?.height} that the trust file gives`);
  const [first] = proof.blocks;
  if (first) {
    throw new NotChecked(`leads to Bitcoin block ${first.height}, whose header was not given; take it from a node that you trust and add a line `
      + `#! bitcoin ${first.height} HEADER`);
  }
  throw new NotChecked(proof.isPending ? 'only a calendar’s promise so far, which proves nothing' : 'attested in no way that is known here');
}

async function arweave(evidence, digest) {
  const item = await readDataItem(evidence);
  insist(equal(item.data, digest), 'the data item holds something else than the checkpoint’s digest');
  insist(item.isSigned, 'the signature of the data item does not verify');
  throw new NotChecked(`signed data item ${item.id}; that it was published, and when, only a gateway or node of Arweave can say: ask one that you trust for this id`);
}

function chain(evidence, digest, trust) {
  const block = blockOf(evidence, digest);
  const where = `leads to block ${block.hash} at height ${block.number} of chain ${block.chain}`;
  const known = trust.evm.find((one) => one.chain === block.chain && one.number === block.number);
  if (!known) {
    throw new NotChecked(`${where}, which the trust file does not name; take it from a node that you trust and add a line #! evm ${block.chain} ${block.number} HASH`);
  }
  insist(hex(known.hash) === block.hash, `${where}, and the trust file gives another hash for it`);
  return around(block.time, EVM_SLACK, `block ${block.number} of chain ${block.chain}, whose hash the trust file gives`, true);
}

const CHECKS = { rfc3161: timeStamp, opentimestamps: openTimestamps, arweave, evm: chain, 'root-log': checkRootLog };

/** The times that evidence allows: {earliest, latest (microseconds), source, isUnforeseeable}. Throws a Contradiction or NotChecked where it gives none. */
export const checkEvidence = async (kind, evidence, digest, trust) => CHECKS[kind](evidence, digest, trust);
