#!/usr/bin/env node
// Writes the forged evidence of test/forge to files, so that verifiers in other languages see the same: node dump.mjs DIRECTORY [short]
//   NNNN, NNNN.trust     the evidence, and the trust file that pins its log
//   cases.json           [{family, name, file, trust, verdict, like}…]
// `verdict` is "holds" for what nobody tampered with, "noticed" where no verifier may say that all holds, and null where it depends (packages that are
// well signed and unusual, or wrong in one place): there, verifiers have to agree. "dated" means that where all holds the time bounds must be those of the
// case named in `like`, or none. `short` leaves out the thousands of misshapen JSON members and most bytes of anchors' evidence.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alarmedPackages } from './forge/alarmed.mjs';
import { anchoredEvidence } from './forge/anchored.mjs';
import { craftedPackages } from './forge/crafted.mjs';
import { misshapenEvidence, signatureEvidence, textEvidence } from './forge/misshapen.mjs';
import { makePackage } from './forge/package.mjs';
import { ranEvidence } from './forge/ran.mjs';
import { sampleLog } from './forge/sample.mjs';
import { shardedPackages } from './forge/sharded.mjs';
import { tamperedEvidence } from './forge/tampered.mjs';
import { twofoldEvidence } from './forge/twofold.mjs';

function whole() {
  const { log } = sampleLog();
  const pins = Buffer.from(log.trust('log').toString().replace('quorum none\n', '') + log.trust('root'));
  const forged = { package: makePackage(log), range: makePackage(log, { first: 7, count: 4 }), receipt: log.receipt(9), transparent: log.transparent(9) };
  return Object.entries(forged).map(([name, bytes]) => ({ family: 'whole', name, bytes, trust: pins, verdict: 'holds' }));
}

const [directory, extent] = process.argv.slice(2);
if (!directory || ![undefined, 'short'].includes(extent)) throw new Error('usage: node dump.mjs DIRECTORY [short]');
await mkdir(directory, { recursive: true });
const crafted = craftedPackages().map((one) => ({ family: 'crafted', ...one }));
const tampered = tamperedEvidence().map((one) => ({ verdict: 'noticed', ...one }));
const misshapen = extent === 'short' ? [...signatureEvidence(), ...textEvidence()] : misshapenEvidence();
const anchors = anchoredEvidence(extent === 'short' ? 149 : 1);
const cases = [];
for (const { family, name, bytes, trust, verdict = null, like = null } of [
  ...whole(), ...crafted, ...tampered, ...twofoldEvidence(), ...misshapen, ...alarmedPackages(), ...shardedPackages(), ...ranEvidence(extent === 'short'),
  ...anchors,
]) {
  const file = String(cases.length).padStart(4, '0');
  await writeFile(join(directory, file), bytes);
  await writeFile(join(directory, `${file}.trust`), trust);
  cases.push({ family, name, file, trust: `${file}.trust`, verdict, like });
}
await writeFile(join(directory, 'cases.json'), JSON.stringify(cases, null, 1));
process.stdout.write(`${cases.length} cases in ${directory}\n`);
