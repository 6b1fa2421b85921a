"use strict";
/* global Cards, Filters, MapData, Pieces, View */
// Finding: classes of every column, and ids, by a part of their name.
// biome-ignore lint/correctness/noUnusedVariables: the page has no other use of it
const Search = (() => {
  const { element, thousands } = Pieces;
  const $ = (id) => document.getElementById(id);
  const FOUND = 8, CLASSES = 5;
  let lower = null; // the ids, made when something is looked for first
  let options = []; // {text, note, call}
  let chosen = 0;
  function ids(text) { // ids that begin so first, then ids that hold it
    lower ??= MapData.ids.map((id) => id.toLowerCase());
    const starts = [], holds = [];
    for (let row = 0; row < MapData.n && starts.length < FOUND; row++) {
      const at = lower[row].indexOf(text);
      if (at === 0) starts.push(row);
      else if (at > 0 && holds.length < FOUND) holds.push(row);
    }
    return [...starts, ...holds].slice(0, FOUND).map((row) => ({ text: MapData.ids[row], note: "", call: () => Cards.pin(row) }));
  }
  function classes(text) { // the whole name first, then names that begin so
    const found = [];
    for (const column of MapData.colourable) {
      if (column.kind !== "class") continue;
      column.names.forEach((name, code) => {
        const at = name.toLowerCase().indexOf(text);
        if (at >= 0) found.push({ rank: name.length === text.length ? -1 : at, column, name, code });
      });
    }
    return found.sort((a, b) => a.rank - b.rank).slice(0, CLASSES).map(({ column, name, code }) => ({
      text: name, note: `${column.name}: show only these ${thousands(column.codes.reduce((sum, one) => sum + (one === code), 0))}`,
      call: () => { View.set({ color: column }); Filters.only(column, [code]); },
    }));
  }
  function list() {
    const text = $("find").value.trim().toLowerCase();
    options = text ? [...classes(text), ...ids(text)] : [];
    chosen = 0;
    const items = options.map((one, i) => element("li", { role: "option", id: `found-${i}`, onmousedown: (event) => { event.preventDefault(); accept(one); } }, one.text, element("small", {}, one.note)));
    $("found").replaceChildren(...(items.length ? items : [element("li", { class: "nothing" }, "no id and no class holds this text")]));
    $("found").hidden = !text;
    $("find").setAttribute("aria-expanded", String(Boolean(text)));
    mark();
  }
  function mark() {
    options.forEach((_, i) => { $(`found-${i}`).setAttribute("aria-selected", String(i === chosen)); });
    if (options.length) $("find").setAttribute("aria-activedescendant", `found-${chosen}`);
    else $("find").removeAttribute("aria-activedescendant");
  }
  function close() {
    $("found").hidden = true;
    $("find").setAttribute("aria-expanded", "false");
  }
  function accept(one) {
    $("find").value = one.text;
    close();
    one.call();
  }
  $("find").addEventListener("input", list);
  $("find").addEventListener("blur", close);
  $("find").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && options.length) accept(options[chosen]);
    else if (event.key === "Escape") close();
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length;
      mark();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {};
})();
