// Relay: its compiler's operations by the ids of its manifest, its store, and paging by cursors.

import relay from "relay-runtime";

import { AIRLINES, check } from "./checking.mjs";
import { environment, graphql, requests } from "./relay-environment.mjs";

const asked = (query, variables, options) => relay.fetchQuery(environment, query, variables, options).toPromise();

const AIRLINE = graphql`
  query relayAirlineQuery($code: ID!) {
    airline(code: $code) { code name }
  }
`;
const FLEET = graphql`
  query relayFleetQuery($first: Int, $after: String) {
    fleet(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }
  }
`;

const { airline } = await asked(AIRLINE, { code: "UA" });
check("a query is answered", [airline.code, airline.name], ["UA", AIRLINES.UA]);
const { id } = AIRLINE.params;
const sent = { id, variables: { code: "UA" }, operationName: "relayAirlineQuery" };
check("by the id that the compiler gave it, without its text", requests[0].body, sent);
const stored = await asked(AIRLINE, { code: "UA" }, { fetchPolicy: "store-or-network" });
check("its answer fills the store", [stored.airline.name, requests.length], [AIRLINES.UA, 1]);
check("in GraphQL's own media type", requests[0].type, "application/graphql-response+json; charset=utf-8");

const first = (await asked(FLEET, { first: 2, after: null })).fleet;
const second = (await asked(FLEET, { first: 2, after: first.pageInfo.endCursor })).fleet;
const both = (await asked(FLEET, { first: 4, after: null })).fleet;
const ids = (page) => page.edges.map((edge) => edge.node.id);
check("pages follow one another", [...ids(first), ...ids(second)], ids(both));
check("and know of the next", [first.pageInfo.hasNextPage, new Set(ids(both)).size], [true, 4]);

for (const params of [{ id: "of another build" }, { id: null, text: "query Other { __typename }" }]) {
  const other = { ...AIRLINE, params: { ...AIRLINE.params, cacheID: "other", ...params } };
  const error = await asked(other, { code: "AA" }).catch((caught) => caught);
  check("what the compiler did not write is refused", /Only trusted documents/.test(error.message), true);
}
