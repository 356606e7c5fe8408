// C2SP tlog-policy: the trust file (docs/formats.md §10). It says which logs and witnesses this reader believes.
// Names are compared as they are written, without any Unicode normalisation.
import { hex, text } from './bytes.js';
import { Malformed } from './malformed.js';
import { COSIGNATURE, ML_DSA_44, cosignedMessage, parseVerifierKey, signaturesBy } from './note.js';
import { verifySignature } from './webcrypto.js';

const ITEMS_MAX = 1024; // logs, witnesses and groups of one file; C2SP asks for at least 32 of each
const TRUST_BYTES_MAX = 1024 * 1024;

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

function policyText(bytes) {
  const source = text(bytes);
  if (CONTROL.test(source)) throw new Malformed('holds a control character');
  return source;
}

function defineName(policy, name, rule) {
  if (name === undefined || name === 'none') throw new Malformed('name is missing or reserved');
  if (policy.named.has(name)) throw new Malformed('name is defined twice');
  if (policy.named.size >= ITEMS_MAX) throw new Malformed(`more than ${ITEMS_MAX} witnesses and groups`);
  policy.named.set(name, rule);
}

function addKey(keys, vkey) {
  const key = parseVerifierKey(vkey ?? '');
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
  if (keyword === 'log' && rest.length >= 1 && rest.length <= 2) {
    if (policy.logs.length >= ITEMS_MAX) throw new Malformed(`more than ${ITEMS_MAX} logs`);
    policy.logs.push(addKey(policy.logKeys, rest[0]));
  } else if (keyword === 'witness' && rest.length >= 2 && rest.length <= 3) {
    defineName(policy, rest[0], { witness: addKey(policy.witnessKeys, rest[1]) });
  } else if (keyword === 'group' && rest.length >= 3) {
    addGroup(policy, rest);
  } else if (keyword === 'quorum' && rest.length === 1) {
    if (policy.quorum !== null) throw new Malformed('there is more than one quorum line');
    if (rest[0] !== 'none' && !policy.named.has(rest[0])) throw new Malformed('quorum names something that is not defined above');
    policy.quorum = rest[0];
  } else {
    throw new Malformed('is not a log, witness, group or quorum line');
  }
}

/** Reads a trust file. Errors name the line. */
export function parsePolicy(bytes) {
  if (bytes.length > TRUST_BYTES_MAX) throw new Malformed('trust file is larger than 1 MiB');
  const policy = { logs: [], named: new Map(), quorum: null, logKeys: new Set(), witnessKeys: new Set(), members: new Set() };
  const lines = policyText(bytes).split('\n');
  lines.forEach((line, at) => {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length === 0 || words[0].startsWith('#')) return;
    try {
      readLine(policy, words);
    } catch (error) {
      if (error instanceof Malformed) throw new Malformed(`trust file line ${at + 1}: ${error.message}`);
      throw error;
    }
  });
  if (policy.quorum === null) throw new Malformed('trust file has no quorum line');
  return policy;
}

/** The keys that a policy pins for a log: those that sign checkpoints and those of its root. */
export function pinsFor(policy, origin) {
  const named = (name) => policy.logs.filter((key) => key.type === 0x01 && key.name === name).map((key) => key.publicKey);
  return { log: named(origin), root: named(`${origin}/root`) };
}

/** Whether the cosignatures of a note meet the quorum, and when each witness signed; a named witness's own bad signature is `broken`. */
export async function checkQuorum(policy, note) {
  const seen = new Set();
  const unchecked = [];
  const times = {};
  for (const [name, rule] of policy.named) {
    if (rule.witness?.type === ML_DSA_44 && signaturesBy(note, rule.witness.name, ML_DSA_44, rule.witness.publicKey).length > 0) {
      unchecked.push(name);
    }
    if (!rule.witness || rule.witness.type !== COSIGNATURE) continue;
    for (const blob of signaturesBy(note, rule.witness.name, COSIGNATURE, rule.witness.publicKey)) {
      const signed = cosignedMessage(note.text, blob);
      if (!signed || !(await verifySignature(rule.witness.publicKey, signed.message, signed.signature))) {
        return { outcome: 'broken', detail: `the cosignature of witness ${name} does not verify`, times: {} };
      }
      // Without a time it does not say that no larger tree was seen, so it witnesses nothing.
      if (signed.seconds > 0n) {
        seen.add(name);
        times[name] ??= Number(signed.seconds);
      }
    }
  }
  const met = (name) => {
    const rule = policy.named.get(name);
    return rule.witness ? seen.has(name) : rule.members.filter(met).length >= rule.least;
  };
  const rest = unchecked.length === 0 ? '' : `; the ML-DSA-44 cosignature of ${unchecked.join(', ')} was not checked here, tabellion verify does`;
  const names = seen.size === 0 ? '' : ` (${[...seen].join(', ')})`;
  const detail = `${seen.size} trusted witness cosignature${seen.size === 1 ? '' : 's'}${names}${rest}`;
  if (policy.quorum === 'none') {
    return { outcome: 'holds', detail: seen.size === 0 ? 'the trust file asks for no witnesses' : `${detail}, of which the trust file asks for none`, times: {} };
  }
  return met(policy.quorum)
    ? { outcome: 'holds', detail, times }
    : { outcome: 'undetermined', detail: `${detail}; the quorum of the trust file is not met` };
}
