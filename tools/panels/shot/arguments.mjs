// The arguments of `shot.mjs`, checked before anything is started.

import { parseArgs } from 'node:util';

export const USAGE = `usage: node shot.mjs --prometheus URL --dashboard FILE --out FILE [OPTION...]

  --prometheus URL   the Prometheus to ask, such as http://127.0.0.1:9090
  --dashboard FILE   the JSON of a Grafana dashboard
  --out FILE         the picture, a .png
  --theme NAME       dark (default) or light
  --range TIME       how far to look back, such as 90s, 5m or 6h; without it, what the dashboard says
  --end UNIXTIME     where the time axis ends; without it, now
  --scrape TIME      the scrape interval that Grafana's data source is told (default 5s)
  --rows N           only the first N rows, as their headings part them
  --width PIXELS     of the picture (default 1600)`;

/// A call that makes no sense: the usage is shown with it.
export class Wrong extends Error {}

const OPTIONS = {
  prometheus: { type: 'string' },
  dashboard: { type: 'string' },
  out: { type: 'string' },
  theme: { type: 'string', default: 'dark' },
  range: { type: 'string' },
  end: { type: 'string' },
  scrape: { type: 'string', default: '5s' },
  rows: { type: 'string' },
  width: { type: 'string', default: '1600' },
};

const UNITS = { s: 1, m: 60, h: 3600, d: 86400 };

function seconds(name, text) {
  const [, number, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (!Number(number)) {
    throw new Wrong(`--${name} is ${text}: a time such as 90s, 5m or 6h is expected`);
  }
  return Number(number) * UNITS[unit];
}

function whole(name, text, least) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Wrong(`--${name} is ${text}: a whole number of at least ${least} is expected`);
  }
  return value;
}

function given(values, name) {
  if (!values[name]) {
    throw new Wrong(`--${name} is missing`);
  }
  return values[name];
}

/// The settings of a picture. Times are in seconds; `range`, `end` and `rows` are undefined when nobody said them.
export function parse(words) {
  let values;
  try {
    ({ values } = parseArgs({ args: words, options: OPTIONS }));
  } catch (error) {
    throw new Wrong(error.message);
  }
  const prometheus = given(values, 'prometheus').replace(/\/+$/, '');
  if (!/^https?:\/\/[^/\s]+/.test(prometheus)) {
    throw new Wrong(`--prometheus is ${prometheus}: an address such as http://127.0.0.1:9090 is expected`);
  }
  const dashboard = given(values, 'dashboard');
  const out = given(values, 'out');
  if (!out.endsWith('.png')) {
    throw new Wrong(`--out is ${out}: a .png is expected`);
  }
  if (!['dark', 'light'].includes(values.theme)) {
    throw new Wrong(`--theme is ${values.theme}: dark or light is expected`);
  }
  return {
    prometheus,
    dashboard,
    out,
    theme: values.theme,
    range: values.range && seconds('range', values.range),
    end: values.end && whole('end', values.end, 1),
    scrape: seconds('scrape', values.scrape),
    rows: values.rows && whole('rows', values.rows, 1),
    width: whole('width', values.width, 400),
  };
}
