/* global Pieces */
// The map tab: the explorer page of a map (discovery/explorer) in a frame, made from what the study holds now. What is selected there is named here, or made a batch.
import { $, ask, notice } from "./page.js";
import { completion, nowNamed } from "./completion.js";
import { openGlitch } from "./glitch.js";
import * as jobs from "./jobs.js";
import * as saver from "./saver.js";

const { element, thousands } = Pieces;

let study = null;
let selected = []; // numbers of the glitches
let seen = 0; // the study's last label event when the map was read
let read = 0; // the confirmed decisions then
let pinned = null; // {glitch, id}
let wanted = ""; // a glitch's number that the address names
let here = false; // the frame's page is there

export async function start(section) {
  section.replaceChildren(element("p", { class: "empty" }, "Reading the map …"));
  saver.on("/api/selection/", { saved, refused });
  jobs.on("project", () => frame(section));
  await frame(section);
}
async function frame(section) {
  try {
    study = await ask("/api/study");
  } catch (error) {
    section.replaceChildren(element("p", { class: "empty" }, error.message));
    return;
  }
  if (!study.maps.length) {
    jobs.offer(section, study.vectors.length ? "The study has no map yet. Make one here, or run `discover project`." : "The study has no vectors and no map yet. Make both here, or run `discover project`.", maker(), "project");
    return;
  }
  section.replaceChildren(
    element("div", { class: "map-bar" },
      element("select", { id: "map-which", "aria-label": "map", onchange: (event) => choose(event.target.value) }, ...study.maps.map((one) => element("option", { value: one.name }, `${one.method}, ${one.dims}-D, ${one.of}`))),
      element("details", {}, element("summary", {}, "Make another map"), maker()),
      element("div", { id: "map-pinned" }), element("div", { id: "map-selection" }), element("p", { id: "map-done", class: "decided", role: "status" }), jobs.panel(["project", "selection"])),
    element("iframe", { id: "map-page", title: "Map of the glitches" }));
  show();
  choose(study.maps[0].name);
}
function choose(name) {
  here = false;
  read = saver.confirmed;
  $("map-page").src = `/maps/${encodeURIComponent(name)}`;
}
function again() { // with the labels of now; filters, colours and the pinned glitch stay
  here = false;
  read = saver.confirmed;
  $("map-page").contentWindow.location.reload();
}
function maker() {
  const choice = (values) => element("select", {}, ...values.map((one) => element("option", {}, String(one))));
  const method = choice(study.methods.map), dims = choice(study.methods.dims);
  const vectors = jobs.vectorChoice(study.vectors);
  dims.selectedIndex = study.methods.dims.length - 1;
  return element("form", { class: "row", onsubmit: (event) => { event.preventDefault(); jobs.begin("project", { method: method.value, dims: Number(dims.value), vectors: vectors?.value }); } },
    element("label", {}, "method ", method), element("label", {}, "dimensions ", dims), vectors ? element("label", {}, "vectors ", vectors) : "", element("button", { type: "submit" }, "Make a map"));
}

// --- what the frame says ---------------------------------------------------------------------------------------------------
addEventListener("message", ({ source, origin, data }) => {
  if (origin !== location.origin || source !== $("map-page")?.contentWindow || typeof data?.event !== "number") return;
  seen = data.event;
  if (!here) {
    here = true;
    if (wanted) source.postMessage({ show: Number(wanted) }, origin);
    wanted = "";
  }
  if (data.selected) selected = data.selected;
  if (data.selected?.length) $("map-done").textContent = "";
  if ("pinned" in data) pin(data.pinned);
  if ("absent" in data) openGlitch(data.absent);
  show();
});
function pin(glitch) {
  pinned = glitch;
  if (!$("map").hidden && !wanted) history.replaceState(null, "", glitch ? `#map/${glitch.glitch}` : "#map");
}
function show() {
  $("map-pinned").replaceChildren(...(pinned ? [element("button", { type: "button", class: "link", onclick: () => openGlitch(pinned.glitch) }, `all about ${pinned.id}`)] : []));
  if (!selected.length) {
    $("map-selection").replaceChildren(element("p", { class: "aside" }, "To name glitches or make a batch of them, select some: ", element("b", {}, "2-D"), ", then ", element("b", {}, "Box"), " or ", element("b", {}, "Lasso"), "; or click one and ", element("b", {}, "Select nearest"), "."));
    return;
  }
  const these = `${thousands(selected.length)} selected ${selected.length === 1 ? "glitch" : "glitches"}`;
  $("map-selection").replaceChildren(
    completion({ id: "map-name", label: `Name the class of the ${these}`, placeholder: "class name, then Enter", names: () => study.classes, accept: give }),
    element("button", { type: "button", id: "map-batch", onclick: () => jobs.begin("selection", { glitches: selected }) }, "Make a batch of them for volunteers"));
}
function give(name) {
  $("map-done").textContent = `${name}: not saved yet …`;
  saver.save({ key: crypto.randomUUID(), address: "/api/selection/name", body: { name, glitches: selected, seen } });
}
async function saved(_, done) {
  if (done.warning) notice(`${done.warning}. If it is a slip, name them again.`);
  study = await ask("/api/study");
  if (!$("map-page")) return;
  $("map-done").textContent = nowNamed(done);
  again();
}
function refused(entry, error) {
  notice(`Not named ${entry.body.name}: ${error.message} `, element("button", { type: "button", onclick: again }, "load the map again"));
  if ($("map-done")) $("map-done").textContent = "";
}
export function shown([glitch]) {
  if (String(pinned?.glitch ?? "") === (glitch ?? "") && read === saver.confirmed) return;
  wanted = glitch ?? "";
  if (!here) return;
  if (read !== saver.confirmed) again(); // labels were given since
  else if (wanted) $("map-page").contentWindow.postMessage({ show: Number(wanted) }, location.origin);
}
export function pressed(event) {
  if (event.key === "/" && !Pieces.typing(event) && here) {
    $("map-page").focus();
    $("map-page").contentDocument.getElementById("find").focus();
    event.preventDefault();
  }
}
