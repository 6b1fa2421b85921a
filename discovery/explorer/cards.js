"use strict";
/* global MapData, Pictures, Pieces, Plot, Shown, View */
// The cards: the pinned glitch with its nearest neighbours, two glitches side by side, and the one under the pointer.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Cards = (() => {
  const { breakable, copy, element, isGps, swatch } = Pieces;
  const $ = (id) => document.getElementById(id);
  const LISTED = 8;
  let keep = false; // the next glitch is compared with the pinned one
  let order = null; // rows in the order of the arrow keys, by the column that colours

  function pin(row, beside = false) {
    const [first] = View.state.pins;
    if (row < 0) { keep = false; View.set({ pins: [] }); return; }
    if (row === View.state.pins[View.state.pins.length - 1]) return; // one click comes twice from a turning map
    const compare = (beside || keep) && first !== undefined && row !== first;
    keep = false;
    View.set({ pins: compare ? [first, row] : [row] });
  }
  function step(by) { // to the next shown glitch
    order ??= MapData.order(View.state.color);
    const [first] = View.state.pins, at = first === undefined ? (by > 0 ? -1 : order.length) : order.indexOf(first);
    for (let tried = 1; tried <= order.length; tried++) {
      const row = order[(at + by * tried + tried * order.length) % order.length];
      if (Shown.has(row)) { pin(row); return; }
    }
  }
  function facts(row) { // [term, text] of a glitch
    const found = [];
    for (const column of MapData.columns) {
      found.push([column.name, MapData.shown(column, row)]);
      if (column.kind === "number" && isGps(column.name) && column.values[row] >= 0) found.push(["UTC", MapData.date(column.values[row])]);
    }
    const absent = Pictures.there ? Pictures.absent(row) : [];
    if (absent.length && absent.length < Pictures.durations.length) found.push(["no view of", absent.map((d) => `${d} s`).join(", ")]);
    return found;
  }
  const details = (row) => element("dl", {}, ...facts(row).flatMap(([term, text]) => [element("dt", {}, ...breakable(term)), element("dd", {}, text)]));
  function classLine(row) {
    const { color } = View.state;
    if (color.kind !== "class") return element("div", { class: "class" }, `${color.name} ${MapData.shown(color, row)}`);
    const code = color.codes[row];
    return element("div", { class: "class" }, swatch(color.groups[color.groupOf[code]], Plot.dark.matches), element("span", {}, ...breakable(color.names[code])));
  }
  const outside = (row) => (Shown.has(row) ? [] : [element("p", { class: "aside outside" }, `The filters leave this ${MapData.one} out: only its flag is on the map.`)]);
  function near(row) { // the nearest neighbours, numbered as on the map
    const stored = MapData.neighbours(row).slice(0, LISTED);
    if (!stored.length) return [];
    return [element("h3", {}, "Nearest neighbours", element("small", {}, " with their cosine; Shift + click compares")),
      element("div", { class: "thumbs near" }, ...stored.map(({ row: other, cosine }, i) => Pictures.card(other, [element("b", {}, `${i + 1}`), ` ${cosine.toFixed(2)} `, element("small", {}, ...breakable(MapData.shown(View.state.color, other)))], pin)))];
  }
  function one(row) {
    const code = element("code", { id: "pinned-id", tabindex: "0" }, MapData.ids[row]);
    const button = element("button", { type: "button", onclick: () => copy(code, button, ["copied", "press Ctrl+C", "copy"]) }, "copy");
    const compare = element("button", { type: "button", id: "keep", "aria-pressed": String(keep), title: `The next ${MapData.one} you click is shown beside this one (or Shift + click it)`, onclick: () => { keep = !keep; pinned(); } }, keep ? "click another" : "compare");
    return [
      element("h2", {}, "Pinned", element("span", {},
        element("button", { type: "button", "aria-label": `previous ${MapData.one}`, onclick: () => step(-1) }, "←"),
        element("button", { type: "button", "aria-label": `next ${MapData.one}`, onclick: () => step(1) }, "→"),
        compare, element("button", { type: "button", onclick: () => pin(-1) }, "unpin"))),
      element("div", { class: "id" }, code, button), classLine(row), ...outside(row), ...(Pictures.there ? [Pictures.views(row)] : []), details(row), ...near(row)];
  }
  function two(rows) {
    const ids = rows.map((row, i) => element("code", { id: i ? "compared-id" : "pinned-id" }, MapData.ids[row]));
    const [left, right] = rows.map(facts).map((list) => new Map(list));
    const terms = [...new Set([...left.keys(), ...right.keys()])];
    const cosine = MapData.neighbours(rows[0]).find((other) => other.row === rows[1])?.cosine;
    const pair = (made) => element("div", { class: "pair" }, ...rows.map(made));
    return [
      element("h2", {}, "Side by side", element("span", {},
        element("button", { type: "button", onclick: () => View.set({ pins: [...rows].reverse() }) }, "swap"),
        element("button", { type: "button", onclick: () => View.set({ pins: [rows[0]] }) }, "one"),
        element("button", { type: "button", onclick: () => pin(-1) }, "unpin"))),
      pair((row, i) => element("div", {}, element("div", { class: "id" }, ids[i]), classLine(row), ...outside(row), ...(Pictures.there ? [Pictures.views(row)] : []))),
      ...(cosine === undefined ? [] : [element("p", { class: "aside" }, `The second is a nearest neighbour of the first: cosine ${cosine.toFixed(2)}.`)]),
      element("table", { class: "facts" }, ...terms.map((term) => element("tr", left.get(term) === right.get(term) ? {} : { class: "differs" },
        element("th", { scope: "row" }, ...breakable(term)), element("td", {}, left.get(term) ?? "–"), element("td", {}, right.get(term) ?? "–"))))];
  }
  function pinned() {
    const { pins } = View.state;
    $("pinned").hidden = !pins.length;
    $("pinned").replaceChildren(...(pins.length === 2 ? two(pins) : pins.length ? one(pins[0]) : []));
    $("pointed").classList.toggle("compact", pins.length > 0);
    $("select-near").hidden = !pins.length;
    pointed();
  }
  function pointed() {
    const { pins, pointed: row } = View.state;
    if (row < 0) {
      const hint = pins.length ? `Point at another ${MapData.one} to compare; Shift + click keeps it beside the pinned one.` : `Point at a ${MapData.one} to see ${!Pictures.there ? "its facts" : MapData.one === "glitch" ? "its spectrograms" : "it and its facts"}; click to pin it here.`;
      $("pointed").replaceChildren(element("p", { class: "aside" }, hint));
      return;
    }
    $("pointed").replaceChildren(
      element("h2", {}, pins.length ? "Compared: under the pointer" : "Under the pointer"),
      element("div", { class: "id" }, element("code", {}, MapData.ids[row])), classLine(row),
      ...(Pictures.there ? [Pictures.views(row)] : []), ...(pins.length ? [] : [details(row)]));
  }
  function selectNear() { // the pinned glitch and its nearest
    const [first] = View.state.pins, count = Number($("near-count").value);
    const stored = MapData.neighbours(first).slice(0, count).map(({ row }) => row);
    const found = stored.length >= Math.min(count, MapData.n - 1) ? stored : MapData.around(first, count);
    $("near-how").textContent = found === stored ? "nearest by their vectors" : "nearest on this map: the page holds too few neighbours of the vectors";
    View.set({ selected: Int32Array.from([first, ...found]).sort() });
  }
  $("near-select").addEventListener("click", selectNear);
  View.on(["pins", "filters", "time"], pinned);
  View.on(["color"], () => { order = null; pinned(); });
  View.on(["pointed"], pointed);
  Plot.dark.addEventListener("change", pinned);
  Plot.onPin(pin);
  return { draw: pinned, pin, step };
})();
