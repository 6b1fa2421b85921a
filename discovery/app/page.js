/* global Pieces */
// What the tabs share: asking the server, pictures, notices, keys. Text of the study reaches the page as text only.
const { element } = Pieces;

export const $ = (id) => document.getElementById(id);
const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
export const studyKey = meta("study");

export class Refused extends Error { // the server's answer was an error; `status` is HTTP's number
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const PATIENCE_MS = 30_000;

async function asked(address, options) {
  const answer = await fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let message = text.trim();
  try {
    message = JSON.parse(text).error;
  } catch { /* the guard answers in plain text */ }
  throw new Refused(message, answer.status);
}
export const ask = (address) => asked(address, {});
export const tell = (address, body) => asked(address, {
  method: "POST", headers: { "Content-Type": "application/json", "X-Discover-Token": meta("token") }, body: JSON.stringify(body),
});

export function picture(glitch, duration, size, alt) {
  const image = element("img", { src: `/pictures/${glitch}/${duration}/${size}.png`, alt, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(element("div", { class: "without" }, "this picture cannot be read")), { once: true });
  return image;
}

// Text in which `a command` stands between backticks.
export const withCommands = (text) => text.split("`").map((part, i) => (i % 2 ? command(part) : part));
// A command breaks between its words alone: "--label" at the end of a line is no "--".
export const command = (text) => element("code", {}, ...text.split(" ").flatMap((word, i) => [i ? " " : "", element("span", { class: "word" }, word)]));
// Letters that are not seen, or turn what follows them around, are written by their number, as the server writes them.
const seen = (text) => text.replace(/[\p{Cc}\p{Cf}]/gu, (letter) => `\\u${letter.codePointAt(0).toString(16).padStart(4, "0")}`);

export function notice(text, ...more) { // stays until it is closed
  const line = element("p", {}, element("span", {}, ...withCommands(seen(text))), ...more, element("button", { type: "button", onclick: () => line.remove() }, "close"));
  $("notices").append(line);
  while ($("notices").children.length > 4) $("notices").firstChild.remove();
}

export const percent = (x) => `${(100 * x).toFixed(x > 0 && x < 0.1 ? 1 : 0)}\u00a0%`;
export const key = (name) => element("kbd", {}, name);
