// The log's keys as a fold of its key records (docs/formats.md §6): which key was in force for which position.
// Promise: nothing enters the chain unless the root signed it and, for a rotation, both keys did.
import { concat, equal, fromHex, hex, utf8 } from './bytes.js';
import { toBeSigned } from './cose.js';
import { toJcsBytes } from './jcs.js';
import { isKeyRecord } from './recordtypes.js';
import { sha256 } from './sha256.js';
import * as shape from './shape.js';
import { verifySignature } from './webcrypto.js';

const ROTATION_DOMAIN = 'tabellion.key-rotation/1\n';
const PRODUCER_DOMAIN = 'tabellion.producer/1';
const ROOT_EPOCHS = new Set(['epoch.opened', 'epoch.closed']);
const SINGLE_PURPOSES = new Set(['log', 'writer', 'package']);

/** A key record contradicts the chain before it. */
export class ChainBroken extends Error {}

/** The bytes that both keys of a rotation sign. */
export function rotationMessage(origin, facts) {
  const claim = { credential: facts.credential, log: origin, new: facts.key.key_id, old: facts.old, purpose: facts.purpose };
  return concat(utf8(ROTATION_DOMAIN), toJcsBytes(claim));
}

/** The producer that a key's own statements count under (docs/formats.md §7). */
const producerOf = (keyId) => hex(sha256(utf8(PRODUCER_DOMAIN), fromHex(keyId, 32)).subarray(0, 16));

export class KeyChain {
  /** Key records in log order; the last one's stream_version is how many there are when none is left out. */
  version = 0;
  #keys = new Map(); // key id → {purpose, credential, publicKey, from, until}

  /** @param {boolean} complete whether every key record of the log is given (package) or only some (receipt) */
  constructor(complete) {
    this.complete = complete;
  }

  /** Adds the next key record. Throws ChainBroken. */
  async apply(entry) {
    const { record, index } = entry;
    if (!record || !isKeyRecord(record)) throw new ChainBroken(`entry ${index} is no key record`);
    const facts = record.facts;
    if (entry.kind !== 'statement') throw new ChainBroken(`key record ${index} is not signed`);
    if (this.version === 0) this.#begin(entry);
    else if (record.type === 'log.genesis') throw new ChainBroken(`entry ${index} is a second genesis`);
    await this.#checkRoot(entry);
    if (record.type === 'key.granted') this.#grant(facts.key, facts, index);
    if (record.type === 'key.rotated') await this.#rotate(facts, index);
    if (record.type === 'key.revoked') this.#revoke(facts, index);
    this.version = record.stream_version;
  }

  #begin(entry) {
    const { record, index } = entry;
    if (record.type !== 'log.genesis' || index !== 0) throw new ChainBroken('entry 0 is not the genesis');
    const facts = record.facts;
    this.origin = facts.origin;
    this.env = facts.env;
    this.tenant = facts.tenant;
    this.genesis = hex(entry.leaf);
    this.root = { keyId: facts.key.key_id, publicKey: facts.key.public };
    this.credential = record.actor;
    if (facts.origin !== record.log || facts.env !== record.env || facts.tenant !== shape.tenantOf(facts.origin)) {
      throw new ChainBroken('the genesis names another log than the record it stands in');
    }
  }

  async #checkRoot(entry) {
    const { record, index, sign1 } = entry;
    if (record.log !== this.origin || record.env !== this.env) throw new ChainBroken(`key record ${index} is of another log`);
    const follows = this.complete ? record.stream_version === this.version + 1 : record.stream_version > this.version;
    const startsAtOne = this.version > 0 || record.stream_version === 1;
    if (record.stream !== 'keys' || !follows || !startsAtOne) {
      throw new ChainBroken(`key record ${index} is not number ${this.version + 1} of stream keys`);
    }
    const signed = hex(sign1.kid) === this.root.keyId
      && (await verifySignature(this.root.publicKey, toBeSigned(sign1, sign1.payload), sign1.signature));
    if (!signed) throw new ChainBroken(`key record ${index} is not signed by the root key`);
    if (record.actor !== this.credential || record.producer !== producerOf(this.root.keyId)) {
      throw new ChainBroken(`key record ${index} is of another actor or producer than the root’s`);
    }
  }

  #grant(key, { purpose, credential }, index) {
    // A receipt does not hold revocations, so there a second key may be the lawful successor of a revoked one.
    if (this.complete && SINGLE_PURPOSES.has(purpose) && this.inForce(purpose, index)) {
      throw new ChainBroken(`entry ${index} grants a second ${purpose} key`);
    }
    this.#admit(key, purpose, credential, index);
  }

  #admit(key, purpose, credential, index) {
    if (this.#keys.has(key.key_id) || key.key_id === this.root.keyId) throw new ChainBroken(`entry ${index} grants a key a second time`);
    this.#keys.set(key.key_id, { keyId: key.key_id, purpose, credential, publicKey: key.public, from: index, until: Infinity });
  }

  async #rotate(facts, index) {
    const old = this.#keys.get(facts.old);
    const message = rotationMessage(this.origin, facts);
    const newPublic = facts.key.public;
    const fits = old && old.until === Infinity && old.purpose === facts.purpose && old.credential === facts.credential;
    if (!fits) throw new ChainBroken(`entry ${index} rotates a key that is not in force for that purpose and credential`);
    if (!(await verifySignature(old.publicKey, message, facts.old_signature))) {
      throw new ChainBroken(`the old key did not sign the rotation at entry ${index}`);
    }
    if (!(await verifySignature(newPublic, message, facts.new_signature))) {
      throw new ChainBroken(`the new key did not sign the rotation at entry ${index}`);
    }
    old.until = index;
    this.#admit(facts.key, facts.purpose, facts.credential, index);
  }

  #revoke(facts, index) {
    const key = this.#keys.get(facts.key_id);
    if (!key) throw new ChainBroken(`entry ${index} revokes a key that was never granted`);
    key.until = Math.min(key.until, index);
  }

  /** The key of a single-holder purpose in force for a position: granted before it, not rotated out or revoked before it. */
  inForce(purpose, position) {
    let found = null; // the latest: in a receipt an earlier one may have been revoked unseen
    for (const key of this.#keys.values()) if (key.purpose === purpose && this.isInForce(key, position)) found = key;
    return found;
  }

  /** An actor's key by its id, whether or not it was in force. */
  find(keyId) {
    return this.#keys.get(keyId) ?? null;
  }

  isInForce(key, position) {
    return key.from < position && key.until >= position;
  }
}

/** The root opens and closes the epochs of its own producer. */
const isRootEpoch = (chain, record) => ROOT_EPOCHS.has(record.type) && record.producer === producerOf(chain.root.keyId);

/** Verifies a statement against the chain: null when it holds, otherwise why it does not. */
export async function statementFault(chain, entry) {
  const { record, sign1, index } = entry;
  const keyId = hex(sign1.kid);
  let publicKey = null;
  if (isKeyRecord(record) || isRootEpoch(chain, record)) {
    if (keyId !== chain.root.keyId) return `statement ${index} is the root’s to sign and is not signed by the root key`;
    publicKey = chain.root.publicKey;
  } else {
    const key = chain.find(keyId);
    if (!key || key.purpose !== 'actor') return `statement ${index} is signed by a key that is no actor's`;
    if (!chain.isInForce(key, index)) return `statement ${index} is signed by a key that was not in force then`;
    if (key.credential !== record.actor) return `statement ${index} is signed by another credential than its actor`;
    publicKey = key.publicKey;
  }
  const holds = await verifySignature(publicKey, toBeSigned(sign1, sign1.payload), sign1.signature);
  return holds ? null : `the signature of statement ${index} does not verify`;
}

/** Verifies a seal's signature by the writer key in force at its index: null when it holds, otherwise why not. */
export async function sealFault(chain, entry) {
  const { sign1, index } = entry;
  const writer = chain.inForce('writer', index);
  if (!writer) return `no writer key was in force for seal ${index}`;
  if (hex(sign1.kid) !== writer.keyId) return `seal ${index} is not signed by the writer key in force`;
  const holds = await verifySignature(writer.publicKey, toBeSigned(sign1, sign1.payload), sign1.signature);
  return holds ? null : `the signature of seal ${index} does not verify`;
}

export const sameKey = (publicKey, pins) => pins.some((pin) => equal(pin, publicKey));
