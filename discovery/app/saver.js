// Decisions on their way to the study: kept in this browser until the server has confirmed them, sent one after the other,
// and sent again after a failure. Each has a key of its own, so that the study stores it once however often it arrives.
import { $, Refused, studyKey, tell } from "./page.js";

const TAB = (() => { // survives a reload of this tab
  const known = sessionStorage.getItem("tab") ?? crypto.randomUUID();
  sessionStorage.setItem("tab", known);
  return known;
})();
const PREFIX = `unsaved/${studyKey}/`;
const PAUSES_MS = [300, 1000, 2000, 4000];

const waiting = []; // what is not confirmed yet, the oldest first: {key, address, body}
const listeners = {}; // first part of an address -> {saved(entry, answer), refused(entry, error)}
export let confirmed = 0; // decisions that the study confirmed to this page
let busy = false;
let failures = 0;
let problem = "";

function keep() {
  if (waiting.length) localStorage.setItem(PREFIX + TAB, JSON.stringify(waiting));
  else localStorage.removeItem(PREFIX + TAB);
}
function show() {
  const line = $("saved");
  const n = waiting.length;
  line.classList.toggle("problem", Boolean(problem));
  line.textContent = problem ? `${n} not saved: ${problem}` : n ? `saving ${n} …` : "everything is saved";
  line.title = line.textContent;
}

export const pending = (test) => waiting.filter(test);

export function on(addresses, handlers) {
  listeners[addresses] = handlers;
}
const listener = (entry) => Object.entries(listeners).find(([addresses]) => entry.address.startsWith(addresses))?.[1];

export function start() {
  const found = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  for (const name of found) {
    const known = new Set(waiting.map((entry) => entry.key));
    waiting.push(...JSON.parse(localStorage.getItem(name)).filter((entry) => !known.has(entry.key)));
    if (name !== PREFIX + TAB) localStorage.removeItem(name); // of a tab that is gone; if it is not, it keeps its own list
  }
  keep();
  show();
  send();
}
export function save(entry) {
  waiting.push(entry);
  keep();
  show();
  send();
}
export function withdraw(test) { // forget an entry that was never sent; the first one may be on its way
  const at = waiting.findLastIndex((entry, i) => test(entry) && !(busy && i === 0) && !entry.tried);
  if (at < 0) return false;
  waiting.splice(at, 1);
  keep();
  show();
  return true;
}

async function send() {
  if (busy) return;
  busy = true;
  while (waiting.length) {
    const entry = waiting[0];
    entry.tried = true;
    keep();
    try {
      const answer = await tell(entry.address, entry.body);
      problem = "";
      failures = 0;
      waiting.shift();
      keep();
      confirmed += 1;
      later(entry, (other) => { other.body.seen = answer.state.seen; });
      listener(entry)?.saved(entry, answer);
    } catch (error) {
      if (error instanceof Refused && error.status < 500 && error.status !== 403 && error.status !== 421) {
        waiting.shift();
        keep();
        later(entry, (other) => waiting.splice(waiting.indexOf(other), 1));
        keep();
        listener(entry)?.refused(entry, error);
      } else {
        problem = reason(error);
        show();
        await new Promise((done) => { setTimeout(done, PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]); });
        failures += 1;
      }
    }
    show();
  }
  busy = false;
}
function later(entry, change) { // decisions on the same glitch that were made before this one was confirmed
  const same = (other) => other.body.seen === null && other.body.glitch === entry.body.glitch && other.body.audit === entry.body.audit;
  for (const other of waiting.filter(same)) change(other);
}
function reason(error) {
  if (!(error instanceof Refused)) return "the server does not answer; trying again";
  if (error.status === 403) return "the server was started again: open the address that it printed; nothing is lost";
  return `${error.message}; trying again`;
}
addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });
