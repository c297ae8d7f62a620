// A server on a free port of the loopback that gives the page all it asks for: itself, the dashboard, the settings, icons and
// fonts from `node_modules`, and Prometheus, whose API is passed on because another origin's may not be asked.

import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'node_modules');

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>dashboard</title><link rel="stylesheet" href="/index.css"></head>
<body><div id="root"></div><script src="/index.js"></script></body></html>`;

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

/// Where the paths that Grafana's components ask for are in the packages.
const FOLDERS = {
  '/public/build/img/icons/': path.join(modules, '@grafana', 'ui', 'dist', 'public', 'img', 'icons'),
  '/public/fonts/inter/': path.join(modules, 'inter-ui', 'web'),
};

function fileOf(url, bundle) {
  if (url === '/index.js' || url === '/index.css') {
    return path.join(bundle, url);
  }
  const prefix = Object.keys(FOLDERS).find((prefix) => url.startsWith(prefix));
  const file = prefix && path.join(FOLDERS[prefix], url.slice(prefix.length));
  return file && file.startsWith(FOLDERS[prefix] + path.sep) ? file : undefined;
}

async function answerOf(url, { dashboard, settings, bundle }) {
  const json = (value) => ({ status: 200, type: 'application/json', body: JSON.stringify(value) });
  if (url.startsWith('/api/v1/')) {
    const answer = await fetch(settings.prometheus + url);
    return { status: answer.status, type: 'application/json', body: Buffer.from(await answer.arrayBuffer()) };
  }
  if (url === '/') {
    return { status: 200, type: 'text/html', body: PAGE };
  }
  if (url === '/dashboard.json') {
    return json(dashboard);
  }
  if (url === '/settings.json') {
    const grafana = JSON.parse(await readFile(path.join(modules, '@grafana', 'ui', 'package.json'), 'utf8'));
    return json({ ...settings, grafana: grafana.version });
  }
  const file = fileOf(url, bundle);
  const body = file && (await readFile(file).catch(() => undefined));
  return body ? { status: 200, type: TYPES[path.extname(file)] ?? 'application/octet-stream', body } : { status: 404 };
}

/// Serves until it is closed. `address` is where.
export async function serve(given) {
  const server = http.createServer(async (request, response) => {
    try {
      const { status, type, body } = await answerOf(request.url, given);
      response.writeHead(status, type && { 'content-type': type });
      response.end(body);
    } catch (error) {
      response.writeHead(502, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: 'error', error: error.cause?.message ?? error.message }));
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
