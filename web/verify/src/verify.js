// The door: tells the kinds of input apart by their first bytes and runs the right verifier.
import { checkEvidence } from './anchor/evidence.js';
import { utf8 } from './bytes.js';
import { checkKeys, parseKeyDirectory } from './keydirectory.js';
import { Malformed, within } from './malformed.js';
import { Pace } from './pace.js';
import { verifyPackage } from './package.js';
import { parseTrust } from './trust.js';
import { verifyReceipt } from './receipt.js';
import { unreadable } from './report.js';
import { FIRST_LINE } from './tlogproof.js';
import { verifyTransparent } from './transparent.js';
import { RUN_FIRST_LINE, verifyRun } from './verificationrun.js';

const startsWith = (bytes, start) => start.every((byte, at) => bytes[at] === byte);

const KINDS = [
  { start: [0x50, 0x4b], verify: verifyPackage },
  { start: [...utf8(`${FIRST_LINE}\n`)], verify: (bytes, policy, pace) => verifyReceipt(bytes, policy, pace, checkEvidence) },
  { start: [...utf8(RUN_FIRST_LINE)], verify: verifyRun },
  { start: [0xd2], verify: verifyTransparent },
];

/**
 * Verifies bytes, with the bytes of a trust file and of a key directory, or null. Gives a Run: verdict, exitCode, checks, facts, records.
 * Never throws for bad input.
 */
export async function verify(bytes, trustBytes = null, pace = new Pace(), keysBytes = null) {
  let policy = null;
  let directory = null;
  try {
    policy = trustBytes === null ? null : within('trust file', () => parseTrust(trustBytes));
    directory = keysBytes === null ? null : parseKeyDirectory(keysBytes);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return unreadable(error.message, pace);
  }
  const kind = KINDS.find(({ start }) => startsWith(bytes, start));
  if (!kind) return unreadable('The file is neither a package (.zip), nor a receipt, nor a transparent statement, nor a verification run.', pace);
  const run = await kind.verify(bytes, policy, pace, directory);
  await checkKeys(run, directory);
  return run;
}
