"use strict";
// Decisions on the audit's page: made by buttons or keys, kept by the browser, saved as the CSV that `discover audit import` reads.
(() => {
  const { element, thousands, typing } = Pieces;
  const STEP = 20; // cards shown at first, and more each time
  const place = document.getElementById("cases");
  const audit = place.dataset.audit;
  const store = Kept(`discover ${audit}`);
  const cards = [...place.querySelectorAll(".case")].map((node) => ({ node, ...node.dataset, order: Number(node.dataset.rank), decision: "" }));
  if (!cards.length) return;
  const cut = place.querySelector(".cut");
  const classes = [...new Set([...JSON.parse(place.dataset.classes), ...cards.flatMap((one) => [one.suggested, one.label])])].sort();
  let shown = []; // the cards that pass the filters, in their order
  let most = STEP;
  let current = cards[0]; // undefined where none is shown

  // --- what was decided ------------------------------------------------------------------------------------------------
  function restore() {
    const found = store.read();
    for (const one of cards) one.decision = found[one.id] ?? "";
    store.state.saved = !cards.some((one) => one.decision);
  }
  function decide(one, text) {
    one.decision = text;
    store.write(Object.fromEntries(cards.filter((own) => own.decision).map((own) => [own.id, own.decision])));
    mark(one);
    count();
  }
  function save() {
    const rows = cards.filter((one) => one.decision).map((one) => [one.id, one.label, one.suggested, one.decision, audit]);
    const name = `decisions-${audit}.csv`;
    CsvFile.save(name, CsvFile.text(["id", "label", "suggested_label", "decision", "passport"], rows));
    store.state.saved = true;
    const added = [...new Set(rows.map((row) => row[3]))].filter((text) => !classes.includes(text) && !["wrong", "unsure"].includes(text));
    const quoted = (text) => (/^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
    notice.replaceChildren("Saved. Now: ", element("code", {}, ["discover audit import", name, ...added.map((text) => `--new-class ${quoted(text)}`)].join(" ")));
  }

  // --- a card ----------------------------------------------------------------------------------------------------------
  function dress(one) {
    const button = (text, what) => element("button", { type: "button", onclick: () => { current = one; decide(one, what); } }, text);
    const other = element("input", { type: "text", list: "audit-classes", maxlength: "80", placeholder: "another class", "aria-label": "Another class", autocomplete: "off",
      onchange: () => { if (other.value.trim()) decide(one, other.value.trim()); } });
    one.other = other;
    one.outcome = element("output", {});
    one.buttons = new Map([[one.suggested, button(`It is ${one.suggested}`, one.suggested)], [one.label, button(`${one.label} is right`, one.label)],
      ["wrong", button("Neither", "wrong")], ["unsure", button("Unsure", "unsure")]]);
    one.node.append(element("div", { class: "decide" }, ...one.buttons.values(), other, one.outcome));
    one.node.addEventListener("click", () => { current = one; point(); });
    mark(one);
  }
  function mark(one) {
    for (const [what, button] of one.buttons) button.setAttribute("aria-pressed", String(what === one.decision));
    one.node.classList.toggle("decided", one.decision !== "");
    const said = one.decision && !one.buttons.has(one.decision) ? `It is ${one.decision} ` : "";
    const undo = element("button", { type: "button", class: "link", onclick: () => { one.other.value = ""; decide(one, ""); } }, "undo");
    one.outcome.replaceChildren(...(one.decision ? [said, undo] : []));
  }

  // --- which cards, in which order -------------------------------------------------------------------------------------
  const choice = (name, options) => element("select", { "aria-label": name, onchange: () => { most = STEP; draw(); } },
    ...options.map(([value, text]) => element("option", { value }, text)));
  const named = (name, all) => choice(name, [["", all], ...[...new Set(cards.map((one) => one[name]))].sort().map((text) => [text, text])]);
  const filters = { label: named("label", "any label"), suggested: named("suggested", "any suggestion"), ifo: named("ifo", "any detector") };
  const state = choice("decision", [["", "decided or not"], ["open", "not decided"], ["done", "decided"]]);
  const orders = {
    doubt: (a, b) => a.order - b.order,
    class: (a, b) => compare(a.label, b.label) || compare(a.suggested, b.suggested) || a.order - b.order,
    time: (a, b) => compare(Number(a.gps || Infinity), Number(b.gps || Infinity)) || a.order - b.order,
  };
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const order = choice("order", [["doubt", "most doubtful first"], ["class", "by label and suggestion"], ["time", "by time"]]);
  const progress = element("b", {});
  const total = element("span", {});
  const button = element("button", { type: "button", class: "save", onclick: save });
  const notice = element("p", { class: "note", role: "status" });
  const none = element("p", { class: "note", hidden: "" }, "No label passes these filters.");
  const further = element("button", { type: "button", onclick: () => { most += STEP; draw(); } });
  function draw() {
    const passes = (one) => Object.entries(filters).every(([name, filter]) => !filter.value || one[name] === filter.value)
      && (!state.value || (state.value === "done") === (one.decision !== ""));
    shown = cards.filter(passes).sort(orders[order.value]);
    const visible = new Set(shown.slice(0, most));
    for (const one of cards) one.node.hidden = !visible.has(one);
    for (const one of visible) place.append(one.node);
    const listed = [...visible].filter((one) => one.order <= Number(place.dataset.listed)).length;
    if (cut) {
      cut.hidden = order.value !== "doubt" || listed === visible.size;
      if (!cut.hidden) place.insertBefore(cut, shown[listed].node);
    }
    place.append(none, further);
    further.hidden = visible.size === shown.length;
    further.textContent = `Show ${Math.min(STEP, shown.length - visible.size)} more of ${thousands(shown.length)}`;
    total.textContent = ` · ${thousands(shown.length)} shown`;
    none.hidden = shown.length > 0;
    if (!visible.has(current)) current = shown[0];
    point();
    count();
  }
  function count() {
    const done = cards.filter((one) => one.decision).length;
    progress.textContent = `${thousands(done)} of ${thousands(cards.length)} decided`;
    button.textContent = `Save ${thousands(done)} ${done === 1 ? "decision" : "decisions"} as CSV`;
    button.disabled = !done;
    if (!store.state.kept) notice.textContent = "This browser keeps nothing for this page: save the decisions before you close it.";
  }
  function point(scroll = false) {
    for (const one of cards) one.node.classList.toggle("current", one === current);
    if (scroll) current.node.scrollIntoView({ block: "start" });
  }
  function go(step) {
    const to = shown.indexOf(current) + step;
    if (to < 0 || to >= shown.length) return;
    if (to >= most) { most += STEP; draw(); }
    current = shown[to];
    point(true);
  }
  function open() { // the case that the address names
    const name = decodeURIComponent(location.hash.slice(1));
    const found = cards.find((one) => one.node.id === name);
    if (!found) return;
    for (const filter of [...Object.values(filters), state]) filter.value = "";
    order.value = "doubt";
    most = Math.max(most, found.order);
    draw();
    current = found;
    point(true);
  }
  const keys = {
    j: () => go(1), k: () => go(-1), s: () => take(current.suggested), l: () => take(current.label), n: () => take("wrong"), u: () => take("unsure"),
    z: () => decide(current, ""), "/": () => current.other.focus(),
  };
  function take(text) {
    decide(current, text);
    go(1);
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.tagName === "INPUT") event.target.blur();
    if (!current || typing(event) || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("hashchange", open);

  restore();
  for (const one of cards) dress(one);
  place.before(
    element("datalist", { id: "audit-classes" }, ...classes.map((name) => element("option", { value: name }))),
    element("div", { class: "tools" }, element("p", {}, progress, total), element("p", { class: "choices" }, ...Object.values(filters), state, order, button),
      element("p", { class: "note keyboard" }, "Keys: s suggestion, l label is right, n neither, u unsure, / another class, z undo, j next, k previous"),
      notice));
  draw();
  open();
})();
