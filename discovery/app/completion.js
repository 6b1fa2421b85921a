/* global Pieces */
// A field for the name of a class, with the classes that begin so or hold the text; a new name is asked for twice, and so is a class that only holds the text.
const { element, thousands } = Pieces;
const SHOWN = 8;
const letters = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ""); // koi fish is Koi_Fish

// What is said of glitches that have a name now.
export const nowNamed = ({ glitches, added, name }) => `${glitches === 1 ? "1 glitch is" : `${thousands(glitches)} glitches are`} now ${name}${added < glitches ? `; ${thousands(added)} were not before` : ""}`;

export function completion({ id, label, placeholder, names, accept }) {
  const input = element("input", { id, type: "text", autocomplete: "off", spellcheck: "false", placeholder, maxlength: "80",
    role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list" });
  const found = element("ul", { id: `${id}-list`, role: "listbox", "aria-label": "Classes", hidden: "" });
  let options = []; // {name, isNew, begins}
  let chosen = 0;
  let picked = false; // by the arrows
  let asked = ""; // the name that was chosen once, by
  let typed = ""; // this text

  function matches(text) {
    const same = letters(text) ? letters : (name) => name.toLowerCase();
    const wanted = same(text);
    const known = names().filter((one) => same(one.name).includes(wanted));
    const starts = ({ name }) => (same(name) === wanted ? -1 : same(name).startsWith(wanted) ? 0 : 1);
    known.sort((a, b) => starts(a) - starts(b)); // the very name, then those that begin so; stable: the larger classes stay first
    const listed = known.slice(0, SHOWN).map((one) => ({ name: one.name, isNew: false, begins: starts(one) < 1, size: one.size }));
    return known.length && starts(known[0]) < 0 ? listed : [...listed, { name: text, isNew: true }];
  }
  function show() {
    const text = input.value.trim();
    if (text !== typed) asked = "";
    options = text ? matches(text) : [];
    chosen = Math.max(0, options.findIndex((one) => one.name === asked));
    picked = false;
    found.replaceChildren(...options.map((one, i) => element("li", { role: "option", id: `${id}-${i}`,
      onmousedown: (event) => { event.preventDefault(); take(one, !one.isNew); } },
    element("span", {}, one.name === asked ? `${one.isNew ? "a new class " : ""}${one.name}? Press Enter again` : one.isNew ? `new class: ${one.name}` : one.name), element("small", {}, one.isNew ? "" : String(one.size)))));
    found.hidden = !options.length;
    input.setAttribute("aria-expanded", String(!found.hidden));
    mark();
  }
  function mark() {
    for (const [i, line] of [...found.children].entries()) line.setAttribute("aria-selected", String(i === chosen));
    if (options.length) input.setAttribute("aria-activedescendant", `${id}-${chosen}`);
    else input.removeAttribute("aria-activedescendant");
  }
  function close() {
    found.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }
  function take(one, sure) {
    if (!sure && asked !== one.name) { // a slip does not become a class, nor Lin a Violin_Mode
      asked = one.name;
      typed = input.value.trim();
      show();
      return;
    }
    asked = "";
    input.value = "";
    close();
    input.blur();
    accept(one.name, one.isNew);
  }
  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; close(); input.blur(); }
    else if (event.key === "Enter" && options.length) take(options[chosen], !options[chosen].isNew && (picked || options[chosen].begins));
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length;
      picked = true;
      mark();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return element("div", { class: "completion" }, element("label", { for: id }, label), input, found);
}
