"use strict";
/* global MapData, Pieces, View */
// The spectrograms: cut out of grey sheets and coloured by viridis, or in the review app (`served.js`) asked of its server.
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one use it
const Pictures = (() => {
  const { bytes, element, parsed, spectrogram } = Pieces;
  const p = MapData.pictures;
  const palette = new Uint8Array(bytes(MapData.viridis));
  const slots = p && new Int32Array(bytes(p.slots)); // (row, view); -1 no such view, -2 left out
  const durations = p ? p.durations : [];
  const LARGEST = 32; // sheets that are kept decoded
  const sheets = new Map(); // "view-sheet" -> promise of a canvas context; the least recently used is dropped
  function sheet(key) {
    const known = sheets.get(key);
    if (known) { sheets.delete(key); sheets.set(key, known); return known; }
    const promise = (async () => {
      await parsed;
      const image = new Image();
      image.src = document.getElementById(`sheet-${key}`).textContent;
      await image.decode();
      const canvas = element("canvas", { width: image.width, height: image.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      return context;
    })();
    sheets.set(key, promise);
    if (sheets.size > LARGEST) sheets.delete(sheets.keys().next().value);
    return promise;
  }
  async function paint(canvas, view, slot) {
    const place = slot % (p.across * p.down);
    const context = await sheet(`${view}-${Math.floor(slot / (p.across * p.down))}`);
    const picture = context.getImageData((place % p.across) * p.pitchX, Math.floor(place / p.across) * p.pitchY, p.width, p.height);
    for (let i = 0; !p.plain && i < picture.data.length; i += 4) { // grey level -> viridis
      const level = 3 * picture.data[i];
      picture.data[i] = palette[level];
      picture.data[i + 1] = palette[level + 1];
      picture.data[i + 2] = palette[level + 2];
    }
    canvas.width = p.width;
    canvas.height = p.height;
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.dataset.painted = "yes";
  }
  const numbers = MapData.served && new Int32Array(bytes(MapData.served.glitches));
  function asked(row, view, size, label) { // of the server, by the glitch's number
    const made = element("img", { src: `/pictures/${numbers[row]}/${durations[view]}/${size}.png`, alt: label, loading: "lazy", decoding: "async" });
    made.addEventListener("error", () => made.replaceWith(without("this picture cannot be read")), { once: true });
    return made;
  }
  function canvas(row, view, size = "large") {
    const seconds = durations[view], id = MapData.ids[row];
    if (numbers) return asked(row, view, size, `${p.plain ? "picture" : `${seconds} s spectrogram`} of ${id}`);
    const made = element("canvas", { role: "img", "aria-label": `${p.plain ? "picture" : `${seconds} s spectrogram`} of ${id}`, "data-id": id, "data-duration": seconds });
    if (p.plain) made.style.aspectRatio = `${p.width} / ${p.height}`;
    paint(made, view, slots[row * durations.length + view]).catch((error) => { made.replaceWith(without(`this picture cannot be read: ${error.message}`)); });
    return made;
  }
  const without = (text) => element("div", { class: "without" }, text);
  const has = (row, view) => slots[row * durations.length + view] >= 0;
  function views(row) { // all pictures of a glitch, with their axes
    const have = durations.map((_, view) => slots[row * durations.length + view]);
    const there = have.filter((slot) => slot !== -1);
    const made = element("div", { class: "views" });
    if (there.length < 2) made.classList.add("single");
    have.forEach((slot, view) => {
      if (slot === -1 && there.length) return; // views that were never made are listed below, not drawn
      if (slot < 0 && made.querySelector(".without")) return;
      if (slot < 0) made.append(element("div", { class: "view" }, without(slot === -1 ? (p.plain ? "no picture" : "no picture of this glitch") : "picture left out to keep this page small")));
      else if (p.plain) made.append(element("figure", { class: "view plain" }, canvas(row, view)));
      else made.append(spectrogram(canvas(row, view), durations[view]));
    });
    return made;
  }
  function absent(row) { // the durations of which the glitch has no view
    return durations.filter((_, view) => slots[row * durations.length + view] === -1);
  }
  function thumbnail(row, wanted) { // one small picture: the wanted view, or the longest that is there
    if (!p) return without("");
    for (const view of [wanted, ...durations.keys()].reverse().sort((a, b) => (b === wanted) - (a === wanted))) if (view !== undefined && has(row, view)) return canvas(row, view, "small");
    return without("no picture");
  }
  function card(row, note, choose, wanted) { // a small picture that pins its glitch
    return element("button", { type: "button", class: "thumb", "data-row": row, title: `${MapData.ids[row]}: ${MapData.shown(View.state.color, row)}`, onclick: (event) => choose(row, event.shiftKey) },
      thumbnail(row, wanted), element("span", {}, ...[note].flat()));
  }
  function energyBar() {
    if (!p || p.plain) return;
    const context = document.getElementById("energy-bar").getContext("2d");
    const picture = context.createImageData(256, 1);
    for (let i = 0; i < 256; i++) picture.data.set([palette[3 * i], palette[3 * i + 1], palette[3 * i + 2], 255], 4 * i);
    context.putImageData(picture, 0, 0);
    document.getElementById("energy").hidden = false;
  }
  return { absent, card, durations, energyBar, there: Boolean(p), views };
})();
