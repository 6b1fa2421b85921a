"use strict";
/* global Pieces */
// What the page holds: points, columns, neighbours, as discovery/explorer/explorer.py wrote them.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const MapData = (() => {
  const { bytes, isGps, number, unpack, utc } = Pieces;
  const data = JSON.parse(document.getElementById("data").textContent);
  const axes = (text, dims) => {
    const all = new Float32Array(bytes(text)); // all x, then all y, then all z
    return Array.from({ length: dims }, (_, k) => all.subarray(k * data.n, (k + 1) * data.n));
  };
  const own = axes(data.coordinates, data.dims);
  const points = { [data.dims]: own, 2: data.dims === 2 ? own : axes(data.flat, 2) }; // by the number of dimensions
  unpack(data.columns);
  const colourable = data.columns.filter((column) => column.kind !== "text");
  const column = (name) => data.columns.find((one) => one.name === name);
  const time = data.columns.find((one) => one.kind === "number" && isGps(one.name) && one.extremes[0] >= 0 && one.extremes[1] > one.extremes[0]);
  const near = data.neighbours && { k: data.neighbours.k, rows: new Int32Array(bytes(data.neighbours.rows)), cosines: new Uint8Array(bytes(data.neighbours.cosines)) };
  const date = (gps) => utc(gps, data.leapSeconds);

  function shown(one, row) { // a cell as text
    if (one.kind === "class") return one.names[one.codes[row]];
    return one.kind === "number" ? number(one.name, one.values[row]) : one.values[row];
  }
  function neighbours(row) { // the nearest in the vectors, the nearest first: {row, cosine}
    if (!near) return [];
    const found = [];
    for (let i = 0; i < near.k; i++) if (near.rows[row * near.k + i] >= 0) found.push({ row: near.rows[row * near.k + i], cosine: near.cosines[row * near.k + i] / 255 });
    return found;
  }
  function around(row, count) { // the nearest on the map itself
    const square = new Float64Array(data.n);
    for (const axis of own) for (let i = 0; i < data.n; i++) square[i] += (axis[i] - axis[row]) ** 2;
    const others = Int32Array.from({ length: data.n - 1 }, (_, i) => (i < row ? i : i + 1));
    return Array.from(others.sort((a, b) => square[a] - square[b] || a - b).subarray(0, count));
  }
  function order(one) { // rows as one reads them: class by class or by value, in each by time
    const clock = time ? time.values : null;
    const first = one.kind === "class" ? one.codes : one.values;
    const last = (value) => (Number.isNaN(value) ? Infinity : value);
    return Int32Array.from({ length: data.n }, (_, row) => row).sort((a, b) => last(first[a]) - last(first[b]) || (clock ? last(clock[a]) - last(clock[b]) : 0) || a - b);
  }
  return { ...data, around, colourable, column, date, near, neighbours, order, points, shown, time };
})();
