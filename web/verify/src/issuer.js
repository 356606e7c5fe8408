// Who issued it (docs/formats.md §10): the pins of the trust file against the keys of the log, and the checkpoint's signature.
import { utf8 } from './bytes.js';
import { sameKey } from './keychain.js';
import { ED25519, ML_DSA_44, signaturesBy } from './note.js';
import { checkQuorum, pinsFor } from './policy.js';
import { broken, holds, undetermined } from './report.js';
import { verifySignature } from './webcrypto.js';

const NO_TRUST = 'No trust file was given, so the issuer is unknown: anyone can make a log that is consistent with itself. '
  + 'Ask the issuer for its trust file by another way than this file.';

/** Judges the issuer of a log whose root and log key are known from its own key records; the value is what its witnesses dated. */
export async function judgeIssuer(policy, chain, logKey, checkpoint) {
  if (!policy) return undetermined(NO_TRUST);
  const pins = pinsFor(policy, chain.origin);
  if (pins.log.length + pins.root.length === 0) return undetermined(`The trust file does not name the log ${chain.origin}.`);
  const rootMatches = sameKey(chain.root.publicKey, pins.root);
  if (pins.root.length > 0 && !rootMatches) {
    return undetermined(`The trust file names ${chain.origin} with another root key. This log may be an imitation.`);
  }
  if (!rootMatches && !(logKey && sameKey(logKey.publicKey, pins.log))) {
    return undetermined(`The trust file names ${chain.origin} with another log key. This log may be an imitation, or its key was rotated.`);
  }
  const hybrid = policy.logs.filter((key) => key.type === ML_DSA_44 && key.name === chain.origin);
  const second = hybrid.length === 0 ? '' : hybrid.some((key) => signaturesBy(checkpoint.note, key.name, ML_DSA_44, key.publicKey).length > 0)
    ? '; the log’s ML-DSA-44 signature was not checked here, tabellion verify does'
    : '; the log’s ML-DSA-44 key, which the trust file pins too, did not sign this checkpoint';
  const quorum = await checkQuorum(policy, checkpoint.note);
  const which = rootMatches ? 'root key' : 'log key';
  if (quorum.outcome === 'broken') return broken(quorum.detail);
  if (quorum.outcome !== 'holds') return undetermined(quorum.detail);
  return { ...holds(`The trust file names ${chain.origin} with this ${which}${second}; ${quorum.detail}.`), value: quorum.witnessed };
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
