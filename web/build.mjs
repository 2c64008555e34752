// Bundles the pages into the folder that is named: index.html, style.css, main.js, and the browser
// SDK as a chunk that is loaded only where one talks.
import { build } from 'esbuild';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error('usage: node build.mjs FOLDER');

await build({
  entryPoints: [join(here, 'src/main.tsx')],
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2020',
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  chunkNames: 'chunk-[hash]',
  legalComments: 'none',
  logLevel: 'warning',
});
await cp(join(here, 'src/index.html'), join(out, 'index.html'));
await cp(join(here, 'src/style.css'), join(out, 'style.css'));
await cp(join(here, 'src/icon.svg'), join(out, 'icon.svg'));
