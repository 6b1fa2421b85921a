"use strict";
/* global Pieces */
// CSV files as embed/csvfile.py writes them: no spreadsheet runs a cell as a formula. The offline map and the audit's page (discovery/labelaudit) share it.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const CsvFile = (() => {
  const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
  const BEGINNING = /(?:^|(?<=[;\t\r\n]))(?=['\t\r\n]|\s*[=+\-@＝＋－＠])/g;
  function cell(value) {
    if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
    const text = NUMBER.test(value) ? value : value.replace(BEGINNING, "'");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  const text = (columns, rows) => [columns, ...rows].map((cells) => `${cells.map(cell).join(",")}\n`).join("");
  function save(name, content) {
    const link = Pieces.element("a", { href: URL.createObjectURL(new Blob([content], { type: "text/csv" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
  return { save, text };
})();
