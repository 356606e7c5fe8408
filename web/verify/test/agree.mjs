#!/usr/bin/env node
// Asks two verifiers about the same mutations and reports every difference in exit code.
//   node web/verify/test/agree.mjs PATH-TO-tabellion-verify [ROUNDS] [FILE…]        SEED=… repeats a run
// Without FILE: packages crafted and signed by a dishonest issuer, the golden files, and a forged log's files. Each file is asked about as it is,
// and then ROUNDS random mutations, with and without its trust file. Exit 1 when they differ anywhere.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { verify } from '../src/verify.js';
import { craftedPackages } from './forge/crafted.mjs';
import { makePackage } from './forge/package.mjs';
import { sampleLog } from './forge/sample.mjs';
import { mutate } from './mutate.mjs';
import { random } from './random.mjs';

const GOLDEN = fileURLToPath(new URL('../../../crates/model/tests/golden/packages/', import.meta.url));
const ROUNDS_DEFAULT = 500;
const WITHOUT_TRUST_EVERY = 8; // most mutations are asked with trust: that is where a wrong "holds" would show

async function subjects(paths) {
  const trust = await readFile(join(GOLDEN, 'trust.txt'));
  if (paths.length > 0) return Promise.all(paths.map(async (path) => ({ name: path, bytes: await readFile(path), trust })));
  const names = (await readdir(GOLDEN)).filter((name) => /\.(zip|receipt|cose|run)$/.test(name)).sort();
  const golden = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(GOLDEN, name)), trust })));
  const { log } = sampleLog();
  const forged = [['forged.zip', makePackage(log)], ['forged-range.zip', makePackage(log, { first: 7, count: 4 })],
    ['forged.receipt', log.receipt(9)], ['forged.cose', log.transparent(9)]];
  const pins = log.trust('log').toString().replace('quorum none\n', '') + log.trust('root');
  return [...golden, ...forged.map(([name, bytes]) => ({ name, bytes, trust: Buffer.from(pins) }))];
}

async function main([binary, rounds = ROUNDS_DEFAULT, ...paths]) {
  if (!binary) throw new Error('usage: node agree.mjs PATH-TO-tabellion-verify [ROUNDS] [FILE…]');
  const next = random();
  const directory = await mkdtemp(join(tmpdir(), 'agree-'));
  const place = { subject: join(directory, 'subject'), trust: join(directory, 'trust') };
  const ask = async (bytes, trust) => {
    await writeFile(place.subject, bytes);
    if (trust) await writeFile(place.trust, trust);
    const other = spawnSync(binary, [place.subject, ...(trust ? ['--trust', place.trust] : [])], { encoding: 'utf8' });
    if (other.error) throw other.error;
    const mine = await verify(new Uint8Array(bytes), trust && new Uint8Array(trust));
    return { mine: mine.exitCode, other: other.status, run: mine, output: other.stdout + other.stderr };
  };
  const all = await subjects(paths);
  const tally = { asked: 0, differ: 0, exits: [0, 0, 0, 0] };
  const compare = async (name, bytes, trust) => {
    const answer = await ask(bytes, trust);
    tally.asked++;
    tally.exits[answer.mine]++;
    if (answer.mine === answer.other) return;
    tally.differ++;
    const reason = answer.run.checks.find((check) => ['broken', 'malformed'].includes(check.outcome))?.detail ?? '';
    process.stdout.write(`DIFFER ${name}: here ${answer.mine} (${reason}), there ${answer.other}\n${answer.output.split('\n').filter((line) => /broken|malformed/i.test(line)).slice(0, 3).join('\n')}\n`);
  };
  try {
    if (paths.length === 0) for (const { name, bytes, trust } of craftedPackages()) await compare(`crafted: ${name}`, bytes, trust);
    for (const { name, bytes, trust } of all) {
      await compare(`${name} as it is`, bytes, trust);
      await compare(`${name} without trust`, bytes, null);
      for (let round = 0; round < Number(rounds); round++) {
        const changed = mutate(bytes, next);
        await compare(`${name} ${changed.name}`, changed.bytes, round % WITHOUT_TRUST_EVERY === 0 ? null : trust);
      }
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  process.stdout.write(`${tally.asked} asked, ${tally.differ} differ; exits 0/1/2/3 here: ${tally.exits.join('/')}; seed ${next.seed}\n`);
  if (tally.differ > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));
