"use strict";
/* global MapData */
// What is looked at, in one place: every part of the page reads it, changes it by `set` and is called when what it follows changed.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const View = (() => {
  const first = {
    dims: MapData.dims,
    color: MapData.column(MapData.color),
    filters: {}, // column's name -> {out: codes that are not shown} or {low, high}, null for no limit
    time: null, // [from, to] in GPS seconds, or null for all
    pins: [], // at most two rows: the pinned glitch and the one it is compared with
    pointed: -1, // the row under the pointer
    selected: null, // rows, ascending
    drag: "pan", // what dragging does on the flat map
    camera: null, // of the turning map, as plotly writes it; null as at first
    zoom: null, // of the flat map: [x from, x to, y from, y to]
  };
  const state = { ...first };
  const followers = [];
  function on(names, call) {
    followers.push({ names, call });
  }
  function set(changes) {
    const changed = Object.keys(changes).filter((name) => changes[name] !== state[name]);
    Object.assign(state, changes);
    for (const { names, call } of followers) if (names.some((name) => changed.includes(name))) call(changed);
  }
  return { first, on, set, state };
})();
