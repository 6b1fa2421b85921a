/* global Pieces */
// A field for the name of a class, with the classes that begin so or hold the text; a new name is asked for twice.
const { element } = Pieces;
const SHOWN = 8;

export function completion({ id, label, placeholder, names, accept }) {
  const input = element("input", { id, type: "text", autocomplete: "off", spellcheck: "false", placeholder, maxlength: "80",
    role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list" });
  const found = element("ul", { id: `${id}-list`, role: "listbox", "aria-label": "Classes", hidden: "" });
  let options = []; // {name, isNew}
  let chosen = 0;
  let asked = ""; // the new name that was chosen once

  function matches(text) {
    const lower = text.toLowerCase();
    const known = names().filter((one) => one.name.toLowerCase().includes(lower));
    const starts = (one) => (one.name.toLowerCase().startsWith(lower) ? 0 : 1);
    known.sort((a, b) => starts(a) - starts(b)); // stable: the larger classes stay first
    const listed = known.slice(0, SHOWN).map((one) => ({ name: one.name, isNew: false, size: one.size }));
    const exact = known.some((one) => one.name.toLowerCase() === lower);
    return exact ? listed : [...listed, { name: text, isNew: true }];
  }
  function show() {
    const text = input.value.trim();
    if (text !== asked) asked = "";
    options = text ? matches(text) : [];
    chosen = asked ? options.length - 1 : 0;
    found.replaceChildren(...options.map((one, i) => element("li", { role: "option", id: `${id}-${i}`,
      onmousedown: (event) => { event.preventDefault(); take(one); } },
    element("span", {}, !one.isNew ? one.name : one.name === asked ? `new class ${one.name}: once more to be sure` : `new class: ${one.name}`), element("small", {}, one.isNew ? "" : String(one.size)))));
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
  function take(one) {
    if (one.isNew && asked !== one.name) { // a slip does not become a class
      asked = one.name;
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
    else if (event.key === "Enter" && options.length) take(options[chosen]);
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length;
      mark();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return element("div", { class: "completion" }, element("label", { for: id }, label), input, found);
}
