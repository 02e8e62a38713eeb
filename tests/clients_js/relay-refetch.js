// Relay: fragments that are refetched by their nodeId, and connections that are paged to their end, as its hooks do it.

import relay from "relay-runtime";

import { AIRLINES, check } from "./checking.mjs";
import { environment, graphql, requests } from "./relay-environment.mjs";

const { createOperationDescriptor, fetchQuery, getSingularSelector, getValueAtPath } = relay;

/** Fetch an operation, and return what its own selection has, with references to its fragments. */
async function load(request, variables) {
  const operation = createOperationDescriptor(request, variables, { force: true });
  await fetchQuery(environment, request, variables, { fetchPolicy: "network-only" }).toPromise();
  return read(operation.fragment);
}

/** What a fragment or operation has in the store: nothing of it may be missing. */
function read(selector) {
  const snapshot = environment.lookup(selector);
  if (snapshot.isMissingData) throw new Error(`${selector.node.name}: data are missing`);
  return snapshot.data;
}

const readFragment = (fragment, reference) => read(getSingularSelector(fragment, reference));

/** The variables of a refetch, as useRefetchableFragment has them. */
function refetchVariables(fragment, reference, changed) {
  const { identifierInfo } = relay.getRefetchMetadata(fragment, "test");
  const { owner, variables } = getSingularSelector(fragment, reference);
  const id = identifierInfo && {
    [identifierInfo.identifierQueryVariableName]: readFragment(fragment, reference)[identifierInfo.identifierField],
  };
  return { ...owner.variables, ...variables, ...changed, ...id };
}

/** Refetch a fragment with other variables, as useRefetchableFragment does, and return its new reference. */
async function refetch(fragment, reference, changed) {
  const { refetchableRequest, fragmentRefPathInResponse } = relay.getRefetchMetadata(fragment, "test");
  const answer = await load(refetchableRequest, refetchVariables(fragment, reference, changed));
  return getValueAtPath(answer, fragmentRefPathInResponse);
}

/** Load pages of a connection to its end, as usePaginationFragment does, and return its edges after each page. */
async function pages(fragment, reference, count) {
  const { paginationRequest, paginationMetadata } = relay.getPaginationMetadata(fragment, "test");
  const { connectionPathInFragmentData } = relay.getPaginationMetadata(fragment, "test");
  const connection = () => getValueAtPath(readFragment(fragment, reference), connectionPathInFragmentData);
  const lengths = [connection().edges.length];
  while (connection().pageInfo.hasNextPage) {
    const base = refetchVariables(fragment, reference, {});
    const after = connection().pageInfo.endCursor;
    await load(paginationRequest, relay.getPaginationVariables("forward", count, after, base, {}, paginationMetadata));
    lengths.push(connection().edges.length);
  }
  return { edges: connection().edges, lengths };
}

const AIRCRAFT = graphql`
  fragment relayRefetchAircraft on Aircraft
  @argumentDefinitions(period: { type: "Period" })
  @refetchable(queryName: "relayRefetchAircraftRefetchQuery") {
    id
    tailNumber
    analysis(period: $period) { punctuality { flights } }
    operator { name }
  }
`;
const NODE = graphql`
  fragment relayRefetchNode on Node
  @argumentDefinitions(period: { type: "Period" })
  @refetchable(queryName: "relayRefetchNodeRefetchQuery") {
    __typename
    id
    ... on Aircraft { analysis(period: $period) { utilization { flights } } }
    ... on Airline { name }
    ... on Airport { name }
  }
`;
const LOG = graphql`
  fragment relayRefetchLog on Aircraft
  @argumentDefinitions(first: { type: "Int", defaultValue: 40 }, after: { type: "String" })
  @refetchable(queryName: "relayRefetchLogPageQuery") {
    analysis {
      flightLog(first: $first, after: $after) @connection(key: "relayRefetchLog_flightLog") {
        edges { node { scheduledDeparture carrier flightNumber } }
      }
    }
  }
`;
const FLEET = graphql`
  fragment relayRefetchFleet on Query
  @argumentDefinitions(first: { type: "Int" }, after: { type: "String" }, filter: { type: "FleetFilter" })
  @refetchable(queryName: "relayRefetchFleetPageQuery") {
    fleet(first: $first, after: $after, filter: $filter, orderBy: { field: SEATS }) @connection(key: "relayRefetchFleet_fleet") {
      edges { node { tailNumber registration { seats } } }
    }
  }
`;
const BY_ID = graphql`
  query relayRefetchQuery($id: ID!, $period: Period) {
    aircraft(tailNumber: $id) { ...relayRefetchAircraft @arguments(period: $period) }
  }
`;
const LOGGED = graphql`
  query relayRefetchLogQuery($id: ID!) {
    aircraft(tailNumber: $id) { ...relayRefetchLog }
  }
`;
const NODES = graphql`
  query relayRefetchNodesQuery($ids: [ID!]!, $period: Period) {
    nodes(ids: $ids) { ...relayRefetchNode @arguments(period: $period) }
  }
`;
const PAGES = graphql`
  query relayRefetchFleetQuery($first: Int, $filter: FleetFilter) {
    ...relayRefetchFleet @arguments(first: $first, filter: $filter)
    counted: fleet(first: 0, filter: $filter) { totalCount }
  }
`;

const march = { from: "2013-03-01", to: "2013-03-31" };
{
  const { aircraft } = await load(BY_ID, { id: "N14228" });
  const first = readFragment(AIRCRAFT, aircraft);
  check("a fragment is read", [first.id, first.nodeId], ["N14228", "Aircraft:N14228"]);
  check("with its whole year", first.analysis.punctuality.flights, 111);
  const again = readFragment(AIRCRAFT, await refetch(AIRCRAFT, aircraft, { period: march }));
  check("it is refetched by its nodeId", requests.at(-1).body.variables.nodeId, "Aircraft:N14228");
  const direct = readFragment(AIRCRAFT, (await load(BY_ID, { id: "N14228", period: march })).aircraft);
  check("with another period", again, direct);
  check("which has fewer flights", again.analysis.punctuality.flights < 111, true);
  check("and a link", again.operator.name, AIRLINES.UA);
}
{
  const ids = ["Airline:UA", "N14228", "Aircraft:N725MQ", "", "Airport:JFK", "Plane:N14228", "Airport:none"];
  const { nodes } = await load(NODES, { ids });
  const found = nodes.map((node) => node && readFragment(NODE, node).nodeId);
  check("ids that name nothing are null in their places", found, [ids[0], null, ids[2], null, ids[4], null, null]);
  for (const at of [0, 2, 4]) {
    const before = readFragment(NODE, nodes[at]);
    const after = readFragment(NODE, await refetch(NODE, nodes[at], { period: march }));
    check(`${ids[at]} is refetched by the interface`, `${after.__typename}:${after.id}`, ids[at]);
    const fewer = (after.analysis?.utilization.flights ?? 0) < (before.analysis?.utilization.flights ?? 1);
    check("with what its type has", [after.name ?? null, fewer], [before.name ?? null, true]);
  }
}
{
  const { aircraft } = await load(LOGGED, { id: "N14228" });
  const { edges, lengths } = await pages(LOG, aircraft, 40);
  check("a connection of a node is paged to its end", lengths, [40, 80, 111]);
  check("by its nodeId", requests.at(-1).body.variables.nodeId, "Aircraft:N14228");
  check("without a row twice", new Set(edges.map(({ node }) => JSON.stringify(node))).size, 111);
}
{
  const answer = await load(PAGES, { first: 300, filter: { manufacturer: "AIRBUS" } });
  const { edges, lengths } = await pages(FLEET, answer, 300);
  const total = answer.counted.totalCount;
  check("the fleet is paged to its end", [lengths.length, lengths.at(-1)], [Math.ceil(total / 300), total]);
  check("without an aircraft twice", new Set(edges.map(({ node }) => node.tailNumber)).size, total);
  const seats = edges.map(({ node }) => node.registration.seats);
  check("in the order asked", seats, [...seats].sort((a, b) => a - b));
}
const keyed = environment.getStore().getSource().getRecordIDs().filter((id) => !id.startsWith("client:"));
check("every record of the store is of a nodeId", keyed.every((id) => /^(Aircraft|Airport|Airline):/.test(id)), true);
