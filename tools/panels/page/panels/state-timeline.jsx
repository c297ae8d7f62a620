// `state-timeline`: a lane for each series, in the colour and with the word of its state. Painted here, see `lanes.jsx`.

import { FieldType, formattedValueToString, getFieldDisplayName } from '@grafana/data';

import { stretches } from '../samples.js';
import { Lanes } from './lanes.jsx';

function lanesOf(frames, step) {
  return frames.map((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    const state = frame.fields.find((field) => field.type === FieldType.number);
    return {
      label: getFieldDisplayName(state, frame, frames),
      stretches: stretches(
        time.values.map((at, index) => [at, state.values[index]]),
        step,
      ).map((stretch) => ({ ...stretch, shown: state.display(stretch.value) })),
    };
  });
}

export function StateTimeline({ panel, frames, width, height, scene }) {
  const { theme } = scene;
  const { rowHeight } = panel.options;
  // The first series is the highest lane.
  const lanes = lanesOf(frames, scene.step).reverse();
  const paint = ({ ctx, across, up }) => {
    ctx.font = `${theme.typography.size.sm} ${theme.typography.fontFamily}`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    lanes.forEach(({ stretches }, lane) => {
      const top = up(lane + 0.5 + rowHeight / 2);
      const high = up(lane + 0.5 - rowHeight / 2) - top;
      for (const { from, to, shown } of stretches) {
        const [left, right] = [Math.max(across(from), across(scene.timeRange.from.valueOf())), across(to)];
        ctx.fillStyle = shown.color;
        ctx.fillRect(left, top, right - left, high);
        const text = formattedValueToString(shown);
        if (ctx.measureText(text).width + 12 < right - left) {
          ctx.fillStyle = theme.colors.getContrastText(shown.color);
          ctx.fillText(text, left + 6, top + high / 2);
        }
      }
    });
  };
  return <Lanes labels={lanes.map(({ label }) => label)} paint={paint} scene={scene} width={width} height={height} />;
}
