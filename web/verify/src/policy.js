// C2SP tlog-policy: the trust file (docs/formats.md §10). It says which logs and witnesses this reader believes.
// Names are compared as they are written, without any Unicode normalisation.
import { hex, linesOf, text } from './bytes.js';
import { Malformed, within } from './malformed.js';
import { verifyMlDsa } from './mldsa.js';
import { COSIGNATURE, ED25519, ML_DSA_44, cosignedMessage, cosignedTree, parseVerifierKey, signaturesBy } from './note.js';
import { verifySignature } from './webcrypto.js';

// Of logs, of witnesses and of groups; C2SP asks for at least 32 of each.
const ITEMS_MAX = 256;
const TRUST_BYTES_MAX = 256 * 1024;
const TAB = 0x09, SPACE = 0x20, HASH = 0x23, DELETE = 0x7f;

/** The words of a line; none of a comment, which need not be UTF-8. */
function wordsOf(line) {
  if (line.some((byte) => (byte < SPACE && byte !== TAB) || byte === DELETE)) throw new Malformed('holds a control character');
  if (line.find((byte) => byte !== SPACE && byte !== TAB) === HASH) return [];
  return text(line).split(/[ \t]+/).filter((word) => word !== '');
}

function defineName(policy, name, rule) {
  if (name === undefined || name === 'none') throw new Malformed('name is missing or reserved');
  if (policy.named.has(name)) throw new Malformed('name is defined twice');
  policy.named.set(name, rule);
}

function addKey(keys, vkey, type) {
  const key = parseVerifierKey(vkey ?? '');
  if (key.type !== type && key.type !== ML_DSA_44) throw new Malformed('key is of another type than this line needs');
  const name = hex(key.publicKey);
  if (keys.has(name)) throw new Malformed('public key is listed twice');
  keys.add(name);
  return key;
}

function addGroup(policy, [name, threshold, ...members]) {
  if (members.length === 0) throw new Malformed('group has no members');
  for (const member of members) {
    if (!policy.named.has(member)) throw new Malformed('group names a member that is not defined above');
    if (policy.members.has(member)) throw new Malformed('group names a member that another group has');
    policy.members.add(member);
  }
  let least = threshold === 'any' ? 1 : threshold === 'all' ? members.length : NaN;
  if (/^[1-9][0-9]{0,3}$/.test(threshold)) least = Number(threshold);
  if (!(least >= 1 && least <= members.length)) throw new Malformed('group threshold is not any, all or 1 to the number of members');
  defineName(policy, name, { least, members });
}

function readLine(policy, words) {
  const [keyword, ...rest] = words;
  if (!keyword) return;
  if (keyword === 'log' && rest.length >= 1 && rest.length <= 2) {
    policy.logs.push(addKey(policy.logKeys, rest[0], ED25519));
  } else if (keyword === 'witness' && rest.length >= 2 && rest.length <= 3) {
    defineName(policy, rest[0], { witness: addKey(policy.witnessKeys, rest[1], COSIGNATURE) });
  } else if (keyword === 'group' && rest.length >= 3) {
    addGroup(policy, rest);
  } else if (keyword === 'quorum' && rest.length === 1) {
    if (policy.quorum !== null) throw new Malformed('there is more than one quorum line');
    if (rest[0] !== 'none' && !policy.named.has(rest[0])) throw new Malformed('quorum names something that is not defined above');
    policy.quorum = rest[0];
  } else {
    throw new Malformed('is not a log, witness, group or quorum line');
  }
  policy.counts.set(keyword, (policy.counts.get(keyword) ?? 0) + 1);
  if (policy.counts.get(keyword) > ITEMS_MAX) throw new Malformed(`is one of more than ${ITEMS_MAX}`);
}

/** Reads a trust file. Errors name the line. */
export function parsePolicy(bytes) {
  if (bytes.length > TRUST_BYTES_MAX) throw new Malformed('trust file is larger than 256 KiB');
  const policy = { logs: [], named: new Map(), quorum: null, logKeys: new Set(), witnessKeys: new Set(), members: new Set(), counts: new Map() };
  linesOf(bytes).forEach((line, at) => within(`trust file line ${at + 1}`, () => readLine(policy, wordsOf(line))));
  if (policy.quorum === null) throw new Malformed('trust file has no quorum line');
  return policy;
}

/** The keys that a policy pins for a log: those that sign checkpoints, those of its root, and its second ones, as verifier keys. */
export function pinsFor(policy, origin) {
  const named = (name) => policy.logs.filter((key) => key.type === ED25519 && key.name === name).map((key) => key.publicKey);
  const second = policy.logs.filter((key) => key.type === ML_DSA_44 && key.name === origin);
  return { log: named(origin), root: named(`${origin}/root`), second };
}

/** How often a verifier key of type 0x04 or 0x06 signed a checkpoint, and the time of its first line in seconds; null where one of its lines is wrong. */
export async function cosignedBy(key, checkpoint) {
  const lines = signaturesBy(checkpoint.note, key.name, key.type, key.publicKey);
  const times = [];
  for (const blob of lines) {
    const isMlDsa = key.type === ML_DSA_44;
    const signed = isMlDsa ? cosignedTree(checkpoint, key.name, blob) : cosignedMessage(checkpoint.note.text, blob);
    if (!signed) return null;
    const isRight = isMlDsa ? verifyMlDsa(key.publicKey, signed.message, signed.signature) : await verifySignature(key.publicKey, signed.message, signed.signature);
    if (!isRight) return null;
    times.push(signed.seconds);
  }
  return { lines: lines.length, seconds: times[0] ?? 0n };
}

/** Whether a witness or group is met by those that signed. */
function isMet(policy, name, seen) {
  const rule = policy.named.get(name);
  return rule.witness ? seen.has(name) : rule.members.filter((member) => isMet(policy, member, seen)).length >= rule.least;
}

/**
 * The witness whose cosignature met the quorum, in the order of their times and of the file: of two of three, the second. One witness with a wrong clock
 * decides it only where one is enough; one outside the quorum never does. `times`: name → seconds; null when the quorum is not met.
 */
function metBy(policy, times) {
  const seen = new Set();
  for (const [name, seconds] of [...times].sort(([, a], [, b]) => a - b)) {
    seen.add(name);
    if (isMet(policy, policy.quorum, seen)) return { name, seconds };
  }
  return null;
}

/** Names of the witnesses that a witness or group rests on. */
const restsOn = (policy, name) => (policy.named.get(name).witness ? [name] : policy.named.get(name).members.flatMap((member) => restsOn(policy, member)));

/**
 * Whether the cosignatures of a checkpoint meet the quorum; `witnessed` is the witness by whom it was met, {name, seconds}, or null. A named witness's own
 * bad signature is `broken`.
 */
export async function checkQuorum(policy, checkpoint) {
  const times = new Map();
  for (const [name, { witness }] of policy.named) {
    if (!witness) continue;
    const signed = await cosignedBy(witness, checkpoint);
    if (!signed) return { outcome: 'broken', detail: `the cosignature of witness ${name} does not verify`, witnessed: null };
    // Without a time it does not say that no larger tree was seen, so it witnesses nothing.
    if (signed.seconds > 0n) times.set(name, Number(signed.seconds));
  }
  const names = times.size === 0 ? '' : ` (${[...times.keys()].join(', ')})`;
  const detail = `${times.size} trusted witness cosignature${times.size === 1 ? '' : 's'}${names}`;
  if (policy.quorum === 'none') {
    return { outcome: 'holds', detail: times.size === 0 ? 'the trust file asks for no witnesses' : `${detail}, of which the trust file asks for none`, witnessed: null };
  }
  const asked = new Set(restsOn(policy, policy.quorum));
  const outside = [...times.keys()].filter((name) => !asked.has(name));
  const told = outside.length === 0 ? detail : `${detail}; outside the quorum, so that its time is not used: ${outside.join(', ')}`;
  const witnessed = metBy(policy, times);
  return witnessed ? { outcome: 'holds', detail: told, witnessed }
    : { outcome: 'undetermined', detail: `${told}; the quorum of the trust file is not met`, witnessed };
}
