/* global Pieces */
// The clusters tab: each cluster with its certificate, timeline and members; tick them, name the class, make a batch.
import { $, ask, key, notice, percent, picture } from "./page.js";
import { completion, nowNamed } from "./completion.js";
import { openGlitch } from "./glitch.js";
import * as jobs from "./jobs.js";
import * as saver from "./saver.js";
import { timeline } from "./timeline.js";

const { element, thousands, typing } = Pieces;
const PAGE = 60; // members of a page
const NOISE = -1;
const VERDICTS = { "new class": "new", "perhaps new": "perhaps" }; // the others are quiet

let study = null;
let clustering = null; // what the server says of the chosen run
let cluster = null; // the number of the cluster that is shown
let members = []; // its members in the order shown
let seen = 0; // the study's last label event when they were read
let ticked = new Set();
let page = 0;
let order = "sheet";
let seconds = null;
let durations = [];

export async function start(section) {
  section.replaceChildren(element("p", { class: "empty" }, "Reading the clusterings …"));
  saver.on("/api/clusters/", { saved, refused });
  jobs.on("cluster", () => ($("sheet") ? newest() : frame(section)));
  await frame(section);
}
async function frame(section) {
  try {
    await read();
  } catch (error) {
    section.replaceChildren(element("p", { class: "empty" }, error.message));
    return;
  }
  if (!study.clusterings.length) {
    jobs.offer(section, "The study has no clusters yet. Look for some here, among the glitches of one label, or run `discover cluster None_of_the_Above`.", maker("Look for clusters"), "cluster");
    return;
  }
  section.replaceChildren(
    element("aside", { class: "queue", "aria-label": "Clusters" }, element("div", { id: "which" }), element("ol", { id: "cluster-list" })),
    element("article", { class: "case" }, element("header", { id: "cluster-head" }), element("div", { id: "cluster-time" }), element("div", { id: "sheet-head" }), element("div", { id: "sheet" })),
    element("aside", { class: "answer", "aria-label": "Decision" }, element("div", { id: "cluster-facts" }), element("div", { id: "naming" }), element("div", { id: "again" })));
  again();
  await choose(study.clusterings[0].run);
}
async function read() { study = await ask("/api/study"); }
async function newest() {
  await read();
  await choose(study.clusterings[0].run);
}

async function choose(run) {
  try {
    clustering = await ask(`/api/clusterings/${run}`);
  } catch (error) {
    notice(error.message);
    return;
  }
  const one = study.clusterings.find((other) => other.run === run);
  Object.assign(clustering, one);
  const chooser = (name, some, text, now) => element("label", {}, element("span", { class: "aside" }, name), element("select", { onchange: (event) => choose(some[event.target.selectedIndex].run) },
    ...some.map((other) => element("option", other === now ? { selected: "" } : {}, text(other)))));
  const labels = study.clusterings.filter((other) => other.latest), same = study.clusterings.filter((other) => other.label === one.label);
  $("which").replaceChildren(chooser("Clusters of", labels, (other) => other.label, labels.find((other) => other.label === one.label)),
    chooser("by", same, (other) => `${other.method}${other.k ? ` k=${other.k}` : ""}${other.predicted ? ", predicted" : ""}, run ${other.run}`, one));
  list();
  const first = clustering.clusters.find((other) => other.cluster !== NOISE) ?? clustering.clusters[0];
  if (first) await open(first.cluster);
}
function verdict(own) {
  const text = own.certificate?.verdict ?? "";
  return element("span", { class: `verdict ${VERDICTS[text] ?? ""}` }, text || (own.cluster === NOISE ? "fit no cluster" : "no certificate"));
}
function list() {
  const rows = [...clustering.clusters].sort((a, b) => (a.cluster === NOISE) - (b.cluster === NOISE) || a.cluster - b.cluster);
  $("cluster-list").replaceChildren(...rows.map((own) => element("li", {}, element("button", {
    type: "button", "aria-current": String(own.cluster === cluster), "data-cluster": String(own.cluster), onclick: () => open(own.cluster),
  }, element("b", {}, own.cluster === NOISE ? "noise" : `cluster ${own.cluster}`), element("span", { class: "count" }, thousands(own.size)), verdict(own),
  element("small", {}, own.labels.filter((one) => one.name !== clustering.label).map((one) => `${one.name || "no label"} ${thousands(one.size)}`).join(", "))))));
}
async function open(number) {
  cluster = number;
  ticked = new Set();
  page = 0;
  for (const button of $("cluster-list").querySelectorAll("button")) button.setAttribute("aria-current", String(Number(button.dataset.cluster) === number));
  await members_();
}
async function members_() {
  const run = clustering.run, number = cluster;
  let found;
  try {
    found = await ask(`/api/clusterings/${run}/${number}`);
  } catch (error) {
    notice(error.message);
    return;
  }
  if (clustering.run !== run || cluster !== number) return;
  ({ members, event: seen, durations } = found);
  if (!durations.includes(seconds)) seconds = durations.at(-1) ?? null;
  draw();
}
const own = () => clustering.clusters.find((one) => one.cluster === cluster);

// --- the page ----------------------------------------------------------------------------------------------------------
function draw() {
  const name = cluster === NOISE ? "Noise" : `Cluster ${cluster}`;
  $("cluster-head").replaceChildren(element("h2", {}, name), element("p", { class: "who" }, `${members.length === 1 ? "1 glitch" : `${thousands(members.length)} glitches`} of ${clustering.label}, ${clustering.method}, run ${clustering.run}`));
  $("cluster-time").replaceChildren(timeline(members));
  facts();
  naming();
  sheet();
}
function facts() {
  const known = own()?.certificate;
  const list = element("dl");
  const line = (term, text) => { if (text) list.append(element("dt", {}, term), element("dd", {}, text)); };
  if (known) {
    const share = (text) => (text ? percent(Number(text)) : "");
    line("verdict", known.in_words ?? known.verdict);
    line("new", known.probability && `probability ${share(known.probability)} (${share(known.low)} to ${share(known.high)})`);
    line("nearest classes", known.nearest_1 && ["by density, in nats:", known.nearest_1, known.nearest_2, known.nearest_3].filter(Boolean).join("\n"));
    line("separation", known.separation && `${Number(known.separation).toFixed(2)} nats`);
    line("stability", known.stability && `overlap ${Number(known.stability).toFixed(2)}, at least ${Number(known.least_stability).toFixed(2)}`);
    line("other settings", Number(known.settings_tried) && `found by ${known.settings_found} of ${known.settings_tried}`);
    line("other method", known.other_method && `overlap ${Number(known.other_method).toFixed(2)}`);
    line("detectors", known.detectors);
    line("signals", known.members_judged && `${known.members_signals} of ${known.members_judged}, of the label's others ${known.others_signals} of ${known.others_judged}`);
    line("density", known.density && `${Number(known.density).toPrecision(3)} times that between it and the next cluster`);
    line("persistence", known.persistence && `${Number(known.persistence).toFixed(2)} nats`);
    line("runs", known.runs);
    line("days", known.days && `${known.days}, busiest ${known.busiest_day} (${share(known.busiest_share)})`);
  }
  line("labels now", own()?.labels.map((one) => `${one.name || "no label"} ${thousands(one.size)}`).join("\n"));
  $("cluster-facts").replaceChildren(element("h3", {}, known ? `Certificate of cluster ${cluster}` : cluster === NOISE ? "Noise" : "No certificate: the report of this clustering is not in the study's folder"), list,
    ...(known?.reasons ? [element("details", { open: "" }, element("summary", {}, "Reasons"), element("ul", {}, ...known.reasons.split(/ \| |\n/).map((reason) => element("li", {}, reason.replace(/(?<=\d) %/g, "\u00a0%")))))] : []));
}
const chosen = () => members.filter((one) => ticked.has(one.glitch)).map((one) => one.glitch);
function naming() {
  const place = $("naming");
  if (cluster === NOISE) {
    place.replaceChildren();
    return;
  }
  const named = ticked.size || members.length;
  const which = ticked.size ? `the ${thousands(named)} ticked` : `all ${thousands(named)}`;
  const count = element("input", { type: "number", min: "2", max: "500", value: "40", "aria-label": "glitches of the batch" });
  place.replaceChildren(
    completion({ id: "name", label: `Name the class of ${which} ${named === 1 ? "glitch" : "glitches"} (press N)`, placeholder: "class name, then Enter", names: () => study.classes, accept: (name) => give(name) }),
    element("p", { id: "name-done", class: "decided", role: "status" }),
    element("p", { class: "aside" }, ticked.size ? "Tick none to name them all." : "Tick some of them to name only these."),
    element("form", { class: "row", onsubmit: (event) => { event.preventDefault(); batch(count.valueAsNumber); } },
      element("label", {}, "Batch for volunteers of ", count), element("button", { type: "submit", disabled: clustering.latest ? null : "" }, "Make it"),
      element("small", { class: "aside" }, clustering.latest ? "Half of them or more from the whole cluster, the others the glitches that are most like it." : "Of the latest clustering of a label only.")));
  if (clustering.latest) place.querySelector("button[type=submit]").removeAttribute("disabled");
}
function give(name) {
  const glitches = chosen();
  const entry = { key: crypto.randomUUID(), address: "/api/clusters/name", body: { run: clustering.run, cluster, name, glitches, seen } };
  $("name-done").textContent = `${name}: not saved yet …`;
  saver.save(entry);
}
async function saved(entry, done) {
  if (!clustering || entry.body.run !== clustering.run) return;
  const text = nowNamed(done);
  if (done.warning) notice(`${done.warning}. If it is a slip, name the cluster again.`);
  await read();
  Object.assign(clustering, await ask(`/api/clusterings/${clustering.run}`));
  list();
  if (entry.body.cluster !== cluster) return;
  ticked = new Set();
  await members_();
  $("name-done").textContent = text;
}
function refused(entry, error) {
  notice(`Not named ${entry.body.name}: ${error.message} `, element("button", { type: "button", onclick: () => members_() }, "load the cluster again"));
  const line = $("name-done");
  if (line) line.textContent = "";
}
async function batch(count) {
  await jobs.begin("batch", { run: clustering.run, cluster, count });
}
function sheet() {
  const sorted = order === "sheet" ? members : [...members].sort({
    time: (a, b) => (a.gps ?? 0) - (b.gps ?? 0), snr: (a, b) => (b.snr ?? 0) - (a.snr ?? 0), probability: (a, b) => a.probability - b.probability,
  }[order]);
  const pages = Math.max(1, Math.ceil(sorted.length / PAGE));
  page = Math.min(page, pages - 1);
  const here = sorted.slice(page * PAGE, (page + 1) * PAGE);
  const option = (value, text, now) => element("option", value === now ? { value, selected: "" } : { value }, text);
  const turn = (by) => element("button", { type: "button", "aria-label": by < 0 ? "page before" : "next page", onclick: () => turnPage(by) }, by < 0 ? "←" : "→");
  $("sheet-head").replaceChildren(
    element("span", {}, turn(-1), ` page ${page + 1} of ${pages} `, turn(1)),
    element("label", {}, "order ", element("select", { onchange: (event) => { order = event.target.value; page = 0; sheet(); } },
      option("sheet", "spread over detectors and time", order), option("time", "time", order), option("snr", "SNR", order), option("probability", "least certain first", order))),
    ...(durations.length > 1 ? [element("label", {}, "view ", element("select", { onchange: (event) => { seconds = Number(event.target.value); sheet(); } },
      ...durations.map((one) => option(String(one), `${one} s`, String(seconds)))))] : []),
    element("span", {}, element("button", { type: "button", onclick: () => tick(here, true) }, "tick page"), " ", element("button", { type: "button", onclick: () => tick(members, false) }, "tick none")));
  $("sheet").replaceChildren(...here.map(card));
}
function card(one) {
  const box = element("input", { type: "checkbox", "data-glitch": String(one.glitch), "aria-label": `tick ${one.id}` });
  box.checked = ticked.has(one.glitch);
  box.addEventListener("change", () => tick([one], box.checked));
  const label = one.label !== clustering.label ? one.label || "no label" : "";
  return element("figure", {},
    element("button", { type: "button", title: one.id, onclick: () => openGlitch(one.glitch) }, seconds === null ? element("div", { class: "without" }, "no picture") : picture(one.glitch, seconds, "small", one.id)),
    element("figcaption", {}, box, element("span", {}, [one.ifo, one.snr === null ? "" : `SNR ${one.snr.toFixed(0)}`].filter(Boolean).join(" · ")), label ? element("b", {}, label) : ""));
}
function tick(some, on) {
  for (const one of some) if (on) ticked.add(one.glitch); else ticked.delete(one.glitch);
  for (const box of $("sheet").querySelectorAll("input")) box.checked = ticked.has(Number(box.dataset.glitch));
  naming();
}
function turnPage(by) {
  const pages = Math.ceil(members.length / PAGE);
  page = Math.max(0, Math.min(pages - 1, page + by));
  sheet();
}
function maker(text) {
  const label = element("select", { "aria-label": "label" }, ...study.classes.filter((one) => one.size).map((one) => element("option", one.name === "None_of_the_Above" ? { selected: "" } : {}, one.name)));
  const method = element("select", { "aria-label": "method" }, ...study.methods.cluster.map((one) => element("option", {}, one)));
  const predicted = element("input", { type: "checkbox", "aria-label": "labels of a model" });
  const vectors = jobs.vectorChoice(study.vectors);
  const k = element("input", { type: "number", min: "1", placeholder: "auto", "aria-label": "number of clusters", disabled: "" });
  method.addEventListener("change", () => { k.disabled = method.value !== "spectral"; });
  return element("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    jobs.begin("cluster", { label: label.value, method: method.value, k: k.disabled || !k.value ? null : k.valueAsNumber, predicted: predicted.checked, vectors: vectors?.value });
  } }, element("label", {}, "label ", label), element("label", {}, "method ", method), element("label", {}, "clusters ", k), element("label", { title: "glitches that a model gives this label, instead of people" }, "predicted ", predicted),
  vectors ? element("label", {}, "vectors ", vectors) : "", element("button", { type: "submit" }, text));
}
function again() { // clustering with other settings
  $("again").replaceChildren(element("details", {}, element("summary", {}, "Cluster again, with other settings"), maker("Cluster")), jobs.panel(["cluster", "batch"]),
    element("p", { class: "hints" }, key("N"), " name ", key("←"), " ", key("→"), " page ", key("↑"), " ", key("↓"), " cluster"));
}
function move(by) {
  const numbers = [...$("cluster-list").querySelectorAll("button")].map((button) => Number(button.dataset.cluster));
  const to = numbers[numbers.indexOf(cluster) + by];
  if (to !== undefined) open(to);
}
export function pressed(event) {
  if (!clustering || typing(event)) return;
  const call = { n: () => $("name")?.focus(), ArrowRight: () => turnPage(1), ArrowLeft: () => turnPage(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) }[event.key];
  if (!call) return;
  event.preventDefault();
  call();
}
