// `timeseries`: lines over time with Grafana's `TimeSeries`, its axes, thresholds, stacks and legend included.

import { applyNullInsertThreshold, cacheFieldDisplayNames, FieldType } from '@grafana/data';
import { preparePlotFrame, TimeSeries } from '@grafana/ui';

import { markedBy } from '../annotations.js';

/// A graph has gaps where a value is missing or is no number: Grafana's panel makes them before it draws.
function graphable(frames, { from, to }) {
  const finite = (field) => ({ ...field, values: field.values.map((value) => (Number.isFinite(value) ? value : null)) });
  return frames
    .map((frame) => applyNullInsertThreshold({ frame, refFieldPseudoMin: from.valueOf(), refFieldPseudoMax: to.valueOf() }))
    .map((frame) => ({
      ...frame,
      fields: frame.fields.map((field) => (field.type === FieldType.number ? finite(field) : field)),
    }));
}

/// All series in one frame. Putting them together forgets their names, which colours are derived from.
function together(frames, fields, timeRange) {
  const frame = preparePlotFrame(frames, fields, timeRange);
  cacheFieldDisplayNames(frames);
  return frame;
}

/// Graphs that have their marks: a graph is laid out more than once before it is drawn.
const marked = new WeakSet();

export function Lines({ panel, frames, width, height, scene }) {
  const { legend } = panel.options;
  return (
    <TimeSeries
      frames={graphable(frames, scene.timeRange)}
      structureRev={1}
      timeRange={scene.timeRange}
      timeZone={scene.timeZone}
      legend={legend}
      options={panel.options}
      preparePlotFrame={together}
      width={width}
      height={height}
    >
      {(config) => {
        if (!marked.has(config)) {
          marked.add(config);
          config.addHook('draw', markedBy(scene.marks, scene.theme));
        }
        return null;
      }}
    </TimeSeries>
  );
}
