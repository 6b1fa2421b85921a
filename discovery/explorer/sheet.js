"use strict";
/* global Cards, Csv, CsvFile, MapData, Pictures, Pieces, Shown, View */
// The sheet: pictures and table of the selected glitches, or of all that are shown, and the files that are saved of them.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Sheet = (() => {
  const { element, thousands } = Pieces;
  const $ = (id) => document.getElementById(id);
  const PICTURES = 60, LINES = 100; // that are added at a time
  const dialog = $("sheet");
  let rows = [], there = 0, tab = "pictures", sorted = null; // sorted: {column, down}
  const chosen = () => View.state.selected ?? Shown.rows();
  const what = () => `${thousands(chosen().length)} ${View.state.selected ? "selected" : "shown"}`;

  function status() {
    const { selected } = View.state;
    $("selected-count").textContent = selected ? `${thousands(selected.length)} selected` : "";
    $("unselect").hidden = !selected;
    $("look").textContent = selected ? "Look at selection" : "Look at all shown";
    $("save").textContent = selected ? "Save selection" : "Save shown";
    if (dialog.open) open();
  }
  function view() { // the duration in the sheet
    return Number($("sheet-view").value || 0);
  }
  function choose(row, beside) {
    Cards.pin(row, beside);
    for (const one of dialog.querySelectorAll("[data-row]")) one.classList.toggle("pinned", View.state.pins.includes(Number(one.dataset.row)));
  }
  function open() {
    rows = Array.from(chosen());
    sorted = null;
    $("sheet-title").textContent = `${what()} ${MapData.many}`;
    $("answers").hidden = !MapData.audit || !MapData.column("label");
    fill();
    if (!dialog.open) dialog.showModal();
  }
  function fill() {
    there = 0;
    for (const [name, button] of [["pictures", $("tab-pictures")], ["table", $("tab-table")]]) button.setAttribute("aria-pressed", String(tab === name));
    $("sheet-view").parentElement.hidden = tab !== "pictures" || Pictures.durations.length < 2;
    $("sheet-body").replaceChildren(tab === "pictures" ? element("div", { class: "thumbs" }) : table());
    more();
  }
  function more() {
    const next = rows.slice(there, there + (tab === "pictures" ? PICTURES : LINES));
    there += next.length;
    if (tab === "pictures") $("sheet-body").firstChild.append(...next.map((row) => Pictures.card(row, [element("code", {}, MapData.ids[row]), element("small", {}, ...Pieces.breakable(MapData.shown(View.state.color, row)))], choose, view())));
    else $("sheet-body").querySelector("tbody").append(...next.map(line));
    $("sheet-more").hidden = there >= rows.length;
    $("sheet-more").textContent = `more (${thousands(there)} of ${thousands(rows.length)})`;
  }
  const line = (row) => element("tr", { "data-row": row, onclick: (event) => choose(row, event.shiftKey) },
    element("th", { scope: "row" }, element("code", {}, MapData.ids[row])), ...MapData.columns.map((column) => element("td", column.kind === "number" ? { class: "number" } : {}, MapData.shown(column, row))));
  function table() {
    const head = (name, column) => element("th", { scope: "col", "aria-sort": sorted?.column === column && sorted ? (sorted.down ? "descending" : "ascending") : "none" },
      element("button", { type: "button", onclick: () => sort(column) }, name, sorted && sorted.column === column ? (sorted.down ? " ↓" : " ↑") : ""));
    return element("table", { class: "rows" }, element("thead", {}, element("tr", {}, head("id", null), ...MapData.columns.map((column) => head(column.name, column)))), element("tbody"));
  }
  function sort(column) {
    const down = Boolean(sorted) && sorted.column === column && !sorted.down;
    const value = column === null ? (row) => MapData.ids[row] : column.kind === "class" ? (row) => column.codes[row] : (row) => column.values[row];
    const gone = (x) => x === "" || Number.isNaN(x); // last in either direction
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return gone(x) - gone(y) || (down ? -1 : 1) * (x < y ? -1 : x > y ? 1 : 0) || a - b;
    });
    sorted = { column, down };
    fill();
  }
  function save(kind) {
    const all = Array.from(chosen()), name = $("new-label").value.trim();
    if (kind === "table") CsvFile.save("glitches.csv", Csv.table(all));
    else if (!name) { $("new-label").focus(); $("sheet-note").textContent = "First name the label."; return; }
    else if (kind === "labels") CsvFile.save("labels.csv", Csv.labels(all, name));
    else CsvFile.save("answers.csv", Csv.answers(all, name));
    const read = { table: "", labels: " Give them the label with: discover ingest --labels labels.csv", answers: " Import it with: discover audit import answers.csv" }[kind];
    $("sheet-note").textContent = `Saved ${thousands(all.length)} ${MapData.many}.${read}`;
  }
  $("look").addEventListener("click", open);
  $("save").addEventListener("click", () => save("table"));
  $("unselect").addEventListener("click", () => View.set({ selected: null }));
  $("sheet-close").addEventListener("click", () => dialog.close());
  $("sheet-more").addEventListener("click", more);
  $("sheet-save").addEventListener("click", () => save("table"));
  $("labels").addEventListener("click", () => save("labels"));
  $("answers").addEventListener("click", () => save("answers"));
  $("tab-pictures").addEventListener("click", () => { tab = "pictures"; fill(); });
  $("tab-table").addEventListener("click", () => { tab = "table"; fill(); });
  $("sheet-view").append(...Pictures.durations.map((seconds, view1) => element("option", { value: view1 }, `${seconds} s`)));
  if (Pictures.durations.length) $("sheet-view").value = Pictures.durations.length - 1;
  $("sheet-view").addEventListener("change", fill);
  $("known-labels").append(...(MapData.column("label")?.kind === "class" ? MapData.column("label").names.map((name) => element("option", { value: name })) : []));
  View.on(["selected", "filters", "time"], status);
  return { open, status };
})();
