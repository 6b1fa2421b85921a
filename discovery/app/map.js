/* global Pieces, Plotly */
// The map tab: all glitches in two or three dimensions, coloured, searched and filtered; a click shows the glitch.
import { $, ask, key, notice } from "./page.js";
import { labels, metadata, neighbours, openGlitch, views } from "./glitch.js";
import * as jobs from "./jobs.js";
import * as saver from "./saver.js";

const { box, bytes, element, follow, ink, number, swatch, thousands, toned, turned, typing, unpack } = Pieces;
const HOME = { x: 1.25, y: 1.25, z: 0.7 };
const FLAT = 1.5; // a flat map's sides, as a multiple of a turning one's
const FOUND = 10;
const dark = matchMedia("(prefers-color-scheme: dark)");

let study = null;
let data = null; // ids, numbers and columns of the map
let axes = [];
let current = null; // the column that colours
let hidden = new Set(); // its groups that are switched off
let range = null; // {column, low, high}: only glitches inside are shown
let rows = []; // for each trace, the row of each of its points
let pinned = -1;
let wanted = ""; // a glitch's number that the address names
let drawn = false;
let read = 0; // the confirmed decisions when the labels were read

const colourable = () => data.columns.filter((column) => column.kind !== "text");
const numeric = () => data.columns.filter((column) => column.kind === "number");

export async function start(section) {
  section.replaceChildren(element("p", { class: "empty" }, "Reading the map …"));
  jobs.on("project", () => start(section));
  try {
    study = await ask("/api/study");
    if (study.maps.length && !globalThis.Plotly) await loaded("/static/plotly.js");
  } catch (error) {
    section.replaceChildren(element("p", { class: "empty" }, error.message));
    return;
  }
  if (!study.maps.length) {
    section.replaceChildren(element("div", { class: "empty" }, element("p", {}, study.embedded ? "The study has no map yet. Make one here, or run `discover project`." : "The study has no vectors and no map yet. Make both here, or run `discover project`."), maker(), jobs.panel(["project"])));
    return;
  }
  frame(section);
  await choose(study.maps[0].name);
}
function loaded(address) {
  return new Promise((done, failed) => {
    document.head.append(element("script", { src: address, onload: done, onerror: () => failed(new Error("plotly.js could not be loaded")) }));
  });
}
async function choose(name) {
  let positions;
  read = saver.confirmed;
  try {
    const [columns, answer] = await Promise.all([ask(`/api/maps/${encodeURIComponent(name)}/columns`), fetch(`/api/maps/${encodeURIComponent(name)}/coordinates`)]);
    data = columns;
    positions = new Float32Array(await answer.arrayBuffer());
  } catch (error) {
    notice(`The map cannot be read: ${error.message}`);
    return;
  }
  data.numbers = new Int32Array(bytes(data.glitches));
  axes = [0, 1, 2].map((k) => (k < data.dims ? positions.subarray(k * data.n, (k + 1) * data.n) : new Float32Array(data.n)));
  unpack(data.columns);
  current = colourable().find((column) => column.name === (current?.name ?? "label")) ?? colourable()[0];
  hidden = new Set();
  range = null;
  pinned = -1;
  $("map-which").replaceChildren(element("select", { "aria-label": "map", onchange: (event) => choose(event.target.value) },
    ...study.maps.map((one) => element("option", one.name === name ? { value: one.name, selected: "" } : { value: one.name }, `${one.method}, ${one.dims}-D, ${one.of}`))));
  $("map-color").replaceChildren(...colourable().map((column) => element("option", column === current ? { selected: "" } : {}, column.name)));
  $("map-range").replaceChildren(element("option", { value: "" }, "no filter"), ...numeric().map((column) => element("option", {}, column.name)));
  $("map-keys").firstChild.replaceWith(element("span", {}, data.dims === 2 ? "Drag moves, wheel zooms, click shows. " : "Drag turns, wheel zooms, click shows. ", ...(data.dims === 2 ? [] : [key("Shift"), " + arrows turn "])));
  limits();
  legend();
  await draw();
  document.documentElement.dataset.map = "ready";
  if (wanted) show(wanted);
}

// --- the page ----------------------------------------------------------------------------------------------------------
function maker() {
  const choice = (values) => element("select", {}, ...values.map((one) => element("option", {}, String(one))));
  const method = choice(study.methods.map), dims = choice(study.methods.dims);
  dims.selectedIndex = study.methods.dims.length - 1;
  return element("form", { class: "row", onsubmit: (event) => { event.preventDefault(); jobs.begin("project", { method: method.value, dims: Number(dims.value) }); } },
    element("label", {}, "method ", method), element("label", {}, "dimensions ", dims), element("button", { type: "submit" }, "Make a map"));
}
function frame(section) {
  const low = element("input", { id: "map-low", type: "number", step: "any", "aria-label": "from" }), high = element("input", { id: "map-high", type: "number", step: "any", "aria-label": "to" });
  for (const input of [low, high]) input.addEventListener("change", filter);
  section.replaceChildren(
    element("aside", { class: "queue" }, element("div", { class: "map-controls" },
      element("div", { id: "map-which" }),
      element("label", {}, "colour ", element("select", { id: "map-color", onchange: (event) => { current = colourable()[event.target.selectedIndex]; hidden = new Set(); legend(); draw(); } })),
      element("label", {}, "only ", element("select", { id: "map-range", onchange: limits })), element("div", { id: "map-limits", class: "row" }, low, element("span", {}, "to"), high),
      element("div", { class: "completion" }, element("label", { for: "map-find" }, "Find an id or a class"), element("input", { id: "map-find", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "press /", oninput: find, onblur: () => { $("map-found").hidden = true; }, onkeydown: findKey }), element("ul", { id: "map-found", hidden: "" }))),
    element("div", { id: "legend" })),
    element("article", { class: "plot" }, element("div", { id: "plot", role: "application", tabindex: "0", "aria-label": "Map of the glitches" }),
      element("p", { class: "hints", id: "map-keys" }, element("span"), key("+"), " ", key("−"), " zoom ", key("0"), " all ", key("/"), " find ", key("Esc"), " close")),
    element("aside", { class: "answer", id: "inspector" }, element("div", { id: "pinned" }, hint()), element("details", {}, element("summary", {}, "Make another map"), maker()), jobs.panel(["project"])));
  new ResizeObserver(() => { if (drawn && $("plot").clientWidth) Plotly.Plots.resize($("plot")); }).observe($("plot"));
}
const hint = () => element("p", { class: "aside" }, "Click a glitch to see its spectrograms, its labels with their sources, and its nearest neighbours.");
function limits() {
  const column = numeric().find((one) => one.name === $("map-range").value);
  $("map-limits").hidden = !column;
  if (column) { $("map-low").value = column.extremes[0]; $("map-high").value = column.extremes[1]; }
  filter();
}
function filter() {
  const column = numeric().find((one) => one.name === $("map-range").value);
  const next = column ? { column, low: $("map-low").value === "" ? -Infinity : $("map-low").valueAsNumber, high: $("map-high").value === "" ? Infinity : $("map-high").valueAsNumber } : null;
  const changed = Boolean(next) !== Boolean(range) || next?.low !== range?.low || next?.high !== range?.high || next?.column !== range?.column;
  range = next;
  if (changed) { legend(); draw(); }
}
const inside = (row) => !range || (range.column.values[row] >= range.low && range.column.values[row] <= range.high);
function legend() {
  const place = $("legend");
  if (current.kind === "number") {
    const [low, high] = current.range;
    place.replaceChildren(element("h3", {}, current.name + (current.log ? ", log scale" : "")), element("div", { class: "scale" }), element("div", { class: "ends" },
      element("span", {}, (current.extremes[0] < low ? "≤ " : "") + number(current.name, low)), element("span", {}, (current.extremes[1] > high ? "≥ " : "") + number(current.name, high))));
    return;
  }
  const counts = new Array(current.groups.length).fill(0);
  for (let row = 0; row < data.n; row++) if (inside(row)) counts[current.groupOf[current.codes[row]]] += 1;
  place.replaceChildren(
    element("div", { class: "legend-head" }, element("h3", {}, current.name), element("span", {}, element("button", { type: "button", class: "link", onclick: () => only(() => true) }, "all"), " ", element("button", { type: "button", class: "link", onclick: () => only(() => false) }, "none"))),
    element("ul", {}, ...current.groups.map((group, g) => element("li", {}, element("button", {
      type: "button", "aria-pressed": String(!hidden.has(g)), title: "click shows or hides, double click shows only this",
      onclick: (event) => { if (event.detail > 1 || event.shiftKey) only((k) => k === g); else { if (!hidden.delete(g)) hidden.add(g); refresh(); } },
    }, swatch(group, dark.matches), element("span", {}, group.name), element("small", {}, thousands(counts[g])))))));
}
function only(test) {
  hidden = new Set(current.groups.map((_, g) => g).filter((g) => !test(g)));
  refresh();
}
function refresh() {
  for (const [g, button] of [...$("legend").querySelectorAll("li button")].entries()) button.setAttribute("aria-pressed", String(!hidden.has(g)));
  if (drawn) Plotly.restyle($("plot"), { visible: rows.map((_, g) => !hidden.has(g)) }, rows.map((_, g) => g));
}

// --- drawing: a flat map is a turning one seen from above, so that the page's policy need not allow code from text ------
const size = () => [5.5, 4, 3, 2][data.n <= 600 ? 0 : data.n <= 5000 ? 1 : data.n <= 50000 ? 2 : 3];
function trace(members, marker, extra = {}) {
  const [x, y, z] = axes.map((axis) => Float32Array.from(members, (row) => axis[row]));
  return { type: "scatter3d", mode: "markers", hoverinfo: "none", x, y, z, marker, ...extra };
}
function traces() {
  const edge = data.n <= 5000 ? { width: 1, color: dark.matches ? "rgba(0,0,0,.55)" : "rgba(20,24,29,.55)" } : { width: 0 };
  if (current.kind === "number") {
    const known = [], missing = [];
    for (let row = 0; row < data.n; row++) if (inside(row)) (Number.isNaN(current.values[row]) ? missing : known).push(row);
    rows = [known, missing].filter((members) => members.length);
    return rows.map((members) => trace(members, members === missing ? { size: size() * 0.8, color: "#8a8f95", symbol: "cross" }
      : { size: size(), color: Float64Array.from(members, (row) => toned(current, current.values[row])), cmin: toned(current, current.range[0]), cmax: toned(current, current.range[1]), colorscale: "Cividis", line: edge }));
  }
  rows = current.groups.map(() => []);
  for (let row = 0; row < data.n; row++) if (inside(row)) rows[current.groupOf[current.codes[row]]].push(row);
  return current.groups.map((group, g) => trace(rows[g], { size: size() * (group.noise ? 0.7 : 1), symbol: group.symbol, color: dark.matches ? group.dark : group.light, line: edge },
    { visible: !hidden.has(g), opacity: group.noise ? 0.8 : 1 }));
}
function flags() {
  if (pinned < 0) return [];
  return [{ x: axes[0][pinned], y: axes[1][pinned], z: axes[2][pinned], text: "shown", showarrow: true, ax: 0, ay: -34, arrowhead: 6, arrowwidth: 1.5, arrowcolor: ink("--ink"), standoff: 4,
    bgcolor: ink("--ink"), borderpad: 3, font: { size: 11, color: ink("--ground") } }];
}
function camera() {
  return data.dims === 2 ? { eye: { x: 0, y: 0, z: 1.6 }, up: { x: 0, y: 1, z: 0 }, projection: { type: "orthographic" } } : { eye: HOME, up: { x: 0, y: 0, z: 1 }, projection: { type: "perspective" } };
}
function sides(by) {
  const { x, y, z } = box(axes);
  return { x: by * x, y: by * y, z: by * z };
}
function layout() {
  const look = (k) => ({ showticklabels: false, zeroline: false, showspikes: false, showbackground: false, gridcolor: ink("--line"), linecolor: ink("--line"), ticks: "",
    visible: k <= data.dims, title: { text: `${data.method.replace(/[<>&]/g, "")} ${k}`, font: { size: 12, color: ink("--quiet") } } });
  return { margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest", uirevision: data.method + data.dims, font: { family: getComputedStyle(document.body).fontFamily },
    scene: { annotations: flags(), aspectmode: "manual", aspectratio: sides(data.dims === 2 ? FLAT : 1), dragmode: data.dims === 2 ? "pan" : "orbit", xaxis: look(1), yaxis: look(2), zaxis: look(3), camera: camera() },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink("--quiet"), activecolor: ink("--accent") } };
}
const config = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", scrollZoom: true, displayModeBar: true, modeBarButtons: [["toImage"], ["zoom3d", "pan3d", "orbitRotation"], ["resetCameraDefault3d"]] };
async function draw() {
  const plot = $("plot");
  drawn = false;
  try {
    await Plotly.react(plot, traces(), layout(), config);
  } catch (error) {
    plot.replaceChildren(element("p", { class: "empty" }, `The map needs WebGL, which this browser does not give (${error.message || error}). Finding a glitch by its id still works.`));
    return;
  }
  drawn = true;
  if (plot.dataset.listening) return;
  plot.dataset.listening = "yes";
  follow(plot, (at) => rows[at.curveNumber][at.pointNumber], pin);
}
async function pin(row) {
  if (row === pinned) return;
  pinned = row;
  if (drawn) Plotly.relayout($("plot"), { "scene.annotations": flags() });
  history.replaceState(null, "", row < 0 ? "#map" : `#map/${data.numbers[row]}`);
  if (row < 0) {
    $("pinned").replaceChildren(hint());
    return;
  }
  const glitch = data.numbers[row];
  try {
    const facts = await ask(`/api/glitches/${glitch}`);
    if (pinned !== row) return;
    $("pinned").replaceChildren(element("h2", {}, element("code", {}, facts.id)), views(facts), element("p", {}, element("b", {}, facts.labels.find((one) => one.by !== "model")?.label ?? "no label"), " ",
      element("button", { type: "button", class: "link", onclick: () => openGlitch(glitch) }, "larger")), metadata(facts), labels(facts), element("h3", {}, "Nearest in the graph"), neighbours(facts, show));
  } catch (error) {
    notice(error.message);
  }
}
function show(glitch) { // a glitch by its number: on the map if it is there
  const row = data.numbers.indexOf(Number(glitch));
  wanted = "";
  if (row >= 0) pin(row);
  else openGlitch(glitch);
}

// --- finding -----------------------------------------------------------------------------------------------------------
let options = [];
function find() {
  const text = $("map-find").value.trim().toLowerCase();
  options = [];
  if (text && current.kind === "class") {
    for (const [g, group] of current.groups.entries()) if (group.name.toLowerCase().includes(text)) options.push({ text: `only ${current.name} ${group.name}`, call: () => only((k) => k === g) });
    options = options.slice(0, 4);
  }
  for (let row = 0; text && row < data.n && options.length < FOUND; row++) if (data.ids[row].toLowerCase().includes(text)) options.push({ text: data.ids[row], call: () => pin(row) });
  $("map-found").replaceChildren(...options.map((one, i) => element("li", { "aria-selected": String(i === 0), onmousedown: (event) => { event.preventDefault(); take(one); } }, one.text)), ...(options.length ? [] : [element("li", {}, "no id and no class holds this text")]));
  $("map-found").hidden = !text;
}
function take(one) {
  $("map-found").hidden = true;
  $("map-find").blur();
  one.call();
}
function findKey(event) {
  if (event.key === "Enter" && options.length) take(options[0]);
  else if (event.key === "Escape") { $("map-find").value = ""; $("map-find").blur(); }
  else return;
  event.preventDefault();
  event.stopPropagation();
}
export function shown([glitch]) {
  wanted = glitch ?? "";
  if (drawn && read !== saver.confirmed) choose($("map-which").firstChild.value); // labels were given since
  else if (drawn && wanted) show(wanted);
}
export function pressed(event) {
  if (!data || typing(event)) return;
  const turn = (azimuth, height, zoom) => () => {
    if (!drawn) return;
    const scene = $("plot").layout.scene;
    if (data.dims === 2) { // an orthographic view is enlarged by its sides
      const { x, y, z } = scene.aspectratio;
      Plotly.relayout($("plot"), { "scene.aspectratio": { x: x / zoom, y: y / zoom, z: z / zoom } });
    } else Plotly.relayout($("plot"), { "scene.camera.eye": turned(scene.camera?.eye ?? HOME, azimuth, height, zoom) });
  };
  const home = () => { if (drawn) Plotly.relayout($("plot"), { "scene.camera": camera(), "scene.aspectratio": layout().scene.aspectratio }); };
  const turns = { ArrowLeft: turn(-0.12, 0, 1), ArrowRight: turn(0.12, 0, 1), ArrowUp: turn(0, 0.1, 1), ArrowDown: turn(0, -0.1, 1) };
  const call = event.shiftKey && turns[event.key] ? turns[event.key]
    : { "/": () => $("map-find").focus(), "+": turn(0, 0, 0.88), "=": turn(0, 0, 0.88), "-": turn(0, 0, 1.14), 0: home, Escape: () => pin(-1) }[event.key];
  if (!call) return;
  event.preventDefault();
  call();
}
dark.addEventListener("change", () => { if (drawn) { legend(); draw(); } });
