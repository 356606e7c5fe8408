#!/usr/bin/env node
// The browser verifier over many files in one process, for cross-checks. Reads lines of `PATH<tab>TRUST-OR-EMPTY` and writes for each one
// line of JSON, {exit, checks}: the checks with their outcomes up to and with the first that is broken or malformed.
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { verify } from '../src/verify.js';

const trusts = new Map();

async function trustOf(path) {
  if (!path) return null;
  if (!trusts.has(path)) trusts.set(path, new Uint8Array(await readFile(path)));
  return trusts.get(path);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [path, trust] = line.split('\t');
  const run = await verify(new Uint8Array(await readFile(path)), await trustOf(trust));
  const checks = run.checks.map(({ name, outcome }) => [name, outcome]);
  const fault = checks.findIndex(([, outcome]) => outcome === 'broken' || outcome === 'malformed');
  process.stdout.write(`${JSON.stringify({ exit: run.exitCode, checks: fault < 0 ? checks : checks.slice(0, fault + 1) })}\n`);
}
