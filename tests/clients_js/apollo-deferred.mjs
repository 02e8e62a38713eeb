// Apollo Client's @defer: parts by HttpLink, in the format that graphql.js 17 has since its alpha 9.

import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQL17Alpha9Handler } from "@apollo/client/incremental";

import { check, noting, URL_OF_GRAPHQL } from "./checking.mjs";

const queryOf = (defer) => gql`
  query Aircraft($ids: [ID!]!) {
    aircraftByIds(ids: $ids) {
      __typename
      id
      registration { model }
      ... ${defer} { analysis { punctuality { flights onTimeShare } carriers { code } } }
    }
  }
`;
const variables = { ids: ["N14228", "N725MQ"] };

function clientOf() {
  const { requests, fetching } = noting();
  const link = new HttpLink({ uri: URL_OF_GRAPHQL, fetch: fetching });
  const incrementalHandler = new GraphQL17Alpha9Handler();
  return { requests, client: new ApolloClient({ link, cache: new InMemoryCache(), incrementalHandler }) };
}

/** All results of a query, as a page that shows it gets them. */
function resultsOf(client, query) {
  return new Promise((resolve, reject) => {
    const results = [];
    const observed = client.watchQuery({ query, variables, notifyOnNetworkStatusChange: false });
    const subscription = observed.subscribe((result) => {
      if (result.error) reject(result.error);
      if (result.dataState !== "empty") results.push(structuredClone(result));
      if (result.dataState === "complete") {
        subscription.unsubscribe();
        resolve(results);
      }
    });
  });
}

const { client, requests } = clientOf();
const results = await resultsOf(client, queryOf("@defer"));
check("a deferred query is answered in parts", requests[0].type, 'multipart/mixed; boundary="-"; incrementalSpec=v0.2');
const [first] = results;
const shown = first.data.aircraftByIds.map((one) => [one.id, "registration" in one, "analysis" in one]);
check("the first is shown before the deferred data", shown, variables.ids.map((id) => [id, true, false]));
check("and is known not to be all", first.dataState, "streaming");

const whole = await clientOf().client.query({ query: queryOf(""), variables });
check("all together are the answer without @defer", results.at(-1).data, JSON.parse(JSON.stringify(whole.data)));
check("of one request", [requests.length, whole.data.aircraftByIds[0].analysis.punctuality.flights], [1, 111]);
