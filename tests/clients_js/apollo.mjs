// Apollo Client: queries, batches, GET, errors.

import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";

import { AIRLINES, check, noting, URL_OF_GRAPHQL } from "./checking.mjs";

const AIRLINE = gql`query Airline($code: ID!) { airline(code: $code) { __typename id code name } }`;
const AIRCRAFT = gql`
  query Aircraft($ids: [ID!]!) {
    aircraftByIds(ids: $ids) { __typename id registration { model } analysis { punctuality { flights } } }
  }
`;
const WRONG = gql`query Wrong { aircraft(tailNumber: "x") { revisions(first: -1) { revision } } airline(code: "UA") { id name } }`;
const UNITED = { __typename: "Airline", id: "Airline:UA", code: "UA", name: AIRLINES.UA };

function clientOf(Link, options = {}) {
  const { requests, fetching } = noting();
  const link = new Link({ uri: URL_OF_GRAPHQL, fetch: fetching, ...options });
  const clientAwareness = { name: "dashboard", version: "1.0" };
  return { requests, client: new ApolloClient({ link, cache: new InMemoryCache(), clientAwareness }) };
}

{
  const { client, requests } = clientOf(HttpLink);
  const { data } = await client.query({ query: AIRLINE, variables: { code: "UA" } });
  check("a query is answered", data.airline, { ...UNITED, id: data.airline.id });
  const again = await client.query({ query: AIRLINE, variables: { code: "UA" } });
  check("its answer fills the client's cache", [again.data.airline.name, requests.length], [AIRLINES.UA, 1]);
  check("in GraphQL's own media type", requests[0].type, "application/graphql-response+json; charset=utf-8");
  const ids = ["N14228", "none", "N725MQ"];
  const listed = await client.query({ query: AIRCRAFT, variables: { ids } });
  const known = listed.data.aircraftByIds.map((one) => one && [one.id, one.analysis.punctuality.flights]);
  check("a list is in the order asked", known, [["N14228", 111], null, ["N725MQ", 575]]);
}
{
  const { client, requests } = clientOf(HttpLink, { useGETForQueries: true });
  const { data } = await client.query({ query: AIRLINE, variables: { code: "AA" } });
  check("a query is answered by GET", [data.airline.name, requests[0].method], [AIRLINES.AA, "GET"]);
}
{
  const { client } = clientOf(HttpLink);
  const { data, error } = await client.query({ query: WRONG, errorPolicy: "all" });
  check("a field's fault leaves the others", [data.aircraft, data.airline.name], [null, AIRLINES.UA]);
  check("and is told with its code", error.errors.map((one) => [one.path, one.extensions.code]), [
    [["aircraft"], "BAD_USER_INPUT"],
  ]);
  const refused = await client.query({ query: gql`{ nothing }`, errorPolicy: "all" });
  const codes = refused.error.errors.map((one) => one.extensions.code);
  check("an invalid document is told with its code", codes, ["GRAPHQL_VALIDATION_FAILED"]);
}
{
  const { client, requests } = clientOf(BatchHttpLink, { batchMax: 10, batchInterval: 20 });
  const asked = ["UA", "AA", "B6", "no"].map((code) => client.query({ query: AIRLINE, variables: { code } }));
  const wrong = client.query({ query: gql`{ nothing }`, errorPolicy: "all" });
  const answers = await Promise.all(asked);
  const names = answers.map((one) => one.data.airline?.name ?? null);
  check("a batch is answered in order", names, [AIRLINES.UA, AIRLINES.AA, AIRLINES.B6, null]);
  check("by one request", [requests.length, requests[0].body.length], [1, 5]);
  check("whose wrong one is alone", (await wrong).error.errors.length, 1);
}
