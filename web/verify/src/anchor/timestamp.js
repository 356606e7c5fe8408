// Time-stamps by an authority (RFC 3161): the token, what binds it together, and whom it is by. A token counts only when its imprint is the digest, its
// signer has a certificate for time-stamping alone, by a path to an authority that the reader names, at the time it states, and that certificate is
// bound into what was signed (RFC 5035).
import { equal, hex } from '../bytes.js';
import { checkPath, keyOf, readSigner } from './certificate.js';
import { checkOid, context, Der, element, generalizedTime, magnitude, TAG, unsigned } from './der.js';
import { insist } from './finding.js';
import { sha1 } from './sha1.js';
import { digestNamed, digestOf, SHA256, signatureDigest, verify } from './signatures.js';

const BYTES_MAX = 64 * 1024;
const CERTIFICATES_MAX = 8;
const ATTRIBUTES_MAX = 32;
const SIGNED_DATA = '2a864886f70d010702';
const PKCS9 = '2a864886f70d0109';
const TST_INFO = `${PKCS9}100104`;
const CONTENT_TYPE = `${PKCS9}03`;
const MESSAGE_DIGEST = `${PKCS9}04`;
const SIGNING_CERTIFICATE = `${PKCS9}10020c`;
const SIGNING_CERTIFICATE_V2 = `${PKCS9}10022f`;
const ATTRIBUTE_TAGS = {
  [CONTENT_TYPE]: TAG.oid, [MESSAGE_DIGEST]: TAG.octets, [SIGNING_CERTIFICATE]: TAG.sequence, [SIGNING_CERTIFICATE_V2]: TAG.sequence,
};

function readToken(response) {
  const outer = new Der(response);
  const answer = outer.enter(TAG.sequence);
  outer.finish();
  checkStatus(answer.enter(TAG.sequence));
  const content = answer.enter(TAG.sequence);
  answer.finish();
  insist(hex(content.expect(TAG.oid)) === SIGNED_DATA, 'the time-stamp is no signed data');
  const explicit = content.enter(context(0));
  content.finish();
  const data = explicit.enter(TAG.sequence);
  explicit.finish();
  return readSignedData(data);
}

function checkStatus(status) {
  const number = unsigned(status.expect(TAG.integer));
  const lines = new Der(status.optional(TAG.sequence)?.content ?? new Uint8Array(0));
  while (!lines.isEmpty) lines.expect(TAG.utf8);
  status.optional(TAG.bits);
  status.finish();
  insist(number <= 1n, `the time-stamp authority refused: status ${number}`);
}

function readSignedData(data) {
  data.expect(TAG.integer);
  data.expect(TAG.set);
  const encapsulated = data.enter(TAG.sequence);
  insist(hex(encapsulated.expect(TAG.oid)) === TST_INFO, 'the time-stamp’s content is of another type');
  const explicit = encapsulated.enter(context(0));
  const content = explicit.expect(TAG.octets);
  explicit.finish();
  encapsulated.finish();
  const certificates = [];
  const rows = new Der(data.optional(context(0))?.content ?? new Uint8Array(0));
  while (!rows.isEmpty) {
    const one = rows.any();
    // Other choices are passed over: none of them can be the signer's.
    if (one.tag === TAG.sequence) certificates.push(one.whole);
    insist(certificates.length <= CERTIFICATES_MAX, 'the time-stamp brings more than 8 certificates');
  }
  data.optional(context(1));
  const signers = data.enter(TAG.set);
  data.finish();
  const signer = readSignerInfo(signers.enter(TAG.sequence));
  signers.finish();
  return { content, certificates, signer };
}

function readSignerInfo(signer) {
  signer.expect(TAG.integer);
  const who = signer.any();
  const name = {};
  if (who.tag === TAG.sequence) {
    const parts = new Der(who.content);
    name.issuer = parts.any().whole;
    name.serial = parts.expect(TAG.integer);
  } else {
    insist(who.tag === 0x80, 'the signer of the time-stamp is not named');
    name.keyId = who.content;
  }
  const digestAlgorithm = signer.enter(TAG.sequence).expect(TAG.oid);
  const attributes = signer.expect(context(0));
  const signatureAlgorithm = signer.enter(TAG.sequence).expect(TAG.oid);
  return { name, digestAlgorithm, attributes, signatureAlgorithm, signature: signer.expect(TAG.octets) };
}

/** The signed digest, and algorithm (null for SHA-1) and digest of the certificate that is bound. */
function readAttributes(attributes) {
  const found = {};
  const rows = new Der(attributes);
  for (let count = 0; !rows.isEmpty; count++) {
    insist(count < ATTRIBUTES_MAX, 'the time-stamp has more than 32 signed attributes');
    const row = rows.enter(TAG.sequence);
    const name = hex(row.expect(TAG.oid));
    const values = row.enter(TAG.set);
    if (!(name in ATTRIBUTE_TAGS)) continue;
    const value = values.expect(ATTRIBUTE_TAGS[name]);
    insist(!(name in found) && values.isEmpty, 'a signed attribute is there twice');
    found[name] = value;
  }
  insist(hex(found[CONTENT_TYPE] ?? []) === TST_INFO && found[MESSAGE_DIGEST], 'content type and digest of the time-stamp are not signed');
  const isNew = SIGNING_CERTIFICATE_V2 in found;
  const bound = found[isNew ? SIGNING_CERTIFICATE_V2 : SIGNING_CERTIFICATE];
  insist(bound, 'the signer’s certificate is not signed');
  const first = new Der(bound).enter(TAG.sequence).enter(TAG.sequence);
  const algorithm = isNew ? first.optional(TAG.sequence) : null;
  const named = algorithm ? digestNamed(new Der(algorithm.content).expect(TAG.oid)) : 1;
  return { digest: found[MESSAGE_DIGEST], boundBy: isNew ? (bytes) => digestOf(named, bytes) : sha1, bound: first.expect(TAG.octets) };
}

function readInfo(content) {
  const outer = new Der(content);
  const info = outer.enter(TAG.sequence);
  outer.finish();
  insist(unsigned(info.expect(TAG.integer)) === 1n, 'another version of TSTInfo');
  checkOid(info.expect(TAG.oid));
  const imprint = info.enter(TAG.sequence);
  const algorithm = hex(imprint.enter(TAG.sequence).expect(TAG.oid));
  const digest = imprint.expect(TAG.octets);
  imprint.finish();
  const serial = hex(magnitude(info.expect(TAG.integer)));
  const time = generalizedTime(info.expect(TAG.time));
  const accuracy = info.optional(TAG.sequence);
  const within = accuracy ? readAccuracy(new Der(accuracy.content)) : 0n;
  info.optional(TAG.boolean);
  const nonce = info.optional(TAG.integer);
  if (nonce) magnitude(nonce.content);
  info.optional(context(0));
  info.finish();
  return { algorithm, digest, serial, time, accuracy: within };
}

function readAccuracy(parts) {
  let total = 0n;
  for (const [tag, unit] of [[TAG.integer, 1_000_000n], [0x80, 1_000n], [0x81, 1n]]) {
    const part = parts.optional(tag);
    if (part) total += unsigned(part.content) * unit;
  }
  parts.finish();
  insist(total < 1n << 64n, 'an accuracy beyond every span of time');
  return total;
}

/** The certificate that the signer names, for time-stamping alone. */
function signerOf({ certificates, signer: { name } }) {
  for (const bytes of certificates) {
    const found = readSigner(bytes);
    const isNamed = name.keyId ? found.keyId !== null && equal(found.keyId, name.keyId) : equal(found.issuer, name.issuer) && equal(found.serial, name.serial);
    if (!isNamed) continue;
    insist(found.isForStamps, 'the signer of the time-stamp has no certificate for time-stamping alone');
    return bytes;
  }
  return insist(false, 'the signer of the time-stamp has no certificate in it');
}

/** Checks an authority's answer about `imprint`: {serial, time, accuracy}, times in microseconds. */
export function checkTimeStamp(response, imprint, authority) {
  insist(response.length <= BYTES_MAX, 'too long for a time-stamp');
  const token = readToken(response);
  const { signer } = token;
  const signed = readAttributes(signer.attributes);
  const info = readInfo(token.content);
  insist(info.algorithm === SHA256 && equal(info.digest, imprint), `the time-stamp is of other data: its imprint is ${hex(info.digest)}`);
  const digest = digestNamed(signer.digestAlgorithm);
  insist(equal(digestOf(digest, token.content), signed.digest), 'the signed digest is not that of the time-stamp’s content');
  const certificate = signerOf(token);
  insist(equal(signed.boundBy(certificate), signed.bound), 'the time-stamp binds another certificate than its signer’s');
  checkPath(certificate, authority, token.certificates.filter((one) => !equal(one, certificate)), info.time / 1_000_000n);
  // RFC 5652 §5.4: what is signed is the SET OF, not the implicit tag that stands in the message.
  verify(keyOf(certificate), signatureDigest(signer.signatureAlgorithm, digest), element(TAG.set, signer.attributes), signer.signature);
  return info;
}
