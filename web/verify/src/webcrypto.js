// The browser's own cryptography, where it exists and has shown that it is right; plain JavaScript otherwise.
// crypto.subtle is missing on file:// in some browsers, and an Ed25519 that uses the cofactored equation would accept what
// other verifiers refuse, so it is asked one question of each kind before it is used.
import { fromHex, hex, utf8 } from './bytes.js';
import { isStrictForm, verifyStrict } from './ed25519.js';
import { Sha256, sha256 } from './sha256.js';

const SUBTLE_MIN_BYTES = 256 * 1024; // below this the call costs more than the hash
const PIECE_BYTES = 1024 * 1024; // about 5 ms of plain JavaScript: the page stays responsive

// RFC 8032 §7.1, test 1: must be accepted.
const GOOD = {
  key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  message: new Uint8Array(0),
  signature: 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
};
// A public key with a component of order 8: holds under the cofactored equation only, must be refused.
const COFACTORED = {
  key: '837b2a7c0f9a96124c0a1288209aabb4d8296b74b0f4d34890cc227bec4df8e6',
  message: utf8('cofactor'),
  signature: '6b12d4d055bd943206034b402ebe601bf715a3bbe772cdac6ab65b94d9a07bf63c63ca6fafbdd8deae8a2eb5ba7a357519c21eb50c087e9eb9dde1631547d601',
};

const subtle = globalThis.crypto?.subtle;
const importedKeys = new Map();

async function subtleVerify(publicKey, message, signature) {
  const name = hex(publicKey);
  let key = importedKeys.get(name);
  if (!key) {
    key = await subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
    if (importedKeys.size >= 1024) importedKeys.clear();
    importedKeys.set(name, key);
  }
  return subtle.verify({ name: 'Ed25519' }, key, signature, message);
}

async function subtleIsRight() {
  if (!subtle) return false;
  const ask = ({ key, message, signature }) => subtleVerify(fromHex(key, 32), message, fromHex(signature, 64));
  try {
    return (await ask(GOOD)) === true && (await ask(COFACTORED)) === false;
  } catch {
    return false;
  }
}

let rightness = null;

/** Verifies strictly, through the browser where it is right. */
export async function verifySignature(publicKey, message, signature) {
  if (!isStrictForm(publicKey, signature)) return false;
  rightness ??= subtleIsRight();
  if (await rightness) {
    try {
      return await subtleVerify(publicKey, message, signature);
    } catch {
      return verifyStrict(publicKey, message, signature);
    }
  }
  return verifyStrict(publicKey, message, signature);
}

/** SHA-256 of a whole file; `pace` is asked to breathe between pieces. */
export async function fileDigest(bytes, pace) {
  if (bytes.length < SUBTLE_MIN_BYTES) return sha256(bytes);
  if (subtle) {
    try {
      return new Uint8Array(await subtle.digest('SHA-256', bytes));
    } catch {
      // Some engines refuse very large buffers; the plain way below has no such limit.
    }
  }
  const hash = new Sha256();
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    hash.update(bytes.subarray(at, at + PIECE_BYTES));
    await pace.breathe();
  }
  return hash.digest();
}
