"use strict";
/* global MapData, Pieces */
// CSV files as embed/csvfile.py writes them: no spreadsheet runs a cell as a formula.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Csv = (() => {
  const { element } = Pieces;
  const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
  const BEGINNING = /(?:^|(?<=[;\t\r\n]))(?=['\t\r\n]|\s*[=+\-@＝＋－＠])/g;
  function cell(value) {
    if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
    const text = NUMBER.test(value) ? value : value.replace(BEGINNING, "'");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  const text = (columns, rows) => [columns, ...rows].map((cells) => `${cells.map(cell).join(",")}\n`).join("");
  function raw(column, row) { // a cell as the study has it: clusters are numbers, missing is empty
    if (column.kind === "number") return column.values[row];
    if (column.kind === "text") return column.values[row];
    const name = column.names[column.codes[row]];
    if (/^cluster/i.test(column.name)) return name === "noise" ? -1 : name === "not clustered" ? "" : name.replace(/^cluster (?=\d+$)/, "");
    return column.groups[column.groupOf[column.codes[row]]].name === "missing" ? "" : name;
  }
  const table = (rows) => text(["id", ...MapData.columns.map((column) => column.name)], Array.from(rows, (row) => [MapData.ids[row], ...MapData.columns.map((column) => raw(column, row))]));
  function labels(rows, label) { // what `discover ingest --labels` reads
    return text(["id", "label"], Array.from(rows, (row) => [MapData.ids[row], label]));
  }
  function answers(rows, decision) { // what `discover audit import` reads
    const label = MapData.column("label");
    return text(["id", "label", "passport", "decision"], Array.from(rows, (row) => [MapData.ids[row], raw(label, row), MapData.audit, decision]));
  }
  function save(name, content) {
    const link = element("a", { href: URL.createObjectURL(new Blob([content], { type: "text/csv" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
  return { answers, labels, save, table };
})();
