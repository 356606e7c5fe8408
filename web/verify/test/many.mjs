#!/usr/bin/env node
// The browser verifier over many files in one process, for cross-checks. Reads lines of `PATH<tab>TRUST-OR-EMPTY<tab>KEYS-OR-EMPTY` and writes for each one
// line of JSON: {exit, checks: [[name, outcome]…], aspects, bounds, levels, readable}; `readable` is false when the trust file was refused and nothing was judged.
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Malformed } from '../src/malformed.js';
import { parseTrust } from '../src/trust.js';
import { verify } from '../src/verify.js';

async function open(path) {
  return new Uint8Array(await readFile(path));
}

function isTrust(bytes) {
  try {
    return bytes === null || parseTrust(bytes) !== null;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [path, trustPath, keysPath] = line.split('\t');
  const trust = trustPath ? await open(trustPath) : null;
  const run = await verify(await open(path), trust, undefined, keysPath ? await open(keysPath) : null);
  const checks = run.checks.map(({ name, outcome }) => [name, outcome]);
  const { time_bounds: bounds = null, levels = null } = run.facts;
  process.stdout.write(`${JSON.stringify({ exit: run.exitCode, checks, aspects: run.aspects, bounds, levels, readable: isTrust(trust) })}\n`);
}
