"use strict";
/* global MapData, Filters, Pieces, Plot, Shown, View */
// The legend: what the colours mean; a click shows or hides a class, which is a filter like any other.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Legend = (() => {
  const { element, isGps, number, swatch, thousands } = Pieces;
  const $ = (id) => document.getElementById(id);
  const COLOURS = 12; // of marks: discovery/pages/palette.py
  const share = (n) => { const percent = (100 * n) / MapData.n; return percent > 0 && percent < 1 ? "<1" : percent.toFixed(0); };
  const codesOf = (g) => View.state.color.groupOf.flatMap((group, code) => (group === g ? [code] : []));
  function hidden() { // groups of the colour's column that are switched off
    const out = View.state.filters[View.state.color.name]?.out;
    return new Set(out ? View.state.color.groups.map((_, g) => g).filter((g) => codesOf(g).every((code) => out.has(code))) : []);
  }
  const hide = (groups) => Filters.without(View.state.color, new Set([...groups].flatMap(codesOf)));
  function isolate(g) {
    const others = View.state.color.groups.map((_, k) => k).filter((k) => k !== g), off = hidden();
    hide(!off.has(g) && others.every((k) => off.has(k)) ? [] : others); // a second double-click brings all back
  }
  function toggle(g) {
    const off = hidden();
    if (!off.delete(g)) off.add(g);
    hide(off);
  }
  function marks() {
    const off = hidden();
    for (const [g, button] of $("groups").querySelectorAll("button").entries()) button.setAttribute("aria-pressed", String(!off.has(g)));
  }
  function draw() {
    const { color } = View.state, isClass = color.kind === "class";
    $("legend-title").textContent = color.name + (color.log ? ", log scale" : "");
    for (const id of ["groups", "legend-hint", "all", "none"]) $(id).hidden = !isClass;
    $("scale").hidden = isClass;
    $("legend-small").hidden = true;
    if (!isClass) {
      scale(color);
      return;
    }
    $("groups").replaceChildren(...color.groups.map((group, g) => element("li", {}, element("button", {
      type: "button", "aria-pressed": "true", onclick: (event) => (event.detail > 1 || event.shiftKey ? isolate(g) : toggle(g)),
    }, swatch(group, Plot.dark.matches), element("span", { class: "name" }, group.name), " ", element("span", { class: "count" }, `${thousands(group.count)} (${share(group.count)}\u00a0%)`)))));
    $("legend-small").hidden = !Plot.plain() || color.groups.length <= COLOURS;
    marks();
  }
  function scale(color) {
    const [low, high] = color.range, [least, most] = color.extremes, missing = MapData.n - color.known;
    const text = (value) => (isGps(color.name) && value >= 0 ? MapData.date(value).slice(0, 10) : number(color.name, Number(value.toPrecision(3))));
    const middle = color.log ? Math.sqrt(low * high) : (low + high) / 2;
    $("scale").replaceChildren(
      element("div", { class: "bar" }),
      element("div", { class: "ends" }, element("span", {}, (least < low ? "≤ " : "") + text(low)), ...(isGps(color.name) ? [] : [element("span", {}, text(middle))]), element("span", {}, (most > high ? "≥ " : "") + text(high))),
      ...(least < low || most > high ? [element("p", { class: "aside" }, "Colours end at the 2nd and the 98th percentile.")] : []),
      ...(missing ? [element("p", { class: "aside" }, `missing ${thousands(missing)} (${share(missing)}\u00a0%), grey +`)] : []));
  }
  function count() {
    const shown = Shown.rows().length;
    $("shown-count").textContent = `${thousands(shown)} of ${thousands(MapData.n)} shown`;
    $("everything").hidden = shown === MapData.n;
  }
  $("all").addEventListener("click", () => hide([]));
  $("none").addEventListener("click", () => hide(View.state.color.groups.keys()));
  View.on(["color", "dims"], draw);
  View.on(["filters"], marks);
  View.on(["filters", "time"], count);
  Plot.dark.addEventListener("change", draw);
  return { count, draw };
})();
