#!/usr/bin/env node
// Writes the forged evidence of test/forge to files, so that verifiers in other languages see the same: node dump.mjs DIRECTORY
//   NNNN, NNNN.trust     the evidence, and the trust file that pins its log
//   cases.json           [{family, name, file, trust, whole}…]; `whole` is true for what nobody tampered with
// The family "crafted" holds packages that are well signed and wrong in one place, or unusual and right: there, verifiers have to agree.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { craftedPackages } from './forge/crafted.mjs';
import { misshapenEvidence } from './forge/misshapen.mjs';
import { makePackage } from './forge/package.mjs';
import { sampleLog } from './forge/sample.mjs';
import { tamperedEvidence } from './forge/tampered.mjs';

function whole() {
  const { log } = sampleLog();
  const pins = Buffer.from(log.trust('log').toString().replace('quorum none\n', '') + log.trust('root'));
  const forged = { package: makePackage(log), range: makePackage(log, { first: 7, count: 4 }), receipt: log.receipt(9), transparent: log.transparent(9) };
  return Object.entries(forged).map(([name, bytes]) => ({ family: 'whole', name, bytes, trust: pins, whole: true }));
}

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: node dump.mjs DIRECTORY');
await mkdir(directory, { recursive: true });
const crafted = craftedPackages().map((one) => ({ family: 'crafted', ...one }));
const cases = [];
for (const { family, name, bytes, trust, whole: intact = false } of [...whole(), ...crafted, ...tamperedEvidence(), ...misshapenEvidence()]) {
  const file = String(cases.length).padStart(4, '0');
  await writeFile(join(directory, file), bytes);
  await writeFile(join(directory, `${file}.trust`), trust);
  cases.push({ family, name, file, trust: `${file}.trust`, whole: intact });
}
await writeFile(join(directory, 'cases.json'), JSON.stringify(cases, null, 1));
process.stdout.write(`${cases.length} cases in ${directory}\n`);
