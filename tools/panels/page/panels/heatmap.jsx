// `heatmap` of a histogram's buckets: how many fell into each between two points, the more the stronger the colour.
// Painted here, see `lanes.jsx`.

import { FieldType, formattedValueToString, getValueFormat } from '@grafana/data';
import * as schemes from 'd3-scale-chromatic';

import { cells } from '../samples.js';
import { Lanes } from './lanes.jsx';

const counts = (frame) => frame.fields.find((field) => field.type === FieldType.number);
const times = (frame) => frame.fields.find((field) => field.type === FieldType.time);
const bound = (frame) => (counts(frame).labels.le === '+Inf' ? Infinity : Number(counts(frame).labels.le));

export function Heatmap({ panel, frames, width, height, scene }) {
  const { options } = panel;
  const { scheme, exponent, steps } = options.color;
  const sorted = [...frames].sort((a, b) => bound(a) - bound(b));
  const buckets = sorted.map((frame) => times(frame).values.map((time, at) => [time, counts(frame).values[at]]));
  const shown = cells(buckets, options.filterValues?.le ?? 0);
  const most = shown.reduce((most, { count }) => Math.max(most, count), 0);
  const scale = schemes[`interpolate${scheme}`];
  // On dark ground what is most has to be light.
  const strength = (share) => scale(scene.theme.isDark ? 1 - share : share);
  const colour = (count) => strength(Math.round((count / most) ** exponent * (steps - 1)) / (steps - 1));
  const unit = getValueFormat(options.yAxis.unit);
  const text = (value) => (Number.isFinite(value) ? formattedValueToString(unit(value)) : '+Inf');
  const labels = sorted.map(bound);
  // As many labels as have room, from the top.
  const every = Math.ceil(labels.length / Math.floor(height / 22));
  const paint = ({ ctx, across, up }) => {
    for (const { lane, time, count } of shown) {
      const [left, right] = [across(time - scene.step * 1000), across(time)];
      ctx.fillStyle = colour(count);
      ctx.fillRect(left, up(lane + 1), right - left - options.cellGap, up(lane) - up(lane + 1) - options.cellGap);
    }
  };
  return (
    <Lanes
      labels={labels.map((value, lane) => ((labels.length - 1 - lane) % every === 0 ? text(value) : ''))}
      between
      paint={paint}
      scene={scene}
      width={width}
      height={height}
    />
  );
}
