// Asks Prometheus for what a query of a panel wants, and makes of its answer the data frames that Grafana's data source makes.

import { FieldType, renderLegendFormat, toDataFrame } from '@grafana/data';

import { substitute } from './variables.js';

async function ask(path, parameters) {
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const said = await answer.json();
  if (said.status !== 'success') {
    throw new Error(said.error);
  }
  return said.data;
}

/// The values of a label, of the series in the window.
export function listLabel({ start, end }) {
  return (selector, label) => ask(`label/${label}/values`, { 'match[]': selector, start, end });
}

/// A number as Prometheus writes it.
const SPELLED = { '+Inf': Infinity, '-Inf': -Infinity, NaN };
const number = (text) => SPELLED[text] ?? Number(text);

function legend(target, labels) {
  if (target.legendFormat && target.legendFormat !== '__auto') {
    return renderLegendFormat(target.legendFormat, labels);
  }
  const { __name__: name = '', ...others } = labels;
  const listed = Object.entries(others).map(([label, value]) => `${label}="${value}"`);
  return listed.length > 0 ? `${name}{${listed.join(', ')}}` : name || 'Value';
}

/// One frame a series. Points that are further apart than `step` have a gap between them.
function series(target, result, step) {
  return result.map(({ metric, values, value }) => {
    const points = values ?? [value];
    return toDataFrame({
      refId: target.refId,
      fields: [
        {
          name: 'Time',
          type: FieldType.time,
          values: points.map(([time]) => time * 1000),
          config: { interval: step * 1000 },
        },
        {
          name: 'Value',
          type: FieldType.number,
          values: points.map(([, text]) => number(text)),
          labels: metric,
          config: { displayNameFromDS: legend(target, metric) },
        },
      ],
    });
  });
}

/// One frame for all: a column for each label, and the value.
function table(target, result, alone) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const columns = labels.map((label) => ({
    name: label,
    type: FieldType.string,
    values: result.map(({ metric }) => metric[label] ?? ''),
    config: { filterable: true },
  }));
  return [
    toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: result.map(({ value }) => value[0] * 1000), config: {} },
        ...columns,
        {
          name: alone ? 'Value' : `Value #${target.refId}`,
          type: FieldType.number,
          values: result.map(({ value }) => number(value[1])),
          config: {},
        },
      ],
    }),
  ];
}

/// The frames of all queries of a panel. `window` has `start`, `end` and `step` in seconds.
export async function frames(panel, values, { start, end, step }) {
  const targets = (panel.targets ?? []).filter((target) => !target.hide);
  const answers = targets.map(async (target) => {
    const query = substitute(target.expr, values);
    // Grafana moves both ends onto multiples of the step, so that a refresh does not move the points.
    const onto = (time) => Math.floor(time / step) * step;
    const { result } = target.instant
      ? await ask('query', { query, time: end })
      : await ask('query_range', { query, start: onto(start), end: onto(end), step });
    return target.format === 'table' ? table(target, result, targets.length === 1) : series(target, result, step);
  });
  return (await Promise.all(answers)).flat();
}
