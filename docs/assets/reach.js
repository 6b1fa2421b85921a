// What scrolls is reached by the keyboard: wide tables, which the theme puts into boxes, and code, from which it takes this where nothing hovers.
addEventListener("load", () => {
  const reach = (box) => { if (box.tabIndex < 0) box.tabIndex = 0; };
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) {
    reach(box);
    new MutationObserver(() => reach(box)).observe(box, { attributes: true, attributeFilter: ["tabindex"] });
  }
});
