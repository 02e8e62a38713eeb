// Bundles GraphiQL, Monaco and Monaco's three workers into assets/hashed, and names the entry files in a manifest.
import { build } from 'esbuild';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const ASSETS = 'assets';
const HASHED = `${ASSETS}/hashed`;

// graphiql/style.css holds Monaco's style sheets already: the ones that Monaco's modules import would be a second copy.
const withoutMonacoStyles = {
  name: 'without-monaco-styles',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: '', loader: 'css' }));
  },
};

const options = {
  bundle: true,
  format: 'esm',
  splitting: true,
  minify: true,
  target: 'es2022',
  outdir: HASHED,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [withoutMonacoStyles],
  // GraphiQL imports Prettier's parsers by their old names, which are CommonJS and hide their exports from a bundler:
  // without this, "Prettify query" fails.
  alias: {
    'prettier/parser-babel': 'prettier/plugins/babel',
    'prettier/parser-graphql': 'prettier/plugins/graphql',
  },
};

/** The hashed file names of one build's scripts, by their names before the hash. */
function entries({ metafile }) {
  const files = Object.keys(metafile.outputs).map((file) => basename(file));
  return new Map(files.filter((file) => file.endsWith('.js')).map((file) => [file.replace(/-\w+\.js$/, ''), file]));
}

// The workers come first: their hashed names are compiled into the page's script.
const workers = await build({
  ...options,
  entryPoints: {
    'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
    'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
  },
});
const workerFiles = ['editor', 'graphql', 'json'].map((label) => [label, entries(workers).get(`${label}.worker`)]);

const page = await build({
  ...options,
  entryPoints: { graphiql: 'main.js' },
  define: { ...options.define, WORKER_FILES: JSON.stringify(Object.fromEntries(workerFiles)) },
});
const script = entries(page).get('graphiql');
const style = basename(page.metafile.outputs[`${HASHED}/${script}`].cssBundle);

// The manifest goes last but for the sweep: a build that fails half-way leaves the one before it in use.
writeFileSync(`${ASSETS}/manifest.json`, JSON.stringify({ script, style }));

const current = { ...workers.metafile.outputs, ...page.metafile.outputs };
readdirSync(HASHED)
  .map((file) => `${HASHED}/${file}`)
  .filter((file) => !(file in current))
  .forEach((file) => rmSync(file));
