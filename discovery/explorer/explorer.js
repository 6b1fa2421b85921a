"use strict";
/* global Pieces, Plotly */
// The explorer page: reads the data that discovery/explorer/explorer.py wrote, draws the map with plotly, and paints spectrograms itself.
// Every text of the data reaches the page through textContent, never as markup.
(() => {
  const { box, bytes, element, follow, ink, isGps, number, spectrogram, swatch, thousands, turned, typing, unpack, utc } = Pieces;
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);

  // --- reading -------------------------------------------------------------------------------------------------------
  const positions = new Float32Array(bytes(data.coordinates)); // all x, then all y, then all z
  const axis = (k) => positions.subarray(k * data.n, (k + 1) * data.n);
  const palette = new Uint8Array(bytes(data.viridis));
  const slots = data.pictures && new Int32Array(bytes(data.pictures.slots)); // (row, view); -1 no such view, -2 left out
  unpack(data.columns);
  const colourable = data.columns.filter((column) => column.kind !== "text");

  // --- small things --------------------------------------------------------------------------------------------------
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function shown(column, row) {
    if (column.kind === "class") return column.names[column.codes[row]];
    return column.kind === "number" ? number(column.name, column.values[row]) : column.values[row];
  }

  // --- spectrograms --------------------------------------------------------------------------------------------------
  const sheets = new Map(); // "view-sheet" -> promise of a canvas context; the least recently used is dropped
  function sheet(key) {
    const known = sheets.get(key);
    if (known) { sheets.delete(key); sheets.set(key, known); return known; }
    const promise = (async () => {
      const image = new Image();
      image.src = $(`sheet-${key}`).textContent;
      await image.decode();
      const canvas = element("canvas", { width: image.width, height: image.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      return context;
    })();
    sheets.set(key, promise);
    if (sheets.size > 24) sheets.delete(sheets.keys().next().value);
    return promise;
  }
  async function paint(canvas, view, slot) {
    const p = data.pictures;
    const place = slot % (p.across * p.down);
    const context = await sheet(`${view}-${Math.floor(slot / (p.across * p.down))}`);
    const picture = context.getImageData((place % p.across) * p.pitchX, Math.floor(place / p.across) * p.pitchY, p.width, p.height);
    for (let i = 0; !p.plain && i < picture.data.length; i += 4) { // grey level -> viridis
      const level = 3 * picture.data[i];
      picture.data[i] = palette[level];
      picture.data[i + 1] = palette[level + 1];
      picture.data[i + 2] = palette[level + 2];
    }
    canvas.width = p.width;
    canvas.height = p.height;
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.dataset.painted = "yes";
  }
  const unreadable = (canvas) => (error) => { canvas.replaceWith(element("div", { class: "without" }, `this picture cannot be read: ${error.message}`)); };
  function views(row) {
    const durations = data.pictures.durations;
    const have = durations.map((_, v) => slots[row * durations.length + v]);
    const there = have.filter((slot) => slot !== -1);
    const shownViews = element("div", { class: "views" });
    if (there.length < 2) shownViews.classList.add("single");
    have.forEach((slot, v) => {
      if (slot === -1 && there.length) return; // views that were never made are listed below, not drawn
      if (slot < 0 && shownViews.querySelector(".without")) return;
      const seconds = durations[v];
      if (slot < 0) {
        shownViews.append(element("div", { class: "view" }, element("div", { class: "without" },
          slot === -1 ? "no picture of this glitch" : "picture left out to keep this page small")));
        return;
      }
      const canvas = element("canvas", { role: "img", "aria-label": `${data.pictures.plain ? "picture" : `${seconds} s spectrogram`} of ${data.ids[row]}`, "data-id": data.ids[row], "data-duration": seconds });
      if (data.pictures.plain) {
        canvas.style.aspectRatio = `${data.pictures.width} / ${data.pictures.height}`;
        shownViews.append(element("figure", { class: "view plain" }, canvas));
        paint(canvas, v, slot).catch(unreadable(canvas));
        return;
      }
      shownViews.append(spectrogram(canvas, seconds));
      paint(canvas, v, slot).catch(unreadable(canvas));
    });
    return shownViews;
  }
  function energyBar() {
    if (!data.pictures || data.pictures.plain) return;
    const context = $("energy-bar").getContext("2d");
    const picture = context.createImageData(256, 1);
    for (let i = 0; i < 256; i++) picture.data.set([palette[3 * i], palette[3 * i + 1], palette[3 * i + 2], 255], 4 * i);
    context.putImageData(picture, 0, 0);
    $("energy").hidden = false;
  }

  // --- the two cards -------------------------------------------------------------------------------------------------
  let pinned = -1;
  let pointed = -1;
  function details(row) {
    const list = element("dl");
    const line = (term, text) => list.append(element("dt", {}, term), element("dd", {}, text));
    for (const column of data.columns) {
      line(column.name, shown(column, row));
      if (column.kind === "number" && isGps(column.name) && column.values[row] >= 0) line("UTC", utc(column.values[row], data.leapSeconds));
    }
    if (data.pictures) {
      const count = data.pictures.durations.length;
      const absent = data.pictures.durations.filter((_, v) => slots[row * count + v] === -1);
      if (absent.length && absent.length < count) line("no view of", absent.map((d) => `${d} s`).join(", "));
    }
    return list;
  }
  function classLine(row) {
    if (current.kind !== "class") return element("div", { class: "class" }, `${current.name} ${shown(current, row)}`);
    const code = current.codes[row];
    return element("div", { class: "class" }, swatch(current.groups[current.groupOf[code]], dark.matches), current.names[code]);
  }
  function copy(code, button) {
    getSelection().selectAllChildren(code);
    const done = document.execCommand("copy"); // works from a file on disk, where navigator.clipboard may not
    button.textContent = done ? "copied" : "press Ctrl+C";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  }
  function drawPinned() {
    $("pinned").hidden = pinned < 0;
    $("pointed").classList.toggle("compact", pinned >= 0);
    if (pinned < 0) {
      $("pinned").replaceChildren();
      return;
    }
    const code = element("code", { id: "pinned-id", tabindex: "0" }, data.ids[pinned]);
    const button = element("button", { type: "button", onclick: () => copy(code, button) }, "copy");
    $("pinned").replaceChildren(
      element("h2", {}, "Pinned", element("span", {},
        element("button", { type: "button", "aria-label": "previous glitch", onclick: () => step(-1) }, "←"),
        element("button", { type: "button", "aria-label": "next glitch", onclick: () => step(1) }, "→"),
        element("button", { type: "button", onclick: () => pin(-1) }, "unpin"))),
      element("div", { class: "id" }, code, button), classLine(pinned), ...(data.pictures ? [views(pinned)] : []), details(pinned));
  }
  function drawPointed() {
    const card = $("pointed");
    if (pointed < 0) {
      const hint = pinned < 0 ? `Point at a glitch to see ${data.pictures ? "its spectrograms" : "its facts"}; click to pin it here.` : "Point at another glitch to compare.";
      card.replaceChildren(element("p", { class: "aside" }, hint));
      return;
    }
    card.replaceChildren(
      element("h2", {}, pinned < 0 ? "Under the pointer" : "Compared: under the pointer"),
      element("div", { class: "id" }, element("code", {}, data.ids[pointed])), classLine(pointed),
      ...(data.pictures ? [views(pointed)] : []), ...(pinned < 0 ? [details(pointed)] : []));
  }
  function point(row) {
    if (row === pointed) return;
    pointed = row;
    drawPointed();
  }
  function pin(row) {
    if (row >= 0 && current.kind === "class" && hidden.delete(current.groupOf[current.codes[row]])) showHidden(); // a pinned glitch is never left invisible
    if (row === pinned) return;
    pinned = row;
    drawPinned();
    drawPointed();
    flag();
    const hash = row < 0 ? "#" : `#id=${encodeURIComponent(data.ids[row])}`;
    if (location.hash !== hash && (location.hash || row >= 0)) location.replace(hash);
  }
  function step(by) {
    const visible = (row) => current.kind !== "class" || !hidden.has(current.groupOf[current.codes[row]]);
    let row = pinned < 0 ? (by > 0 ? -1 : data.n) : pinned;
    for (let tried = 0; tried < data.n; tried++) {
      row = (row + by + data.n) % data.n;
      if (visible(row)) {
        pin(row);
        return;
      }
    }
  }

  // --- the map -------------------------------------------------------------------------------------------------------
  let current = colourable.find((column) => column.name === data.color);
  let hidden = new Set(); // groups of the current column that are switched off
  let rows = []; // for each trace, the table row of each of its points
  const flat = data.dims === 2;
  const size = (flat ? [9, 7, 5, 3.5] : [5.5, 4, 3, 2])[data.n <= 600 ? 0 : data.n <= 5000 ? 1 : data.n <= 50000 ? 2 : 3];
  // Symbols of one size do not look of one size, and plotly's turning and flat plots differ in this too.
  const bigger = flat ? { cross: 1.1, diamond: 1.1, "diamond-open": 1.1 } : { cross: 1.35, diamond: 0.8, square: 0.9, "diamond-open": 0.8, "square-open": 0.9 };

  function trace(members, marker, extra = {}) {
    const made = { type: flat ? "scattergl" : "scatter3d", mode: "markers", hoverinfo: "none", marker, ...extra };
    ["x", "y", "z"].slice(0, data.dims).forEach((name, k) => {
      const all = axis(k);
      made[name] = Float32Array.from(members, (row) => all[row]);
    });
    return made;
  }
  function outline(symbol, colour) {
    if (symbol.endsWith("-open")) return { width: flat ? 1.5 : 1, color: colour };
    if (symbol === "cross") return { width: flat ? 0 : 1, color: colour };
    // A thin dark edge keeps yellow legible on white; past some thousand points it is only noise.
    return data.n <= 5000 ? { width: flat ? 0.7 : 1, color: dark.matches ? "rgba(0,0,0,.55)" : "rgba(20,24,29,.55)" } : { width: 0 };
  }
  function traces() {
    rows = [];
    if (current.kind === "number") {
      const [low, high] = current.range;
      const known = [], missing = [];
      for (let row = 0; row < data.n; row++) (Number.isNaN(current.values[row]) ? missing : known).push(row);
      rows = [known, missing].filter((members) => members.length);
      return rows.map((members) => trace(members, members === missing
        ? { size: size * 0.8, color: dark.matches ? "#5c6066" : "#b0b0b0", symbol: "cross" }
        : { size, color: Float64Array.from(members, (row) => current.values[row]), cmin: low, cmax: high, colorscale: "Cividis", symbol: "circle", line: outline("circle") }));
    }
    rows = current.groups.map(() => []);
    for (let row = 0; row < data.n; row++) rows[current.groupOf[current.codes[row]]].push(row);
    return current.groups.map((group, g) => {
      const color = dark.matches ? group.dark : group.light;
      const marker = { size: size * (group.noise ? 0.7 : bigger[group.symbol] || 1), symbol: group.symbol, color, line: outline(group.symbol, color) };
      return trace(rows[g], marker, { visible: !hidden.has(g), opacity: group.noise ? 0.8 : 1 });
    });
  }
  function flags() { // the pinned glitch's flag: an annotation, so that points in front never hide it
    if (pinned < 0) return [];
    const at = { x: axis(0)[pinned], y: axis(1)[pinned], ...(flat ? {} : { z: axis(2)[pinned] }) };
    return [{ ...at, text: "pinned", showarrow: true, ax: 0, ay: -34, arrowhead: 6, arrowsize: 1, arrowwidth: 1.5, arrowcolor: ink("--ink"), standoff: flat ? 5 : 4,
      bgcolor: ink("--ink"), borderpad: 3, font: { size: 11, color: ink("--sheet") }, opacity: 1 }];
  }
  const HOME = { x: 1.25, y: 1.25, z: 0.7 }; // where the eye is at first
  function layout() {
    const name = (k) => (data.method ? `${data.method.replace(/[<>&]/g, "")} ${k}` : String(k)); // plotly reads some tags in titles
    const look = { showticklabels: false, zeroline: false, gridcolor: ink("--line"), linecolor: ink("--line"), ticks: "" };
    const title = (k) => ({ text: name(k), font: { size: 12, color: ink("--quiet") } });
    const shared = { margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      uirevision: "keep", font: { family: getComputedStyle(document.documentElement).fontFamily, color: ink("--ink") },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: ink("--quiet"), activecolor: ink("--accent") } };
    if (flat) return { ...shared, annotations: flags(), dragmode: "pan", margin: { l: 28, r: 8, t: 8, b: 28 }, xaxis: { ...look, title: title(1) }, yaxis: { ...look, title: title(2), scaleanchor: "x" } };
    const spatial = (k) => ({ ...look, title: title(k), showspikes: false, showbackground: false });
    return { ...shared, scene: { annotations: flags(), aspectmode: "manual", aspectratio: box([0, 1, 2].map(axis)), dragmode: "orbit", xaxis: spatial(1), yaxis: spatial(2), zaxis: spatial(3), camera: { eye: HOME } } };
  }
  const config = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", scrollZoom: true, doubleClick: "reset", showAxisRangeEntryBoxes: false,
    // Named one by one: by default plotly 4 puts in a button that uploads the chart.
    modeBarButtons: flat ? [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]] : [["toImage"], ["zoom3d", "pan3d", "orbitRotation"], ["resetCameraDefault3d"]],
    plotGlPixelRatio: data.n > 10000 ? 1 : 2, displayModeBar: true, toImageButtonOptions: { filename: "embedding", scale: 2 } };
  let drawn = false;
  const failed = (error) => {
    $("plot").replaceChildren(element("p", { class: "failure" },
      `The map needs WebGL, which this browser does not give (${error.message || error}). Finding a glitch by its id still works.`));
  };
  function draw() {
    const plot = $("plot");
    drawn = false;
    return Plotly.react(plot, traces(), layout(), config).then(() => {
      drawn = true;
      if (plot.dataset.listening) return;
      plot.dataset.listening = "yes";
      follow(plot, (at) => rows[at.curveNumber][at.pointNumber], pin, point);
    }).catch(failed);
  }
  new ResizeObserver(() => { if (drawn) Plotly.Plots.resize($("plot")); }).observe($("plot")); // opening the caption resizes no window
  function flag() {
    if (drawn) Plotly.relayout($("plot"), flat ? { annotations: flags() } : { "scene.annotations": flags() });
  }
  function home() {
    if (!drawn) return;
    Plotly.relayout($("plot"), flat ? { "xaxis.autorange": true, "yaxis.autorange": true } : { "scene.camera": layout().scene.camera });
  }
  function turn(azimuth, height, zoom) {
    if (!drawn || flat) return;
    const eye = $("plot").layout.scene.camera.eye ?? HOME; // plotly keeps its public layout up to date
    Plotly.relayout($("plot"), { "scene.camera.eye": turned(eye, azimuth, height, zoom) });
  }

  // --- legend --------------------------------------------------------------------------------------------------------
  function showHidden() {
    $("groups").querySelectorAll("button").forEach((button, g) => {
      button.setAttribute("aria-pressed", String(!hidden.has(g)));
    });
    if (drawn) Plotly.restyle($("plot"), { visible: rows.map((_, g) => !hidden.has(g)) }, rows.map((_, g) => g));
  }
  function isolate(g) {
    const others = current.groups.map((_, k) => k).filter((k) => k !== g);
    const alone = !hidden.has(g) && others.every((k) => hidden.has(k));
    hidden = new Set(alone ? [] : others); // a second double-click brings all back
    showHidden();
  }
  function toggle(g) {
    if (!hidden.delete(g)) hidden.add(g);
    showHidden();
  }
  const share = (n) => { const percent = (100 * n) / data.n; return percent > 0 && percent < 1 ? "<1" : percent.toFixed(0); };
  function legend() {
    $("legend-title").textContent = current.name;
    const isClass = current.kind === "class";
    for (const id of ["groups", "legend-hint", "all", "none"]) $(id).hidden = !isClass;
    $("scale").hidden = isClass;
    if (!isClass) {
      scale();
      return;
    }
    $("groups").replaceChildren(...current.groups.map((group, g) => element("li", {}, element("button", {
      type: "button", "aria-pressed": String(!hidden.has(g)),
      onclick: (event) => (event.detail > 1 || event.shiftKey ? isolate(g) : toggle(g)),
    }, swatch(group, dark.matches), element("span", { class: "name" }, group.name), " ", element("span", { class: "count" }, `${thousands(group.count)} (${share(group.count)} %)`)))));
  }
  function scale() {
    const [low, high] = current.range;
    const missing = current.values.filter(Number.isNaN).length;
    const [least, most] = current.extremes;
    $("scale").replaceChildren(
      element("div", { class: "bar", style: "background:linear-gradient(90deg,#00204d,#31446b,#666870,#958f78,#cab969,#ffea46)" }),
      element("div", { class: "ends" }, element("span", {}, (least < low ? "≤ " : "") + number(current.name, low)), element("span", {}, (most > high ? "≥ " : "") + number(current.name, high))),
      ...(isGps(current.name) && low >= 0 ? [element("div", { class: "ends aside" }, element("span", {}, utc(low, data.leapSeconds).slice(0, 10)), element("span", {}, utc(high, data.leapSeconds).slice(0, 10)))] : []),
      ...(missing ? [element("p", { class: "aside" }, `missing ${thousands(missing)} (${share(missing)} %), grey +`)] : []));
  }

  // --- finding -------------------------------------------------------------------------------------------------------
  const lower = data.ids.map((id) => id.toLowerCase());
  let options = [];
  let chosen = 0;
  function matches(text) { // ids that begin so first, then ids that hold it
    const starts = [], holds = [];
    for (let row = 0; row < data.n && starts.length < 8; row++) {
      const at = lower[row].indexOf(text);
      if (at === 0) starts.push(row);
      else if (at > 0 && holds.length < 8) holds.push(row);
    }
    return [...starts, ...holds].slice(0, 8);
  }
  function listFound() {
    const text = $("find").value.trim().toLowerCase();
    options = text ? matches(text) : [];
    chosen = 0;
    const items = options.map((row, i) => element("li", { role: "option", id: `found-${i}`, onmousedown: (event) => { event.preventDefault(); accept(row); } }, data.ids[row]));
    $("found").replaceChildren(...(items.length ? items : [element("li", { class: "nothing" }, "no id holds this text")]));
    $("found").hidden = !text;
    $("find").setAttribute("aria-expanded", String(Boolean(text)));
    markChosen();
  }
  function markChosen() {
    options.forEach((_, i) => {
      $(`found-${i}`).setAttribute("aria-selected", String(i === chosen));
    });
    if (options.length) $("find").setAttribute("aria-activedescendant", `found-${chosen}`);
    else $("find").removeAttribute("aria-activedescendant");
  }
  function closeFound() {
    $("found").hidden = true;
    $("find").setAttribute("aria-expanded", "false");
  }
  function accept(row) {
    $("find").value = data.ids[row];
    closeFound();
    pin(row);
  }
  $("find").addEventListener("input", listFound);
  $("find").addEventListener("blur", closeFound);
  $("find").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && options.length) accept(options[chosen]);
    else if (event.key === "Escape") closeFound();
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length;
      markChosen();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // --- keys, theme, start --------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (typing(event)) return;
    if (event.key === "/") $("find").focus();
    else if (event.key === "Escape") pin(-1);
    else return;
    event.preventDefault();
  });
  $("plot").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const turns = { ArrowLeft: [-0.12, 0, 1], ArrowRight: [0.12, 0, 1], ArrowUp: [0, 0.1, 1], ArrowDown: [0, -0.1, 1] };
    if (event.shiftKey && turns[event.key]) turn(...turns[event.key]);
    else if (event.key === "ArrowRight" || event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") step(-1);
    else if (event.key === "+" || event.key === "=") turn(0, 0, 0.88);
    else if (event.key === "-") turn(0, 0, 1.14);
    else if (event.key === "0") home();
    else return;
    event.preventDefault();
  });
  $("all").addEventListener("click", () => { hidden = new Set(); showHidden(); });
  $("none").addEventListener("click", () => { hidden = new Set(current.groups.map((_, g) => g)); showHidden(); });
  $("color").append(...colourable.map((column) => element("option", column === current ? { selected: "" } : {}, column.name)));
  $("color").addEventListener("change", (event) => {
    current = colourable[event.target.selectedIndex];
    hidden = new Set();
    legend();
    drawPinned();
    drawPointed();
    draw();
  });
  function fromAddress() {
    const wanted = location.hash.startsWith("#id=") ? decodeURIComponent(location.hash.slice(4)) : null;
    const row = wanted === null ? -1 : data.ids.indexOf(wanted);
    if (row !== pinned) pin(row);
  }
  addEventListener("hashchange", fromAddress);
  dark.addEventListener("change", () => { legend(); drawPinned(); drawPointed(); draw(); });
  if (flat) document.body.classList.add("flat");
  energyBar();
  legend();
  drawPinned();
  drawPointed();
  draw().then(() => { fromAddress(); document.documentElement.dataset.ready = "yes"; });
})();
