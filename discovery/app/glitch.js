/* global Pieces */
// Everything about one glitch, in a dialog: its views, its labels with their sources, its nearest neighbours.
import { $, ask, picture } from "./page.js";

const { breakable, element, number, spectrogram } = Pieces;

export function views(facts, size = "large") {
  if (!facts.views.length) return element("p", { class: "without" }, "The study has no picture of this glitch.");
  return element("div", { class: facts.views.length < 2 ? "views single" : "views" }, ...facts.views.map((view) => {
    const image = picture(facts.glitch, view.duration, size, `${view.duration} s view of ${facts.id}`);
    return view.plain ? element("figure", { class: "view plain" }, image) : spectrogram(image, view.duration);
  }));
}
export function labels(facts) {
  const day = (at) => new Date(1000 * at).toISOString().slice(0, 16).replace("T", " ");
  const given = facts.labels.findIndex((label) => label.by !== "model");
  return element("table", { class: "labels" }, element("caption", {}, "Labels, the latest first; predictions never override a given label"),
    element("tbody", {}, ...facts.labels.map((label, i) => element("tr", i === given ? { class: "now" } : {},
      element("th", { scope: "row" }, ...breakable(label.label)), element("td", {}, label.by + (label.confidence === null ? "" : ` (${label.confidence.toFixed(2)})`)),
      element("td", {}, label.source), element("td", {}, day(label.at)), element("td", {}, label.why)))));
}
export function metadata(facts) {
  const list = element("dl");
  const line = (term, text) => list.append(element("dt", {}, term), element("dd", {}, text));
  if (facts.ifo) line("detector", facts.ifo);
  if (facts.when) line("time", `${facts.when} · GPS ${facts.gps.toFixed(3)}`);
  for (const [name, value] of Object.entries(facts.metadata)) line(name, typeof value === "number" ? number(name, value) : value);
  return list;
}
export function neighbours(facts, open) {
  if (!facts.neighbours.length) return element("p", { class: "aside" }, "No vector of this glitch: run `discover embed` to see its neighbours.");
  const seconds = facts.views.length ? facts.views.at(-1).duration : 4;
  return element("div", { class: "strip" }, ...facts.neighbours.map((one) => element("button", { type: "button", title: one.id, onclick: () => open(one.glitch) },
    picture(one.glitch, seconds, "small", one.id), element("span", {}, ...breakable(one.label || "no label")), element("small", {}, one.similarity.toFixed(3)))));
}
export async function openGlitch(glitch) {
  const dialog = $("glitch");
  let body;
  try {
    const facts = await ask(`/api/glitches/${glitch}`);
    body = [element("h2", {}, facts.id), views(facts), metadata(facts), labels(facts), element("h3", {}, "Nearest in the graph"), neighbours(facts, openGlitch)];
  } catch (error) {
    body = [element("p", {}, error.message)];
  }
  const close = element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "close ", element("kbd", {}, "Esc"));
  dialog.replaceChildren(close, ...body);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
