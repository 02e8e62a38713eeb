// The plan of the query in the editor, on a tab beside the answer: GraphiQL's footer is the one place of its response
// pane that takes children, and the style sheet lays it around the answer. All texts are React's, and so escaped.
import { createElement as h, useEffect, useRef, useState } from 'react';
import { GraphiQL } from 'graphiql';
import { pick, tryParseJSONC, useGraphiQL } from '@graphiql/react';

const SLICE = pick(
  'activeTabIndex',
  'fetcher',
  'headerEditor',
  'isFetching',
  'operationName',
  'queryEditor',
  'variableEditor',
);
const STATES = ['fresh', 'stale', 'missing'];
const STORES = { clickhouse: 'ClickHouse', postgresql: 'PostgreSQL' };
const MAX_NAMES = 4;

/** The name of a store, which is its kind and, for a database that the model names, the database's name. */
function storeName(store) {
  const [kind, ...name] = store.split(' ');
  return [STORES[kind] ?? kind, ...name].join(' ');
}

const number = (value) => value.toLocaleString('en');
const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? '' : 's'}`;

function read(editor, what) {
  try {
    return tryParseJSONC(editor?.getValue());
  } catch (error) {
    throw new Error(`${what} ${error.message}`);
  }
}

/** What the gateway says of the operation in the editors, which it does not execute. Throws what the user is told. */
async function asked({ fetcher, headerEditor, operationName, queryEditor, variableEditor }) {
  const variables = read(variableEditor, 'Variables');
  const headers = { ...read(headerEditor, 'Request headers'), 'GraphQL-Cost': 'validate' };
  const request = { query: queryEditor.getValue(), variables, operationName, extensions: { explain: true } };
  const { errors, extensions } = await fetcher(request, { headers });
  if (errors) throw new Error(errors.map(({ message }) => message).join(' '));
  return extensions.explain;
}

/** The plan or what was wrong with asking for it; asked again whenever the tab is opened and an answer has come. */
function usePlan(isOpen) {
  const editors = useGraphiQL(SLICE);
  const [told, setTold] = useState({});
  const { activeTabIndex, isFetching, queryEditor } = editors;
  useEffect(() => {
    if (!isOpen || isFetching || !queryEditor) return undefined;
    let isCurrent = true;
    asked(editors).then(
      (plan) => isCurrent && setTold({ plan }),
      (error) => isCurrent && setTold({ error: error.message }),
    );
    return () => {
      isCurrent = false;
    };
  }, [isOpen, activeTabIndex, isFetching, queryEditor]);
  return told;
}

function Estimate({ estimated }) {
  const cells = ['statements', 'rows', 'bytes', 'points'].map((name) =>
    h('div', { key: name }, h('dt', null, name), h('dd', null, number(estimated[name]))),
  );
  const title = h('h3', null, 'Estimated, with nothing cached');
  return h('section', null, title, h('dl', { className: 'plan-estimate' }, cells));
}

function State({ state, objects }) {
  return h('span', { className: `plan-state plan-${state}` }, `${number(objects)} ${state}`);
}

function names(all) {
  const more = all.length - MAX_NAMES;
  return more > 1 ? `${all.slice(0, MAX_NAMES).join(', ')} and ${more} more` : all.join(', ');
}

function Section({ section }) {
  const states = STATES.filter((state) => section[state] > 0);
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, section.name),
    h('td', null, states.map((state) => h(State, { key: state, state, objects: section[state] }))),
    h('td', { title: section.fusedWith.join(', ') }, names(section.fusedWith) || '–'),
  );
}

/** What the statements of the sections do not show: those before them, and those after them. */
function notes({ pages, records = [], follows = [] }) {
  const after = records.map((kind) => `Then its ${kind}s, in one statement where they are not cached.`);
  if (follows.length > 0) after.push(`Then, of the objects that these lead to: ${follows.join(', ')}.`);
  const before = `${counted(pages, 'statement')} first to find out which objects these are; all count as missing.`;
  return (pages ? [before, ...after] : after).join(' ');
}

function Field({ field }) {
  const head = ['Section', 'In the cache', 'Fused with'].map((name) => h('th', { key: name, scope: 'col' }, name));
  const rows = field.sections.map((section, index) => h(Section, { key: index, section }));
  return h(
    'section',
    null,
    h('h3', null, h('code', null, field.field), `: ${counted(field.objects, 'object')}`),
    rows.length > 0 && h('table', null, h('thead', null, h('tr', null, head)), h('tbody', null, rows)),
    h('p', null, notes(field)),
  );
}

function Statement({ statement: { store, sections, objects, sql, arguments: given } }) {
  const values = Object.entries(given).map(([name, value]) => `${name} = ${value}`);
  return h(
    'li',
    null,
    h('p', null, h('b', null, storeName(store)), ` for ${counted(objects, 'object')}: ${sections.join(', ')}`),
    h('pre', { tabIndex: 0, role: 'region', 'aria-label': 'SQL' }, sql),
    values.length > 0 && h('p', null, 'With ', h('code', null, values.join(', '))),
  );
}

/** Fields that are loaded together share statements: each is shown once. */
function Statements({ fields }) {
  const once = new Map(fields.flatMap((field) => field.statements).map((one) => [JSON.stringify(one), one]));
  const items = [...once].map(([key, statement]) => h(Statement, { key, statement }));
  const none = 'None: all that is asked for is cached, or comes of no section.';
  return h('section', null, h('h3', null, 'Statements'), items.length > 0 ? h('ol', null, items) : h('p', null, none));
}

function Plan({ plan: { estimated, fields } }) {
  return [
    h(Estimate, { key: 'estimate', estimated }),
    ...fields.map((field) => h(Field, { key: field.field, field })),
    h(Statements, { key: 'statements', fields }),
  ];
}

/** Makes GraphiQL's own result window the panel of the first tab, which only its element can say. */
function useResultWindow(list) {
  useEffect(() => {
    const panel = list.current.closest('.graphiql-response').querySelector('.result-window');
    panel.id = 'response-panel';
    panel.setAttribute('role', 'tabpanel');
  }, []);
}

const TABS = ['Response', 'Plan'];
const KEYS = ['ArrowLeft', 'ArrowRight', 'Home', 'End'];

function Tabs({ open, onOpen }) {
  const list = useRef(null);
  useResultWindow(list);
  const onKeyDown = (event) => {
    if (!KEYS.includes(event.key)) return;
    event.preventDefault();
    const at = { Home: 0, End: 1 }[event.key] ?? 1 - open;
    onOpen(at);
    list.current.children[at].focus();
  };
  const tabs = TABS.map((name, at) => {
    const id = name.toLowerCase();
    const state = { 'aria-controls': `${id}-panel`, 'aria-selected': at === open, tabIndex: at === open ? 0 : -1 };
    const button = { id: `${id}-tab`, role: 'tab', type: 'button', onClick: () => onOpen(at), ...state };
    return h('button', { key: id, ...button }, name);
  });
  return h('div', { ref: list, className: 'plan-tabs', role: 'tablist', 'aria-label': 'Result', onKeyDown }, tabs);
}

function Panel() {
  const [open, setOpen] = useState(0);
  const { plan, error } = usePlan(open === 1);
  const told = error ? h('p', { role: 'alert' }, error) : plan ? h(Plan, { plan }) : h('p', null, 'Asking …');
  const named = { id: 'plan-panel', role: 'tabpanel', 'aria-labelledby': 'plan-tab', tabIndex: 0 };
  const panel = h('div', { key: 'panel', className: 'plan', hidden: open !== 1, ...named }, told);
  return [h(Tabs, { key: 'tabs', open, onOpen: setOpen }), panel];
}

/** GraphiQL's footer with the tabs and the plan. */
export const planFooter = h(GraphiQL.Footer, null, h(Panel));
