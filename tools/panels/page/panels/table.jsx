// `table`, with Grafana's `TableNG`, which its own table panel draws with.

import { TableNG } from '@grafana/ui/unstable';

export function Rows({ panel, frames, width, height, scene }) {
  const { options, fieldConfig } = panel;
  return (
    // The grid is as high as what it is in.
    <div style={{ width, height }}>
      <TableNG
        data={frames[options.frameIndex ?? 0]}
        noHeader={!options.showHeader}
        initialSortBy={options.sortBy}
        cellHeight={options.cellHeight}
        fieldConfig={fieldConfig}
        timeRange={scene.timeRange}
        enableVirtualization={false}
        structureRev={1}
        width={width}
        height={height}
      />
    </div>
  );
}
