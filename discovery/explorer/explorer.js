"use strict";
/* global Address, Cards, Filters, Legend, MapData, Pictures, Pieces, Plot, Sheet, Timeline, View */
// The explorer page: its controls, its keys, its start.
// Every text of the data reaches the page through textContent, never as markup.
(() => {
  const { copy, element, typing } = Pieces;
  const $ = (id) => document.getElementById(id);

  // --- controls ------------------------------------------------------------------------------------------------------------
  function controls() {
    const { color, dims, drag } = View.state;
    $("color").value = color.name;
    document.body.classList.toggle("flat", dims === 2);
    for (const button of $("dims").querySelectorAll("button")) button.setAttribute("aria-pressed", String(Number(button.dataset.dims) === dims));
    for (const button of $("drag").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.drag === drag));
  }
  $("color").append(...MapData.colourable.map((column) => element("option", {}, column.name)));
  $("color").addEventListener("change", (event) => View.set({ color: MapData.column(event.target.value) }));
  $("dims").addEventListener("click", (event) => { if (event.target.dataset.dims) View.set({ dims: Number(event.target.dataset.dims), pointed: -1 }); });
  $("drag").addEventListener("click", (event) => { if (event.target.dataset.drag) View.set({ drag: event.target.dataset.drag }); });
  $("dims").hidden = MapData.dims === 2;
  if (!Plot.webgl) for (const button of $("dims").querySelectorAll("button")) button.disabled = button.dataset.dims === "3";
  $("link").addEventListener("click", (event) => {
    const code = element("code", {}, Address.link());
    $("link").after(code);
    copy(code, event.target, ["link copied", "copy the address", "copy link"]);
    code.remove();
  });
  View.on(["color", "dims", "drag"], controls);

  // --- keys ----------------------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (typing(event) || $("sheet").open) return;
    if (event.key === "/") $("find").focus();
    else if (event.key === "Escape") Cards.pin(-1);
    else return;
    event.preventDefault();
  });
  $("plot").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const turns = { ArrowLeft: [-0.12, 0, 1], ArrowRight: [0.12, 0, 1], ArrowUp: [0, 0.1, 1], ArrowDown: [0, -0.1, 1] };
    if (event.shiftKey && turns[event.key]) Plot.turn(...turns[event.key]);
    else if (event.key === "ArrowRight" || event.key === "ArrowDown") Cards.step(1);
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") Cards.step(-1);
    else if (event.key === "+" || event.key === "=") Plot.turn(0, 0, 0.88);
    else if (event.key === "-") Plot.turn(0, 0, 1.14);
    else if (event.key === "0") Plot.home();
    else return;
    event.preventDefault();
  });

  // --- start ---------------------------------------------------------------------------------------------------------------
  if (!Plot.webgl) View.first.dims = 2;
  Address.begin();
  controls();
  Pictures.energyBar();
  Filters.start();
  Legend.draw();
  Legend.count();
  Timeline.begin();
  Sheet.status();
  Cards.draw();
  Plot.draw().then(() => { document.documentElement.dataset.ready = "yes"; });
})();
