// bundler.mjs ARLOCAL-URL: a bundler as upload services are, out of others' parts. POST /tx/solana takes a signed data item, arbundles checks it and puts it
// into a bundle, and the bundle goes to Arweave (arlocal) as a transaction with its chunk; a block is mined when somebody asks for POST /mine. GET /raw/ID
// serves what Arweave has under ID, as gateways do. Prints its URL.
import { createServer } from 'node:http';
import Arweave from 'arweave';
import { ArweaveSigner, bundleAndSignData, DataItem } from 'arbundles';

const network = process.argv[2];
const { hostname, port } = new URL(network);
const arweave = Arweave.init({ host: hostname, port: Number(port), protocol: 'http' });
const wallet = await arweave.wallets.generate();
const address = await arweave.wallets.jwkToAddress(wallet);

async function asked(path, options) {
  const answer = await fetch(`${network}${path}`, options);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

const json = (value) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });

/** Puts one item into a bundle of its own and the bundle on Arweave, its data in a chunk, which is how the network checks each item of it. */
async function publish(item) {
  item.rawId = item.rawId; // else the library would sign the item anew, as its own
  const bundle = await bundleAndSignData([item], new ArweaveSigner(wallet));
  const transaction = await bundle.toTransaction({}, arweave, wallet);
  await arweave.transactions.sign(transaction, wallet);
  const body = transaction.toJSON();
  await asked('/chunk', json(transaction.getChunk(0, bundle.getRaw())));
  await asked('/tx', json({ ...body, data: '' }));
}

async function answerTo(request, bytes) {
  if (request.method === 'POST' && request.url === '/tx/solana') {
    const item = new DataItem(bytes);
    if (!(await item.isValid())) return [400, 'Invalid data item'];
    await publish(item);
    return [200, JSON.stringify({ id: item.id, owner: address, winc: '0', dataCaches: [], fastFinalityIndexes: [] })];
  }
  if (request.method === 'POST' && request.url === '/mine') {
    await asked('/mine');
    return [200, '{}'];
  }
  const id = /^\/raw\/([\w-]{43})$/.exec(request.url)?.[1];
  if (!id) return [404, 'Not Found'];
  const served = await fetch(`${network}/${id}`);
  return [served.status, Buffer.from(await served.arrayBuffer())];
}

await asked(`/mint/${address}/100000000000000`);
const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    let answer;
    try {
      answer = await answerTo(request, Buffer.concat(parts));
    } catch (error) {
      console.error(error.stack);
      answer = [502, 'Bad Gateway'];
    }
    response.writeHead(answer[0], { 'content-type': request.method === 'POST' ? 'application/json' : 'application/octet-stream' });
    response.end(answer[1]);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
