// COSE_Sign1 as docs/formats.md §4 narrows it: tagged, deterministic, Ed25519, a closed set of headers for each object.
import { utf8 } from './bytes.js';
import { decodeCbor, encodeCbor, Tagged } from './cbor.js';
import { Malformed } from './malformed.js';

const SIGN1_TAG = 18;
const ALG = 1, CONTENT_TYPE = 3, KID = 4, CWT_CLAIMS = 15, RECEIPTS = 394, VDS = 395, VDP = 396;
const ENTRY = -65537; // the entry that a receipt carries
const EDDSA = -8;
const RFC9162_SHA256 = 1;
const CLAIM_BYTES_MAX = 512;
const RECEIPTS_MAX = 16, RECEIPT_BYTES_MAX = 4096;
const REGISTRATION_BYTES_MAX = 2 * RECEIPT_BYTES_MAX; // a receipt with the entry it carries
const FOREIGN_BYTES_MAX = 256 * 1024;
const FOREIGN_HEADER_BYTES_MAX = 16 * 1024;
const PATH_MAX = 63; // a tree has fewer than 2^63 leaves
const ISS = 1, SUB = 2, INCLUSION = -1;

export const STATEMENT_TYPE = 'application/tabellion-record+json';
export const SEAL_TYPE = 'application/tabellion-seal+json';
export const PACKAGE_TYPE = 'application/tabellion-package+json';
export const RUN_TYPE = 'application/tabellion-verification-run+json';

function onlyKeys(map, keys, where) {
  if (!(map instanceof Map)) throw new Malformed(`COSE ${where} header is not a map`);
  if (map.size !== keys.length || !keys.every((key) => map.has(key))) {
    throw new Malformed(`COSE ${where} header has other members than its content type allows`);
  }
}

function readClaims(claims) {
  onlyKeys(claims, [ISS, SUB], 'CWT claims');
  const iss = claims.get(ISS);
  const sub = claims.get(SUB);
  if (![iss, sub].every((claim) => typeof claim === 'string' && claim !== '' && utf8(claim).length <= CLAIM_BYTES_MAX)) {
    throw new Malformed(`CWT claims iss and sub are not text of 1 to ${CLAIM_BYTES_MAX} bytes`);
  }
  return { iss, sub };
}

/** Reads any of the five objects: {kind, kid, iss?, sub?, protectedBytes, unprotected, payload, signature}. */
export function parseSign1(bytes) {
  const tagged = decodeCbor(bytes);
  if (!(tagged instanceof Tagged) || tagged.tag !== SIGN1_TAG || !Array.isArray(tagged.value) || tagged.value.length !== 4) {
    throw new Malformed('is not a tagged COSE_Sign1');
  }
  const [protectedBytes, unprotected, payload, signature] = tagged.value;
  if (!(protectedBytes instanceof Uint8Array)) throw new Malformed('COSE protected header is not a byte string');
  if (!(unprotected instanceof Map)) throw new Malformed('COSE unprotected header is not a map');
  if (payload !== null && !(payload instanceof Uint8Array)) throw new Malformed('COSE payload is not a byte string');
  if (!(signature instanceof Uint8Array) || signature.length !== 64) throw new Malformed('COSE signature is not 64 bytes');
  const header = decodeCbor(protectedBytes);
  if (!(header instanceof Map)) throw new Malformed('COSE protected header is not a map');
  return { ...readProtected(header), protectedBytes, unprotected, payload, signature };
}

function readProtected(header) {
  const type = header.get(CONTENT_TYPE);
  const kind = { [STATEMENT_TYPE]: 'statement', [SEAL_TYPE]: 'seal', [PACKAGE_TYPE]: 'package', [RUN_TYPE]: 'run' }[type]
    ?? (header.has(VDS) && type === undefined ? 'receipt' : null);
  if (kind === null) throw new Malformed('COSE content type is not one of version 1');
  const keys = [ALG, KID];
  if (kind !== 'receipt') keys.push(CONTENT_TYPE);
  if (kind === 'statement' || kind === 'receipt') keys.push(CWT_CLAIMS);
  if (kind === 'receipt') keys.push(VDS);
  onlyKeys(header, keys, 'protected');
  if (header.get(ALG) !== EDDSA) throw new Malformed('COSE algorithm is not EdDSA');
  if (kind === 'receipt' && header.get(VDS) !== RFC9162_SHA256) throw new Malformed('COSE receipt is not of an RFC 9162 log');
  const kid = header.get(KID);
  if (!(kid instanceof Uint8Array) || kid.length !== 32) throw new Malformed('COSE key id is not 32 bytes');
  return { kind, kid, ...(header.has(CWT_CLAIMS) ? readClaims(header.get(CWT_CLAIMS)) : {}) };
}

/** The bytes that are signed (RFC 9052 §4.4), external_aad empty. */
export function toBeSigned(sign1, payload) {
  return encodeCbor(['Signature1', sign1.protectedBytes, new Uint8Array(0), payload]);
}

/** A COSE_Sign1 that is an entry: attached payload, empty unprotected header. */
export function parseEntrySign1(bytes) {
  const sign1 = parseSign1(bytes);
  if (sign1.kind !== 'statement' && sign1.kind !== 'seal') throw new Malformed('COSE object is neither statement nor seal');
  if (sign1.unprotected.size !== 0) throw new Malformed('COSE unprotected header of an entry is not empty');
  if (sign1.payload === null) throw new Malformed('COSE payload of an entry is detached');
  return sign1;
}

/** The package signature: detached payload, empty unprotected header. */
export function parsePackageSignature(bytes) {
  const sign1 = parseSign1(bytes);
  if (sign1.kind !== 'package') throw new Malformed('COSE object is not a package signature');
  if (sign1.unprotected.size !== 0 || sign1.payload !== null) throw new Malformed('package signature is not detached');
  return sign1;
}

/** The signature of a verification run: as that of a package, and of another type. */
export function parseRunSignature(bytes) {
  const sign1 = parseSign1(bytes);
  if (sign1.kind !== 'run') throw new Malformed('COSE object is not the signature of a verification run');
  if (sign1.unprotected.size !== 0 || sign1.payload !== null) throw new Malformed('signature of the run is not detached');
  return sign1;
}

/** A transparent statement: its statement bytes as they stand in the log, and its receipts' bytes. */
export function splitTransparent(bytes) {
  const sign1 = parseSign1(bytes);
  if (sign1.kind !== 'statement') throw new Malformed('COSE object is not a statement');
  if (sign1.payload === null) throw new Malformed('statement has no payload');
  onlyKeys(sign1.unprotected, [RECEIPTS], 'unprotected');
  const receipts = sign1.unprotected.get(RECEIPTS);
  if (!Array.isArray(receipts) || receipts.length === 0 || receipts.length > RECEIPTS_MAX
    || !receipts.every((one) => one instanceof Uint8Array && one.length <= RECEIPT_BYTES_MAX)) {
    throw new Malformed(`transparent statement holds no list of 1 to ${RECEIPTS_MAX} receipts of at most ${RECEIPT_BYTES_MAX} bytes`);
  }
  const statement = encodeCbor(new Tagged(SIGN1_TAG, [sign1.protectedBytes, new Map(), sign1.payload, sign1.signature]));
  return { statement, receipts };
}

/**
 * A statement that somebody else signed, with its receipts: {statement, receipts}. Its own header is not looked at; the log did that when it took
 * the statement in.
 */
export function splitRegistered(bytes) {
  const tagged = decodeCbor(bytes);
  if (!(tagged instanceof Tagged) || tagged.tag !== SIGN1_TAG || !Array.isArray(tagged.value) || tagged.value.length !== 4) {
    throw new Malformed('is not a tagged COSE_Sign1');
  }
  const [protectedBytes, unprotected, payload, signature] = tagged.value;
  if (!(protectedBytes instanceof Uint8Array) || protectedBytes.length > FOREIGN_HEADER_BYTES_MAX) {
    throw new Malformed('COSE protected header is no byte string, or too long');
  }
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array) || signature.length !== 64) {
    throw new Malformed('statement has no payload or no signature of 64 bytes');
  }
  onlyKeys(unprotected, [RECEIPTS], 'unprotected');
  const receipts = unprotected.get(RECEIPTS);
  if (!Array.isArray(receipts) || receipts.length === 0 || receipts.length > RECEIPTS_MAX
    || !receipts.every((one) => one instanceof Uint8Array && one.length <= REGISTRATION_BYTES_MAX)) {
    throw new Malformed(`statement holds no list of 1 to ${RECEIPTS_MAX} receipts`);
  }
  const statement = encodeCbor(new Tagged(SIGN1_TAG, [protectedBytes, new Map(), payload, signature]));
  if (statement.length > FOREIGN_BYTES_MAX) throw new Malformed('statement is too long');
  return { statement, receipts };
}

/** A receipt that carries the entry it is about: {receipt, entry}. */
export function parseRegistration(bytes) {
  const sign1 = parseSign1(bytes);
  onlyKeys(sign1.unprotected, [VDP, ENTRY], 'unprotected');
  const entry = sign1.unprotected.get(ENTRY);
  if (!(entry instanceof Uint8Array) || entry.length === 0 || entry.length > RECEIPT_BYTES_MAX) throw new Malformed('receipt carries no entry');
  return { receipt: readReceipt({ ...sign1, unprotected: new Map([[VDP, sign1.unprotected.get(VDP)]]) }), entry };
}

/** Where a receipt says that its entry stands: its index and size are not signed, and other pairs lead to the same root. */
export const placeOf = ({ index, size }) => `index ${index} of ${size}, as the receipt says`;

/** A COSE Receipt (RFC 9942): {kid, iss, sub, size, index, path, …}. */
export function parseReceipt(bytes) {
  return readReceipt(parseSign1(bytes));
}

function readReceipt(sign1) {
  if (sign1.kind !== 'receipt' || sign1.payload !== null) throw new Malformed('COSE object is not a detached receipt');
  onlyKeys(sign1.unprotected, [VDP], 'unprotected');
  const proofs = sign1.unprotected.get(VDP);
  onlyKeys(proofs, [INCLUSION], 'proofs');
  const list = proofs.get(INCLUSION);
  if (!Array.isArray(list) || list.length !== 1 || !(list[0] instanceof Uint8Array)) {
    throw new Malformed('receipt does not hold exactly one inclusion proof');
  }
  const proof = decodeCbor(list[0]);
  if (!Array.isArray(proof) || proof.length !== 3) throw new Malformed('inclusion proof is not [size, index, path]');
  const [size, index, path] = proof;
  if (!Number.isSafeInteger(size) || size < 0 || !Number.isSafeInteger(index) || index < 0) {
    throw new Malformed('inclusion proof has no size and index');
  }
  if (!Array.isArray(path) || path.length > PATH_MAX || !path.every((node) => node instanceof Uint8Array && node.length === 32)) {
    throw new Malformed('inclusion path is not a list of hashes');
  }
  return { ...sign1, size, index, path };
}
