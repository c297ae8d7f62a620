// The Chromium that draws: found, started, asked for one picture, ended.

import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/// Longest time for all queries and the drawing.
const PATIENCE = 120_000;

function runs(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function find() {
  if (process.env.CHROMIUM) {
    if (!runs(process.env.CHROMIUM)) {
      throw new Error(`CHROMIUM is ${process.env.CHROMIUM}, which is no program`);
    }
    return process.env.CHROMIUM;
  }
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(runs);
  if (!found) {
    throw new Error('there is no Chromium on PATH: apt-get install chromium, or say where it is with CHROMIUM=program');
  }
  return found;
}

async function picture(running, address, { width, out }) {
  const page = await running.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  // Of Grafana's fonts Inter is published; where another is wanted, which is never for text, the system's will do.
  page.on('response', (answer) => {
    if (answer.status() === 404 && !/\/fonts\/|favicon/.test(answer.url())) {
      complaints.push(`there is no ${new URL(answer.url()).pathname}`);
    }
  });
  await page.setViewport({ width, height: 100 });
  await page.goto(address);
  await page.waitForFunction('window.drawn !== undefined', { timeout: PATIENCE });
  const { panels, fatal } = await page.evaluate('window.drawn');
  if (fatal) {
    throw new Error(`the page could not be drawn: ${fatal}`);
  }
  // As high as what is on it, no more and no less: tables leave out what is not in view.
  await page.setViewport({ width, height: await page.evaluate('document.documentElement.scrollHeight') });
  await page.waitForNetworkIdle();
  await page.screenshot({ path: out });
  const missing = /Failed to load resource/;
  return { panels, out, complaints: complaints.filter((complaint) => !missing.test(complaint)) };
}

/// A Chromium that runs. It has to be closed.
export async function browser() {
  const { default: puppeteer } = await import('puppeteer-core').catch(() => {
    throw new Error('what the pictures are drawn with is not installed: npm ci, in tools/panels');
  });
  const executablePath = find();
  // Chromium refuses its sandbox to root. The page is our own and comes from the loopback.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const running = await puppeteer.launch({ executablePath, headless: true, args: [...args, '--disable-gpu'] });
  return {
    picture: (address, settings) => picture(running, address, settings),
    close: () => running.close(),
  };
}
