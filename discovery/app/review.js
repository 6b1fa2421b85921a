/* global Pieces */
// The review tab: one doubtful label at a time, decided by a key. See saver.js for what happens to a decision.
import { $, ask, key, notice, percent, picture, tell } from "./page.js";
import { openGlitch } from "./glitch.js";
import { completion } from "./completion.js";
import * as jobs from "./jobs.js";
import * as saver from "./saver.js";

const { element, spectrogram, thousands, typing } = Pieces;
const POLL_MS = 4_000;
const AHEAD = 3; // rows whose pictures and neighbours are fetched before they are reached
const PREFERRED_S = 1.0; // the duration shown large at first, or the nearest there is

let data = null;
let items = [];
let at = 0;
let large = null; // the duration shown large, as the person chose it
let made = []; // keys of this page's decisions, the latest last
let shortcuts = []; // classes of the keys 1 to 9
let polling = false; // whether the timer runs
let tried = false; // whether rows beyond the list were asked for
const facts = new Map(); // glitch -> promise of its facts
const compared = new Map(); // glitch -> promise of the most similar glitches

const entryOf = (item) => saver.pending((entry) => entry.body.glitch === item.glitch && entry.body.audit === data.audit).at(-1);
function standing(item) { // the decision on an item, sent or not: {outcome, label, waits}
  const entry = entryOf(item);
  if (!entry) return item.decided && { ...item.decided, waits: false };
  return entry.shown && { ...entry.shown, waits: true };
}

// --- reading -----------------------------------------------------------------------------------------------------------
export async function start(section) {
  section.replaceChildren(element("p", { class: "empty" }, "Reading the latest audit …"));
  let vectors;
  try {
    await load();
    ({ vectors } = await ask("/api/study"));
  } catch (error) {
    section.replaceChildren(element("p", { class: "empty" }, `The audit cannot be read: ${error.message}`));
    return;
  }
  jobs.on("audit", () => start(section));
  if (!data.audit) {
    jobs.offer(section, data.message, auditor(vectors, "Find wrong labels"), "audit");
    return;
  }
  frame(section, vectors);
  saver.on("/api/review/", { saved, refused });
  at = Math.max(0, items.findIndex((item) => !standing(item)));
  list();
  draw();
  if (!polling) setInterval(poll, POLL_MS);
  polling = true;
}
function auditor(vectors, text) { // the form that starts an audit
  const choice = jobs.vectorChoice(vectors);
  return element("form", { class: "row", onsubmit: (event) => { event.preventDefault(); jobs.begin("audit", { vectors: choice?.value }); } },
    choice ? element("label", {}, "vectors ", choice) : "", element("button", { type: "submit" }, text));
}
async function load() {
  const before = data?.audit;
  data = await ask(`/api/review${tried ? "?beyond" : ""}`);
  if (before && before !== data.audit) { // what was remembered is of another list
    made = [];
    compared.clear();
  }
  items = data.items;
  const counts = new Map();
  for (const item of items) for (const name of [item.suggested, item.label]) counts.set(name, (counts.get(name) ?? 0) + 1);
  const frequent = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
  shortcuts = [...new Set([...frequent, ...data.classes.map((one) => one.name)])].slice(0, 9);
}
async function poll() { // what other tabs and the command line decided
  if (document.hidden || !items.length) return;
  try {
    const found = await tell("/api/review/state", { audit: data.audit, glitches: items.map((item) => item.glitch) });
    const changed = items.filter((item) => !entryOf(item) && JSON.stringify(item.seen) !== JSON.stringify(found.state[item.glitch].seen));
    for (const item of changed) {
      Object.assign(item, found.state[item.glitch]);
      mark(item);
    }
    if (changed.includes(items[at])) answer();
  } catch { /* the next decision says what is wrong */ }
}
const factsOf = (glitch) => remembered(facts, glitch, () => ask(`/api/glitches/${glitch}`));
const comparedOf = (glitch) => remembered(compared, glitch, () => ask(`/api/review/${encodeURIComponent(data.audit)}/${glitch}/neighbours`));
function remembered(known, glitch, read) {
  if (!known.has(glitch)) {
    known.set(glitch, read().catch((error) => { known.delete(glitch); throw error; }));
    if (known.size > 500) known.delete(known.keys().next().value);
  }
  return known.get(glitch);
}

// --- deciding ----------------------------------------------------------------------------------------------------------
function decide(text, shown, newClass = false) {
  const item = items[at];
  if (!item) return;
  const seen = entryOf(item) ? null : item.seen; // after a decision that is not confirmed yet: what that one leaves
  const entry = { key: crypto.randomUUID(), address: "/api/review/decide", shown,
    body: { audit: data.audit, glitch: item.glitch, answer: text, new_class: newClass, seen } };
  entry.body.key = entry.key;
  item.conflict = "";
  made.push({ key: entry.key, glitch: item.glitch });
  saver.save(entry);
  mark(item);
  next();
}
const outcomeOf = (item, name) => ({ outcome: name === item.label ? "right" : "wrong", label: name });
function accept() { const item = items[at]; if (item) decide("suggested", outcomeOf(item, item.suggested)); }
function keepLabel() { const item = items[at]; if (item) decide("keep", outcomeOf(item, item.label)); }
function choose(name, isNew = false) {
  if (!items[at]) return;
  if (isNew) data.classes.push({ name, size: 1 }); // the next time it is a class like the others
  decide(name, outcomeOf(items[at], name), isNew);
}
function undo() {
  const last = made.pop();
  if (!last) {
    flash("nothing to undo on this page");
    return;
  }
  const item = items.find((one) => one.glitch === last.glitch);
  if (!saver.withdraw((entry) => entry.key === last.key)) {
    saver.save({ key: crypto.randomUUID(), address: "/api/review/undo", shown: null, body: { audit: data.audit, glitch: last.glitch, key: last.key } });
  }
  if (!item) return;
  at = items.indexOf(item);
  mark(item);
  draw();
}
function saved(entry, done) {
  data.precision = done.precision;
  const item = items.find((one) => one.glitch === entry.body.glitch && entry.body.audit === data.audit);
  if (item) {
    Object.assign(item, done.state);
    mark(item);
    if (items[at] === item) answer();
  }
  if (done.changed_since) notice("This label was changed after your decision; it keeps the later label.");
  precision();
}
function refused(entry, error) {
  const item = items.find((one) => one.glitch === entry.body.glitch);
  made = made.filter((one) => one.key !== entry.key);
  const name = item?.id ?? `glitch ${entry.body.glitch}`;
  notice(`Not written, ${name}: ${error.message} `, item ? element("button", { type: "button", onclick: () => go(items.indexOf(item)) }, "show it") : "");
  if (!item) return;
  item.conflict = error.message;
  tell("/api/review/state", { audit: data.audit, glitches: [item.glitch] })
    .then((found) => { Object.assign(item, found.state[item.glitch]); mark(item); draw(); })
    .catch(() => {});
}
function next() {
  for (let step = 1; step <= items.length; step++) {
    const other = (at + step) % items.length;
    if (!standing(items[other])) { go(other); return; }
  }
  draw();
}
function go(to) {
  at = Math.max(0, Math.min(items.length - 1, to));
  draw();
  $("case-head").scrollIntoView({ block: "nearest" }); // the answers stand below the pictures on a small screen
}

// --- the page ----------------------------------------------------------------------------------------------------------
function frame(section, vectors) {
  section.replaceChildren(
    element("aside", { class: "queue", "aria-label": "Queue" }, element("div", { id: "progress" }), element("ol", { id: "rows" })),
    element("article", { class: "case", "aria-live": "polite" }, element("header", { id: "case-head" }), element("div", { id: "case-views" }), element("div", { id: "case-beside" })),
    element("aside", { class: "answer", "aria-label": "Decision" }, element("div", { id: "question" }), element("div", { id: "keys" }), completion({
      id: "typed", label: "Another class", placeholder: "press / and type", names: () => data.classes, accept: choose,
    }), element("div", { id: "precision" }), element("details", {}, element("summary", {}, "Audit again"), auditor(vectors, "Find wrong labels")), jobs.panel(["audit"])));
}
function list() {
  $("rows").replaceChildren(...items.map((item, row) => {
    item.line = element("button", { type: "button", onclick: () => go(row) });
    return element("li", {}, item.line);
  }));
  for (const item of items) mark(item);
}
function mark(item) { // its row in the queue
  const done = standing(item);
  const sign = !done ? "" : done.outcome === "right" ? "✓" : done.outcome === "unsure" ? "?" : "✗";
  const what = !done ? `${item.label} → ${item.suggested}` : done.outcome === "unsure" ? `${item.label} unsure` : done.label || `not ${item.label}`;
  item.line.replaceChildren(
    element("span", { class: "rank" }, String(item.rank)), element("span", { class: "what" }, what),
    element("span", { class: `sign${done?.waits ? " waits" : ""}`, title: done?.waits ? "not saved yet" : done ? "saved" : "" }, item.conflict ? "!" : sign || (item.p_wrong ?? 0).toFixed(2)));
  item.line.className = done ? "done" : "";
  item.line.setAttribute("aria-current", String(items[at] === item));
  progress();
}
function progress() {
  const done = items.filter(standing).length;
  const bar = element("progress", { max: String(Math.max(1, items.length)), value: String(done), "aria-label": "decided" });
  $("progress").replaceChildren(element("p", {}, element("b", {}, thousands(done)), ` of ${thousands(items.length)} decided`), bar);
}
function draw() {
  for (const [row, item] of items.entries()) item.line.setAttribute("aria-current", String(row === at));
  const item = items[at];
  if (!item) {
    $("case-head").replaceChildren(element("h2", {}, "No label is doubtful enough to list"),
      element("p", {}, `The audit of ${thousands(data.audited)} labels lists none. The most doubtful can be shown all the same.`), more());
    for (const id of ["case-views", "case-beside", "question", "keys"]) $(id).replaceChildren();
    precision();
    return;
  }
  reveal(item.line.parentElement);
  $("case-head").replaceChildren(
    element("h2", {}, element("span", { class: "label" }, item.label), element("span", { class: "arrow", "aria-label": "probably" }, "→"), element("span", { class: "label" }, item.suggested)),
    element("p", { class: "who" }, element("code", {}, item.id), item.when ? ` · ${item.when}` : "", ` · rank ${item.rank} of ${thousands(data.audited)} `,
      element("button", { type: "button", class: "link", onclick: () => openGlitch(item.glitch) }, "all about it")));
  pictures(item);
  beside(item);
  answer();
  for (const later of items.slice(at + 1, at + 1 + AHEAD)) prefetch(later);
}
function reveal(row) { // in the list alone: below it the page stays where it is
  const [list, line] = [$("rows").getBoundingClientRect(), row.getBoundingClientRect()];
  $("rows").scrollTop += Math.min(0, line.top - list.top) + Math.max(0, line.bottom - list.bottom);
}
function more() {
  return element("button", { type: "button", onclick: async () => { tried = true; await load(); list(); next(); } }, "Show 100 more");
}
function nearestTo(views, seconds) {
  return views.map((view) => view.duration).sort((a, b) => Math.abs(a - seconds) - Math.abs(b - seconds))[0];
}
async function pictures(item) {
  const place = $("case-views");
  place.classList.add("stale");
  const known = await factsOf(item.glitch).catch((error) => ({ views: [], error: error.message }));
  if (items[at] !== item) return;
  place.classList.remove("stale");
  if (!known.views.length) {
    place.replaceChildren(element("p", { class: "without" }, known.error ?? "The study has no picture of this glitch."));
    return;
  }
  const main = nearestTo(known.views, large ?? PREFERRED_S);
  const shown = (view, size) => {
    const image = picture(item.glitch, view.duration, size, `${view.duration} s view of ${item.id}`);
    return view.plain ? element("figure", { class: "view plain" }, image) : spectrogram(image, view.duration);
  };
  const others = known.views.filter((view) => view.duration !== main);
  place.replaceChildren(
    element("div", { class: "large" }, shown(known.views.find((view) => view.duration === main), "large")),
    element("div", { class: "others" }, ...others.map((view) => {
      const figure = shown(view, "large");
      figure.addEventListener("click", () => { large = view.duration; pictures(item); });
      return figure;
    })));
}
async function beside(item) {
  const place = $("case-beside");
  place.classList.add("stale");
  const found = await comparedOf(item.glitch).catch(() => ({ agreeing: [], opposing: [] }));
  const known = await factsOf(item.glitch).catch(() => ({ views: [] }));
  if (items[at] !== item) return;
  place.classList.remove("stale");
  const seconds = known.views.length ? nearestTo(known.views, large ?? PREFERRED_S) : PREFERRED_S;
  const side = (label, glitches) => element("section", { class: "side" },
    element("h3", {}, glitches.length ? "most like it, labelled " : "no other glitch to compare is labelled ", element("b", {}, label)),
    element("div", { class: "strip" }, ...glitches.map((one) => element("button", { type: "button", title: one.id, onclick: () => openGlitch(one.glitch) },
      picture(one.glitch, seconds, "small", `${label}: ${one.id}`)))));
  place.replaceChildren(side(item.label, found.agreeing), side(item.suggested, found.opposing));
}
function prefetch(item) {
  factsOf(item.glitch).then((known) => { for (const view of known.views) new Image().src = `/pictures/${item.glitch}/${view.duration}/large.png`; }).catch(() => {});
  comparedOf(item.glitch).catch(() => {});
}
function answer() {
  const item = items[at];
  if (!item) return;
  const done = standing(item);
  const changed = item.now && item.now.label !== item.label && !(done && done.label === item.now.label);
  const parts = [
    element("p", { class: "doubt" }, "Wrong with probability ", element("b", {}, item.p_wrong === null ? "unknown" : item.p_wrong.toFixed(3))),
    element("p", { class: "why" }, item.reason),
  ];
  if (changed) parts.push(element("p", { class: "caution" }, `Since the audit its label was changed to ${item.now.label} by ${item.now.by} (${item.now.source}).`));
  if (item.conflict) parts.push(element("p", { class: "caution" }, `Not written: ${item.conflict}`));
  if (done) parts.push(element("p", { class: "decided" }, done.outcome === "unsure" ? "Decided: unsure" : done.outcome === "right" ? `Decided: ${done.label} is right` : done.label ? `Decided: ${done.label}` : "Decided: wrong", done.waits ? " (not saved yet)" : ""));
  $("question").replaceChildren(...parts);
  const button = (letter, text, call, chosen) => element("button", { type: "button", onclick: call, class: chosen ? "chosen" : "" }, key(letter), element("span", {}, text));
  const hint = (letter, text, call) => element("button", { type: "button", onclick: call }, key(letter), ` ${text}`);
  const is = (outcome, label) => done && done.outcome === outcome && (label === undefined || done.label === label);
  $("keys").replaceChildren(
    element("div", { class: "main-keys" },
      button("S", `It is ${item.suggested}`, accept, is("wrong", item.suggested)), button("K", `Keep ${item.label}`, keepLabel, is("right")),
      button("W", "Wrong, class unknown", () => decide("wrong", { outcome: "wrong", label: "" }), is("wrong", "")),
      button("U", "Unsure", () => decide("unsure", { outcome: "unsure", label: "" }), is("unsure"))),
    element("div", { class: "class-keys" }, ...shortcuts.map((name, i) => button(String(i + 1), name, () => choose(name), false))),
    element("p", { class: "hints" }, hint("Z", "undo", undo), hint("←", "back", () => go(at - 1)), hint("→", "on", () => go(at + 1)), hint("V", "other duration", turnView), hint("/", "type a class", () => $("typed").focus())));
  precision();
}
function precision() {
  const found = data.precision;
  const parts = [element("h3", {}, "Precision so far")];
  if (!found?.answered) parts.push(element("p", {}, "No label is decided yet."));
  else {
    parts.push(element("p", {}, element("b", {}, `${found.wrong} of ${found.answered}`), ` were wrong: ${percent(found.share)} (${percent(found.low)} to ${percent(found.high)})`),
      element("p", {}, "The audit expected ", element("b", {}, found.expected.toFixed(1)), "."));
  }
  if (items.length && items.every(standing)) parts.push(element("p", {}, "Everything on this list is decided. ", more()));
  $("precision").replaceChildren(...parts);
}
function flash(text) {
  const line = element("p", { class: "flash" }, text);
  $("question").append(line);
  setTimeout(() => line.remove(), 2000);
}

// --- keys --------------------------------------------------------------------------------------------------------------
async function turnView() {
  const item = items[at];
  const known = item && (await factsOf(item.glitch));
  if (!known?.views.length) return;
  const durations = known.views.map((view) => view.duration);
  large = durations[(durations.indexOf(nearestTo(known.views, large ?? PREFERRED_S)) + 1) % durations.length];
  draw();
}
const keys = {
  s: accept, k: keepLabel, w: () => decide("wrong", { outcome: "wrong", label: "" }), u: () => decide("unsure", { outcome: "unsure", label: "" }),
  z: undo, v: turnView, "/": () => $("typed").focus(), ArrowRight: () => go(at + 1), ArrowDown: () => go(at + 1), ArrowLeft: () => go(at - 1), ArrowUp: () => go(at - 1),
};
export function pressed(event) {
  if (!data?.audit || typing(event) || event.repeat) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const call = /^[1-9]$/.test(name) ? shortcuts[name - 1] && (() => choose(shortcuts[name - 1])) : keys[name];
  if (!call) return;
  event.preventDefault();
  call();
}
