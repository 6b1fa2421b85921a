"use strict";
/* global MapData, Plot, View */
// The address: its fragment holds the whole view, so that a link to the file shows the same again.
//   id, with: the pinned glitches · color · dims · hide.COLUMN, only.COLUMN: names of classes, as JSON · range.COLUMN: from..to ·
//   time: from..to in GPS seconds · camera: eye, centre and up · zoom: of the flat map
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Address = (() => {
  const WAIT_MS = 150;
  const rounded = (x) => String(Number(x.toPrecision(6)));
  const ends = (text) => text.split("..").map((end) => (end === "" || Number.isNaN(Number(end)) ? null : Number(end)));
  const parts = ["eye", "center", "up"];
  let waiting = null;
  let seen = location.hash; // the fragment that was read or written last

  function text() {
    const { camera, color, dims, filters, pins, time, zoom } = View.state;
    const found = new URLSearchParams();
    if (pins.length) found.set("id", MapData.ids[pins[0]]);
    if (pins.length > 1) found.set("with", MapData.ids[pins[1]]);
    if (color !== View.first.color) found.set("color", color.name);
    if (dims !== View.first.dims) found.set("dims", dims);
    for (const [name, filter] of Object.entries(filters)) {
      const { names } = MapData.column(name);
      if (!filter.out) found.set(`range.${name}`, `${filter.low ?? ""}..${filter.high ?? ""}`);
      else if (2 * filter.out.size <= names.length) found.set(`hide.${name}`, JSON.stringify(names.filter((_, code) => filter.out.has(code))));
      else found.set(`only.${name}`, JSON.stringify(names.filter((_, code) => !filter.out.has(code))));
    }
    if (time) found.set("time", time.join(".."));
    if (camera) found.set("camera", parts.flatMap((part) => ["x", "y", "z"].map((k) => rounded(camera[part]?.[k] ?? (part === "up" && k === "z" ? 1 : 0)))).join(","));
    if (zoom) found.set("zoom", zoom.map(rounded).join(","));
    return found.size ? `#${found}` : "#";
  }
  function write() {
    clearTimeout(waiting);
    waiting = null;
    if (location.hash !== seen) return; // another was given, and is read in a moment
    const next = text();
    if (location.hash !== next && (location.hash || next !== "#")) history.replaceState(null, "", next);
    seen = location.hash;
  }
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(write, WAIT_MS);
  }
  function codes(column, list) {
    let names;
    try { names = JSON.parse(list); } catch { return null; }
    return Array.isArray(names) ? new Set(names.map((name) => column.names.indexOf(name)).filter((code) => code >= 0)) : null;
  }
  function filter(kind, column, value) { // what one part of the address says; null where it says nothing
    if (kind === "range" && column.kind === "number") {
      const [low, high] = ends(value);
      return low === null && (high ?? null) === null ? null : { low, high: high ?? null };
    }
    const named = column.kind === "class" && kind !== "range" ? codes(column, value) : null;
    if (!named) return null;
    const out = kind === "hide" ? named : new Set(column.names.map((_, code) => code).filter((code) => !named.has(code)));
    return out.size ? { out } : null;
  }
  function numbers(value, count) {
    const found = (value ?? "").split(",").map(Number);
    return found.length === count && found.every(Number.isFinite) ? found : null;
  }
  function read() { // what it does not name is as at first
    seen = location.hash;
    const given = new URLSearchParams(location.hash.slice(1));
    const filters = {};
    for (const [key, value] of given) {
      const [, kind, name] = key.match(/^(hide|only|range)\.(.+)$/) ?? [];
      const column = name && MapData.column(name);
      const found = column && filter(kind, column, value);
      if (found) filters[name] = found;
    }
    const [from, to] = ends(given.get("time") ?? "");
    const camera = numbers(given.get("camera"), 9);
    const rows = ["id", "with"].map((key) => (given.has(key) ? MapData.ids.indexOf(given.get(key)) : -1)).filter((row) => row >= 0);
    const dims = Number(given.get("dims"));
    View.set({
      color: MapData.colourable.find((column) => column.name === given.get("color")) ?? View.first.color,
      dims: MapData.points[dims] && (Plot.webgl || dims === 2) ? dims : View.first.dims,
      filters,
      time: MapData.time && from !== null && to !== undefined && to !== null ? [from, to] : null,
      camera: camera && Object.fromEntries(parts.map((part, i) => [part, { x: camera[3 * i], y: camera[3 * i + 1], z: camera[3 * i + 2] }])),
      zoom: numbers(given.get("zoom"), 4),
      pins: rows.length === 2 && rows[0] === rows[1] ? [rows[0]] : rows,
    });
  }
  function begin() {
    read();
    View.on(["pins"], write); // at once: other pages link to it
    View.on(["camera", "color", "dims", "filters", "time", "zoom"], later);
    addEventListener("hashchange", () => {
      if (location.hash === seen) return;
      read();
      Plot.place();
    });
  }
  return { begin, link: () => { write(); return location.href; } };
})();
