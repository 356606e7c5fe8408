#!/usr/bin/env node
// The browser verifier on the command line, for scripts and cross-checks: the same modules, the same exit codes.
//   node web/verify/cli.mjs PATH [--trust FILE] [--keys FILE] [--json]
import { readFile } from 'node:fs/promises';
import { verify } from './src/verify.js';

const USAGE = 'usage: node cli.mjs PATH [--trust FILE] [--keys FILE] [--json]';
const EXIT_USAGE = 64; // sysexits EX_USAGE: apart from every verdict

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(EXIT_USAGE);
}

function parseArguments(words) {
  const options = { path: null, trust: null, keys: null, json: false };
  for (let at = 0; at < words.length; at++) {
    if (words[at] === '--json') options.json = true;
    else if (words[at] === '--trust' && words[at + 1] !== undefined) options.trust = words[++at];
    else if (words[at] === '--keys' && words[at + 1] !== undefined) options.keys = words[++at];
    else if (options.path === null && !words[at].startsWith('--')) options.path = words[at];
    else fail(USAGE);
  }
  if (options.path === null) fail(USAGE);
  return options;
}

async function open(path) {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    return fail(`cannot read ${path}: ${error.code}`);
  }
}

// Control characters of a hostile file must not reach the terminal.
const printable = (line) => line.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');

function printText(run) {
  for (const check of run.checks) process.stdout.write(`${check.outcome.padEnd(13)}${check.name}: ${printable(check.detail)}\n`);
  if (run.facts.levels) process.stdout.write(`\nlevels: ${run.facts.levels.join(', ') || 'none'}\n`);
  process.stdout.write(`\n${run.kind}: ${run.verdict}\n`);
}

const options = parseArguments(process.argv.slice(2));
const given = (path) => (path === null ? null : open(path));
const run = await verify(await open(options.path), await given(options.trust), undefined, await given(options.keys));
if (options.json) process.stdout.write(`${JSON.stringify(run.toJson(), null, 1)}\n`);
else printText(run);
process.exitCode = run.exitCode;
