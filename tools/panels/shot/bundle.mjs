// The page as one script and one style sheet, made by esbuild. It is kept in `bundle/` until something it is made of changes:
// making it takes some seconds, and a run of `scripts/pictures` needs it eight times.

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(here, 'bundle');

async function newest(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const times = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
  return Math.max(...times);
}

async function isFresh() {
  const made = await stat(path.join(folder, 'index.js')).catch(() => null);
  const installed = await stat(path.join(here, 'node_modules', '.package-lock.json'));
  return made !== null && made.mtimeMs > Math.max(await newest(path.join(here, 'page')), installed.mtimeMs);
}

/// The folder that holds `index.js` and `index.css`.
export async function bundle() {
  const esbuild = await import('esbuild').catch(() => {
    throw new Error(`what the pictures are drawn with is not installed: npm ci, in ${here}`);
  });
  if (!(await isFresh())) {
    await esbuild.build({
      entryPoints: [path.join(here, 'page', 'index.jsx')],
      outdir: folder,
      bundle: true,
      minify: true,
      format: 'iife',
      jsx: 'automatic',
      // Some of the libraries expect Node's or webpack's globals.
      define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
      loader: Object.fromEntries(['svg', 'png', 'gif', 'ttf', 'woff', 'woff2'].map((type) => [`.${type}`, 'dataurl'])),
      logLevel: 'error',
    });
  }
  return folder;
}
