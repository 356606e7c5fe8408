// What a root log's receipt shows about a checkpoint of one of its shards (docs/formats.md §10.1, docs/shards.md). Promise: the receipt is judged by the same
// checks as any other, under the root logs that the reader names and nobody else's keys.
import { equal, utf8 } from '../bytes.js';
import { Malformed } from '../malformed.js';
import { checkpointText } from '../note.js';
import { Pace } from '../pace.js';
import { parseReceiptFile, verifyReceipt } from '../receipt.js';
import { isKnown } from '../recordtypes.js';
import { sha256 } from '../sha256.js';
import { Contradiction, insist, NotChecked } from './finding.js';

const CLOCK_SLACK = 1_000_000n; // a root log's clock is read once a batch and is kept in step by the network

function read(evidence) {
  try {
    return parseReceiptFile(evidence);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Contradiction(`no receipt of a root log: ${error.message}`);
  }
}

/** The receipt's entry, when it records the checkpoint with this digest. */
function recorded({ entry }, digest) {
  const { kind, record } = entry;
  const isRecord = kind === 'record' && record.type === 'shard.checkpoint_recorded' && isKnown(record);
  insist(isRecord && equal(sha256(utf8(checkpointText(record.facts))), digest), `entry ${entry.index} of the root log is not of this checkpoint`);
  insist(record.facts.origin !== record.log, 'the root log vouches for itself');
  return record;
}

/** The times that a root log's receipt allows, as `checkEvidence` gives them. */
export async function checkRootLog(evidence, digest, trust) {
  const receipt = read(evidence);
  insist(receipt.extra.anchors === undefined, 'the root log’s receipt has anchors of its own');
  const policy = { logs: trust.rootLogs, named: new Map(), quorum: 'none' };
  const run = await verifyReceipt(evidence, policy, new Pace());
  const first = () => {
    const check = run.checks.find((one) => one.required && one.outcome === run.verdict);
    return check ? `${check.name}: ${check.detail.replace(/\.$/, '')}` : run.verdict;
  };
  insist(run.verdict === 'holds' || run.verdict === 'undetermined', `the root log’s receipt: ${first()}`);
  const { log } = recorded(receipt, digest);
  const where = `entry ${receipt.index} of `;
  if (run.verdict !== 'holds') {
    throw new NotChecked(`${where}${log}; ${first()}. Ask whoever runs that log for its keys, and add a line #! root-log KEY if you trust it`);
  }
  const at = BigInt(receipt.seal.seal.committed_at);
  return {
    earliest: at < CLOCK_SLACK ? 0n : at - CLOCK_SLACK, latest: at + CLOCK_SLACK, source: `commit time of ${where}root log ${log}`, isUnforeseeable: true,
  };
}
