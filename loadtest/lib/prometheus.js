// Reads Prometheus' text format, and quantiles out of its histograms the way PromQL does. Pure: text and numbers only.

// Calls `each(name, labels, value)` for every sample whose name is wanted.
export function parse(text, wanted, each) {
  for (const line of text.split('\n')) {
    if (line === '' || line[0] === '#') continue;
    const end = line.search(/[{ ]/);
    const name = line.slice(0, end);
    if (!wanted.has(name)) continue;
    const space = line.lastIndexOf(' ');
    each(name, labelsOf(line.slice(end, space)), numberOf(line.slice(space + 1)));
  }
}

function labelsOf(text) {
  const labels = {};
  const pair = /(\w+)="((?:[^"\\]|\\.)*)"/g;
  for (let found = pair.exec(text); found !== null; found = pair.exec(text)) {
    labels[found[1]] = found[2].replace(/\\(.)/g, (_, sign) => (sign === 'n' ? '\n' : sign));
  }
  return labels;
}

function numberOf(text) {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

// `buckets`: cumulative counts by upper bound, as text: `{"0.25": 10, "+Inf": 12}`. Gives the value that
// `histogram_quantile` gives, and the bounds of the bucket that it lies in; `null` when nothing was observed.
export function quantile(q, buckets) {
  const bounds = Object.entries(buckets)
    .map(([bound, count]) => ({ bound: numberOf(bound), count }))
    .sort((one, other) => one.bound - other.bound);
  const total = bounds.length > 0 ? bounds[bounds.length - 1].count : 0;
  if (total === 0) return null;
  const rank = q * total;
  const at = bounds.findIndex(({ count }) => count >= rank);
  const lower = at > 0 ? bounds[at - 1] : { bound: 0, count: 0 };
  const { bound, count } = bounds[at];
  // Nothing is known about what lies beyond the last finite bound.
  if (bound === Infinity) return { value: lower.bound, from: lower.bound, to: null };
  const share = count === lower.count ? 1 : (rank - lower.count) / (count - lower.count);
  return { value: lower.bound + (bound - lower.bound) * share, from: lower.bound, to: bound };
}
