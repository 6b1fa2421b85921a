"use strict";
/* global MapData, Pieces, Shown, View */
// Time: when the glitches were, a window of dates that filters them, and its run through the whole time.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Timeline = (() => {
  const { element, ink } = Pieces;
  const STEPS = 1000, BARS = 120;
  const WIDTH = 0.05; // of the whole time: the window that plays where none was chosen
  const TICK_MS = 150, STRIDE = 0.2; // a window moves by a fifth of itself
  const $ = (id) => document.getElementById(id);
  const column = MapData.time;
  const low = $("time-from"), high = $("time-to"), button = $("time-play");
  const [start, end] = column ? column.extremes : [0, 1];
  const bins = new Uint32Array(BARS);
  let timer = null;
  const bin = (gps) => Math.min(BARS - 1, Math.floor((BARS * (gps - start)) / (end - start)));
  const gps = (step) => start + ((end - start) * step) / STEPS;
  const step = (time) => Math.round((STEPS * (time - start)) / (end - start));

  function put(from, to) {
    View.set({ time: from <= start && to >= end ? null : [from, to] });
  }
  function moved(event) {
    stop();
    const [a, b] = [Number(low.value), Number(high.value)];
    if (a > b) event.target.value = event.target === low ? b : a;
    put(gps(Number(low.value)), gps(Number(high.value)));
  }
  function text() {
    const [from, to] = View.state.time ?? [start, end];
    low.value = step(from);
    high.value = step(to);
    for (const [input, time] of [[low, from], [high, to]]) input.setAttribute("aria-valuetext", MapData.date(time));
    $("time-text").textContent = `${MapData.date(from).slice(0, 10)} – ${MapData.date(to).slice(0, 10)}`;
    $("time-all").hidden = !View.state.time;
  }
  function bars() { // all that the other filters leave; inside the window in colour
    const canvas = $("time-bars"), shown = Shown.atAnyTime();
    bins.fill(0);
    for (let row = 0; row < MapData.n; row++) if (shown[row] && !Number.isNaN(column.values[row])) bins[bin(column.values[row])]++;
    canvas.width = BARS * 4;
    canvas.height = 44;
    const context = canvas.getContext("2d"), most = Math.max(...bins) || 1, [from, to] = View.state.time ?? [start, end];
    const [quiet, accent] = [ink("--line"), ink("--accent")];
    for (const [i, count] of bins.entries()) {
      if (!count) continue;
      const middle = start + ((i + 0.5) * (end - start)) / BARS, height = Math.max(2, (44 * count) / most);
      context.fillStyle = middle >= from && middle <= to ? accent : quiet;
      context.fillRect(i * 4, 44 - height, 3, height);
    }
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    button.textContent = "▶ play";
    button.setAttribute("aria-pressed", "false");
  }
  function tick() {
    const [from, to] = View.state.time ?? [start, end], by = STRIDE * (to - from);
    if (to >= end) { stop(); return; }
    put(from + by, Math.min(to + by, end));
  }
  function play() {
    if (timer !== null) { stop(); return; }
    const { time } = View.state, wide = (end - start) * WIDTH;
    if (!time) put(start, start + wide);
    else if (time[1] >= end) put(start, start + (time[1] - time[0]));
    timer = setInterval(tick, TICK_MS);
    button.textContent = "❚❚ stop";
    button.setAttribute("aria-pressed", "true");
  }
  function begin() {
    if (!column) return;
    $("time").hidden = false;
    for (const input of [low, high]) {
      input.max = STEPS;
      input.addEventListener("input", moved);
    }
    button.addEventListener("click", play);
    $("time-all").addEventListener("click", () => { stop(); View.set({ time: null }); });
    const without = MapData.n - column.known;
    if (without) $("time-text").after(element("span", { class: "aside" }, `${without.toLocaleString("en")} without a time shown only with all times`));
    View.on(["time"], text);
    View.on(["time", "filters"], bars);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", bars);
    text();
    bars();
    stop();
  }
  return { begin, stop };
})();
