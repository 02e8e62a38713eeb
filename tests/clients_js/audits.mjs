// The audits of graphql-http: all that GraphQL over HTTP says a server must, should and may do.

import { serverAudits } from "graphql-http";

import { URL_OF_GRAPHQL } from "./checking.mjs";

const EXPECTED = 61;

const results = [];
for (const audit of serverAudits({ url: URL_OF_GRAPHQL, fetchFn: fetch })) {
  const result = await audit.fn();
  await result.response?.body?.cancel().catch(() => {});
  results.push(result);
  console.log(`${result.status}: ${audit.id} ${audit.name}${result.reason ? `: ${result.reason}` : ""}`);
}
const failed = results.filter((result) => result.status !== "ok");
console.log(`${results.length - failed.length} of ${results.length}`);
process.exit(failed.length === 0 && results.length === EXPECTED ? 0 : 1);
