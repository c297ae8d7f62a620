// A graph with one lane for each label above the time axis. Grafana's heatmap and state timeline live in its core and are not
// published: here they are painted onto Grafana's own plot and axes, simply, and their frames say whose drawing it is.

import { useMemo } from 'react';

import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { measureText, UPlotChart, UPlotConfigBuilder } from '@grafana/ui';

import { markedBy } from '../annotations.js';

function configOf({ labels, between, paint, scene }) {
  const { theme, timeZone, timeRange, marks } = scene;
  const config = new UPlotConfigBuilder(timeZone);
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const lanes = labels.length;
  const upwards = { orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Up };
  config.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [from, to],
  });
  config.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme });
  config.addScale({ scaleKey: 'y', ...upwards, range: () => [0, lanes] });
  config.addAxis({
    scaleKey: 'y',
    placement: AxisPlacement.Left,
    theme,
    grid: { show: false },
    size: Math.max(...labels.map((label) => measureText(label, 12).width)) + 20,
    splits: labels.map((_, lane) => (between ? lane + 1 : lane + 0.5)),
    values: () => labels,
  });
  // A scale lives only with a series; this one draws nothing.
  config.addSeries({ scaleKey: 'y', theme, drawStyle: 'line', pathBuilder: () => null, pointsBuilder: () => null, show: true });
  config.addHook('draw', (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paint({
      ctx,
      across: (time) => plot.valToPos(time, 'x', true),
      up: (height) => plot.valToPos(height, 'y', true),
    });
    ctx.restore();
  });
  config.addHook('draw', markedBy(marks, theme));
  config.setPrepData(() => [[from, to], [0, lanes]]);
  return config;
}

/// `labels` from the lowest lane to the highest; `between` puts each on the upper edge of its lane. `paint` gets the canvas,
/// and where a time and a height in lanes are on it.
export function Lanes({ width, height, ...given }) {
  const config = useMemo(() => configOf(given), []);
  return <UPlotChart config={config} data={config.prepData([])} width={width} height={height} />;
}
