"use strict";
/* global Cards, MapData, Pieces, View */
// In the review app: the page around the map is told what is selected and pinned, and may ask for a glitch. Only that page is listened to.
(() => {
  const numbers = Array.from(new Int32Array(Pieces.bytes(MapData.served.glitches)));
  const { origin } = location;
  const tell = (message) => { if (parent !== window) parent.postMessage({ ...message, event: MapData.served.event }, origin); };
  const selected = () => tell({ selected: Array.from(View.state.selected ?? [], (row) => numbers[row]) });
  const pinned = () => tell({ pinned: View.state.pins.length ? { glitch: numbers[View.state.pins[0]], id: MapData.ids[View.state.pins[0]] } : null });
  View.on(["selected"], selected);
  View.on(["pins"], pinned);
  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== origin || typeof event.data?.show !== "number") return;
    const row = numbers.indexOf(event.data.show);
    if (row >= 0) Cards.pin(row);
    else tell({ absent: event.data.show });
  });
  selected();
  pinned();
})();
