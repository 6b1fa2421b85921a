"use strict";
/* global CsvFile, MapData */
// What the page saves of some glitches.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Csv = (() => {
  const { text } = CsvFile;
  function raw(column, row) { // a cell as the study has it: clusters are numbers, missing is empty
    if (column.kind !== "class") return column.values[row];
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
  return { answers, labels, table };
})();
