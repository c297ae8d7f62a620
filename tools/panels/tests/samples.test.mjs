// Marks, stretches and cells.

import assert from 'node:assert/strict';
import test from 'node:test';

import { cells, marksOf, stretches } from '../page/samples.js';

const every5s = (...values) => values.map((value, at) => [at * 5000, value]);

test('samples that follow each other are one mark', () => {
  const points = [
    [0, 1],
    [5000, 1],
    [10000, 0],
    [30000, 1],
  ];
  assert.deepEqual(marksOf(points, {}, 5), [
    { from: 0, to: 5000 },
    { from: 30000, to: 30000 },
  ]);
});

test('values that are times are marks of their own, each once', () => {
  const marks = marksOf(every5s(7000.5, 7000.5, 9000), { useValueForTime: true }, 5);
  assert.deepEqual(
    marks.map(({ from }) => from),
    [7000, 9000],
  );
});

test('a stretch ends where the value changes, or where there is none', () => {
  assert.deepEqual(stretches(every5s(1, 1, 0), 5), [
    { from: 0, to: 10000, value: 1 },
    { from: 10000, to: 15000, value: 0 },
  ]);
  const gap = stretches([[0, 1], [60000, 1]], 5);
  assert.deepEqual(
    gap.map(({ to }) => to),
    [5000, 65000],
  );
});

test('what fell into a bucket is what it has more than the one below', () => {
  assert.deepEqual(cells([every5s(1, 0), every5s(1, 4), every5s(3, 4)], 1e-9), [
    { lane: 0, time: 0, count: 1 },
    { lane: 1, time: 5000, count: 4 },
    { lane: 2, time: 0, count: 2 },
  ]);
});
