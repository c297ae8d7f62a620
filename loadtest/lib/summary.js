// handleSummary(): takes the last look at the service, joins it with what k6 measured, shows it and writes it down.
// What is asked for here is no part of what k6 counted.

import { tracePrefix } from './api.js';
import { ALONE, API, OUT, text } from './environment.js';
import { unpack } from './prepare.js';
import { SHOP } from './routes.js';
import { scrapeAtRest } from './server.js';
import { render } from './text.js';
import { judge } from './verdict.js';

// `users`: how many were to read back in the end; 0 for a scenario without. `conclude`: what a scenario adds to the
// result, or thinks differently about it; it gives the lines that are shown for it.
export function summary({ name, users, routes = SHOP, conclude = () => [] }) {
  return (data) => {
    const prepared = data.setup_data;
    const before = prepared ? unpack(prepared.before) : null;
    const { seen, fault } = before && before.instances.length > 0 ? scrapeAtRest() : {};
    const result = judge({ name, data, before, after: seen || null, routes, users, alone: ALONE });
    let notes = [];
    if (prepared) {
      result.api = API;
      result.trace_prefix = tracePrefix(prepared.testid);
      notes = conclude(result, data);
    }
    if (fault) result.failures.push(`the last look at the service failed: ${fault}`);
    result.passed = result.failures.length === 0;
    const shown = render(result, { coloured: data.state.isStdOutTTY && !text('NO_COLOR'), notes });
    const files = { stdout: shown };
    if (OUT !== '') {
      files[`${OUT}/summary.json`] = `${JSON.stringify(result, null, 2)}\n`;
      files[`${OUT}/summary.txt`] = render(result, { notes });
      files[`${OUT}/verdict`] = `${result.passed ? 'passed' : 'failed'}\n`;
    }
    return files;
  };
}
