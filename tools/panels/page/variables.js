// What Grafana puts in the place of `$variables`: its own, and those of the dashboard, whose values it asks Prometheus for.
// The rules are those that `tests/stack/probe/choose.rs` asks the dashboards' queries with.

/// A text with all variables replaced. One that nobody knows is an error, as Prometheus would get it as it stands.
export function substitute(text, values) {
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$([A-Za-z_]\w*)/g, (found, braced, plain) => {
    const value = values[braced ?? plain];
    if (value === undefined) {
      throw new Error(`nothing fills ${found}`);
    }
    return value;
  });
}

/// Grafana's own, for points that are `step` apart; all in seconds. A window of a rate holds four scrapes, and a point and
/// a scrape.
export function grafanas({ range, scrape }, step) {
  const rate = Math.max(step + scrape, 4 * scrape);
  return {
    __rate_interval: `${rate}s`,
    __interval: `${step}s`,
    __interval_ms: `${step * 1000}`,
    __range: `${range}s`,
    __range_s: `${range}`,
    __range_ms: `${range * 1000}`,
  };
}

/// Any of these values, as Grafana writes it into PromQL: one stands alone, more are put in parentheses, and what means
/// something in a regular expression has two backslashes before it, one of them for the string that it stands in.
export function anyOf(values) {
  const escaped = values.map((value) =>
    value.replaceAll('\\', '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&'),
  );
  return escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`;
}

/// The selector and the label of `label_values(selector, label)`.
export function labelValues(query) {
  const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
  if (!label) {
    throw new Error(`not label_values(selector, label): ${query}`);
  }
  return { selector, label };
}

async function valueOf(variable, values, listLabel) {
  if (variable.type !== 'query') {
    return String(variable.current?.value ?? variable.query);
  }
  const query = variable.query?.query ?? variable.query;
  if (variable.includeAll && variable.allValue) {
    return variable.allValue;
  }
  const { selector, label } = labelValues(substitute(query, values));
  const listed = await listLabel(selector, label);
  if (listed.length === 0) {
    throw new Error(`$${variable.name} has no values: ${query}`);
  }
  return anyOf(variable.includeAll ? listed : listed.slice(0, 1));
}

/// The values of a dashboard's variables as it opens, with `All` chosen where there is one. `listLabel(selector, label)` asks.
export async function chosen(dashboard, own, listLabel) {
  const values = {};
  for (const variable of dashboard.templating?.list ?? []) {
    values[variable.name] = await valueOf(variable, { ...own, ...values }, listLabel);
  }
  return values;
}
