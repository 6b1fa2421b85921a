"use strict";
// What a page from disk keeps: texts by name in the browser's storage; where that is refused, closing the page with unsaved ones asks first.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Kept = (key) => {
  const state = { kept: true, saved: true }; // whether the browser keeps them, and whether the last CSV has all of them
  function warn(event) {
    if (!state.saved) event.preventDefault();
  }
  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(key) ?? "{}");
      return Object.fromEntries(Object.entries(found).filter((entry) => typeof entry[1] === "string"));
    } catch {
      state.kept = false;
      return {};
    }
  }
  function write(texts) {
    state.saved = false;
    try { localStorage.setItem(key, JSON.stringify(texts)); } catch {
      state.kept = false;
      addEventListener("beforeunload", warn); // only now: pages with such a listener are left more slowly
    }
  }
  return { read, state, write };
};
