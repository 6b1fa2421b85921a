// The page: its tabs, and what is common to all of them.
import { $ } from "./page.js";
import * as clusters from "./clusters.js";
import * as map from "./map.js";
import * as review from "./review.js";
import * as saver from "./saver.js";

const tabs = { map, clusters, review };
const shown = new Set();

function show() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const tab = name in tabs ? name : "review";
  for (const other of Object.keys(tabs)) {
    $(other).hidden = other !== tab;
    $(`tab-${other}`).setAttribute("aria-selected", String(other === tab));
  }
  if (!shown.has(tab)) {
    shown.add(tab);
    tabs[tab].start($(tab));
  }
  tabs[tab].shown?.(rest.map(decodeURIComponent));
}
addEventListener("hashchange", show);
document.addEventListener("keydown", (event) => {
  for (const [name, tab] of Object.entries(tabs)) if (!$(name).hidden && !$("glitch").open) tab.pressed?.(event);
});
saver.start();
show();
