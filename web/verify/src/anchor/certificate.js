// Certificates (RFC 5280) and the path from a time-stamp's signer to an authority that the reader names. A path counts when every signature in it
// verifies, every certificate but the authority's is of version 3, valid at that time and without a critical extension that is not known here, and
// those between are authorities. Names are compared as bytes. Revocation is not looked up.
import { equal, hex } from '../bytes.js';
import { context, Der, magnitude, TAG, validity, wholeBytes } from './der.js';
import { Contradiction, insist, NotChecked } from './finding.js';
import { certificateAlgorithm, checkUsable, readKey, verify } from './signatures.js';

const TIME_STAMPING = '2b06010505070308';
const EXTENDED_USAGE = '551d25';
const SUBJECT_KEY_ID = '551d0e';
// Of id-ce.
const KEY_USAGE = 15, CONSTRAINTS = 19, NAMES = 30, USES = 37;
const KEY_CERT_SIGN = 0x04;
const KNOWN_EXTENSIONS = [KEY_USAGE, 17, CONSTRAINTS, NAMES, 31, USES];
// A time-stamp brings at most eight certificates, so that the search takes at most 8,659 steps (7 + 7·6 + … + 7·6·5·4·3·2).
const BETWEEN_MAX = 6;
const SIGNATURES_MAX = 100;

/** What a signer's certificate is looked at for beside its path. */
export function readSigner(bytes) {
  const body = new Der(bytes).enter(TAG.sequence).enter(TAG.sequence);
  body.optional(context(0));
  const serial = body.expect(TAG.integer);
  body.expect(TAG.sequence);
  const issuer = body.any().whole;
  for (let part = 0; part < 3; part++) body.expect(TAG.sequence);
  body.optional(0x81);
  body.optional(0x82);
  const signer = { issuer, serial, keyId: null, isForStamps: false };
  const extensions = body.optional(context(3));
  const rows = extensions ? new Der(extensions.content).enter(TAG.sequence) : new Der(bytes.subarray(0, 0));
  while (!rows.isEmpty) {
    const row = rows.enter(TAG.sequence);
    const name = hex(row.expect(TAG.oid));
    const isCritical = hex(row.optional(TAG.boolean)?.content ?? []) === 'ff';
    const value = row.expect(TAG.octets);
    if (name === SUBJECT_KEY_ID) signer.keyId = new Der(value).expect(TAG.octets);
    if (name === EXTENDED_USAGE) {
      const uses = new Der(value).enter(TAG.sequence);
      signer.isForStamps = hex(uses.expect(TAG.oid)) === TIME_STAMPING && isCritical && uses.isEmpty;
    }
  }
  return signer;
}

/** A BOOLEAN that is false when it is left out. */
function flag(parts) {
  const found = hex(parts.optional(TAG.boolean)?.content ?? [0]);
  insist(found === 'ff' || found === '00', 'a truth value in another form');
  return found === 'ff';
}

function readExtension(row, found, isLenient) {
  const name = hex(row.expect(TAG.oid));
  const isCritical = flag(row);
  let value = row.expect(TAG.octets);
  row.finish();
  const number = name.length === 6 && name.startsWith('551d') ? parseInt(name.slice(4), 16) : -1;
  if (!KNOWN_EXTENSIONS.includes(number)) return insist(!isCritical || isLenient, 'a certificate has a critical extension that is not read here');
  insist(!found.has(number), 'a certificate has an extension twice');
  if (number !== KEY_USAGE) {
    const inner = new Der(value);
    value = inner.expect(TAG.sequence);
    inner.finish();
  }
  return found.set(number, value);
}

/** Reads a certificate of version 3; of an authority also one of version 1, and whatever it says critically. */
function read(bytes, isAuthority = false) {
  const outer = new Der(bytes);
  const parts = outer.enter(TAG.sequence);
  outer.finish();
  const { tag, content, whole } = parts.any();
  insist(tag === TAG.sequence, 'not DER: no certificate');
  const algorithm = parts.expect(TAG.sequence);
  const signature = wholeBytes(parts.expect(TAG.bits));
  parts.finish();
  const body = new Der(content);
  const version = body.optional(context(0));
  insist(version ? hex(version.content) === '020102' : isAuthority, 'a certificate that is not of version 3');
  body.expect(TAG.integer);
  insist(equal(body.expect(TAG.sequence), algorithm), 'a certificate names two signature algorithms');
  const [issuer, times, subject, key] = [0, 1, 2, 3].map(() => body.expect(TAG.sequence));
  const extensions = new Map();
  if (!body.isEmpty) {
    insist(version, 'a certificate of version 1 with extensions');
    const wrapped = body.enter(context(3));
    body.finish();
    const rows = wrapped.enter(TAG.sequence);
    wrapped.finish();
    while (!rows.isEmpty) readExtension(rows.enter(TAG.sequence), extensions, isAuthority);
  }
  return { signed: whole, algorithm, signature, issuer, times, subject, key, extensions };
}

/** What a reader names as an authority. Refuses one that could never vouch for anybody, or that is not as it was made. */
export function readAuthority(bytes) {
  const found = read(bytes, true);
  const key = readKey(found.key);
  checkUsable(key);
  const algorithm = certificateAlgorithm(found.algorithm);
  // Signed in an old way, by itself: what counts is the key.
  if (equal(found.issuer, found.subject) && algorithm?.isRsa === !key.curve) verify(key, algorithm.digest, found.signed, found.signature);
  return found;
}

export const keyOf = (bytes) => readKey(read(bytes).key);

/** Everything that does not depend on who issued it. `below`: authorities between this one and the signer. */
function checkAlone({ times, extensions }, at, isSigner, below) {
  const [begin, end] = validity(times);
  insist(begin <= at && at <= end, 'a certificate had expired or was not yet valid at the time stated');
  const constraints = new Der(extensions.get(CONSTRAINTS) ?? times.subarray(0, 0));
  const isAuthority = flag(constraints);
  let most = Infinity;
  if (!constraints.isEmpty) {
    const digits = magnitude(constraints.expect(TAG.integer));
    insist(digits.length <= 1, 'a small number that is large');
    most = digits[0] ?? 0;
  }
  constraints.finish();
  insist(isAuthority !== isSigner && (!isAuthority || below <= most), 'a certificate is used as an authority’s and is none, or the other way round');
  if (!extensions.has(USES)) return;
  const uses = new Der(extensions.get(USES));
  let isForStamps = false;
  while (!uses.isEmpty && !isForStamps) isForStamps = hex(uses.expect(TAG.oid)) === TIME_STAMPING;
  insist(isForStamps, 'a certificate is not for time-stamps');
}

function checkSigned(search, path) {
  let { key } = search.authority;
  for (const one of [...path].reverse()) {
    insist(--search.signatures >= 0, 'the time-stamp brings too many certificates');
    const algorithm = certificateAlgorithm(one.algorithm);
    const issuer = readKey(key);
    insist(algorithm?.isRsa === !issuer.curve, 'a certificate is signed in a way that is not read here');
    verify(issuer, algorithm.digest, one.signed, one.signature);
    key = one.key;
  }
  if ([search.authority, ...path.slice(1)].some((one) => one.extensions.has(NAMES))) {
    throw new NotChecked('the chain of its signer restricts names, which this verifier does not read');
  }
  path.slice(1).forEach(checkMayCertify);
}

/** RFC 5280 §6.1.4 (n): where an authority's certificate says what its key is for, that has to be signing certificates. */
function checkMayCertify({ extensions }) {
  if (!extensions.has(KEY_USAGE)) return;
  const uses = new Der(extensions.get(KEY_USAGE)).expect(TAG.bits);
  insist(uses[1] & KEY_CERT_SIGN, 'a certificate is signed by a key that may not sign certificates');
}

/** A certificate, read once for the whole search: gives it, or throws what is wrong with it, whenever it is asked for. */
function readOnce(bytes) {
  try {
    const certificate = read(bytes);
    return () => certificate;
  } catch (error) {
    return () => { throw error; };
  }
}

/** Runs a step of the search: a fault is kept, and the search goes on elsewhere. */
function attempt(search, step) {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    search.fault = error;
    return null;
  }
}

function leads(search, path) {
  const [head] = path.slice(-1);
  const isSound = attempt(search, () => {
    checkAlone(head, search.at, path.length === 1, Math.max(0, path.length - 2));
    return true;
  });
  if (!isSound) return false;
  if (equal(head.issuer, search.authority.subject) && attempt(search, () => checkSigned(search, path) ?? true)) return true;
  return search.signatures >= 0 && search.others.some((other) => {
    const issuer = attempt(search, () => nextOver(path, head, other()));
    return issuer !== null && leads(search, [...path, issuer]);
  });
}

/** The certificate as the next one of the path, or null when it is not the issuer of its head. */
function nextOver(path, head, issuer) {
  if (!equal(issuer.subject, head.issuer)) return null;
  if (path.some((one) => equal(one.key, issuer.key) && equal(one.subject, issuer.subject))) return null;
  insist(path.length <= BETWEEN_MAX, 'the time-stamp brings too many certificates');
  return issuer;
}

/** Refuses a signer of whom no path leads to the authority; `others` came with the signature, `at` is in seconds. */
export function checkPath(signer, authority, others, at) {
  const search = { authority, others: others.map(readOnce), at, fault: null, signatures: SIGNATURES_MAX };
  if (leads(search, [read(signer)])) return;
  throw search.fault ?? new NotChecked('no chain leads from the time-stamp’s signer to a trusted authority');
}
