"use strict";
/* global MapData, Pieces, View */
// The filters: every column's classes or range, all of them together.
// biome-ignore lint/correctness/noUnusedVariables: other scripts use it
const Filters = (() => {
  const { element, isGps, number, thousands } = Pieces;
  const BARS = 40;
  const MOST = 200; // classes that are listed
  const panels = new Map(); // column -> what brings its panel up to date
  function put(column, filter) { // replaces one column's filter; null takes it away
    const filters = { ...View.state.filters };
    if (filter) filters[column.name] = filter;
    else delete filters[column.name];
    View.set({ filters });
  }
  const without = (column, out) => put(column, out.size ? { out } : null);
  const only = (column, codes) => without(column, new Set(column.names.map((_, code) => code).filter((code) => !codes.includes(code))));
  const between = (column, low, high) => put(column, low === null && high === null ? null : { low, high });

  function classes(column) {
    const counts = new Uint32Array(column.names.length);
    for (const code of column.codes) counts[code]++;
    const boxes = column.names.slice(0, MOST).map((name, code) => {
      const input = element("input", { type: "checkbox", onchange: () => {
        const out = new Set(View.state.filters[column.name]?.out);
        if (input.checked) out.delete(code);
        else out.add(code);
        without(column, out);
      } });
      return { input, line: element("label", {}, input, element("span", {}, name), " ", element("small", {}, thousands(counts[code]))) };
    });
    panels.set(column, () => {
      const out = View.state.filters[column.name]?.out;
      for (const [code, { input }] of boxes.entries()) input.checked = !out?.has(code);
    });
    return [element("div", { class: "choices" }, ...boxes.map((one) => one.line)),
      ...(column.names.length > MOST ? [element("p", { class: "aside" }, `The other ${thousands(column.names.length - MOST)} are found by the search.`)] : []),
      element("p", {}, element("button", { type: "button", onclick: () => without(column, new Set()) }, "all"), " ", element("button", { type: "button", onclick: () => without(column, new Set(column.names.keys())) }, "none"))];
  }
  function range(column) {
    const [least, most] = column.extremes;
    const input = (which, hint) => element("input", { type: "number", step: "any", "aria-label": `${column.name} ${which}`, placeholder: number(column.name, Number(hint.toPrecision(isGps(column.name) ? 12 : 4))), onchange: read });
    const low = input("from", least), high = input("to", most);
    const value = (box) => (box.value === "" || Number.isNaN(box.valueAsNumber) ? null : box.valueAsNumber);
    function read() {
      between(column, value(low), value(high));
    }
    panels.set(column, () => {
      const filter = View.state.filters[column.name];
      low.value = filter?.low ?? "";
      high.value = filter?.high ?? "";
    });
    return [histogram(column), element("div", { class: "ends-of-range" }, low, element("span", {}, "to"), high)];
  }
  function histogram(column) { // of all glitches; on the scale of the colours
    const [least, most] = column.extremes.map((end) => (column.log ? Math.log(end) : end));
    const bins = new Uint32Array(BARS);
    for (const value of column.values) if (!Number.isNaN(value)) bins[Math.min(BARS - 1, Math.floor((BARS * ((column.log ? Math.log(value) : value) - least)) / (most - least || 1)))]++;
    const highest = Math.max(...bins) || 1;
    return element("div", { class: "bars", "aria-hidden": "true" }, ...Array.from(bins, (count) => element("i", { style: `height:${count ? Math.max(4, (100 * count) / highest) : 0}%` })));
  }
  function panel(column) { // built when it is opened first: some tables have a hundred columns
    const made = element("details", { "data-column": column.name }, element("summary", {}, column.name, " ", element("b", {}, "")));
    made.addEventListener("toggle", () => {
      if (made.open && made.childElementCount === 1) made.append(...(column.kind === "class" ? classes(column) : range(column)));
      marks();
    });
    return made;
  }
  function marks() {
    for (const update of panels.values()) update();
    for (const one of document.querySelectorAll("#filters details")) one.querySelector("b").textContent = View.state.filters[one.dataset.column] ? "●" : "";
  }
  function start() {
    document.getElementById("filters").append(...MapData.colourable.filter((column) => column !== MapData.time).map(panel));
    marks();
  }
  View.on(["filters"], marks);
  document.getElementById("everything").addEventListener("click", () => View.set({ filters: {}, time: null }));
  return { between, only, start, without };
})();
