// Finer lanes for the part of the timeline in view, fetched as one zooms and pans.
import { choicesQuery } from "./address.js";
import { addStretch, latestOnly } from "./exposure.js";

/** @param {{run: object, store: import("./page.js").Store, defaultMethod: string}} options */
export function followZoom({ run, store, defaultMethod }) {
  const ask = latestOnly(async (signal) => {
    const state = store.get();
    const query = choicesQuery(state, defaultMethod);
    addStretch(query, state);
    query.set("only", "lanes");
    const response = await fetch(`${run.urls.view}?${query}`, { signal });
    if (response.ok) store.set({ lanes: (await response.json()).lanes });
  });
  store.on(["shown"], ({ shown: [from, to], lanes }) => {
    const isCovered = lanes && lanes.from <= from + 0.01 && lanes.to >= to - 0.01;
    const isFine = lanes && lanes.to - lanes.from < 3 * (to - from);
    if (!isCovered || !isFine) ask();
  });
}
