"use strict";
// Pieces of pages that show glitches: elements whose text is always text, times, numbers, marks of classes, axes of spectrograms.
// The offline map (explorer.js) and the review app (discovery/app) share them.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Pieces = (() => {
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }
  function copy(node, button, [done, refused, before]) { // the text of a node; the button says how it went
    getSelection().selectAllChildren(node);
    button.textContent = document.execCommand("copy") ? done : refused; // works from a file on disk, where navigator.clipboard may not
    setTimeout(() => { button.textContent = before; }, 1500);
  }
  const breakable = (name) => String(name).split(/(?<=_)/).flatMap((part) => [part, element("wbr")]); // a name breaks after its underscores
  const thousands = (n) => n.toLocaleString("en");
  const decimals = (x, most) => x.toFixed(most).replace(/\.?0+$/, "");
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim(); // a colour of report.css
  const typing = (event) => /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey;
  const isGps = (name) => /(^|_)gps|event_time/i.test(name);

  function number(name, value) {
    if (Number.isNaN(value)) return "–";
    if (isGps(name)) return decimals(value, 6);
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  }
  function utc(gps, leapSeconds) { // as discovery/pages/gpstime.py does
    const whole = Math.floor(gps);
    const leaps = leapSeconds.filter((start) => start <= whole).length;
    const date = new Date(Date.UTC(1980, 0, 6) + (whole - leaps) * 1000).toISOString();
    const inside = leaps > 0 && leapSeconds[leaps - 1] === whole;
    return `${date.slice(0, 10)} ${date.slice(11, 17)}${inside ? "60" : date.slice(17, 19)} UTC`;
  }
  const shapes = {
    circle: '<circle cx="8" cy="8" r="5.5"/>', diamond: '<path d="M8 1.5 14.5 8 8 14.5 1.5 8Z"/>', square: '<path d="M3 3h10v10H3Z"/>',
    cross: '<path d="M6 2h4v4h4v4h-4v4H6v-4H2V6h4Z"/>',
  };
  function swatch(group, dark) { // the mark of a class: {symbol, light, dark}
    const open = group.symbol.endsWith("-open");
    const colour = dark ? group.dark : group.light;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    svg.innerHTML = shapes[group.symbol.replace("-open", "")]; // constants of this file only
    svg.firstChild.setAttribute("style", open ? `fill:none;stroke:${colour};stroke-width:2.2` : `fill:${colour};stroke:#0007;stroke-width:.6`);
    return svg;
  }
  const ticks = [2048, 512, 128, 32, 10]; // Hz, on the log axis from 10 to 2048
  function spectrogram(picture, seconds) { // with its axes
    const half = decimals(seconds / 2, 3);
    const hz = element("div", { class: "hz", "aria-hidden": "true" });
    for (const f of ticks) hz.append(element("span", { style: `bottom:${(100 * Math.log(f / 10)) / Math.log(204.8)}%` }, String(f)));
    return element("figure", { class: "view" }, hz, picture, element("figcaption", {},
      element("span", {}, `−${half}`), element("b", {}, `${seconds} s`), element("span", {}, `+${half}`)));
  }
  const LOG_FROM = 20; // colours are on a log scale where the values spread over more than this factor
  function scaled(values) { // a scale from the 2nd to the 98th percentile, so that one loud glitch does not flatten it
    const sorted = values.filter((value) => !Number.isNaN(value)).sort();
    const at = (q) => (sorted.length ? sorted[Math.round(q * (sorted.length - 1))] : 0);
    const range = at(0.02) < at(0.98) ? [at(0.02), at(0.98)] : [at(0), at(1) > at(0) ? at(1) : at(0) + 1];
    return { range, extremes: [at(0), at(1)], known: sorted.length, log: at(0) > 0 && at(1) > 1 && range[1] / range[0] > LOG_FROM }; // a probability is not
  }
  const toned = (column, value) => (column.log ? Math.log(value) : value);
  function bytes(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text).buffer;
    const coded = atob(text), made = new Uint8Array(coded.length);
    for (let i = 0; i < coded.length; i++) made[i] = coded.charCodeAt(i);
    return made.buffer;
  }
  function unpack(columns) { // what discovery/pages/columns.py packed: codes of classes, numbers with their scale
    for (const column of columns) {
      if (column.kind === "class") column.codes = new (column.wide ? Uint32Array : Uint16Array)(bytes(column.codes));
      if (column.kind !== "number") continue;
      column.values = new Float64Array(bytes(column.values));
      Object.assign(column, scaled(column.values));
    }
  }
  // The longest side just fits the window; a map more than LONGEST times as long as wide is squeezed along, or its ends would be out of sight.
  const LONGEST = 2.5, SIDE = 1.25;
  function box(axes) { // the sides of a turning map, from the positions along each axis
    const spans = axes.map((axis) => axis.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]));
    const lengths = spans.map(([low, high]) => high - low), most = Math.max(...lengths) || 1;
    const [x, y, z] = lengths.map((length) => SIDE * Math.max(length / most, 1 / LONGEST));
    return { x, y, z };
  }
  function turned(eye, azimuth, height, zoom) { // the eye of a camera after a turn
    const radius = Math.hypot(eye.x, eye.y, eye.z) * zoom;
    const around = Math.atan2(eye.y, eye.x) + azimuth;
    const up = Math.max(-1.5, Math.min(1.5, Math.asin(eye.z / Math.hypot(eye.x, eye.y, eye.z)) + height));
    return { x: radius * Math.cos(up) * Math.cos(around), y: radius * Math.cos(up) * Math.sin(around), z: radius * Math.sin(up) };
  }
  function follow(plot, rowOf, pin, point = () => {}) { // the pointer on a map: `rowOf` of a point of plotly's, `pin` on a click (with Shift or without), `point` with -1 beside all
    let pointed = -1;
    const over = (row) => { pointed = row; point(row); };
    plot.on("plotly_hover", (event) => over(rowOf(event.points[0])));
    plot.on("plotly_unhover", () => over(-1));
    plot.on("plotly_click", (event) => pin(rowOf(event.points[0]), Boolean(event.event?.shiftKey))); // a tap
    // Plotly's turning maps read the mouse once per drawn picture and miss a quick click, so clicks are also noticed here.
    let down = null;
    plot.addEventListener("pointerdown", (event) => { down = event.button === 0 && !event.target.closest(".modebar") ? event : null; }, true);
    addEventListener("pointerup", (event) => {
      if (down && pointed >= 0 && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < 4) pin(pointed, event.shiftKey);
      down = null;
    }, true);
  }
  const parsed = new Promise((done) => { // the whole page is read: a large one is looked at, searched and filtered before that
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => done(), { once: true });
    else done();
  });
  return { box, breakable, bytes, copy, element, follow, ink, isGps, number, parsed, spectrogram, swatch, thousands, toned, turned, typing, unpack, utc };
})();
