// `stat`: big numbers, one for each series, with Grafana's `BigValue` in Grafana's repeater.

import { getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BigValue, VizRepeater } from '@grafana/ui';

export function Stat({ panel, frames, width, height, scene }) {
  const { options, fieldConfig } = panel;
  const { theme, timeZone } = scene;
  const getValues = () =>
    getFieldDisplayValues({
      data: frames,
      fieldConfig,
      reduceOptions: options.reduceOptions,
      replaceVariables: (text) => text,
      sparkline: options.graphMode !== 'none',
      theme,
      timeZone,
    });
  const renderValue = ({ value, alignmentFactors, width, height, count }) => (
    <BigValue
      value={value.display}
      sparkline={value.sparkline && { ...value.sparkline, timeRange: scene.timeRange }}
      colorMode={options.colorMode}
      graphMode={options.graphMode}
      justifyMode={options.justifyMode}
      textMode={options.textMode}
      disableWideLayout={!options.wideLayout}
      alignmentFactors={alignmentFactors}
      count={count}
      width={width}
      height={height}
      theme={theme}
    />
  );
  return (
    <VizRepeater
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={renderValue}
      orientation={options.orientation}
      source={frames}
      renderCounter={0}
      itemSpacing={3}
      autoGrid
      width={width}
      height={height}
    />
  );
}
