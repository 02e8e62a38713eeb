// What Relay's scripts share: an environment as docs/api.md describes it, and the artifacts of relay-compiler.

import { createRequire } from "node:module";

import relay from "relay-runtime";

import { noting, URL_OF_GRAPHQL } from "./checking.mjs";

const { Environment, Network, RecordSource, Store } = relay;
const artifacts = process.argv[3];
const { requests, fetching } = noting();

async function ask({ id, name, text }, variables) {
  const answer = await fetching(URL_OF_GRAPHQL, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ id, query: text ?? undefined, variables, operationName: name }),
  });
  return answer.json();
}

export { requests };

export const environment = new Environment({
  network: Network.create(ask),
  store: new Store(new RecordSource()),
  getDataID: (object) => object.nodeId,
});

/** What babel-plugin-relay makes of a tag: the artifact that relay-compiler wrote of it. */
export function graphql([text]) {
  const [, name] = /(?:query|fragment) (\w+)/.exec(text);
  return createRequire(import.meta.url)(`${artifacts}/${name}.graphql.js`);
}
