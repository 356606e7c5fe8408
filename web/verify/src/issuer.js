// Who issued it (docs/formats.md §10): the pins of the trust file against the keys of the log, and the checkpoint's signature.
import { utf8 } from './bytes.js';
import { sameKey } from './keychain.js';
import { ED25519, signaturesBy } from './note.js';
import { checkQuorum, cosignedBy, pinsFor } from './policy.js';
import { broken, holds, undetermined } from './report.js';
import { verifySignature } from './webcrypto.js';

const NO_TRUST = 'No trust file was given, so the issuer is unknown: anyone can make a log that is consistent with itself. '
  + 'Ask the issuer for its trust file by another way than this file.';

/** Which pin vouches for the log, as {which}, or as {fault} why none does. */
function pinnedBy(pins, chain, logKey, signsSecond) {
  if (pins.log.length + pins.root.length === 0) {
    // Where the second key is all that is pinned, its signature alone makes the issuer known.
    return signsSecond ? { which: 'ML-DSA-44 log key, and with no other,' } : { fault: `The trust file does not name the log ${chain.origin}.` };
  }
  if (sameKey(chain.root.publicKey, pins.root)) return { which: 'root key' };
  if (pins.root.length > 0) return { fault: `The trust file names ${chain.origin} with another root key. This log may be an imitation.` };
  if (logKey && sameKey(logKey.publicKey, pins.log)) return { which: 'log key' };
  return { fault: `The trust file names ${chain.origin} with another log key. This log may be an imitation, or its key was rotated.` };
}

/** What the log's second, post-quantum signature says: either suffices, and a wrong one never does. */
function secondSaid(pins, lines) {
  if (pins.second.length === 0) return '';
  return lines > 0 ? '; the log’s ML-DSA-44 signature was checked too' : '; the log’s ML-DSA-44 key, which the trust file pins too, did not sign this checkpoint';
}

/** Judges the issuer of a log whose root and log key are known from its own key records; the value is what its witnesses dated. */
export async function judgeIssuer(policy, chain, logKey, checkpoint) {
  if (!policy) return undetermined(NO_TRUST);
  const pins = pinsFor(policy, chain.origin);
  const lines = pins.second.reduce((sum, key) => sum + signaturesBy(checkpoint.note, key.name, key.type, key.publicKey).length, 0);
  const pinned = pinnedBy(pins, chain, logKey, lines > 0);
  if (pinned.fault) return undetermined(pinned.fault);
  for (const key of pins.second) {
    if (!(await cosignedBy(key, checkpoint))) return broken('The log’s ML-DSA-44 signature does not verify.');
  }
  const quorum = await checkQuorum(policy, checkpoint);
  if (quorum.outcome === 'broken') return broken(quorum.detail);
  if (quorum.outcome !== 'holds') return undetermined(quorum.detail);
  const { which } = pinned;
  return { ...holds(`The trust file names ${chain.origin} with this ${which}${secondSaid(pins, lines)}; ${quorum.detail}.`), value: quorum.witnessed };
}

/** Judges a checkpoint's signature by the log key in force for its size. */
export async function judgeCheckpoint(logKey, checkpoint) {
  if (!logKey) return broken(`No log key was in force for a checkpoint of size ${checkpoint.size}.`);
  const blobs = signaturesBy(checkpoint.note, checkpoint.origin, ED25519, logKey.publicKey);
  if (blobs.length === 0) return broken('The checkpoint is not signed by the log key in force.');
  for (const blob of blobs) {
    if (blob.length !== 64 || !(await verifySignature(logKey.publicKey, utf8(checkpoint.note.text), blob))) {
      return broken('The signature of the checkpoint does not verify.');
    }
  }
  return holds(`Signed by log key ${logKey.keyId.slice(0, 16)}… over size ${checkpoint.size}.`);
}
