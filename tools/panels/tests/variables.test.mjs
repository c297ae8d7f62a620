// Grafana's variables in a query: the same cases as beside `tests/stack/probe/choose.rs`.

import assert from 'node:assert/strict';
import test from 'node:test';

import { anyOf, chosen, grafanas, labelValues, substitute } from '../page/variables.js';

test('a variable is replaced in each of its forms', () => {
  assert.equal(substitute('up{job=~"$job"}[$__range] ${job} ${job:regex}', { job: 'a', __range: '5m' }), 'up{job=~"a"}[5m] a a');
  assert.equal(substitute('up{path=~"/a$"}', {}), 'up{path=~"/a$"}');
});

test('a variable that nothing fills is an error', () => {
  assert.throws(() => substitute('up{job=~"$jbo"}', { job: 'a' }), /nothing fills \$jbo/);
});

test('a window of a rate holds four scrapes, and a point and a scrape', () => {
  assert.equal(grafanas({ range: 300, scrape: 5 }, 5).__rate_interval, '20s');
  assert.equal(grafanas({ range: 300, scrape: 5 }, 60).__rate_interval, '65s');
});

test('values become a regular expression in a string of PromQL', () => {
  assert.equal(anyOf(['a']), 'a');
  assert.equal(anyOf(['a', 'b']), '(a|b)');
  assert.equal(anyOf(['127.0.0.1:9464']), '127\\\\.0\\\\.0\\\\.1:9464');
  assert.equal(anyOf(['/orders/{id}']), '/orders/\\\\{id\\\\}');
  assert.equal(anyOf(['a\\b']), 'a\\\\\\\\b');
});

test('label_values is the only query of a variable', () => {
  assert.deepEqual(labelValues('label_values(up{a="b", c="d"}, job)'), { selector: 'up{a="b", c="d"}', label: 'job' });
  assert.throws(() => labelValues('metrics(up)'), /not label_values/);
});

const query = (name, more) => ({ name, type: 'query', query: { query: `label_values(up{job=~"$job"}, ${name})` }, ...more });

test('All is what the variable says, or else any of its values', async () => {
  const asked = [];
  const listLabel = async (selector, label) => {
    asked.push([selector, label]);
    return ['x', 'y'];
  };
  const list = [
    { name: 'job', type: 'custom', current: { value: 'a' } },
    query('instance', { includeAll: true, allValue: '.*' }),
    query('pool', { includeAll: true, allValue: null }),
    query('route', { includeAll: false }),
  ];
  const values = await chosen({ templating: { list } }, {}, listLabel);
  assert.deepEqual(values, { job: 'a', instance: '.*', pool: '(x|y)', route: 'x' });
  assert.deepEqual(asked[0], ['up{job=~"a"}', 'pool']);
});

test('a variable without values is an error', async () => {
  const list = [{ name: 'job', type: 'custom', current: { value: 'a' } }, query('pool', { includeAll: true })];
  await assert.rejects(chosen({ templating: { list } }, {}, async () => []), /\$pool has no values/);
});
