"use strict";
/* global CsvFile, Kept, Pieces */
// Names of clusters, typed on the report, kept by the browser, saved as the CSV that `discover name --from` reads.
(() => {
  const { element, thousands } = Pieces;
  const place = document.getElementById("names");
  const clustering = place?.dataset.clustering;
  const clusters = [...document.querySelectorAll("[data-cluster]")].map((node) => ({ node, cluster: node.dataset.cluster, name: "" }));
  if (!clustering || !clusters.length) return;
  const store = Kept(`discover ${clustering}`);
  const found = store.read();
  for (const one of clusters) one.name = found[one.cluster] ?? "";
  store.state.saved = !clusters.some((one) => one.name);

  const progress = element("b", {});
  const button = element("button", { type: "button", class: "save", onclick: save });
  const notice = element("span", { class: "note", role: "status" });
  function count() {
    const done = clusters.filter((one) => one.name).length;
    progress.textContent = `${thousands(done)} of ${thousands(clusters.length)} ${clusters.length === 1 ? "cluster" : "clusters"} named`;
    button.textContent = `Save ${thousands(done)} ${done === 1 ? "name" : "names"} as CSV`;
    button.disabled = !done;
    if (!store.state.kept) notice.textContent = "This browser keeps nothing for this page: save the names before you close it.";
  }
  function name(one, text) {
    one.name = text.trim();
    store.write(Object.fromEntries(clusters.filter((own) => own.name).map((own) => [own.cluster, own.name])));
    notice.replaceChildren();
    count();
  }
  function save() {
    const file = `names-${clustering}.csv`;
    CsvFile.save(file, CsvFile.text(["cluster", "name", "clustering"], clusters.filter((one) => one.name).map((one) => [Number(one.cluster), one.name, clustering])));
    store.state.saved = true;
    notice.replaceChildren("Saved. Now: ", element("code", {}, `discover name --from ${file}`));
  }
  for (const one of clusters) {
    const field = element("input", { type: "text", list: "known-classes", maxlength: "80", placeholder: "a class's name", "aria-label": `Name of cluster ${one.cluster}`, autocomplete: "off", spellcheck: "false", oninput: () => name(one, field.value) });
    field.value = one.name;
    const label = element("label", { class: "naming" }, one.node.matches("tr") ? "" : "Name it ", field);
    (one.node.querySelector("h3") ?? one.node.querySelector("th").lastChild).after(label);
  }
  place.append(progress, button, notice, element("datalist", { id: "known-classes" }, ...JSON.parse(place.dataset.classes).map((value) => element("option", { value }))));
  count();
})();
