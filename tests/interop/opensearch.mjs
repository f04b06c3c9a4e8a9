// Asks an Activity Stream with OpenSearch's client, whose requests the npm package hawk signs: URL, key and secret in,
// one JSON object out.
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/package.json`);
const Hawk = require('hawk');
const { Client, Connection } = require('@opensearch-project/opensearch');

const [url, id, key] = process.argv.slice(2);

class Signing extends Connection {
  buildRequestObject(params) {
    const request = super.buildRequestObject(params);
    const payload = params.body ?? '';
    const contentType = request.headers['content-type'] ?? '';
    const target = `http://${request.hostname}:${request.port}${request.path}`;
    const { header } = Hawk.client.header(target, request.method, {
      credentials: { id, key, algorithm: 'sha256' }, payload, contentType,
    });
    request.headers = { ...request.headers, authorization: header, 'content-type': contentType, 'x-forwarded-proto': 'http' };
    return request;
  }
}

const client = new Client({ node: url, Connection: Signing });
const query = { term: { type: 'dit:test:Thing' } };

const ping = (await client.ping()).body;
const count = (await client.count({ index: 'objects', body: { query } })).body.count;
let page = (await client.search({ index: 'objects', scroll: '1m', size: 50, body: { query } })).body;
const scrolled = new Set();
while (page.hits.hits.length) {
  page.hits.hits.forEach((hit) => scrolled.add(hit._id));
  page = (await client.scroll({ body: { scroll_id: page._scroll_id, scroll: '1m' } })).body;
}
await client.clearScroll({ body: { scroll_id: [page._scroll_id] } });
const [name] = scrolled;
const found = (await client.mget({ index: 'objects', body: { ids: [name, 'nothing'] } })).body.docs.map((each) => each.found);
let picked = 0;
for await (const document of client.helpers.scrollDocuments({ index: 'objects', size: 50, body: { query } })) {
  picked += document.type.includes('dit:test:Thing') ? 1 : 0;
}
console.log(JSON.stringify({ ping, picked, count, scrolled: scrolled.size, found }));
process.exit(0);
