// Draws a dashboard of `grafana/dashboards/` into a picture: the panels of its JSON, filled by a real Prometheus, drawn by
// Grafana's own published chart components in a headless Chromium. README.md says how, and what the picture is not.
//
//     node shot.mjs --prometheus http://127.0.0.1:9090 --dashboard ../../grafana/dashboards/glasshouse-overview.json --out out.png
//
// Exit code: 0 when all panels were drawn, 1 when one was not or something else failed, 2 when it was called wrongly.

import { readFile } from 'node:fs/promises';

import { parse, USAGE, Wrong } from './shot/arguments.mjs';
import { browser } from './shot/browser.mjs';
import { bundle } from './shot/bundle.mjs';
import { serve } from './shot/serve.mjs';

async function dashboardOf(path) {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw new Wrong(`--dashboard ${path} cannot be read: ${error.message}`);
  });
  try {
    const dashboard = JSON.parse(text);
    if (Array.isArray(dashboard.panels)) {
      return dashboard;
    }
  } catch (error) {
    throw new Wrong(`--dashboard ${path} is no JSON: ${error.message}`);
  }
  throw new Wrong(`--dashboard ${path} has no panels: is it a dashboard?`);
}

async function answers(prometheus) {
  const answer = await fetch(`${prometheus}/-/ready`).catch((error) => {
    throw new Error(`Prometheus does not answer at ${prometheus}: ${error.cause?.message ?? error.message}`);
  });
  if (!answer.ok) {
    throw new Error(`Prometheus at ${prometheus} is not ready: ${answer.status}`);
  }
}

async function main() {
  const settings = parse(process.argv.slice(2));
  const dashboard = await dashboardOf(settings.dashboard);
  await answers(settings.prometheus);
  const chromium = await browser();
  try {
    const server = await serve({ dashboard, settings, bundle: await bundle() });
    try {
      return await chromium.picture(server.address, settings);
    } finally {
      server.close();
    }
  } finally {
    await chromium.close();
  }
}

try {
  const { panels, complaints, out } = await main();
  const failed = panels.filter((panel) => panel.error);
  for (const { title, error } of failed) {
    console.error(`shot: ${title}: ${error}`);
  }
  complaints.forEach((complaint) => console.error(`shot: the page said: ${complaint}`));
  const empty = panels.filter((panel) => panel.series === 0).map((panel) => panel.title);
  console.log(`${out}: ${panels.length} panels${empty.length > 0 ? `, without data: ${empty.join(', ')}` : ''}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} catch (error) {
  const wrong = error instanceof Wrong;
  console.error(`shot: ${error.message}${wrong ? `\n\n${USAGE}` : ''}`);
  process.exitCode = wrong ? 2 : 1;
}
