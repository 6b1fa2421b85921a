"use strict";
/* global MapData, View */
// The glitches that the filters and the time leave.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Shown = (() => {
  const mask = new Uint8Array(MapData.n).fill(1);
  const beforeTime = mask.slice(); // what the filters leave at any time
  let rows = Int32Array.from(mask, (_, row) => row);

  function cut(test) {
    for (let row = 0; row < MapData.n; row++) if (mask[row] && !test(row)) mask[row] = 0;
  }
  function update() {
    mask.fill(1);
    for (const [name, filter] of Object.entries(View.state.filters)) {
      const column = MapData.column(name);
      if (filter.out) {
        const out = new Uint8Array(column.names.length);
        for (const code of filter.out) out[code] = 1;
        cut((row) => !out[column.codes[row]]);
      } else {
        const low = filter.low ?? -Infinity, high = filter.high ?? Infinity;
        cut((row) => column.values[row] >= low && column.values[row] <= high); // not what is missing
      }
    }
    beforeTime.set(mask);
    if (View.state.time) {
      const [from, to] = View.state.time, values = MapData.time.values;
      cut((row) => values[row] >= from && values[row] <= to);
    }
    let count = 0;
    for (let row = 0; row < MapData.n; row++) count += mask[row];
    rows = new Int32Array(count);
    for (let row = 0, at = 0; row < MapData.n; row++) if (mask[row]) rows[at++] = row;
  }
  View.on(["filters", "time"], update);
  return { atAnyTime: () => beforeTime, has: (row) => mask[row] === 1, rows: () => rows };
})();
