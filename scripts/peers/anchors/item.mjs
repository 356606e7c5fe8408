// item.mjs FILE DIGEST: whether arbundles takes our data item for what it is, and refuses it with any byte of a few changed.
import { readFileSync } from 'node:fs';
import { DataItem } from 'arbundles';

const [file, digest] = process.argv.slice(2);
const bytes = readFileSync(file);
const fail = (why) => {
  console.error(`arbundles: ${why}`);
  process.exit(1);
};

const item = new DataItem(Buffer.from(bytes));
if (!(await item.isValid())) fail('our data item is not valid');
if (item.signatureType !== 2) fail(`signature type ${item.signatureType}, not Ed25519`);
if (item.rawData.toString('hex') !== digest) fail('it holds other data than the digest of the checkpoint');
const wanted = file.split('/').pop();
if (process.env.NAMED_BY_ID && item.id !== wanted) fail(`its id is ${item.id}, not ${wanted}`);
for (const place of [2, 70, bytes.length - 1]) {
  const changed = Buffer.from(bytes);
  changed[place] ^= 1;
  if (await new DataItem(changed).isValid().catch(() => false)) fail(`byte ${place} can be changed`);
}
console.log(`arbundles ${item.id}: valid, ${item.tags.length} tag, changed bytes refused`);
