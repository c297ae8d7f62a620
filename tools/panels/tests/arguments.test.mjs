// What `shot.mjs` is told, and what it refuses.

import assert from 'node:assert/strict';
import test from 'node:test';

import { parse, Wrong } from '../shot/arguments.mjs';

const LEAST = ['--prometheus', 'http://127.0.0.1:9090/', '--dashboard', 'a.json', '--out', 'a.png'];

test('the least that is needed', () => {
  assert.deepEqual(parse(LEAST), {
    prometheus: 'http://127.0.0.1:9090',
    dashboard: 'a.json',
    out: 'a.png',
    theme: 'dark',
    range: undefined,
    end: undefined,
    scrape: 5,
    rows: undefined,
    width: 1600,
  });
});

test('times are seconds', () => {
  assert.equal(parse([...LEAST, '--range', '5m']).range, 300);
  assert.equal(parse([...LEAST, '--scrape', '15s']).scrape, 15);
  assert.equal(parse([...LEAST, '--end', '1700000000']).end, 1_700_000_000);
});

test('each argument that is missing is named', () => {
  for (let at = 0; at < LEAST.length; at += 2) {
    assert.throws(() => parse(LEAST.toSpliced(at, 2)), new Wrong(`${LEAST[at]} is missing`));
  }
});

test('what makes no sense is refused', () => {
  const wrong = [
    ['--range', '5'],
    ['--range', '0m'],
    ['--range', 'now-5m'],
    ['--end', 'now'],
    ['--rows', '0'],
    ['--width', '10'],
    ['--theme', 'blue'],
    ['--out', 'a.gif'],
    ['--prometheus', '127.0.0.1:9090'],
    ['--colour', 'red'],
  ];
  for (const words of wrong) {
    assert.throws(() => parse([...LEAST, ...words]), Wrong, words.join(' '));
  }
});
