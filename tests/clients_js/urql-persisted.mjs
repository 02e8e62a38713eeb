// urql's automatic persisted queries: a hash by GET, then once with the text.

import { randomUUID } from "node:crypto";

import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";

import { AIRLINES, check, noting, URL_OF_GRAPHQL } from "./checking.mjs";

const never = `n${randomUUID().slice(0, 8)}`; // a field's name that no gateway has seen
const AIRLINE = `query Airline($code: ID!) { ${never}: airline(code: $code) { name } }`;

const { requests, fetching } = noting();
const exchanges = [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange];
const client = new Client({ url: URL_OF_GRAPHQL, exchanges, fetch: fetching, preferGetMethod: true });
const ask = async (code) => (await client.query(AIRLINE, { code }).toPromise()).data[never].name;
const hasText = ({ url, body }) => Boolean(body?.query ?? new URL(url).searchParams.get("query"));

check("a query that nobody knows is answered", await ask("UA"), AIRLINES.UA);
check("by its hash, then once with its text", requests.map(hasText), [false, true]);
check("from then on it is known", await ask("AA"), AIRLINES.AA);
check("by its hash alone", requests.slice(2).map((one) => [one.method, hasText(one)]), [["GET", false]]);
