// What the scripts share: the gateway's address, a fetch that notes what it sends, and checks that say what they found.

import assert from "node:assert/strict";

export const URL_OF_GRAPHQL = `${process.argv[2]}/graphql`;

/** A fetch that notes each request's method, body and address, and each answer's status. */
export function noting() {
  const requests = [];
  async function fetching(address, options = {}) {
    const method = options.method ?? "GET";
    const noted = { method, url: String(address), body: options.body ? JSON.parse(options.body) : undefined };
    requests.push(noted);
    const answer = await fetch(address, options);
    noted.status = answer.status;
    noted.type = answer.headers.get("content-type");
    return answer;
  }
  return { requests, fetching };
}

export function check(what, found, expected) {
  assert.deepEqual(JSON.parse(JSON.stringify(found ?? null)), expected, what);
  console.log(`ok: ${what}`);
}

export const AIRLINES = { UA: "United Air Lines Inc.", AA: "American Airlines Inc.", B6: "JetBlue Airways" };
