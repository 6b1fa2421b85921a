"use strict";
/* global MapData, Pieces, Plotly, Shown, View */
// The map: turning or flat, drawn with plotly; without WebGL flat and by SVG.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Plot = (() => {
  const { box, element, follow, ink, parsed, thousands, toned, turned } = Pieces;
  const plot = document.getElementById("plot");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const probe = document.createElement("canvas");
  const webgl = Boolean(probe.getContext("webgl2") || probe.getContext("webgl"));
  const MOST_SVG = 3000; // points that a browser draws as SVG without waiting
  const PLAIN_FROM = 50_000; // glitches from which points in 3-D are squares, which a turning map draws many times faster than round marks
  const NUMBERED = 8; // neighbours that are numbered on the map
  const HOME = { eye: { x: 1.5, y: 1.5, z: 0.8 }, center: { x: 0, y: 0, z: -0.15 }, up: { x: 0, y: 0, z: 1 } };
  const WHOLE = 0.85; // width of a window, by its height, that shows the whole box from there
  let stand = HOME; // where the camera was put last by itself
  let rows = []; // for each trace, the row of each of its points
  let drawn = false;
  let frames = 1; // of boxes and lassos, counts up when one goes; for plotly 0 is no revision
  let left = 0; // shown glitches that the map without WebGL leaves out

  const flat = () => View.state.dims === 2;
  const axes = () => MapData.points[View.state.dims];
  const type = () => (flat() ? (webgl ? "scattergl" : "scatter") : "scatter3d");
  const size = () => (flat() ? [9, 7, 5, 3.5] : [5.5, 4, 3, 2])[MapData.n <= 600 ? 0 : MapData.n <= 5000 ? 1 : MapData.n <= 50000 ? 2 : 3];
  const plain = () => !flat() && MapData.n > PLAIN_FROM;
  // Symbols of one size do not look of one size, and plotly's turning and flat plots differ in this too.
  const bigger = () => (flat() ? { cross: 1.1, diamond: 1.1, "diamond-open": 1.1 } : { cross: 1.35, diamond: 0.8, square: 0.9, "diamond-open": 0.8, "square-open": 0.9 });

  function trace(members, marker, extra = {}) {
    const made = { type: type(), mode: "markers", hoverinfo: "none", marker, unselected: { marker: { opacity: 1 } }, ...extra };
    if (!flat()) delete made.unselected;
    axes().forEach((axis, k) => { made["xyz"[k]] = Float32Array.from(members, (row) => axis[row]); });
    return made;
  }
  function outline(symbol, colour) {
    if (symbol.endsWith("-open")) return { width: flat() ? 1.5 : 1, color: colour };
    if (symbol === "cross") return { width: flat() ? 0 : 1, color: colour };
    // A thin dark edge keeps yellow legible on white; past some thousand points it is only noise.
    return MapData.n <= 5000 ? { width: flat() ? 0.7 : 1, color: dark.matches ? "rgba(0,0,0,.55)" : "rgba(20,24,29,.55)" } : { width: 0 };
  }
  function drawable() { // the shown rows, an even sample of them where SVG must draw
    const all = Shown.rows();
    left = webgl || all.length <= MOST_SVG ? 0 : all.length - MOST_SVG;
    return left ? Int32Array.from({ length: MOST_SVG }, (_, i) => all[Math.floor((i * all.length) / MOST_SVG)]) : all;
  }
  function traces() {
    const { color, selected } = View.state, visible = drawable();
    const made = color.kind === "number" ? numbers(color, visible) : groups(color, visible);
    const marked = (selected ?? []).filter((row) => Shown.has(row));
    if (marked.length) { // behind the points, whose colours stay in sight
      rows.unshift(marked);
      made.unshift(trace(marked, { size: size() + (flat() ? 5 : 3), symbol: "circle-open", color: ink("--accent"), line: { width: flat() ? 2 : 1, color: ink("--accent") } }));
    }
    return made;
  }
  function numbers(color, visible) {
    const known = visible.filter((row) => !Number.isNaN(color.values[row])), missing = visible.filter((row) => Number.isNaN(color.values[row]));
    rows = [known, missing];
    const [cmin, cmax] = color.range.map((end) => toned(color, end));
    return [
      trace(known, { size: size(), color: Float64Array.from(known, (row) => toned(color, color.values[row])), cmin, cmax, colorscale: "Cividis", symbol: plain() ? "square" : "circle", line: outline("circle") }),
      trace(missing, { size: size() * 0.8, color: dark.matches ? "#5c6066" : "#b0b0b0", symbol: plain() ? "square" : "cross" }),
    ];
  }
  function groups(color, visible) {
    rows = color.groups.map(() => []);
    for (const row of visible) rows[color.groupOf[color.codes[row]]].push(row);
    return color.groups.map((group, g) => {
      const ink1 = dark.matches ? group.dark : group.light;
      return trace(rows[g], { size: size() * (group.noise ? 0.7 : bigger()[group.symbol] || 1), symbol: plain() ? "square" : group.symbol, color: ink1, line: outline(plain() ? "square" : group.symbol, ink1) }, { opacity: group.noise ? 0.8 : 1 });
    });
  }
  function flags() { // of the pinned glitches and the nearest of the first: annotations, so that points in front never hide them
    const at = (row) => Object.fromEntries(axes().map((axis, k) => ["xyz"[k], axis[row]]));
    const [first] = View.state.pins;
    const near = first === undefined ? [] : MapData.neighbours(first).slice(0, NUMBERED).map(({ row }, i) => ({ ...at(row), text: String(i + 1), showarrow: false, xshift: 9, yshift: 9,
      font: { size: 11, color: ink("--ink") }, bgcolor: ink("--sheet"), bordercolor: ink("--quiet"), borderpad: 1, opacity: 0.9 }));
    return [...near, ...View.state.pins.map((row, i) => ({ ...at(row), text: i ? "compared" : "pinned", showarrow: true, ax: 0, ay: i ? 34 : -34, arrowhead: 6, arrowsize: 1, arrowwidth: 1.5, arrowcolor: ink("--ink"), standoff: flat() ? 5 : 4,
      bgcolor: ink("--ink"), borderpad: 3, font: { size: 11, color: ink("--sheet") }, opacity: 1 }))];
  }
  function first() { // the camera at first: farther where the window is narrow, or what lies at the sides would be out of sight
    const { eye: { x, y, z }, ...rest } = HOME, far = Math.max(1, (WHOLE * plot.clientHeight) / Math.max(1, plot.clientWidth));
    return { ...rest, eye: { x: far * x, y: far * y, z: far * z } };
  }
  function camera() { // plotly changes what it is given
    if (View.state.camera) return structuredClone(View.state.camera);
    stand = first();
    return structuredClone(stand);
  }
  function layout() {
    const name = (k) => (MapData.method ? `${MapData.method.replace(/[<>&]/g, "")} ${k}` : String(k)); // plotly reads some tags in titles
    const look = { showticklabels: false, zeroline: false, gridcolor: ink("--line"), linecolor: ink("--line"), ticks: "" };
    const title = (k) => ({ text: name(k), font: { size: 12, color: ink("--quiet") } });
    const shared = { margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      uirevision: "keep", font: { family: getComputedStyle(document.documentElement).fontFamily, color: ink("--ink") },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: ink("--quiet"), activecolor: ink("--accent") } };
    if (flat()) {
      const { zoom, drag } = View.state;
      const ends = (from) => (zoom ? { range: zoom.slice(from, from + 2), autorange: false } : { autorange: true });
      return { ...shared, annotations: flags(), dragmode: drag, selections: [], selectionrevision: frames, newselection: { line: { color: ink("--accent"), width: 2 } }, margin: { l: 28, r: 8, t: 8, b: 28 },
        xaxis: { ...look, title: title(1), ...ends(0) }, yaxis: { ...look, title: title(2), scaleanchor: "x", ...ends(2) } };
    }
    const spatial = (k) => ({ ...look, title: title(k), showspikes: false, showbackground: false });
    return { ...shared, scene: { annotations: flags(), aspectmode: "manual", aspectratio: box(axes()), dragmode: "orbit", xaxis: spatial(1), yaxis: spatial(2), zaxis: spatial(3), camera: camera() } };
  }
  const config = () => ({ displaylogo: false, showSendToCloud: false, plotlyServerURL: "", scrollZoom: true, doubleClick: "reset", showAxisRangeEntryBoxes: false,
    // Named one by one: by default plotly 4 puts in a button that uploads the chart.
    modeBarButtons: flat() ? [["toImage"], ["zoom2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]] : [["toImage"], ["zoom3d", "pan3d", "orbitRotation"], ["resetCameraDefault3d"]],
    plotGlPixelRatio: MapData.n > 5000 ? 1 : 2, displayModeBar: true, toImageButtonOptions: { filename: "embedding", scale: 2 } });

  // --- drawing: one picture at a time, the last wanted state always ------------------------------------------------------
  let drawing = null, wanted = false, fresh = false, listening = 0;
  const pause = (ms = 0) => new Promise((done) => { setTimeout(done, ms); });
  // Without a graphics card plotly's start and the first picture keep the page for seconds. So both wait until the panels are on the screen
  // and nobody is typing or clicking there.
  const QUIET_MS = 300, HIDDEN_MS = 500;
  let touched = -Infinity, starting = null;
  for (const kind of ["keydown", "pointerdown", "input"]) addEventListener(kind, (event) => { touched = event.timeStamp; }, { capture: true, passive: true });
  async function quiet() {
    await Promise.race([new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); }), pause(HIDDEN_MS)]);
    while (performance.now() - touched < QUIET_MS) await pause(QUIET_MS);
  }
  async function start() { // plotly is in the page as text
    await parsed;
    await quiet();
    document.head.append(element("script", {}, document.getElementById("plotly").textContent));
    await quiet();
  }
  function draw() {
    wanted = true;
    drawing ??= (async () => {
      await pause(); // changes made together are drawn together, and the rest of the page is there first
      starting ??= start();
      await starting;
      while (wanted) {
        wanted = false;
        if (fresh) Plotly.purge(plot);
        fresh = false;
        const made = traces();
        document.getElementById("fallback").hidden = webgl;
        document.getElementById("fallback").textContent = fallback();
        await Plotly.react(plot, made, layout(), config());
        plot.querySelector(":scope > .waiting")?.remove();
        plot.dataset.drawn = rows.reduce((sum, members) => sum + members.length, 0);
        plot.dataset.dims = View.state.dims;
        drawn = true;
        if (listening !== View.state.dims) listen();
      }
      drawing = null;
    })().catch((error) => {
      drawing = null;
      plot.replaceChildren(element("p", { class: "failure" }, `The map cannot be drawn (${error.message || error}). Search, filters, pictures and table still work.`));
    });
    return drawing;
  }
  function fallback() {
    return `This browser gives no WebGL, so the map is flat${MapData.dims === 3 ? " and does not turn" : ""}${left ? `, and ${thousands(left)} of ${thousands(Shown.rows().length)} shown ${MapData.many} are not drawn` : ""}. Everything else works; hardware acceleration in the browser's settings often brings WebGL back.`;
  }
  function again() { // from nothing: flat and turning maps do not share a plot
    drawn = false;
    fresh = true;
    return draw();
  }
  function listen() {
    listening = View.state.dims;
    follow(plot, (at) => rows[at.curveNumber][at.pointNumber], (row, shift) => pinned(row, shift), (row) => View.set({ pointed: row }));
    plot.on("plotly_selected", (event) => chosen(event));
    plot.on("plotly_deselect", () => View.set({ selected: null }));
    plot.on("plotly_relayout", moved);
  }
  function moved() {
    if (!drawn) return;
    if (flat()) {
      const { dragmode, xaxis, yaxis } = plot.layout;
      View.set({ drag: dragmode, zoom: xaxis.autorange ? null : [...xaxis.range, ...yaxis.range] }); // plotly's own buttons change both
    } else View.set({ camera: same(plot.layout.scene.camera, stand) ? null : structuredClone(plot.layout.scene.camera) });
  }
  function same(a, b) {
    return ["eye", "center", "up"].every((part) => "xyz".split("").every((k) => Math.abs((a?.[part]?.[k] ?? HOME[part][k]) - b[part][k]) < 1e-6));
  }
  async function resized() {
    await Plotly.Plots.resize(plot);
    if (drawn && !flat() && !View.state.camera) place();
  }
  new ResizeObserver(() => { if (drawn && plot.clientWidth) resized(); }).observe(plot); // opening the caption resizes no window

  // --- choosing ------------------------------------------------------------------------------------------------------------
  let shift = false, pinned = () => {};
  plot.addEventListener("pointerdown", (event) => { shift = event.shiftKey; }, true);
  function chosen(event) { // a box or a lasso; with Shift added to what is selected
    if (!event || !(event.range || event.lassoPoints)) return;
    const inside = event.range ? inBox(event.range) : inLasso(event.lassoPoints);
    const found = new Set(shift ? View.state.selected : []);
    for (const row of drawable()) if (inside(MapData.points[2][0][row], MapData.points[2][1][row])) found.add(row);
    View.set({ selected: found.size ? Int32Array.from(found).sort() : null });
    if (!found.size) unframed();
  }
  function unframed() {
    frames++;
    return draw();
  }
  function inBox({ x, y }) {
    const [[left1, right], [low, high]] = [x, y].map((ends) => [Math.min(...ends), Math.max(...ends)]);
    return (px, py) => px >= left1 && px <= right && py >= low && py <= high;
  }
  function inLasso({ x, y }) { // the even-odd rule
    return (px, py) => {
      let inside = false;
      for (let i = 0, j = x.length - 1; i < x.length; j = i++) if (y[i] > py !== y[j] > py && px < ((x[j] - x[i]) * (py - y[i])) / (y[j] - y[i]) + x[i]) inside = !inside;
      return inside;
    };
  }

  // --- moving --------------------------------------------------------------------------------------------------------------
  function place() { // as the view says
    if (!drawn) return;
    const { zoom } = View.state;
    if (!flat()) Plotly.relayout(plot, { "scene.camera": camera() });
    else Plotly.relayout(plot, zoom ? { "xaxis.range": zoom.slice(0, 2), "yaxis.range": zoom.slice(2) } : { "xaxis.autorange": true, "yaxis.autorange": true });
  }
  function home() {
    View.set({ camera: null, zoom: null });
    place();
  }
  function turn(azimuth, height, zoom) {
    if (!drawn || flat()) return;
    const now = structuredClone(plot.layout.scene.camera); // plotly keeps its public layout up to date
    View.set({ camera: { ...now, eye: turned(now.eye ?? HOME.eye, azimuth, height, zoom) } });
    place();
  }
  View.on(["color", "filters", "time"], draw);
  View.on(["selected"], () => (View.state.selected ? draw() : unframed()));
  View.on(["dims"], again);
  View.on(["pins"], () => { if (drawn) Plotly.relayout(plot, flat() ? { annotations: flags() } : { "scene.annotations": flags() }); });
  View.on(["drag"], () => { if (drawn && flat()) Plotly.relayout(plot, { dragmode: View.state.drag }); });
  dark.addEventListener("change", draw);
  return { again, dark, draw, home, onPin: (call) => { pinned = call; }, place, plain, turn, webgl };
})();
