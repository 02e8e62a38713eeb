// GraphiQL over the gateway: the bundle and the CDN page run this one file, and read its settings from the mount point.
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';

const mount = document.getElementById('graphiql');
const { endpoint } = mount.dataset;
const examples = JSON.parse(mount.dataset.examples);

// Initial variables win over stored ones, so they are passed on the first visit only.
const firstVisit = localStorage.getItem('graphiql:tabState') === null;

const settings = {
  fetcher: createGraphiQLFetcher({ url: endpoint, enableIncrementalDelivery: false }),
  defaultQuery: examples[0].query,
  defaultTabs: examples,
  initialVariables: firstVisit ? examples[0].variables : undefined,
  defaultEditorToolsVisibility: 'variables',
  isHeadersEditorEnabled: true,
  shouldPersistHeaders: true,
};

/** Shows GraphiQL, with children of its own kinds. */
export function start(...children) {
  createRoot(mount).render(createElement(GraphiQL, settings, ...children));
}
