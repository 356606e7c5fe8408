// served.mjs EVIDENCE DIGEST ARLOCAL-URL: whether the evidence is a valid data item of the digest, and Arweave serves that digest under its id.
import { readFileSync } from 'node:fs';
import { DataItem } from 'arbundles';

const [file, digest, network] = process.argv.slice(2);
const item = new DataItem(readFileSync(file));
if (!(await item.isValid()) || item.rawData.toString('hex') !== digest) throw new Error('the evidence is not the item of this checkpoint');
const served = await fetch(`${network}/${item.id}`);
const data = Buffer.from(await served.arrayBuffer()).toString('hex');
if (served.status !== 200 || data !== digest) throw new Error(`Arweave serves ${served.status} ${data} under ${item.id}`);
console.log(`arlocal serves the digest of the checkpoint under ${item.id}`);
