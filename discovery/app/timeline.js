/* global Pieces */
// When glitches were: one row of bars for each detector, time to the right.
const { element } = Pieces;
const BINS = 80;
const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
const LEAP_S = 18; // since 2017; days are right to within seconds before that

const day = (gps) => new Date(GPS_EPOCH_MS + 1000 * (gps - LEAP_S)).toISOString().slice(0, 10);

export function timeline(members) {
  const timed = members.filter((one) => one.gps !== null);
  if (timed.length < 2) return element("p", { class: "aside" }, "No times are known.");
  const first = timed.reduce((least, one) => Math.min(least, one.gps), Infinity);
  const last = timed.reduce((most, one) => Math.max(most, one.gps), -Infinity);
  const rows = [...new Set(timed.map((one) => one.ifo))].sort();
  const counts = new Map(rows.map((ifo) => [ifo, new Array(BINS).fill(0)]));
  for (const one of timed) counts.get(one.ifo)[Math.min(BINS - 1, Math.floor((BINS * (one.gps - first)) / (last - first || 1)))] += 1;
  const most = Math.max(...[...counts.values()].flat());
  const bars = rows.map((ifo) => element("div", { class: "bars" }, element("span", {}, ifo || "–"), element("div", { role: "img", "aria-label": `${ifo}: ${counts.get(ifo).reduce((a, b) => a + b, 0)} glitches` },
    ...counts.get(ifo).map((n) => element("i", { style: `height:${(100 * n) / most}%`, title: String(n) })))));
  return element("figure", { class: "timeline" }, ...bars, element("figcaption", {}, element("span", {}, day(first)), element("span", {}, most === 1 ? "a bar is 1 glitch" : `highest bar: ${most} glitches`), element("span", {}, day(last))));
}
