// Apollo Client's automatic persisted queries: a hash by GET, the text once, and the same in batches.

import { createHash, randomUUID } from "node:crypto";

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

import { AIRLINES, check, noting, URL_OF_GRAPHQL } from "./checking.mjs";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const never = `n${randomUUID().slice(0, 8)}`; // a field's name that no gateway has seen
const AIRLINE = gql(`query Airline($code: ID!) { ${never}: airline(code: $code) { id name } }`);
const AIRPORT = gql(`query Airport($code: ID!) { ${never}: airport(code: $code) { id code } }`);

function clientOf(last, options = {}) {
  const { requests, fetching } = noting();
  const link = ApolloLink.from([
    new PersistedQueryLink({ sha256, ...options }),
    last({ uri: URL_OF_GRAPHQL, fetch: fetching }),
  ]);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const ask = async (query, code) => (await client.query({ query, variables: { code } })).data[never];
  return { requests, ask };
}
const kinds = (requests) =>
  requests.map(({ method, url, body }) => [method, Boolean(body?.query ?? new URL(url).searchParams.get("query"))]);

{
  const { ask, requests } = clientOf((options) => new HttpLink(options), { useGETForHashedQueries: true });
  check("a query that nobody knows is answered", (await ask(AIRLINE, "UA")).name, AIRLINES.UA);
  check("by its hash, then once with its text", kinds(requests), [["GET", false], [requests[1].method, true]]);
  check("from then on it is known", (await ask(AIRLINE, "AA")).name, AIRLINES.AA);
  check("by its hash alone", kinds(requests.slice(2)), [["GET", false]]);
}
{
  const { ask, requests } = clientOf((options) => new HttpLink(options), { useGETForHashedQueries: true });
  check("for other clients too", (await ask(AIRLINE, "B6")).name, AIRLINES.B6);
  check("by its hash alone", kinds(requests), [["GET", false]]);
}
{
  const { ask, requests } = clientOf((options) => new BatchHttpLink({ ...options, batchInterval: 20 }));
  const asked = [ask(AIRLINE, "UA"), ask(AIRPORT, "JFK"), ask(AIRLINE, "AA")];
  const [first, second, third] = await Promise.all(asked);
  check("in a batch each is answered", [first.name, second.code, third.name], [AIRLINES.UA, "JFK", AIRLINES.AA]);
  const sent = requests.map(({ body }) => [body].flat().map((one) => Boolean(one.query)));
  check("and only the unknown one is sent again with its text", sent, [[false, false, false], [true]]);
}
