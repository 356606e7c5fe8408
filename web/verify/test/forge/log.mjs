// A small log built by hand from docs/formats.md, so that the verifier is tested against another construction than the
// product's. Everything is deterministic.
import {
  b64, b64url, cbor, hex, inclusionPath, jcs, keyFrom, leafHash, noteKeyId, sha256, sign1, sign1Bytes, treeRoot, vkey,
} from './primitives.mjs';

export const ORIGIN = 'notary.example/log/acme';
export const START_MICROS = 1_700_000_000_000_000;
const producerOf = (bytes) => hex(sha256('tabellion.producer/1', bytes).subarray(0, 16));

export const idFrom = (label) => hex(sha256(`id ${label}`).subarray(0, 16));

/** One disclosure: [encoded, digest]. */
export function disclose(salt, name, value) {
  const encoded = b64url(jcs([b64url(salt), name, value]));
  return { encoded, name, value, digest: b64url(sha256(encoded)) };
}

/** A unit with its disclosures in digest order. */
export function unitOf(label, fields) {
  const id = idFrom(`unit ${label}`);
  const disclosures = Object.entries(fields).map(([name, value]) => disclose(sha256(`salt ${label} ${name}`).subarray(0, 16), name, value));
  disclosures.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return { id, disclosures, digests: disclosures.map((one) => one.digest) };
}

export class Log {
  entries = [];
  headers = []; // by index; null for a seal
  sealPayloads = new Map(); // by index
  seals = []; // indexes
  units = new Map(); // `${index}/${unit}` → unit with disclosures
  #seqs = new Map();
  #pending = 0;
  #clock = START_MICROS;
  keyVersion = 0;
  keyRecords = []; // {index, purpose}; the genesis has purpose null

  constructor({ origin = ORIGIN, env = 'sandbox', label = '' } = {}) {
    this.origin = origin;
    this.env = env;
    this.keys = Object.fromEntries(['root', 'log', 'writer', 'package', 'actor'].map((name) => [name, keyFrom(`${label} ${name}`)]));
    this.credentials = Object.fromEntries(Object.keys(this.keys).map((name) => [name, idFrom(`credential ${name}`)]));
    this.rootProducer = producerOf(this.keys.root.id);
    this.actorProducer = producerOf(this.keys.actor.id);
  }

  /** Header of the next record of a producer, with the numbers filled in. */
  header(type, { producer, epoch = 1, system, units = [], ...more }) {
    const next = (name) => {
      this.#seqs.set(name, (this.#seqs.get(name) ?? 0) + 1);
      return this.#seqs.get(name);
    };
    this.#clock += 1000;
    return {
      format: 'tabellion.record/1', type, type_version: 1, critical: false, log: this.origin, env: this.env,
      record_id: idFrom(`record ${this.entries.length}`), observed_at: this.#clock, actor: this.credentials.actor,
      assurance: 'observed', producer, epoch, seq: next(`${producer}/${epoch}`), digest_alg: 'sha-256',
      ...(system ? { system, system_seq: next(`${producer}/${epoch}/${system}`) } : {}),
      units: units.map(({ id, digests }) => ({ digests, id })).sort((a, b) => (a.id < b.id ? -1 : 1)),
      ...more,
    };
  }

  append(bytes, header = null) {
    this.entries.push(Buffer.from(bytes));
    this.headers.push(header);
    this.#pending++;
    return this.entries.length - 1;
  }

  #keepUnits(index, units = []) {
    for (const unit of units) this.units.set(`${index}/${unit.id}`, { ...unit, index });
    return index;
  }

  /** Appends an unsigned record by the log's own producer. */
  record(type, options = {}) {
    const header = this.header(type, { producer: this.producer, ...options });
    return this.#keepUnits(this.append(jcs(header), header), options.units);
  }

  signed(header, key) {
    const claims = { map: [[1, header.actor], [2, header.record_id]] };
    return sign1([[1, -8], [3, 'application/tabellion-record+json'], [4, key.id], [15, claims]], Buffer.from(jcs(header)), key);
  }

  /** Appends a statement signed by an actor. */
  statement(type, options = {}, key = this.keys.actor) {
    const header = this.header(type, { producer: this.actorProducer, assurance: 'signed', ...options });
    return this.#keepUnits(this.append(this.signed(header, key), header), options.units);
  }

  keyRecord(type, clear) {
    this.keyVersion++;
    const header = this.header(type, {
      producer: this.rootProducer, critical: true, actor: this.credentials.root, assurance: 'signed', clear,
      stream: 'keys', stream_version: this.keyVersion,
    });
    this.keyRecords.push({ index: this.entries.length, purpose: clear.purpose ?? null });
    return this.append(this.signed(header, this.keys.root), header);
  }

  grant(purpose, key = this.keys[purpose], credential = this.credentials[purpose]) {
    return this.keyRecord('key.granted', { credential, key: key.info, purpose });
  }

  rotate(purpose, label) {
    const old = this.keys[purpose];
    const fresh = keyFrom(label);
    const credential = this.credentials[purpose];
    const claim = { credential, log: this.origin, new: fresh.idHex, old: old.idHex, purpose };
    const message = Buffer.from(`tabellion.key-rotation/1\n${jcs(claim)}`);
    this.keys[purpose] = fresh;
    return this.keyRecord('key.rotated', {
      credential, key: fresh.info, new_signature: b64(fresh.sign(message)), old: old.idHex, old_signature: b64(old.sign(message)), purpose,
    });
  }

  /** Genesis, grants and the opening of the log's own epoch; leaves the batch open. */
  begin() {
    this.keyRecord('log.genesis', {
      digest_alg: 'sha-256', env: this.env, key: this.keys.root.info, origin: this.origin, tenant: this.origin.split('/log/')[1],
    });
    for (const purpose of ['log', 'writer', 'package', 'actor']) this.grant(purpose);
    this.producer = producerOf(leafHash(this.entries[0]));
    this.record('epoch.opened', { critical: true });
    return this;
  }

  get leaves() {
    return this.entries.map(leafHash);
  }

  seal(change = {}) {
    const count = this.#pending;
    const first = this.entries.length - count;
    this.#clock += 1_000_000;
    const payload = {
      format: 'tabellion.seal/1', log: this.origin, first, count, root: hex(treeRoot(this.leaves.slice(first))),
      committed_at: this.#clock, keys: this.keyVersion, ...change,
    };
    const headers = [[1, -8], [3, 'application/tabellion-seal+json'], [4, this.keys.writer.id]];
    this.sealPayloads.set(this.entries.length, payload);
    this.seals.push(this.append(sign1(headers, Buffer.from(jcs(payload)), this.keys.writer)));
    this.#pending = 0;
    return this;
  }

  checkpoint(size = this.entries.length, key = this.keys.log) {
    const text = `${this.origin}\n${size}\n${b64(treeRoot(this.leaves.slice(0, size)))}\n`;
    const signature = Buffer.concat([noteKeyId(this.origin, 1, key.publicBytes), key.sign(Buffer.from(text))]);
    return `${text}\n— ${this.origin} ${b64(signature)}\n`;
  }

  trust(which = 'root') {
    const name = which === 'root' ? `${this.origin}/root` : this.origin;
    return Buffer.from(`# test\nlog ${vkey(name, this.keys[which])}\nquorum none\n`);
  }

  path(index, size = this.entries.length) {
    return inclusionPath(index, this.leaves.slice(0, size)).map(hex);
  }

  /** The erasure of units: one tombstone record that names them. `targets` are [index, unit]. */
  erase(targets) {
    const order = this.record('erasure.ordered', { critical: true, clear: { keys: [idFrom('vault key')], scope: 'record' } });
    const unit = unitOf(`tombstone ${order}`, Object.fromEntries(targets.map(({ id }) => [`u${id}`, true])));
    const done = this.record('erasure.done', {
      critical: true, units: [unit], clear: { erased: targets.length, last: true, order: idFrom(`record ${order}`) },
    });
    for (const target of targets) {
      const field = unit.disclosures.find((one) => one.name === `u${target.id}`);
      Object.assign(this.units.get(`${target.index}/${target.id}`), { tombstone: done, tombstoneField: field.encoded });
    }
    return done;
  }

  /** A receipt of an entry at the log's present size. */
  receipt(index, disclosures = [], purposes = [null, 'log', 'writer', 'actor']) {
    const size = this.entries.length;
    const place = (at) => ({ entry: b64(this.entries[at]), index: at, path: this.path(at, size) });
    const sealIndex = this.seals.find((seal) => seal > index);
    const { first, count } = this.sealPayloads.get(sealIndex);
    const batch = this.leaves.slice(first, first + count);
    const extra = {
      disclosures, entry: b64(this.entries[index]), format: 'tabellion.receipt/1',
      keys: this.keyRecords.filter((one) => purposes.includes(one.purpose)).map((one) => place(one.index)),
      seal: { ...place(sealIndex), batch_path: inclusionPath(index - first, batch).map(hex) },
    };
    const path = inclusionPath(index, this.leaves).map((node) => `${b64(node)}\n`).join('');
    return Buffer.from(`c2sp.org/tlog-proof@v1\nextra ${b64(jcs(extra))}\nindex ${index}\n${path}\n${this.checkpoint()}`);
  }

  /** A transparent statement of a statement entry. */
  transparent(index, key = this.keys.log) {
    const size = this.entries.length;
    const header = this.headers[index];
    const headers = [[1, -8], [4, key.id], [15, { map: [[1, this.origin], [2, header.record_id]] }], [395, 1]];
    const proof = cbor([size, index, inclusionPath(index, this.leaves)]);
    const receipt = sign1(headers, treeRoot(this.leaves), key, { detached: true, unprotected: [[396, { map: [[-1, [proof]]] }]] });
    const signed = this.signed(header, this.keys.actor);
    const [protectedBytes, payload, signature] = takeApart(signed, header);
    return sign1Bytes(protectedBytes, [[394, [receipt]]], payload, signature);
  }
}

function takeApart(signed, header) {
  const payload = Buffer.from(jcs(header));
  const protectedSize = signed[3];
  return [signed.subarray(4, 4 + protectedSize), payload, signed.subarray(signed.length - 64)];
}
