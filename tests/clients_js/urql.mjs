// urql: queries by POST and by GET, errors.

import { Client, fetchExchange, gql } from "@urql/core";

import { AIRLINES, check, noting, URL_OF_GRAPHQL } from "./checking.mjs";

const AIRLINE = gql`query Airline($code: ID!) { airline(code: $code) { code name } }`;
const WRONG = gql`query Wrong { aircraft(tailNumber: "x") { revisions(first: -1) { revision } } airline(code: "UA") { name } }`;

for (const [preferGetMethod, method] of [[false, "POST"], ["force", "GET"]]) {
  const { requests, fetching } = noting();
  const client = new Client({ url: URL_OF_GRAPHQL, exchanges: [fetchExchange], fetch: fetching, preferGetMethod });
  const answered = await client.query(AIRLINE, { code: "UA" }).toPromise();
  check(`a query is answered by ${method}`, answered.data.airline.name, AIRLINES.UA);
  const unknown = await client.query(AIRLINE, { code: "no" }).toPromise();
  check("what is not known is null", [unknown.data.airline, unknown.error ?? null], [null, null]);
  const partly = await client.query(WRONG, {}).toPromise();
  check("a field's fault leaves the others", partly.data.airline.name, AIRLINES.UA);
  const codes = (error) => error.graphQLErrors.map((one) => one.extensions.code);
  check("and is told with its code", codes(partly.error), ["BAD_USER_INPUT"]);
  const invalid = await client.query("{ nothing }", {}).toPromise();
  check("an invalid document is told with its code", codes(invalid.error), ["GRAPHQL_VALIDATION_FAILED"]);
  const methods = new Set(requests.map((one) => one.method));
  check("each by one request", [requests.length, ...methods], [4, method]);
}
