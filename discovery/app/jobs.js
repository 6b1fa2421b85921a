/* global Pieces */
// Long work on the server: start it, follow its lines, stop it.
import { ask, command, notice, tell, withCommands } from "./page.js";

const { element, thousands } = Pieces;
const POLL_MS = 1_000;
const LINES = 12; // lines shown
const duration = (seconds) => (seconds < 60 ? `${Math.floor(seconds)} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`);

const places = []; // where the latest job of some kinds is shown: {place, kinds}
const finished = {}; // kind of job -> what to do when one is done
let current = null;
let following = false;

export function on(kind, call) { finished[kind] = call; }
const kindOf = (job) => (/ --ids[ =]/.test(job.command) ? "selection" : job.command.split(" ")[1]); // a batch of a selection is the map's, one of a cluster is not
export function panel(kinds) {
  const place = element("div", { class: "jobs", "aria-live": "polite" });
  places.push({ place, kinds });
  follow();
  return place;
}
export function offer(section, text, form, kind) { // what a tab shows that has nothing yet: how it is made, and the job that makes it
  section.replaceChildren(element("div", { class: "empty" }, element("p", {}, ...withCommands(text)), form, panel([kind])));
}
export function vectorChoice(vectors) { // null where there is no choice
  if (vectors.length < 2) return null;
  return element("select", { "aria-label": "vectors" }, ...vectors.map((one) => element("option", { value: one.name }, one.about)));
}
export async function begin(kind, body) {
  try {
    current = await tell(`/api/jobs/${kind}`, body);
    show();
    reveal();
    follow();
  } catch (error) {
    notice(error.message);
  }
}
async function follow() {
  if (following) return;
  following = true;
  try {
    for (;;) {
      const before = current;
      current = (await ask("/api/jobs")).jobs.at(-1) ?? null;
      show();
      if (current?.state !== "running") {
        if (before?.state === "running") {
          finished[kindOf(current)]?.(current);
          reveal();
        }
        break;
      }
      await new Promise((done) => { setTimeout(done, POLL_MS); });
    }
  } catch { /* the server is gone: saver.js says so */ }
  following = false;
}
function reveal() { // what a job says may lie below the window's end
  for (const { place } of places) if (place.firstChild) place.scrollIntoView({ block: "nearest" });
}
function bar({ progress, seconds, before }) { // how far it is, and how long the rest will take: of the step that says so, or by how long the last one took
  const line = (value, max) => element("progress", { ...(max ? { value: String(value), max: String(max) } : {}), "aria-label": "progress" });
  const step = progress?.what ?? "", whole = progress?.whole || 0;
  const amount = whole ? [`${thousands(progress.done)} of ${thousands(whole)}`] : [];
  if (whole && progress.left !== null) return [line(progress.done, whole), step, [...amount, `${duration(progress.left)} left`]];
  if (before > seconds) return [line(seconds, before), step, [...amount, `about ${duration(before - seconds)} left, as the last one took ${duration(before)}`]];
  return [whole ? line(progress.done, whole) : line(), step, [...amount, `${duration(seconds)} so far`]];
}
function going(job) {
  const [line, step, said] = bar(job);
  return element("p", { class: "bar" }, line, element("span", {}, element("b", {}, step), " ", said.join(", ")));
}
function show() {
  for (const { place, kinds } of places) {
    if (!current || !kinds.includes(kindOf(current))) { place.replaceChildren(); continue; }
    const stop = element("button", { type: "button", onclick: async () => { stop.disabled = true; current = await tell("/api/jobs/stop", { number: current.number }).catch(() => current); show(); } }, "Stop");
    const state = { running: "running …", done: "done", stopped: "stopped", failed: "failed" }[current.state];
    place.replaceChildren(element("p", { class: `state ${current.state}` }, command(current.command.replace(/ --study=\S+/, "")), " ", element("b", {}, state), " ", current.state === "running" ? stop : ""),
      current.state === "running" ? going(current) : "", !current.lines.length ? "" : element("pre", { class: kindOf(current), tabindex: "0" }, current.lines.slice(-LINES).join("\n")));
  }
}
