// Answers questions about Hawk with the reference implementation: one JSON object in, one out, a line each.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const Hawk = createRequire(process.env.HAWK_FROM)('hawk');

const asks = {
  sign: ({ url, method, credentials, payload, contentType, ext }) =>
    Hawk.client.header(url, method, { credentials, payload, contentType, ext }),
  verify: async ({ request, credentials, payload, contentType }) => {
    const found = await Hawk.server.authenticate(request, () => credentials, { payload });
    return { header: Hawk.server.header(found.credentials, found.artifacts, { payload: 'an answer', contentType }) };
  },
  accept: ({ headers, credentials, artifacts, payload }) =>
    Hawk.client.authenticate({ headers }, credentials, artifacts, { payload, required: true }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...rest } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ ok: await asks[ask](rest) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
}
