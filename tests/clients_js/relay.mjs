// Relay's runtime: its network layer, its store, and paging by cursors. The requests are as its compiler writes them.

import relay from "relay-runtime";

import { AIRLINES, check, noting, URL_OF_GRAPHQL } from "./checking.mjs";

const { Environment, fetchQuery, Network, RecordSource, Store } = relay;
const { requests, fetching } = noting();

async function ask(operation, variables) {
  const answer = await fetching(URL_OF_GRAPHQL, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: operation.text, variables, operationName: operation.name }),
  });
  return answer.json();
}

const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });

const scalar = (name) => ({ alias: null, args: null, kind: "ScalarField", name, storageKey: null });
const variable = (name) => ({ kind: "Variable", name, variableName: name });
const linked = (name, concreteType, selections, { args = null, plural = false } = {}) => ({
  alias: null,
  args,
  concreteType,
  kind: "LinkedField",
  name,
  plural,
  selections,
  storageKey: null,
});

function request(name, text, variables, selections) {
  const argumentDefinitions = variables.map((one) => ({ defaultValue: null, kind: "LocalArgument", name: one }));
  return {
    kind: "Request",
    fragment: { argumentDefinitions, kind: "Fragment", metadata: null, name, selections, type: "Query", abstractKey: null },
    operation: { argumentDefinitions, kind: "Operation", name, selections },
    params: { cacheID: name, id: null, metadata: {}, name, operationKind: "query", text },
  };
}

const AIRLINE = request(
  "Airline",
  "query Airline($code: ID!) { airline(code: $code) { id code name } }",
  ["code"],
  [linked("airline", "Airline", ["id", "code", "name"].map(scalar), { args: [variable("code")] })],
);
const node = linked("node", "Aircraft", [scalar("id")]);
const edges = linked("edges", "AircraftEdge", [scalar("cursor"), node], { plural: true });
const pageInfo = linked("pageInfo", "PageInfo", ["hasNextPage", "endCursor"].map(scalar));
const FLEET = request(
  "Fleet",
  "query Fleet($first: Int, $after: String) {" +
    " fleet(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }",
  ["first", "after"],
  [linked("fleet", "AircraftConnection", [edges, pageInfo], { args: [variable("after"), variable("first")] })],
);

const { airline } = await fetchQuery(environment, AIRLINE, { code: "UA" }).toPromise();
check("a query is answered", [airline.code, airline.name], ["UA", AIRLINES.UA]);
const stored = await fetchQuery(environment, AIRLINE, { code: "UA" }, { fetchPolicy: "store-or-network" }).toPromise();
check("its answer fills the store", [stored.airline.name, requests.length], [AIRLINES.UA, 1]);
check("in GraphQL's own media type", requests[0].type, "application/graphql-response+json; charset=utf-8");

const first = (await fetchQuery(environment, FLEET, { first: 2, after: null }).toPromise()).fleet;
const second = (await fetchQuery(environment, FLEET, { first: 2, after: first.pageInfo.endCursor }).toPromise()).fleet;
const both = (await fetchQuery(environment, FLEET, { first: 4, after: null }).toPromise()).fleet;
const ids = (page) => page.edges.map((edge) => edge.node.id);
check("pages follow one another", [...ids(first), ...ids(second)], ids(both));
check("and know of the next", [first.pageInfo.hasNextPage, new Set(ids(both)).size], [true, 4]);

const broken = request("Broken", "query Broken { nothing }", [], [scalar("nothing")]);
const error = await fetchQuery(environment, broken, {}).toPromise().catch((caught) => caught);
check("an invalid document is an error", error instanceof Error && /nothing/.test(error.message), true);
